#include "tests/tls/support/bytes.hpp"

#include <charconv>

namespace sluice::test {

void append(ByteVector& to, base::Bytes from) {
  to.insert(to.end(), from.begin(), from.end());
}

ByteVector bytes(std::string_view text) {
  const base::Bytes view = base::bytes_of(text);
  return {view.begin(), view.end()};
}

ByteVector unhex(std::string_view text) {
  ByteVector out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
    out.push_back(static_cast<std::byte>(value));
  }
  return out;
}

std::string hex(base::Bytes from) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte b : from) {
    text += kDigits[std::to_integer<std::size_t>(b >> 4)];
    text += kDigits[std::to_integer<std::size_t>(b & std::byte{0xf})];
  }
  return text;
}

}  // namespace sluice::test
