#include "dataplane/run/steering.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/flow.hpp"
#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/ipv6_address.hpp"
#include "dataplane/wire/ipv6_extensions.hpp"
#include "dataplane/wire/neighbour_discovery.hpp"

namespace sluice::run {
namespace {

// A reply answers whichever worker asked, and an announcement (a request for the sender's own
// address, RFC 5227 3) changes what all know. Who probes for an address, or claims one of ours, may
// make every worker give it up. An ordinary request wants one answer, not one from every worker.
bool arp_concerns_others(std::span<const base::Ipv4Address> ours, base::Bytes payload) {
  const auto arp = wire::parse_arp(payload);
  return arp &&
         (arp->operation == wire::ArpOperation::kReply || arp->sender == arp->target ||
          arp->sender.is_unspecified() || std::ranges::find(ours, arp->sender) != ours.end());
}

// The same for Neighbour Discovery: advertisements, and solicitations of a node that is about to
// take an address (RFC 4862 5.4.3), which every worker may have to give up.
bool discovery_concerns_others(base::Bytes packet) {
  const auto ip = wire::parse_ipv6(packet);
  if (!ip) return false;
  packet = packet.first(ip->total_size);
  const auto upper = wire::find_upper_layer(packet, *ip);
  if (!upper || upper->is_fragment()) return false;
  const auto icmp = wire::parse_icmpv6(ip->header, packet.subspan(upper->offset));
  if (!icmp) return false;
  const auto* discovery = std::get_if<wire::Icmpv6Discovery>(&*icmp);
  if (discovery == nullptr) return false;
  const auto message = wire::parse_discovery(ip->header, upper->fragment, discovery->message);
  if (!message) return false;
  return std::holds_alternative<wire::NeighbourAdvertisement>(*message) ||
         std::holds_alternative<wire::RouterAdvertisement>(*message) ||
         (std::holds_alternative<wire::NeighbourSolicitation>(*message) &&
          wire::is_unspecified(ip->header.source));
}

}  // namespace

Steering::Steering(unsigned worker, Exchange& exchange, base::PacketPool& copies,
                   base::Counters<RunCounter>& counters)
    : worker_(worker), exchange_(exchange), copies_(copies), counters_(counters) {}

void Steering::add_port(bool hashes, std::span<const base::AddressPrefix> addresses) {
  Port port{.trusted = hashes, .addresses = {}};
  for (const base::AddressPrefix& prefix : addresses) {
    if (prefix.address.is_ipv4()) port.addresses.push_back(prefix.address.ipv4());
  }
  ports_.push_back(std::move(port));
}

std::size_t Steering::steer(std::uint8_t port, std::span<base::Packet*> frames) {
  if (exchange_.workers() == 1) return frames.size();
  std::size_t kept = 0;
  for (base::Packet* frame : frames) {
    unsigned to = destination(ports_[port], *frame);
    if (to == kEveryone && !concerns_others(ports_[port], *frame)) to = kAnsweringWorker;
    if (to == kEveryone) copy_to_others(port, *frame);
    if (to == kEveryone || to == worker_) {
      frames[kept++] = frame;
    } else {
      forward(port, to, frame);
    }
  }
  return kept;
}

// Of a frame that may be for every worker.
bool Steering::concerns_others(const Port& port, const base::Packet& frame) {
  const auto ethernet = wire::parse_ethernet(frame.bytes());
  if (!ethernet) return false;
  const base::Bytes payload = frame.bytes().subspan(ethernet->size());
  return ethernet->type == wire::EtherType::kArp ? arp_concerns_others(port.addresses, payload)
                                                 : discovery_concerns_others(payload);
}

unsigned Steering::destination(Port& port, const base::Packet& frame) {
  const wire::FrameSteering steering = wire::classify_frame(frame.bytes());
  switch (steering.to) {
    case wire::FrameSteering::To::kEveryWorker:
      return kEveryone;
    case wire::FrameSteering::To::kFirstWorker:
      return kAnsweringWorker;
    case wire::FrameSteering::To::kFlowOwner:
      break;
  }
  if (port.trusted && frame.flow_hash != 0 && !steering.answers_open) {
    return frame.flow_hash % wire::kIndirectionEntries % exchange_.workers();
  }
  const unsigned owner = wire::flow_owner(steering.flow, exchange_.workers());
  if (steering.answers_open) verify(port, frame, owner);
  return owner;
}

// Where the answer to an active open arrives shows whether the device's hash is the flow's.
void Steering::verify(Port& port, const base::Packet& frame, unsigned owner) {
  counters_.add(owner == worker_ ? RunCounter::kPredictedOpens : RunCounter::kMispredictedOpens);
  if (!port.trusted || frame.flow_hash == 0) return;
  if (frame.flow_hash % wire::kIndirectionEntries % exchange_.workers() == owner) {
    port.mispredictions = 0;
  } else if (++port.mispredictions == kMaxMispredictions) {
    port.trusted = false;
    counters_.add(RunCounter::kSteeringSwitches);
  }
}

void Steering::forward(std::uint8_t port, unsigned to, base::Packet* frame) {
  const Parcel parcel{.packet = frame, .kind = Parcel::Kind::kReceived, .port = port};
  if (exchange_.send(worker_, to, parcel)) {
    counters_.add(RunCounter::kForwardedOut);
  } else {
    counters_.add(RunCounter::kForwardDrops);
    frame->release();
  }
}

void Steering::copy_to_others(std::uint8_t port, const base::Packet& frame) {
  for (unsigned to = 0; to < exchange_.workers(); ++to) {
    if (to == worker_) continue;
    base::PacketPtr copy(copies_.allocate());
    if (!copy || frame.size() > copy->tailroom()) {
      counters_.add(RunCounter::kCopyDrops);
      continue;
    }
    base::copy(copy->append(frame.size()), frame.bytes());
    copy->checksum = frame.checksum;
    const Parcel parcel{.packet = copy.get(), .kind = Parcel::Kind::kReceived, .port = port};
    if (exchange_.send(worker_, to, parcel)) {
      counters_.add(RunCounter::kCopiedOut);
      (void)copy.release();
    } else {
      counters_.add(RunCounter::kCopyDrops);
    }
  }
}

}  // namespace sluice::run
