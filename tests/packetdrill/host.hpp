// A host that lives in virtual time: the stack, one interface, and the gateway behind it, which
// answers ARP and is otherwise played by the script. IP packets go in and come out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/memory_packet_pool.hpp"
#include "base/time.hpp"
#include "dataplane/net/stack.hpp"

namespace sluice::packetdrill {

struct HostSettings {
  // What packetdrill uses where its options --local_ip and --gateway_ip say nothing else; the last
  // octet of its own local address is random, so that --local_ip has to be given.
  base::AddressPrefix address{.address = base::Ipv4Address::of(192, 168, 0, 2), .length = 16};
  base::Ipv4Address gateway = base::Ipv4Address::of(192, 168, 0, 1);
  std::uint16_t mtu = 1500;

  // "address=192.168.0.2/16,gateway=192.168.0.1,mtu=1500", each of them optional.
  static std::optional<HostSettings> parse(std::string_view flags);
};

class Host {
 public:
  struct SentPacket {
    std::vector<std::byte> bytes;  // from the IP header on
    base::Instant at;
  };

  explicit Host(const HostSettings& settings);

  [[nodiscard]] net::Stack& stack() { return stack_; }
  [[nodiscard]] base::Instant now() const { return now_; }
  [[nodiscard]] base::IpAddress address() const { return settings_.address.address; }
  // For what the stack is to send.
  [[nodiscard]] base::PacketPool& pool() { return send_pool_; }
  [[nodiscard]] base::Instant next_deadline() const { return stack_.next_deadline(); }

  // Goes on to `now`, which is not before now(), and fires what is due.
  void advance(base::Instant now);
  // False when it is too large, or no packet is left to put it into.
  bool deliver(base::Bytes ip_packet);
  // Lets the stack send what it has to say.
  void flush();
  [[nodiscard]] std::optional<SentPacket> take_sent();
  [[nodiscard]] bool has_sent() const { return !sent_.empty(); }

 private:
  void receive_frame(base::PacketPtr frame);
  void answer_arp(base::Bytes payload);

  const HostSettings settings_;
  base::Instant now_ = base::Instant::from_nanoseconds(5'000'000'000);
  base::MemoryPacketPool send_pool_{8192};
  base::MemoryPacketPool receive_pool_{8192};
  base::MemoryPacketPool large_receive_pool_;  // scripts send segments far larger than the MTU
  net::Stack stack_;
  net::InterfaceId interface_ = 0;
  std::deque<SentPacket> sent_;
};

}  // namespace sluice::packetdrill
