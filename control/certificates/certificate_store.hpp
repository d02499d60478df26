// The certificates of a directory: NAME.pem holds chain and key, NAME.crt the chain of NAME.key.
// Other files are not looked at. What cannot be used is an error of one line with its path; what
// can, but should not, is a warning.
#pragma once

#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tls/crypto/certified_key.hpp"

namespace sluice::control {

struct NamedCertificate {
  std::string name;  // the file's, without its extension
  std::shared_ptr<const tls::CertifiedKey> key;
};

struct CertificateStore {
  // In the order of preference where several would do: ECDSA before RSA, then by name.
  std::vector<NamedCertificate> certificates;
  std::vector<std::string> errors;
  std::vector<std::string> warnings;

  [[nodiscard]] const NamedCertificate* find(std::string_view name) const;
};

inline constexpr std::size_t kMaxCertificateFiles = 4096;

// `now` is what periods of validity are compared with.
[[nodiscard]] CertificateStore load_certificates(const std::filesystem::path& directory,
                                                 std::time_t now);

}  // namespace sluice::control
