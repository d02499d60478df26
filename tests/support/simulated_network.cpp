#include "tests/support/simulated_network.hpp"

#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "tests/support/cutting_device.hpp"

namespace sluice::test {
namespace {

using base::limits::kBurst;

constexpr base::Instant kStart = base::Instant::from_nanoseconds(1'000'000'000);

// How long a turn of both hosts takes: what makes round-trip times, and time, go on.
constexpr base::Duration kTurn = base::Duration::microseconds(10);

constexpr base::MacAddress mac(std::uint8_t last) {
  return {{std::byte{2}, {}, {}, {}, {}, std::byte{last}}};
}

base::IpAddress address_of(base::AddressFamily family, std::uint8_t last) {
  if (family == base::AddressFamily::kIpv4) return base::Ipv4Address::of(198, 18, 0, last);
  base::Ipv6Address address = *base::Ipv6Address::parse("2001:db8::");
  address.octets.back() = std::byte{last};
  return address;
}

base::AddressPrefix prefix_of(const base::IpAddress& address) {
  return {.address = address, .length = static_cast<std::uint8_t>(address.is_ipv4() ? 24 : 64)};
}

// A wrapper owns its inner device; the link owns the end of this one.
class BorrowedDevice final : public nic::Device {
 public:
  explicit BorrowedDevice(nic::Device& device) : device_(device) {}
  const nic::DeviceInfo& info() const override { return device_.info(); }
  std::size_t receive(base::Instant now, std::span<base::Packet*> out) override {
    return device_.receive(now, out);
  }
  std::size_t transmit(base::Instant now, std::span<base::Packet* const> frames) override {
    return device_.transmit(now, frames);
  }

 private:
  nic::Device& device_;
};

}  // namespace

SimulatedHost::SimulatedHost(const Options& options)
    : options_(options),
      pool_(options.packets),
      stack_({.tcp = options.tcp, .hash_key = {}, .owns_flow = {}}, pool_, kStart),
      interface_(stack_.add_interface({.mac = options.mac,
                                       .addresses = {prefix_of(options.address)},
                                       .train_packets = options.train_packets})) {}

bool SimulatedHost::turn(base::Instant now) {
  bool moved = receive(now);
  stack_.advance(now);
  while (const auto event = stack_.next_event()) {
    moved = true;
    if (on_event) on_event(*this, *event);
  }
  stack_.flush(now);
  return transmit(now) || moved;
}

base::Instant SimulatedHost::next_deadline() const {
  return std::min(stack_.next_deadline(), device_->next_deadline());
}

bool SimulatedHost::receive(base::Instant now) {
  std::array<base::Packet*, kBurst> burst;
  const std::size_t n = device_->receive(now, burst);
  stack_.receive(now, interface_, std::span(burst).first(n));
  return n > 0;
}

bool SimulatedHost::transmit(base::Instant now) {
  base::PacketQueue& outgoing = stack_.outgoing(interface_);
  bool moved = false;
  while (!outgoing.empty()) {
    std::array<base::Packet*, kBurst> burst;
    std::size_t n = 0;
    while (n < burst.size() && !outgoing.empty()) burst[n++] = outgoing.pop_front().release();
    const std::size_t sent = device_->transmit(now, std::span(burst).first(n));
    for (std::size_t i = n; i-- > sent;) outgoing.push_front(base::PacketPtr(burst[i]));
    moved |= sent > 0;
    if (sent < n) break;
  }
  return moved;
}

SimulatedNetwork::SimulatedNetwork(const Options& options)
    : now_(kStart),
      client_({.mac = mac(1),
               .address = address_of(options.family, 1),
               .tcp = options.tcp,
               .packets = options.packets,
               .train_packets = options.train_packets}),
      server_({.mac = mac(2),
               .address = address_of(options.family, 2),
               .tcp = options.tcp,
               .packets = options.packets,
               .train_packets = options.train_packets}),
      link_({.mtu = options.mtu, .depth = options.depth}, client_.end(), server_.end()),
      client_device_(std::make_unique<BorrowedDevice>(link_.a())),
      server_device_(std::make_unique<BorrowedDevice>(link_.b())) {
  if (options.client_faults) {
    client_device_ = std::make_unique<nic::FaultDevice>(
        std::move(client_device_), *options.client_faults, client_.pool(), client_.nic_counters());
  }
  if (options.train_packets > 0) {
    client_device_ = std::make_unique<CuttingDevice>(std::move(client_device_),
                                                     options.train_packets, client_.pool());
    server_device_ = std::make_unique<CuttingDevice>(std::move(server_device_),
                                                     options.train_packets, server_.pool());
  }
  client_.attach(*client_device_);
  server_.attach(*server_device_);
}

SimulatedNetwork::~SimulatedNetwork() = default;

bool SimulatedNetwork::run_until(const std::function<bool()>& done, base::Duration limit) {
  const base::Instant end = now_ + limit;
  while (!done()) {
    if (now_ >= end) return false;
    const bool client_moved = client_.turn(now_);
    const bool moved = server_.turn(now_) || client_moved;
    base::Instant next = now_ + kTurn;
    if (!moved) {
      next = std::max(next, std::min(client_.next_deadline(), server_.next_deadline()));
    }
    now_ = std::min(next, end);
  }
  return true;
}

}  // namespace sluice::test
