// A file that may hold a private key, read into memory that is wiped when it is no longer needed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sluice::control {

class SecretFile {
 public:
  static constexpr std::size_t kMaxSize = std::size_t{1} << 20;  // bytes

  // The error says why, without the path: "No such file or directory".
  static base::Result<SecretFile, std::string> read(const std::filesystem::path& path);

  SecretFile(SecretFile&&) = default;
  SecretFile& operator=(SecretFile&&) = delete;
  ~SecretFile();

  [[nodiscard]] std::string_view text() const { return {bytes_.get(), size_}; }
  // Users other than the owner and the group may read it.
  [[nodiscard]] bool readable_by_everyone() const { return readable_by_everyone_; }

 private:
  SecretFile() = default;
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  bool readable_by_everyone_ = false;
};

}  // namespace sluice::control
