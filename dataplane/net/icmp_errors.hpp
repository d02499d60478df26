// The errors that we tell others of: a protocol, port, header or option that is not spoken here.
// Each quotes the packet that it is about. Where an error would answer an error, a group, a
// fragment or nobody in particular, there is none (RFC 1122 3.2.2, RFC 4443 2.4(e)); and there are
// so many per second (RFC 1812 4.3.2.8, RFC 4443 2.4(f)).
#pragma once

#include "base/bytes.hpp"
#include "base/counters.hpp"
#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/net/counters.hpp"
#include "dataplane/net/ipv4_output.hpp"
#include "dataplane/net/ipv6_output.hpp"
#include "dataplane/net/reply_limit.hpp"
#include "dataplane/wire/icmp.hpp"
#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"

namespace sluice::net {

class IcmpErrors {
 public:
  static constexpr ReplyLimit::Options kLimit{.per_second = 100, .burst = 50};  // of each family

  // All outlive the object.
  IcmpErrors(Ipv4Output& ipv4, Ipv6Output& ipv6, base::PacketPool& pool,
             base::Counters<NetCounter>& counters)
      : ipv4_(ipv4), ipv6_(ipv6), pool_(pool), counters_(counters) {}

  // Of a packet that was accepted, but that nothing here wants. `packet` is all of it, from its IP
  // header on.
  void unreachable(base::Instant now, const Interface& interface, const wire::Ipv4Header& header,
                   base::Bytes packet);
  // `message` has no quotation yet.
  void send(base::Instant now, const Interface& interface, const wire::Ipv6Header& header,
            const wire::Icmpv6Message& message, base::Bytes packet);

 private:
  [[nodiscard]] base::PacketPtr packet_for(base::Instant now, ReplyLimit& limit, std::size_t size,
                                           NetCounter suppressed);

  Ipv4Output& ipv4_;
  Ipv6Output& ipv6_;
  base::PacketPool& pool_;
  base::Counters<NetCounter>& counters_;
  ReplyLimit ipv4_limit_{kLimit};
  ReplyLimit ipv6_limit_{kLimit};
};

}  // namespace sluice::net
