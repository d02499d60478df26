#include "dataplane/net/tcp/flow_hash.hpp"

#include <array>
#include <span>

namespace sluice::net::tcp {
namespace {

// One key serves several purposes; each hashes a label of its own behind the flow.
enum class Purpose : std::uint8_t { kSequence = 1, kTimestamps = 2, kPort = 3 };

std::uint64_t labelled(const SipKey& key, Purpose purpose, const base::FourTuple& flow) {
  return hash_of_flow(key, flow, std::array{static_cast<std::byte>(purpose)});
}

}  // namespace

// Of a fixed size for each family, too.
std::uint32_t FlowHash::bucket(const base::FourTuple& flow) const {
  const std::uint32_t ports = (std::uint32_t{flow.local.port} << 16) | flow.remote.port;
  if (flow.remote.address.is_ipv4()) {
    std::array<std::byte, 12> bytes;
    std::memcpy(bytes.data(), flow.local.address.octets().data() + 12, 4);
    std::memcpy(bytes.data() + 4, flow.remote.address.octets().data() + 12, 4);
    std::memcpy(bytes.data() + 8, &ports, 4);
    return static_cast<std::uint32_t>(key_.hash<1, 3>(bytes));
  }
  std::array<std::byte, kFlowBytes> bytes;
  base::copy(bytes, flow.local.address.octets());
  base::copy(std::span(bytes).subspan<16>(), flow.remote.address.octets());
  std::memcpy(bytes.data() + 32, &ports, 4);
  return static_cast<std::uint32_t>(key_.hash<1, 3>(bytes));
}

wire::SeqNumber FlowHash::initial_sequence(const base::FourTuple& flow, base::Instant now) const {
  const auto clock = static_cast<std::uint32_t>(now.nanoseconds() / 4'000);
  return wire::SeqNumber(clock +
                         static_cast<std::uint32_t>(labelled(key_, Purpose::kSequence, flow)));
}

std::uint32_t FlowHash::timestamp_offset(const base::FourTuple& flow) const {
  base::FourTuple hosts = flow;
  hosts.local.port = hosts.remote.port = 0;
  return static_cast<std::uint32_t>(labelled(key_, Purpose::kTimestamps, hosts));
}

std::uint32_t FlowHash::port_offset(const base::FourTuple& flow) const {
  base::FourTuple portless = flow;
  portless.local.port = 0;
  return static_cast<std::uint32_t>(labelled(key_, Purpose::kPort, portless));
}

}  // namespace sluice::net::tcp
