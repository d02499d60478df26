#include "bench/stack/bed.hpp"

#include "bench/stack/peers.hpp"
#include "dataplane/wire/arp.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace sluice::bench {
namespace {

// As many as common cards take.
constexpr std::uint16_t kTrainPackets = 40;

}  // namespace

Bed::Bed(const Options& options)
    : pool(options.packets),
      stack({.tcp = options.tcp, .hash_key = {std::byte{7}, std::byte{1}}, .owns_flow = {}}, pool,
            now),
      interface(stack.add_interface(
          {.mac = kStackMac,
           .addresses = {{.address = kStackAddress, .length = 24}},
           .gateway = kGatewayAddress,
           .device_verifies_checksums = options.device_checksums,
           .device_computes_checksums = options.device_checksums,
           .train_packets = options.device_tso ? kTrainPackets : std::uint16_t{0}})) {
  (void)stack.listen({.address = kStackAddress, .port = kStackPort});
  meet_gateway();
}

// Who asks for us is learned.
void Bed::meet_gateway() {
  base::PacketPtr frame = pool.take();
  const wire::EthernetHeader link{.destination = kStackMac,
                                  .source = kGatewayMac,
                                  .type = wire::EtherType::kArp,
                                  .vlan = std::nullopt};
  wire::serialize_ethernet(link, frame->append(link.size()));
  wire::serialize_arp({.operation = wire::ArpOperation::kRequest,
                       .sender_mac = kGatewayMac,
                       .sender = kGatewayAddress,
                       .target_mac = {},
                       .target = kStackAddress},
                      frame->append(wire::ArpPacket::kSize));
  Burst burst;
  burst.push_back(std::move(frame));
  receive(burst);
  stack.outgoing(interface).clear();
}

}  // namespace sluice::bench
