// The IPv4 header (RFC 791): read with its options skipped, written without any.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/error.hpp"

namespace sluice::wire {

struct Ipv4Header {
  static constexpr std::size_t kMinSize = 20;
  static constexpr std::uint8_t kDefaultTtl = 64;

  base::Ipv4Address source;
  base::Ipv4Address destination;
  IpProtocol protocol{};
  std::uint8_t ttl = kDefaultTtl;
  std::uint8_t traffic_class = 0;  // DSCP and ECN
  std::uint16_t identification = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  std::uint16_t fragment_offset = 0;  // bytes, a multiple of 8
  bool operator==(const Ipv4Header&) const = default;

  [[nodiscard]] bool is_fragment() const { return more_fragments || fragment_offset != 0; }
};

struct ParsedIpv4Header {
  Ipv4Header header;
  std::size_t size = 0;        // bytes in front of the payload, options included
  std::size_t total_size = 0;  // header and payload; what follows is the link's padding
};

enum class HeaderChecksum : std::uint8_t {
  kVerify,
  kTrust,  // the device has verified it, or the header is a quotation that routers have edited
};

// `packet` begins at the header and holds the whole packet.
[[nodiscard]] base::Result<ParsedIpv4Header, WireError> parse_ipv4(base::Bytes packet,
                                                                   HeaderChecksum checksum);

// As above for a packet quoted in an ICMP error: only its beginning is there.
[[nodiscard]] base::Result<ParsedIpv4Header, WireError> parse_quoted_ipv4(base::Bytes quotation);

// What stands between a header's kMinSize bytes and its end (RFC 791 3.1). Options are not acted
// upon, but a host has to know what would have a packet travel as its sender says (RFC 7126 4.3).
enum class Ipv4Options : std::uint8_t { kHarmless, kMalformed, kSourceRoute };
[[nodiscard]] Ipv4Options check_ipv4_options(base::Bytes options);

// Writes kMinSize bytes with a right checksum. Preconditions: to.size() == kMinSize, total_size is
// at most 65535.
void serialize_ipv4(const Ipv4Header& header, std::size_t total_size, base::MutableBytes to);

// The header of a packet that is whole and stays so. RFC 6864 4.1: the identification of a packet
// that is never fragmented means nothing and may be any value; zero tells an observer nothing about
// what else we send.
struct AtomicIpv4Header {
  base::Ipv4Address source;
  base::Ipv4Address destination;
  IpProtocol protocol{};
  std::uint8_t ttl = Ipv4Header::kDefaultTtl;
  std::uint8_t traffic_class = 0;
};

// As serialize_ipv4(). `addresses` is address_sum() of the header's.
void serialize_ipv4(const AtomicIpv4Header& header, const InternetSum& addresses,
                    std::size_t total_size, base::MutableBytes to);

// Where the checksum lies in the header.
inline constexpr std::size_t kIpv4ChecksumOffset = 10;

}  // namespace sluice::wire
