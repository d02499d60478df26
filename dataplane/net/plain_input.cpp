#include "dataplane/net/plain_input.hpp"

namespace sluice::net {
namespace {

// Frames whose first bytes are fetched ahead of the one that is read.
constexpr std::size_t kAhead = 4;

bool is_ours(const Interface& interface, const base::IpAddress& address) {
  return address.is_ipv4() ? interface.subnets().is_assigned(address.ipv4())
                           : interface.prefixes().is_assigned(address.ipv6());
}

}  // namespace

// What is plain has no tag, so that an interface in a VLAN has nothing plain.
void PlainInput::look_ahead(const Interface& interface, std::span<base::Packet* const> frames) {
  const bool untagged = interface.link().accepts(std::nullopt);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (i + kAhead < frames.size()) __builtin_prefetch(frames[i + kAhead]->data());
    const base::Packet& frame = *frames[i];
    Lane& lane = lanes_[i];
    lane.plain = untagged &&
                 wire::read_plain_segment(frame.bytes(), interface.link().mac(), lane.segment) &&
                 is_ours(interface, lane.segment.flow.local.address);
    if (!lane.plain) continue;
    lane.verified = interface.verifies_checksums() && frame.checksum.ip_verified &&
                    frame.checksum.l4_verified && !frame.checksum.bad;
    lane.place = engine_.look_for(lane.segment.flow);
  }
  for (Lane& lane : std::span(lanes_).first(frames.size())) {
    if (lane.plain) lane.place = engine_.look_closer(lane.place);
  }
}

bool PlainInput::take(base::Instant now, std::size_t i, base::PacketPtr& frame) {
  const Lane& lane = lanes_[i];
  if (!lane.plain) return false;
  if (!lane.verified && !wire::verify_plain_checksums(frame->bytes(), lane.segment)) return false;
  return engine_.receive_plain(now, lane.place, lane.segment, frame);
}

}  // namespace sluice::net
