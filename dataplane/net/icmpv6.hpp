// ICMPv6 as a host has to speak it (RFC 4443), Neighbour Discovery apart: echo requests are
// answered, so many per second; errors are told to TCP when they quote a segment of ours. Those
// that we send are made elsewhere (icmp_errors.hpp).
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ipv6.hpp"
#include "dataplane/net/ipv6_output.hpp"
#include "dataplane/net/reply_limit.hpp"
#include "dataplane/net/tcp/engine.hpp"
#include "dataplane/wire/icmpv6.hpp"

namespace sluice::net {

class Icmpv6 {
 public:
  // All outlive the object.
  Icmpv6(Ipv6Output& output, tcp::Engine& tcp, base::PacketPool& pool,
         base::Counters<NetCounter>& counters)
      : output_(output), tcp_(tcp), pool_(pool), counters_(counters) {}

  // `message` is the packet's payload behind the extension headers.
  void receive(base::Instant now, Interface& interface, const AcceptedIpv6& packet,
               base::Bytes message);

  // Tells TCP that the packet that begins with these bytes did not arrive.
  void report_undelivered(base::Instant now, base::Bytes packet);

 private:
  void on_echo(base::Instant now, const Interface& interface, const wire::Ipv6Header& header,
               const wire::Icmpv6Echo& echo);
  void on_too_big(base::Instant now, const wire::Icmpv6PacketTooBig& too_big);
  void on_error(base::Instant now, base::Bytes quoted);
  // The segment of ours that an error quotes; nothing, and counted, where it is none.
  std::optional<wire::QuotedSegment> quoted_by(base::Bytes packet);

  Ipv6Output& output_;
  tcp::Engine& tcp_;
  base::PacketPool& pool_;
  base::Counters<NetCounter>& counters_;
  ReplyLimit echo_limit_{kEchoReplies};
};

}  // namespace sluice::net
