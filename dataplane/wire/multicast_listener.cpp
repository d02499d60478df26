#include "dataplane/wire/multicast_listener.hpp"

#include "base/cursor.hpp"
#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace sluice::wire {
namespace {

constexpr std::size_t kAlertSize = 8;  // a Hop-by-Hop Options header with a router alert
constexpr std::size_t kFrontSize = 8;  // of a report
constexpr std::size_t kRecordSize = 20;
constexpr std::size_t kQuerySize = 28;  // without sources
constexpr std::uint8_t kReportType = 143;

static_assert(Ipv6Header::kSize + kAlertSize + kFrontSize + kMostListenerRecords * kRecordSize <=
              kIpv6MinMtu);

// RFC 3810 5.1.3: above 32767 it is a floating-point number.
base::Duration response_delay(std::uint16_t code) {
  if (code < 0x8000) return base::Duration::milliseconds(code);
  const unsigned exponent = (code >> 12) & 7U;
  const std::int64_t mantissa = (code & 0xfff) | 0x1000;
  return base::Duration::milliseconds(mantissa << (exponent + 3));
}

// RFC 2711 2.1: "datagram contains a Multicast Listener Discovery message".
void write_router_alert(base::Writer& writer) {
  writer.u8(static_cast<std::uint8_t>(IpProtocol::kIcmpv6));
  writer.u8(0);  // eight bytes
  writer.u8(5);  // Router Alert
  writer.u8(2);
  writer.u16(0);
  writer.u16(0x0100);  // PadN of no bytes
}

}  // namespace

base::Result<ListenerQuery, WireError> parse_listener_query(base::Bytes message) {
  if (message.size() < kQuerySize) return base::Unexpected{WireError::kUnsupported};
  base::Reader reader(message);
  reader.skip(4);  // type, code, checksum
  ListenerQuery query{.group = {}, .response_delay = response_delay(reader.u16())};
  reader.skip(2);  // reserved
  base::copy(query.group.octets, reader.bytes(query.group.octets.size()));
  return query;
}

std::size_t listener_report_size(const ListenerReport& report) {
  return Ipv6Header::kSize + kAlertSize + kFrontSize + report.groups.size() * kRecordSize;
}

void serialize_listener_report(const ListenerReport& report, base::MutableBytes to) {
  constexpr IpProtocol kHopByHopOptions{0};
  const Ipv6Header ip{.source = report.source,
                      .destination = kAllListenerRouters,
                      .next_header = kHopByHopOptions,
                      .hop_limit = kListenerHopLimit};
  serialize_ipv6(ip, to.size(), to.first(Ipv6Header::kSize));
  base::Writer writer(to.subspan(Ipv6Header::kSize));
  write_router_alert(writer);
  writer.u8(kReportType);
  writer.u8(0);
  writer.u16(0);  // checksum
  writer.u16(0);  // reserved
  writer.u16(static_cast<std::uint16_t>(report.groups.size()));
  for (const base::Ipv6Address& group : report.groups) {
    writer.u8(static_cast<std::uint8_t>(report.type));
    writer.u8(0);   // no auxiliary data
    writer.u16(0);  // no sources
    writer.bytes(group.octets);
  }
  const base::MutableBytes message = to.subspan(Ipv6Header::kSize + kAlertSize);
  base::store_be(message.data() + kIcmpv6ChecksumOffset, icmpv6_checksum(ip, message));
}

}  // namespace sluice::wire
