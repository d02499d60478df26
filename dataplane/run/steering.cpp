#include "dataplane/run/steering.hpp"

#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/flow.hpp"

namespace sluice::run {
namespace {

// A reply answers whichever worker asked, and an announcement (a request for the sender's own
// address, RFC 5227 3) changes what all know. An ordinary request wants one answer, not one from
// every worker.
bool concerns_others(const base::Packet& arp_frame) {
  const auto ethernet = wire::parse_ethernet(arp_frame.bytes());
  if (!ethernet) return false;
  const auto arp = wire::parse_arp(arp_frame.bytes().subspan(ethernet->size()));
  return arp && (arp->operation == wire::ArpOperation::kReply || arp->sender == arp->target);
}

}  // namespace

Steering::Steering(unsigned worker, Exchange& exchange, base::PacketPool& copies,
                   base::Counters<RunCounter>& counters)
    : worker_(worker), exchange_(exchange), copies_(copies), counters_(counters) {}

void Steering::add_port(bool hashes) {
  ports_.push_back({.trusted = hashes});
}

std::size_t Steering::steer(std::uint8_t port, std::span<base::Packet*> frames) {
  if (exchange_.workers() == 1) return frames.size();
  std::size_t kept = 0;
  for (base::Packet* frame : frames) {
    const unsigned to = destination(ports_[port], *frame);
    if (to == kEveryone && concerns_others(*frame)) copy_to_others(port, *frame);
    if (to == kEveryone || to == worker_) {
      frames[kept++] = frame;
    } else {
      forward(port, to, frame);
    }
  }
  return kept;
}

unsigned Steering::destination(Port& port, const base::Packet& frame) {
  const wire::FrameSteering steering = wire::classify_frame(frame.bytes());
  switch (steering.to) {
    case wire::FrameSteering::To::kEveryWorker:
      return kEveryone;
    case wire::FrameSteering::To::kFirstWorker:
      return 0;
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
