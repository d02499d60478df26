// The daemon's Unix socket: who may connect, what happens to one that a crash left behind, and
// which file is removed at the end.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "control/file_descriptor.hpp"

namespace sluice::control {

// The error is one line with the path.
[[nodiscard]] base::Result<FileDescriptor, std::string> connect_unix(
    const std::filesystem::path& path);

// A listening socket with mode 0660 at a path. The directory is created, if only its last part is
// missing; what was made is removed when the object dies.
class UnixListener {
 public:
  // A socket at this path that nobody listens on is removed; anything else there is an error.
  static base::Result<UnixListener, std::string> open(const std::filesystem::path& path);

  UnixListener(UnixListener&& other) noexcept;
  UnixListener& operator=(UnixListener&&) = delete;
  ~UnixListener();

  // The listening, non-blocking socket, for a server to own.
  [[nodiscard]] FileDescriptor take_socket() { return std::move(socket_); }

 private:
  UnixListener() = default;
  FileDescriptor socket_;
  std::filesystem::path path_;  // empty when there is nothing to remove
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool made_directory_ = false;
};

}  // namespace sluice::control
