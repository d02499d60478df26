#include "dataplane/net/link.hpp"

#include <cstring>

#include "base/limits.hpp"
#include "dataplane/net/train_cutter.hpp"

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
  const base::MutableBytes space = payload->prepend(header.size());
  // Of a size that is known when this is compiled, for the header that nearly every frame has.
  if (header.size() == wire::EthernetHeader::kSize) {
    std::memcpy(space.data(), header.data(), wire::EthernetHeader::kSize);
  } else {
    std::memcpy(space.data(), header.data(), header.size());
  }
  if (payload->leads_train() && !offloads_.cuts_trains) return queue_cut(std::move(payload));
  queue(std::move(payload));
}

void Link::queue_cut(base::PacketPtr train) {
  TrainCutter cutter(*train, offloads_.computes_checksums);
  for (base::Packet* text : train->train_text()) {
    cutter.make_frame(*text);
    queue(base::PacketPtr(text));
  }
  train->leave_train();
}

void Link::queue(base::PacketPtr frame) {
  if (outgoing_.packets() >= base::limits::kMaxOutgoingFrames) {
    counters_.add(NetCounter::kFrameQueueFull);
    return;
  }
  counters_.add(NetCounter::kFramesOut);
  outgoing_.push_back(std::move(frame));
}

}  // namespace sluice::net
