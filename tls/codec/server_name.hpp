// The server_name extension (RFC 6066 section 3) and what counts as a host name in it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

// RFC 1035 2.3.4, without the trailing dot.
inline constexpr std::size_t kMaxHostName = 253;

// True for dot-separated labels of 1 to 63 letters, digits, hyphens and underscores, at most 253
// characters together. RFC 1123 2.1 has no underscores, and no hyphens at a label's ends; the DNS
// has, and clients send them.
[[nodiscard]] bool is_host_name(std::string_view name);
// RFC 6066 3: an address is not a host name. Four decimal fields, or any colon.
[[nodiscard]] bool looks_like_address(std::string_view name);

// The host name, as sent but for a trailing dot; none for an address, which some clients send
// though they must not, and which then counts as no name at all. Error: kIllegalServerName for
// anything else that is no name.
[[nodiscard]] base::Result<std::optional<std::string_view>, TlsError> parse_server_name(
    base::Bytes body);
void write_server_name(base::Writer& writer, std::string_view name);

// A host name in lower case (RFC 6066 3: names are compared without regard to case). Holds its own
// storage.
class LowerCaseName {
 public:
  // Precondition: is_host_name(name).
  explicit LowerCaseName(std::string_view name);
  [[nodiscard]] std::string_view view() const { return {characters_.data(), size_}; }

 private:
  std::array<char, kMaxHostName> characters_;
  std::size_t size_;
};

}  // namespace sluice::tls
