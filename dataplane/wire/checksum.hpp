// The Internet checksum (RFC 1071): the one's complement of a one's complement sum of 16-bit words,
// taken over any number of spans of any length. RFC 1624 for changing one word, RFC 791 and 9293
// for what goes into it.
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "base/bytes.hpp"

namespace sluice::wire {

enum class IpProtocol : std::uint8_t { kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpv6 = 58 };

// A sum in the making. Spans continue each other: an odd length makes the next span start in the
// lower half of a word.
class InternetSum {
 public:
  void add(base::Bytes bytes);
  void add_word(std::uint16_t word) { total_ += word; }

  // The 16-bit sum itself, as it stands in a header when a device is to go on with it.
  [[nodiscard]] std::uint16_t folded() const {
    std::uint64_t sum = (total_ & 0xffffffff) + (total_ >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
  }
  // What goes into the checksum field, where the field was zero while summing. Summing bytes that
  // hold a right checksum gives 0.
  [[nodiscard]] std::uint16_t checksum() const { return static_cast<std::uint16_t>(~folded()); }

 private:
  // Sums of 16-bit values: cannot overflow before 2^48 of them.
  std::uint64_t total_ = 0;
  bool odd_ = false;
};

// What the addresses of a packet add to its transport's checksum.
[[nodiscard]] inline InternetSum address_sum(base::Ipv4Address source,
                                             base::Ipv4Address destination) {
  InternetSum sum;
  for (const std::uint32_t address : {source.value, destination.value}) {
    sum.add_word(static_cast<std::uint16_t>(address >> 16));
    sum.add_word(static_cast<std::uint16_t>(address));
  }
  return sum;
}
[[nodiscard]] inline InternetSum address_sum(const base::Ipv6Address& source,
                                             const base::Ipv6Address& destination) {
  InternetSum sum;
  sum.add(source.octets);
  sum.add(destination.octets);
  return sum;
}

// Of one span.
[[nodiscard]] std::uint16_t internet_checksum(base::Bytes bytes);

// The sum that TCP begins with (RFC 9293 3.1), and ICMPv6 (RFC 4443 2.3). `length` is that of the
// transport's header and payload. The IPv6 form (RFC 8200 8.1) follows from the addresses' family.
[[nodiscard]] InternetSum pseudo_header_sum(base::Ipv4Address source, base::Ipv4Address destination,
                                            IpProtocol protocol, std::size_t length);
[[nodiscard]] InternetSum pseudo_header_sum(const base::IpAddress& source,
                                            const base::IpAddress& destination, IpProtocol protocol,
                                            std::size_t length);

// RFC 1624, equation 3: the checksum after one word of what it covers has changed.
[[nodiscard]] std::uint16_t updated_checksum(std::uint16_t checksum, std::uint16_t old_word,
                                             std::uint16_t new_word);

}  // namespace sluice::wire
