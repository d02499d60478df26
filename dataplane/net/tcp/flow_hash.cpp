#include "dataplane/net/tcp/flow_hash.hpp"

#include <array>
#include <cstring>
#include <span>

namespace sluice::net::tcp {
namespace {

// One key serves several purposes; each hashes a label of its own in front.
enum class Purpose : std::uint8_t { kSequence = 1, kTimestamps = 2, kPort = 3 };

// A flow and a label.
using Buffer = std::array<std::byte, kFlowBytes + 1>;

void write_address(base::Writer& writer, const base::IpAddress& address) {
  if (address.is_ipv4()) {
    writer.u32(address.ipv4().value);
  } else {
    writer.bytes(address.ipv6().octets);
  }
}

std::uint64_t labelled(const SipKey& key, Purpose purpose, const base::FourTuple& flow) {
  Buffer buffer;
  base::Writer writer(buffer);
  write_flow(writer, flow);
  writer.u8(static_cast<std::uint8_t>(purpose));
  return key.hash<2, 4>(writer.written());
}

}  // namespace

void write_flow(base::Writer& writer, const base::FourTuple& flow) {
  writer.u16(flow.local.port);
  writer.u16(flow.remote.port);
  write_address(writer, flow.local.address);
  write_address(writer, flow.remote.address);
}

// Of a fixed size for each family, so that nothing of it is a loop.
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
