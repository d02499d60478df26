// See server_name.hpp.
#include "tls/codec/server_name.hpp"

#include <algorithm>

namespace sluice::tls {

namespace {

constexpr std::uint8_t kNameTypeHostName = 0;
constexpr std::size_t kMaxLabel = 63;

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_letter(char c) {
  return is_upper(c) || (c >= 'a' && c <= 'z');
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabel) return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_'; });
}

}  // namespace

bool is_host_name(std::string_view name) {
  if (name.size() > kMaxHostName) return false;
  while (true) {
    const std::size_t dot = name.find('.');
    if (!is_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool looks_like_address(std::string_view name) {
  if (name.find(':') != std::string_view::npos) return true;
  return std::count(name.begin(), name.end(), '.') == 3 &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_digit(c) || c == '.'; });
}

base::Result<std::optional<std::string_view>, TlsError> parse_server_name(base::Bytes body) {
  base::Reader reader(body);
  base::Reader list = reader.sub<base::U16>();
  const std::uint8_t type = list.u8();
  const base::Bytes name = list.vector<base::U16>();
  // RFC 6066 3: one name per type, and host_name is the only type there has ever been; its form is
  // that of no other, so a list with more in it cannot be read.
  if (type != kNameTypeHostName || !list.finished() || !reader.finished() || name.empty()) {
    return base::Unexpected{TlsError::kMalformedExtension};
  }
  std::string_view text = base::text_of(name);
  // RFC 6066 3 has no trailing dot; clients that were given a name with one send it nevertheless.
  if (text.ends_with('.')) text.remove_suffix(1);
  if (looks_like_address(text)) return std::optional<std::string_view>();
  if (!is_host_name(text)) return base::Unexpected{TlsError::kIllegalServerName};
  return std::optional<std::string_view>(text);
}

void write_server_name(base::Writer& writer, std::string_view name) {
  writer.sub<base::U16>([&] {
    writer.u8(kNameTypeHostName);
    writer.sub<base::U16>([&] { writer.bytes(base::bytes_of(name)); });
  });
}

LowerCaseName::LowerCaseName(std::string_view name) : size_(name.size()) {
  std::transform(name.begin(), name.end(), characters_.begin(),
                 [](char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; });
}

}  // namespace sluice::tls
