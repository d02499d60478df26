// ICMP as a host has to speak it (RFC 792, RFC 1122 3.2.2): echo requests are answered, so many per
// second; destination unreachable is told to TCP when it quotes a segment of ours, and so is what a
// path's links take (RFC 1191). Nothing else is acted upon. The errors that we send are made
// elsewhere (icmp_errors.hpp).
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ipv4_output.hpp"
#include "dataplane/net/reply_limit.hpp"
#include "dataplane/net/tcp/engine.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/ipv4.hpp"

namespace sluice::net {

class Icmp {
 public:
  // All outlive the object.
  Icmp(Ipv4Output& output, tcp::Engine& tcp, base::PacketPool& pool,
       base::Counters<NetCounter>& counters)
      : output_(output), tcp_(tcp), pool_(pool), counters_(counters) {}

  // `message` is the packet's payload.
  void receive(base::Instant now, const Interface& interface, const wire::Ipv4Header& header,
               base::Bytes message);

  // Tells TCP that the packet that begins with these bytes did not arrive.
  void report_undelivered(base::Instant now, base::Bytes packet);

 private:
  void on_echo(base::Instant now, const Interface& interface, const wire::Ipv4Header& header,
               const wire::IcmpEcho& echo);
  void on_unreachable(base::Instant now, const wire::IcmpUnreachable& unreachable);
  void on_fragmentation_needed(base::Instant now, const wire::IcmpUnreachable& unreachable);
  // The segment of ours that an error quotes; nothing, and counted, where it is none.
  std::optional<wire::QuotedSegment> quoted_by(base::Bytes packet);

  Ipv4Output& output_;
  tcp::Engine& tcp_;
  base::PacketPool& pool_;
  base::Counters<NetCounter>& counters_;
  ReplyLimit echo_limit_{kEchoReplies};
};

}  // namespace sluice::net
