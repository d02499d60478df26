// The names that a route matches against a ClientHello's server_name (RFC 6066 3): a host name, or
// "*." and a host name, which stands for exactly one left-most label (RFC 6125 6.4.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::control {

// In lower case; nothing when the text is no such name.
[[nodiscard]] std::optional<std::string> parse_server_name(std::string_view text);

}  // namespace sluice::control
