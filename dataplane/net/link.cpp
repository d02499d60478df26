#include "dataplane/net/link.hpp"

#include "base/limits.hpp"

namespace sluice::net {

void Link::send(const base::MacAddress& destination, wire::EtherType type,
                base::PacketPtr payload) {
  if (outgoing_.packets() >= base::limits::kMaxOutgoingFrames) {
    counters_.add(NetCounter::kFrameQueueFull);
    return;
  }
  wire::EthernetHeader header{
      .destination = destination, .source = mac_, .type = type, .vlan = std::nullopt};
  if (vlan_) header.vlan = wire::VlanTag{.id = *vlan_};
  wire::serialize_ethernet(header, payload->prepend(header.size()));
  counters_.add(NetCounter::kFramesOut);
  outgoing_.push_back(std::move(payload));
}

}  // namespace sluice::net
