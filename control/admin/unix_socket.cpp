#include "control/admin/unix_socket.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

namespace sluice::control {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kSocketMode = 0660;     // the owner and the group
constexpr mode_t kDirectoryMode = 0755;  // the socket's own mode is what protects it
constexpr int kBacklog = 16;

std::string failure(const fs::path& path, int error) {
  return fmt::format("{}: {}", path.string(), std::generic_category().message(error));
}

std::optional<sockaddr_un> address_of(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.empty() || text.size() >= sizeof address.sun_path) return std::nullopt;
  std::ranges::copy(text, address.sun_path);
  return address;
}

// connect() or bind(), which take the address in the one form that sockets have.
template <typename Call>
int with_address(Call call, int socket, const sockaddr_un& address) {
  return call(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

FileDescriptor new_socket(int flags) {
  return FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
}

// Makes way for a new socket. The error is one line.
base::Result<void, std::string> remove_stale(const fs::path& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return base::Unexpected{failure(path, errno)};
  }
  if (!S_ISSOCK(status.st_mode)) {
    return base::Unexpected{fmt::format("{}: exists and is not a socket", path.string())};
  }
  const FileDescriptor probe = new_socket(SOCK_NONBLOCK);
  if (with_address(::connect, probe.value(), address) == 0 || errno == EAGAIN) {
    return base::Unexpected{fmt::format("{}: another process listens there", path.string())};
  }
  if (errno != ECONNREFUSED) return base::Unexpected{failure(path, errno)};
  if (::unlink(path.c_str()) != 0) return base::Unexpected{failure(path, errno)};
  return {};
}

}  // namespace

base::Result<FileDescriptor, std::string> connect_unix(const fs::path& path) {
  const auto address = address_of(path);
  if (!address) return base::Unexpected{failure(path, ENAMETOOLONG)};
  FileDescriptor socket = new_socket(0);
  if (!socket.is_open()) return base::Unexpected{failure(path, errno)};
  if (with_address(::connect, socket.value(), *address) == 0) return socket;
  if (errno == ENOENT || errno == ECONNREFUSED) {
    return base::Unexpected{fmt::format("{}: sluice is not running there", path.string())};
  }
  return base::Unexpected{failure(path, errno)};
}

base::Result<UnixListener, std::string> UnixListener::open(const fs::path& path) {
  const auto address = address_of(path);
  if (!address) return base::Unexpected{failure(path, ENAMETOOLONG)};
  UnixListener listener;
  if (const fs::path directory = path.parent_path(); !directory.empty()) {
    listener.made_directory_ = ::mkdir(directory.c_str(), kDirectoryMode) == 0;
  }
  if (listener.made_directory_) listener.path_ = path;
  TRY(remove_stale(path, *address));
  listener.socket_ = new_socket(SOCK_NONBLOCK);
  // The file gets the socket's mode less the umask: never, not even for a moment, too much.
  const int socket = listener.socket_.value();
  if (::fchmod(socket, kSocketMode) != 0 || with_address(::bind, socket, *address) != 0) {
    return base::Unexpected{failure(path, errno)};
  }
  listener.path_ = path;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return base::Unexpected{failure(path, errno)};
  listener.device_ = status.st_dev;
  listener.inode_ = status.st_ino;
  if (::chmod(path.c_str(), kSocketMode) != 0 || ::listen(socket, kBacklog) != 0) {
    return base::Unexpected{failure(path, errno)};
  }
  return listener;
}

UnixListener::UnixListener(UnixListener&& other) noexcept
    : socket_(std::move(other.socket_)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_),
      made_directory_(other.made_directory_) {}

UnixListener::~UnixListener() {
  if (path_.empty()) return;
  // Another daemon may have put its own socket there meanwhile.
  struct stat status {};
  if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
  if (made_directory_) ::rmdir(path_.parent_path().c_str());
}

}  // namespace sluice::control
