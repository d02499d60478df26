#include "dataplane/net/plain_input.hpp"

#include "dataplane/net/ipv4.hpp"
#include "dataplane/net/ipv6.hpp"

namespace sluice::net {
namespace {

// Frames whose first bytes are fetched ahead of the one that is read.
constexpr std::size_t kAhead = 4;
// Frames between one that is taken and the one of which the queue's links are fetched: each takes
// about as long as a look into memory.
constexpr std::size_t kOutboxAhead = 6;
constexpr std::size_t kSegmentAhead = 4;
constexpr std::size_t kPacketAhead = 2;

bool is_ours(const Interface& interface, const base::IpAddress& address) {
  return address.is_ipv4() ? interface.subnets().is_assigned(address.ipv4())
                           : interface.prefixes().is_assigned(address.ipv6());
}

bool is_martian(const Interface& interface, const base::IpAddress& source) {
  return source.is_ipv4() ? is_martian(source.ipv4(), interface.subnets())
                          : is_martian(source.ipv6(), interface.prefixes());
}

}  // namespace

// What is plain has no tag, so that an interface in a VLAN has nothing plain.
void PlainInput::look_ahead(base::Instant now, const Interface& interface,
                            std::span<base::Packet* const> frames) {
  interface_ = &interface;
  frames_ = frames.size();
  const bool sheds_syns = engine_.sheds_syns(now);
  const bool untagged = interface.link().accepts(std::nullopt);
  const base::MacAddress& mac = interface.link().mac();
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (i + kAhead < frames.size()) __builtin_prefetch(frames[i + kAhead]->data());
    const base::Packet& frame = *frames[i];
    Lane& lane = lanes_[i];
    wire::PlainSegment& segment = segments_[i];
    lane.kind = Kind::kOther;
    lane.goes_on = false;
    if (!untagged || !wire::read_plain_packet(frame.bytes(), mac, segment)) continue;
    if (sheds_syns && wire::is_plain_syn(frame.bytes(), segment)) {
      lane.kind = Kind::kShed;
      continue;
    }
    const bool is_segment = wire::read_plain_tcp(frame.bytes(), segment);
    lane.goes_on = is_segment && i > 0 && lanes_[i - 1].kind == Kind::kSegment &&
                   wire::continues(segments_[i - 1], segment);
    if (!lane.goes_on && !is_ours(interface, segment.flow.local.address)) continue;
    lane.kind = is_segment ? Kind::kSegment : Kind::kPacket;
    lane.verified = interface.verifies_checksums() && frame.checksum.verified();
    lane.hash = lane.goes_on ? lanes_[i - 1].hash : engine_.look_for(segment.flow);
  }
  for (std::size_t i = 0; i < frames.size(); ++i) {
    Lane& lane = lanes_[i];
    if (lane.kind <= Kind::kShed) continue;
    lane.place = lane.goes_on ? lanes_[i - 1].place : engine_.look_closer(lane.hash);
  }
}

bool PlainInput::verify(std::size_t i, const base::Packet& frame) {
  Lane& lane = lanes_[i];
  if (!lane.verified) lane.verified = wire::verify_plain_checksums(frame.bytes(), segments_[i]);
  return lane.verified;
}

// The frames of segments that continue each other from this one on.
std::size_t PlainInput::run_from(std::size_t i, std::span<base::Packet* const> frames) {
  std::size_t end = i + 1;
  while (end < frames.size() && lanes_[end].goes_on && verify(end, *frames[end])) ++end;
  return end - i;
}

void PlainInput::look_at_queues(std::size_t i) const {
  using Queued = tcp::Engine::Queued;
  const auto look = [&](std::size_t at, Queued what) {
    if (at >= frames_ || lanes_[at].kind != Kind::kSegment) return;
    engine_.look_at_queue(lanes_[at].place, what);
  };
  look(i + kOutboxAhead, Queued::kOutbox);
  look(i + kSegmentAhead, Queued::kFirstSegment);
  look(i + kPacketAhead, Queued::kFirstPacket);
}

std::size_t PlainInput::take(base::Instant now, std::size_t i,
                             std::span<base::Packet* const> frames) {
  look_at_queues(i);
  const Lane& lane = lanes_[i];
  if (lane.kind == Kind::kShed) {
    engine_.shed(base::PacketPtr(frames[i]));
    return 1;
  }
  if (lane.kind == Kind::kOther || !verify(i, *frames[i])) return 0;
  if (lane.kind == Kind::kSegment) {
    const std::size_t run = run_from(i, frames);
    const std::size_t taken = engine_.receive_plain(
        now, lane.place, std::span(segments_).subspan(i, run), frames.subspan(i, run));
    if (taken > 0) return taken;
  }
  const wire::PlainSegment& segment = segments_[i];
  if (is_martian(*interface_, segment.flow.remote.address)) return 0;
  base::PacketPtr frame(frames[i]);
  strip(*frame, segment);
  engine_.receive(now, segment.flow, lane.hash, std::move(frame));
  return 1;
}

// Leaves the segment, as the layers do.
void PlainInput::strip(base::Packet& frame, const wire::PlainPacket& packet) {
  frame.traffic_class = packet.traffic_class;
  frame.trim_back(frame.size() - packet.segment_offset - packet.segment_size);
  frame.trim_front(packet.segment_offset);
}

}  // namespace sluice::net
