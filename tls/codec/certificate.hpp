// Certificate (RFC 8446 section 4.4.2).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

// The chain of a Certificate message that has been checked for its form, as a view.
class CertificateChain {
 public:
  static base::Result<CertificateChain, TlsError> parse(base::Bytes body);

  [[nodiscard]] base::Bytes request_context() const { return request_context_; }
  // The next certificate in DER, leaf first; none at the end. Copy the chain to walk it again.
  [[nodiscard]] std::optional<base::Bytes> next();

 private:
  CertificateChain(base::Bytes request_context, base::Bytes entries)
      : request_context_(request_context), rest_(entries) {}
  base::Bytes request_context_;
  base::Reader rest_;
};

// The whole message, header included: an empty request context, no extensions on the entries.
void write_certificate(base::Writer& writer, std::span<const std::vector<std::byte>> chain);
// How many bytes that is.
[[nodiscard]] std::size_t certificate_message_size(std::span<const std::vector<std::byte>> chain);
// The longest that we send. A chain that needs more is refused when it is loaded.
inline constexpr std::size_t kMaxCertificateMessage = std::size_t{64} * 1024;

}  // namespace sluice::tls
