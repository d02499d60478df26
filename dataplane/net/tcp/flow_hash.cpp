#include "dataplane/net/tcp/flow_hash.hpp"

#include <array>
#include <cstring>
#include <span>

namespace sluice::net::tcp {
namespace {

// One key serves several purposes; each hashes a label of its own, behind the flow if there is one.
enum class Purpose : std::uint8_t { kSequence = 1, kTimestamps = 2, kPort = 3, kBucket = 4 };

std::uint64_t labelled(const SipKey& key, Purpose purpose, const base::FourTuple& flow) {
  return hash_of_flow<1>(key, flow, static_cast<std::uint64_t>(purpose));
}

}  // namespace

FlowHash::FlowHash(std::span<const std::byte, 16> key) : key_(key) {
  for (std::size_t i = 0; i < multipliers_.size(); ++i) {
    const std::array label{static_cast<std::byte>(Purpose::kBucket), static_cast<std::byte>(i)};
    multipliers_[i] = key_.hash<2, 4>(base::Bytes(label));
  }
}

FlowHash::~FlowHash() {
  base::secure_wipe(std::as_writable_bytes(std::span(multipliers_)));
}

std::uint32_t FlowHash::bucket(const base::FourTuple& flow) const {
  const auto word = [](const base::IpAddress& address, std::size_t i) {
    std::uint32_t value;
    std::memcpy(&value, address.octets().data() + 4 * i, 4);
    return value;
  };
  const auto& m = multipliers_;
  const base::IpAddress& local = flow.local.address;
  const base::IpAddress& remote = flow.remote.address;
  const std::uint32_t ports = (std::uint32_t{flow.local.port} << 16) | flow.remote.port;
  // What is the same for all flows of IPv4 has no part in theirs.
  std::uint64_t sum = (m[0] + word(local, 3)) * (m[1] + word(remote, 3)) + m[2] * ports + m[3];
  if (!remote.is_ipv4()) {
    for (std::size_t i = 0; i < 3; ++i) {
      sum += (m[4 + 2 * i] + word(local, i)) * (m[5 + 2 * i] + word(remote, i));
    }
  }
  // Neighbouring flows lie at regular distances in it, and would crowd in a table that looks at the
  // next places; so they are scattered.
  auto hash = static_cast<std::uint32_t>(sum >> 32);
  hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
  return hash ^ (hash >> 13);
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
