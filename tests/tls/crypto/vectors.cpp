#include "tests/tls/crypto/vectors.hpp"

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace sluice::test {
namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  throw std::invalid_argument("not a hexadecimal digit");
}

}  // namespace

ByteVector from_hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) digits.push_back(c);
  }
  if (digits.size() % 2 != 0) throw std::invalid_argument("half a byte");
  ByteVector bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(digit_of(digits[i]) * 16 + digit_of(digits[i + 1])));
  }
  return bytes;
}

std::string to_hex(base::Bytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte b : bytes) {
    text.push_back(kDigits[std::to_integer<std::size_t>(b) >> 4]);
    text.push_back(kDigits[std::to_integer<std::size_t>(b) & 15]);
  }
  return text;
}

std::optional<nlohmann::json> load_vectors(std::string_view file) {
  const char* folder = std::getenv("SLUICE_VECTORS");
  std::ifstream in(std::string(folder != nullptr ? folder : SLUICE_DEFAULT_VECTORS) + "/" +
                   std::string(file));
  if (!in) return std::nullopt;
  return nlohmann::json::parse(in);
}

}  // namespace sluice::test
