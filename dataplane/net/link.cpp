#include "dataplane/net/link.hpp"

#include <cstring>

#include "base/limits.hpp"

namespace sluice::net {

wire::EthernetHeader Link::header_to(const base::MacAddress& destination,
                                     wire::EtherType type) const {
  wire::EthernetHeader header{
      .destination = destination, .source = mac_, .type = type, .vlan = std::nullopt};
  if (vlan_) header.vlan = wire::VlanTag{.id = *vlan_};
  return header;
}

void Link::send(const base::MacAddress& destination, wire::EtherType type,
                base::PacketPtr payload) {
  const wire::EthernetHeader header = header_to(destination, type);
  std::array<std::byte, wire::EthernetHeader::kSize + wire::EthernetHeader::kTagSize> written;
  const auto bytes = std::span(written).first(header.size());
  wire::serialize_ethernet(header, bytes);
  send(base::Bytes(bytes), std::move(payload));
}

void Link::send(base::Bytes header, base::PacketPtr payload) {
  if (outgoing_.packets() >= base::limits::kMaxOutgoingFrames) {
    counters_.add(NetCounter::kFrameQueueFull);
    return;
  }
  const base::MutableBytes space = payload->prepend(header.size());
  // Of a size that is known when this is compiled, for the header that nearly every frame has.
  if (header.size() == wire::EthernetHeader::kSize) {
    std::memcpy(space.data(), header.data(), wire::EthernetHeader::kSize);
  } else {
    std::memcpy(space.data(), header.data(), header.size());
  }
  counters_.add(NetCounter::kFramesOut);
  outgoing_.push_back(std::move(payload));
}

}  // namespace sluice::net
