#include "control/certificates/secret_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <system_error>

#include "base/secret.hpp"
#include "control/file_descriptor.hpp"

namespace sluice::control {
namespace {

std::string why() {
  return std::generic_category().message(errno);
}

}  // namespace

base::Result<SecretFile, std::string> SecretFile::read(const std::filesystem::path& path) {
  // Not blocking: a pipe of that name must not hold up the start.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.value(), &status) != 0) return base::Unexpected{why()};
  if (!S_ISREG(status.st_mode)) return base::Unexpected{std::string("not a regular file")};
  const auto expected = static_cast<std::size_t>(status.st_size);
  if (expected > kMaxSize) {
    return base::Unexpected{fmt::format("{} bytes; expected at most {}", expected, kMaxSize)};
  }
  SecretFile secret;
  secret.readable_by_everyone_ = (status.st_mode & S_IROTH) != 0;
  secret.bytes_ = std::make_unique<char[]>(expected);
  while (secret.size_ < expected) {
    const ssize_t got =
        ::read(file.value(), secret.bytes_.get() + secret.size_, expected - secret.size_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::Unexpected{why()};
    if (got == 0) break;
    secret.size_ += static_cast<std::size_t>(got);
  }
  return secret;
}

SecretFile::~SecretFile() {
  if (bytes_ == nullptr) return;
  base::secure_wipe(std::as_writable_bytes(std::span(bytes_.get(), size_)));
}

}  // namespace sluice::control
