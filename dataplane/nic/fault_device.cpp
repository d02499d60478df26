#include "dataplane/nic/fault_device.hpp"

#include <algorithm>
#include <array>

#include "base/limits.hpp"

namespace sluice::nic {
namespace {

constexpr std::size_t kBurst = base::limits::kBurst;

DeviceInfo without_offloads(DeviceInfo info) {
  info.verifies_checksums = false;
  info.computes_checksums = false;
  info.train_packets = 0;
  return info;
}

}  // namespace

FaultDevice::FaultDevice(std::unique_ptr<Device> inner, const Options& options,
                         base::PacketPool& pool, base::Counters<NicCounter>& counters)
    : inner_(std::move(inner)),
      info_(without_offloads(inner_->info())),
      receive_line_(options.receive, options.seed, pool, counters),
      // Another sequence of the same seed for the other direction.
      transmit_line_(options.transmit, ~options.seed, pool, counters) {}

FaultDevice::~FaultDevice() = default;

std::size_t FaultDevice::receive(base::Instant now, std::span<base::Packet*> out) {
  pass_on(now);
  std::array<base::Packet*, kBurst> burst;
  const std::size_t n =
      inner_->receive(now, std::span(burst).first(std::min(out.size(), burst.size())));
  for (base::Packet* frame : std::span(burst).first(n)) {
    receive_line_.admit(now, base::PacketPtr(frame));
  }
  receive_line_.advance(now);
  std::size_t passed = 0;
  while (passed < out.size() && !receive_line_.ready().empty()) {
    out[passed++] = receive_line_.ready().pop_front().release();
  }
  return passed;
}

std::size_t FaultDevice::transmit(base::Instant now, std::span<base::Packet* const> frames) {
  pass_on(now);
  // What the inner device does not take is not taken here either.
  std::size_t n = 0;
  for (; n < frames.size() && transmit_line_.ready().packets() < kBurst; ++n) {
    transmit_line_.admit(now, base::PacketPtr(frames[n]));
    if (transmit_line_.ready().packets() >= kBurst) pass_on(now);
  }
  pass_on(now);
  return n;
}

base::Instant FaultDevice::next_deadline() const {
  return std::min(
      {inner_->next_deadline(), receive_line_.next_deadline(), transmit_line_.next_deadline()});
}

void FaultDevice::pass_on(base::Instant now) {
  transmit_line_.advance(now);
  base::PacketQueue& ready = transmit_line_.ready();
  std::array<base::Packet*, kBurst> burst;
  while (!ready.empty()) {
    std::size_t n = 0;
    while (n < burst.size() && !ready.empty()) burst[n++] = ready.pop_front().release();
    const std::size_t sent = inner_->transmit(now, std::span(burst).first(n));
    for (std::size_t i = n; i-- > sent;) ready.push_front(base::PacketPtr(burst[i]));
    if (sent < n) return;
  }
}

}  // namespace sluice::nic
