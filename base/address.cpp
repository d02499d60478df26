#include "base/address.hpp"

#include <arpa/inet.h>

#include <charconv>


namespace sluice::base {
namespace {

// inet_pton() reads up to a terminator: a text with one inside is no address.
std::optional<std::string> terminated(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  return std::string(text);
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

}  // namespace

std::string MacAddress::to_string() const {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const std::byte octet : octets) {
    if (!text.empty()) text += ':';
    text += kHex[std::to_integer<unsigned>(octet) >> 4];
    text += kHex[std::to_integer<unsigned>(octet) & 15];
  }
  return text;
}

std::optional<Ipv4Address> Ipv4Address::parse(std::string_view text) {
  const auto terminated_text = terminated(text);
  in_addr parsed{};
  if (!terminated_text || ::inet_pton(AF_INET, terminated_text->c_str(), &parsed) != 1) {
    return std::nullopt;
  }
  return Ipv4Address{ntohl(parsed.s_addr)};
}

std::string Ipv4Address::to_string() const {
  const in_addr address{htonl(value)};
  char text[INET_ADDRSTRLEN];
  return ::inet_ntop(AF_INET, &address, text, sizeof text);
}

std::optional<Ipv6Address> Ipv6Address::parse(std::string_view text) {
  const auto terminated_text = terminated(text);
  Ipv6Address parsed;
  if (!terminated_text ||
      ::inet_pton(AF_INET6, terminated_text->c_str(), parsed.octets.data()) != 1) {
    return std::nullopt;
  }
  return parsed;
}

std::string Ipv6Address::to_string() const {
  char text[INET6_ADDRSTRLEN];
  return ::inet_ntop(AF_INET6, octets.data(), text, sizeof text);
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (const auto v4 = Ipv4Address::parse(text)) return IpAddress(*v4);
  const auto v6 = Ipv6Address::parse(text);
  if (!v6) return std::nullopt;
  const IpAddress address(*v6);
  if (address.is_ipv4()) return std::nullopt;  // an IPv4 address in a form that is not for writing
  return address;
}

std::string IpAddress::to_string() const {
  return is_ipv4() ? ipv4().to_string() : ipv6().to_string();
}

std::optional<AddressPrefix> AddressPrefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  const auto length = parse_number<std::uint8_t>(text.substr(slash + 1));
  if (!address || !length || *length > (address->is_ipv4() ? 32 : 128)) return std::nullopt;
  return AddressPrefix{*address, *length};
}

bool AddressPrefix::contains(const IpAddress& other) const {
  if (other.family() != address.family()) return false;
  const unsigned skip = address.is_ipv4() ? 96 : 0;
  const auto ours = address.ipv6().octets;
  const auto theirs = other.ipv6().octets;
  for (unsigned bit = skip; bit < skip + length; ++bit) {
    const std::byte mask = std::byte{0x80} >> (bit % 8);
    if (((ours[bit / 8] ^ theirs[bit / 8]) & mask) != std::byte{0}) return false;
  }
  return true;
}

std::string AddressPrefix::to_string() const {
  return address.to_string() + '/' + std::to_string(length);
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!address || !port || address->is_ipv4() == bracketed) return std::nullopt;
  return SocketAddress{*address, *port};
}

std::string SocketAddress::to_string() const {
  const std::string host = address.to_string();
  return (address.is_ipv4() ? host : '[' + host + ']') + ':' + std::to_string(port);
}

}  // namespace sluice::base
