#include "dataplane/wire/multicast_listener.hpp"

#include "base/cursor.hpp"
#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace sluice::wire {
namespace {

constexpr IpProtocol kHopByHopOptions{0};
constexpr std::size_t kAlertSize = 8;  // a Hop-by-Hop Options header with a router alert
constexpr std::size_t kFrontSize = 8;  // of a report
constexpr std::size_t kRecordSize = 20;
constexpr std::size_t kQuerySize = 28;  // without sources
constexpr std::size_t kQueryV1Size = 24;
constexpr std::uint8_t kReportType = 143;
constexpr std::uint8_t kReportV1Type = 131;

static_assert(Ipv6Header::kSize + kAlertSize + kFrontSize + kMostListenerRecords * kRecordSize <=
              kIpv6MinMtu);
static_assert(Ipv6Header::kSize + kAlertSize + kQueryV1Size == kListenerReportV1Size);

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

void finish_checksum(const Ipv6Header& ip, base::MutableBytes packet) {
  const base::MutableBytes message = packet.subspan(Ipv6Header::kSize + kAlertSize);
  base::store_be(message.data() + kIcmpv6ChecksumOffset, icmpv6_checksum(ip, message));
}

}  // namespace

base::Result<ListenerQuery, WireError> parse_listener_query(base::Bytes message) {
  const bool old = message.size() == kQueryV1Size;
  if (!old && message.size() < kQuerySize) return base::Unexpected{WireError::kUnsupported};
  base::Reader reader(message);
  reader.skip(4);  // type, code, checksum
  const std::uint16_t code = reader.u16();
  ListenerQuery query{
      .version = old ? ListenerVersion::k1 : ListenerVersion::k2,
      .group = {},
      .response_delay = old ? base::Duration::milliseconds(code) : response_delay(code)};
  reader.skip(2);  // reserved
  base::copy(query.group.octets, reader.bytes(query.group.octets.size()));
  return query;
}

std::size_t listener_report_size(const ListenerReport& report) {
  return Ipv6Header::kSize + kAlertSize + kFrontSize + report.groups.size() * kRecordSize;
}

void serialize_listener_report(const ListenerReport& report, base::MutableBytes to) {
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
  finish_checksum(ip, to);
}

void serialize_listener_report(const ListenerReportV1& report, base::MutableBytes to) {
  const Ipv6Header ip{.source = report.source,
                      .destination = report.group,
                      .next_header = kHopByHopOptions,
                      .hop_limit = kListenerHopLimit};
  serialize_ipv6(ip, to.size(), to.first(Ipv6Header::kSize));
  base::Writer writer(to.subspan(Ipv6Header::kSize));
  write_router_alert(writer);
  writer.u8(kReportV1Type);
  writer.u8(0);
  writer.u16(0);  // checksum
  writer.u16(0);  // no delay
  writer.u16(0);  // reserved
  writer.bytes(report.group.octets);
  finish_checksum(ip, to);
}

}  // namespace sluice::wire
