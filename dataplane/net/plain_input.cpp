#include "dataplane/net/plain_input.hpp"

#include "dataplane/net/ipv4.hpp"
#include "dataplane/net/ipv6.hpp"

namespace sluice::net {
namespace {

// Frames whose first bytes are fetched ahead of the one that is read.
constexpr std::size_t kAhead = 4;

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
void PlainInput::look_ahead(const Interface& interface, std::span<base::Packet* const> frames) {
  interface_ = &interface;
  const bool untagged = interface.link().accepts(std::nullopt);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (i + kAhead < frames.size()) __builtin_prefetch(frames[i + kAhead]->data());
    const base::Packet& frame = *frames[i];
    Lane& lane = lanes_[i];
    lane.kind = Kind::kOther;
    if (!untagged ||
        !wire::read_plain_packet(frame.bytes(), interface.link().mac(), lane.segment) ||
        !is_ours(interface, lane.segment.flow.local.address)) {
      continue;
    }
    lane.kind = wire::read_plain_tcp(frame.bytes(), lane.segment) ? Kind::kSegment : Kind::kPacket;
    lane.verified = interface.verifies_checksums() && frame.checksum.ip_verified &&
                    frame.checksum.l4_verified && !frame.checksum.bad;
    lane.hash = engine_.look_for(lane.segment.flow);
  }
  for (Lane& lane : std::span(lanes_).first(frames.size())) {
    if (lane.kind != Kind::kOther) lane.place = engine_.look_closer(lane.hash);
  }
}

bool PlainInput::take(base::Instant now, std::size_t i, base::PacketPtr& frame) {
  const Lane& lane = lanes_[i];
  const wire::PlainSegment& segment = lane.segment;
  if (lane.kind == Kind::kOther) return false;
  if (!lane.verified && !wire::verify_plain_checksums(frame->bytes(), segment)) return false;
  if (lane.kind == Kind::kSegment && engine_.receive_plain(now, lane.place, segment, frame)) {
    return true;
  }
  if (is_martian(*interface_, segment.flow.remote.address)) return false;
  strip(*frame, segment);
  engine_.receive(now, segment.flow, lane.hash, std::move(frame));
  return true;
}

// Leaves the segment, as the layers do.
void PlainInput::strip(base::Packet& frame, const wire::PlainPacket& packet) {
  frame.traffic_class = packet.traffic_class;
  frame.trim_back(frame.size() - packet.segment_offset - packet.segment_size);
  frame.trim_front(packet.segment_offset);
}

}  // namespace sluice::net
