#include "tests/support/frames.hpp"

#include <charconv>

#include "dataplane/wire/checksum.hpp"

namespace sluice::test {

ByteVector hex(std::string_view text) {
  ByteVector bytes;
  for (std::size_t i = 0; i + 1 < text.size();) {
    if (text[i] == ' ') {
      ++i;
      continue;
    }
    unsigned value = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
    bytes.push_back(static_cast<std::byte>(value));
    i += 2;
  }
  return bytes;
}

ByteVector concatenated(base::Bytes front, base::Bytes back) {
  ByteVector all(front.begin(), front.end());
  all.insert(all.end(), back.begin(), back.end());
  return all;
}

ByteVector ethernet_frame(const wire::EthernetHeader& header, base::Bytes payload) {
  ByteVector front(header.size());
  wire::serialize_ethernet(header, front);
  return concatenated(front, payload);
}

ByteVector arp_payload(const wire::ArpPacket& packet) {
  ByteVector bytes(wire::ArpPacket::kSize);
  wire::serialize_arp(packet, bytes);
  return bytes;
}

ByteVector ipv4_packet(const wire::Ipv4Header& header, base::Bytes payload) {
  ByteVector front(wire::Ipv4Header::kMinSize);
  wire::serialize_ipv4(header, front.size() + payload.size(), front);
  return concatenated(front, payload);
}

ByteVector ipv6_packet(const wire::Ipv6Header& header, base::Bytes payload) {
  ByteVector front(wire::Ipv6Header::kSize);
  wire::serialize_ipv6(header, front.size() + payload.size(), front);
  return concatenated(front, payload);
}

ByteVector icmp_message(const wire::IcmpMessage& message) {
  ByteVector bytes(wire::icmp_size(message));
  wire::serialize_icmp(message, bytes);
  return bytes;
}

ByteVector icmpv6_message(const wire::Ipv6Header& ip, const wire::Icmpv6Message& message) {
  ByteVector bytes(wire::icmpv6_size(message));
  wire::serialize_icmpv6(message, ip, bytes);
  return bytes;
}

ByteVector discovery_message(const wire::Ipv6Header& ip, const wire::DiscoveryMessage& message) {
  ByteVector bytes(wire::discovery_size(message));
  wire::serialize_discovery(message, ip, bytes);
  return bytes;
}

ByteVector tcp_segment(const base::IpAddress& source, const base::IpAddress& destination,
                       const wire::TcpHeader& header, base::Bytes payload) {
  ByteVector front(wire::tcp_header_size(header));
  wire::serialize_tcp(header, front);
  ByteVector segment = concatenated(front, payload);
  wire::InternetSum sum =
      wire::pseudo_header_sum(source, destination, wire::IpProtocol::kTcp, segment.size());
  sum.add(segment);
  base::store_be(segment.data() + wire::kTcpChecksumOffset, sum.checksum());
  return segment;
}

}  // namespace sluice::test
