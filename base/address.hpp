// Addresses as values: link layer, IPv4, IPv6, and an address with a port. Parsing and printing are
// the text forms of RFC 4291 and RFC 5952 and the usual dotted quad.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace sluice::base {

struct MacAddress {
  std::array<std::byte, 6> octets{};
  auto operator<=>(const MacAddress&) const = default;

  static constexpr MacAddress broadcast() {
    constexpr auto k = std::byte{0xff};
    return {{k, k, k, k, k, k}};
  }
  [[nodiscard]] bool is_multicast() const { return (octets[0] & std::byte{1}) != std::byte{0}; }
  [[nodiscard]] std::string to_string() const;
};

struct Ipv4Address {
  std::uint32_t value = 0;  // host byte order
  auto operator<=>(const Ipv4Address&) const = default;

  static constexpr Ipv4Address of(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return {(std::uint32_t{a} << 24) | (std::uint32_t{b} << 16) | (std::uint32_t{c} << 8) | d};
  }
  static std::optional<Ipv4Address> parse(std::string_view text);
  [[nodiscard]] bool is_unspecified() const { return value == 0; }
  [[nodiscard]] bool is_loopback() const { return (value >> 24) == 127; }
  [[nodiscard]] bool is_multicast() const { return (value >> 28) == 0xe; }
  [[nodiscard]] bool is_broadcast() const { return value == 0xffffffff; }
  [[nodiscard]] std::string to_string() const;
};

struct Ipv6Address {
  std::array<std::byte, 16> octets{};
  auto operator<=>(const Ipv6Address&) const = default;

  static std::optional<Ipv6Address> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
};

enum class AddressFamily : std::uint8_t { kIpv4, kIpv6 };

// Either family in 16 bytes: an IPv4 address is its mapped form (RFC 4291 2.5.5.2), ::ffff:0:0/96,
// which has no place on a wire, and none as an IPv6 address here.
class IpAddress {
 public:
  constexpr IpAddress() = default;  // 0.0.0.0
  constexpr IpAddress(Ipv4Address v4) { store_be(octets_.data() + kIpv4Offset, v4.value); }
  IpAddress(const Ipv6Address& v6) : octets_(v6.octets) {}
  static std::optional<IpAddress> parse(std::string_view text);

  bool operator==(const IpAddress& other) const {
    return std::memcmp(octets_.data(), other.octets_.data(), octets_.size()) == 0;
  }
  auto operator<=>(const IpAddress&) const = default;
  [[nodiscard]] AddressFamily family() const {
    return is_ipv4() ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  }
  [[nodiscard]] bool is_ipv4() const {
    return std::memcmp(octets_.data(), mapped_prefix().data(), 12) == 0;
  }
  // Precondition: is_ipv4().
  [[nodiscard]] Ipv4Address ipv4() const {
    return {load_be<std::uint32_t>(octets_.data() + kIpv4Offset)};
  }
  [[nodiscard]] Ipv6Address ipv6() const { return {octets_}; }
  [[nodiscard]] const std::array<std::byte, 16>& octets() const { return octets_; }
  [[nodiscard]] std::string to_string() const;

 private:
  static constexpr std::size_t kIpv4Offset = 12;

  static constexpr std::array<std::byte, 16> mapped_prefix() {
    std::array<std::byte, 16> octets{};
    octets[10] = octets[11] = std::byte{0xff};
    return octets;
  }

  std::array<std::byte, 16> octets_ = mapped_prefix();
};

// "198.18.0.2/24": an interface's address and how much of it is the network.
struct AddressPrefix {
  IpAddress address;
  std::uint8_t length = 0;  // bits
  auto operator<=>(const AddressPrefix&) const = default;
  static std::optional<AddressPrefix> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& other) const;
  [[nodiscard]] std::string to_string() const;
};

struct SocketAddress {
  IpAddress address;
  std::uint16_t port = 0;  // host byte order
  auto operator<=>(const SocketAddress&) const = default;
  // "198.18.0.2:443" or "[2001:db8::2]:443".
  static std::optional<SocketAddress> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
};

// A flow as its owner is computed from it: local and remote as seen by this host.
struct FourTuple {
  SocketAddress local;
  SocketAddress remote;
  bool operator==(const FourTuple&) const = default;
  auto operator<=>(const FourTuple&) const = default;
};

}  // namespace sluice::base
