// Multicast Listener Discovery, version 2 (RFC 3810) and version 1 (RFC 2710): the queries that
// routers send and the reports of what a node listens to, as whole IPv6 packets, since they begin
// with a router alert (RFC 2711).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "dataplane/wire/error.hpp"
#include "dataplane/wire/ipv6_address.hpp"

namespace sluice::wire {

inline constexpr std::uint8_t kListenerHopLimit = 1;
// RFC 3810 5.2.14: ff02::16.
inline constexpr base::Ipv6Address kAllListenerRouters = link_group(0x16);

enum class ListenerVersion : std::uint8_t { k1 = 1, k2 = 2 };

struct ListenerQuery {
  ListenerVersion version = ListenerVersion::k2;
  base::Ipv6Address group;  // unspecified: every one
  base::Duration response_delay;
};

// `message` is a whole ICMPv6 message of that type with a right checksum. kUnsupported: its size is
// that of neither version (RFC 3810 8.1).
[[nodiscard]] base::Result<ListenerQuery, WireError> parse_listener_query(base::Bytes message);

// RFC 3810 5.2.12. Every source is wanted: what is excluded is nothing.
enum class ListenerRecordType : std::uint8_t { kIsExclude = 2, kToExclude = 4 };

struct ListenerReport {
  base::Ipv6Address source;
  ListenerRecordType type = ListenerRecordType::kIsExclude;
  std::span<const base::Ipv6Address> groups;  // a view; at most kMostListenerRecords
};

// What fits into a packet that every link takes.
inline constexpr std::size_t kMostListenerRecords = 60;

// Of the whole packet, its IPv6 header included.
[[nodiscard]] std::size_t listener_report_size(const ListenerReport& report);
// Precondition: to.size() == listener_report_size(report).
void serialize_listener_report(const ListenerReport& report, base::MutableBytes to);

// RFC 2710 3: one group, to which the report itself goes.
struct ListenerReportV1 {
  base::Ipv6Address source;
  base::Ipv6Address group;
};
inline constexpr std::size_t kListenerReportV1Size = 40 + 8 + 24;  // of the whole packet
// Precondition: to.size() == kListenerReportV1Size.
void serialize_listener_report(const ListenerReportV1& report, base::MutableBytes to);

}  // namespace sluice::wire
