#include "dataplane/nic/pcap_device.hpp"

#include <algorithm>

#include "base/limits.hpp"

namespace sluice::nic {

PcapDevice::PcapDevice(std::unique_ptr<Device> inner, std::unique_ptr<PcapWriter> file,
                       base::Counters<NicCounter>& counters)
    : inner_(std::move(inner)), file_(std::move(file)), counters_(counters) {}

PcapDevice::~PcapDevice() = default;

std::size_t PcapDevice::receive(base::Instant now, std::span<base::Packet*> out) {
  const std::size_t n = inner_->receive(now, out);
  for (const base::Packet* frame : out.first(n)) capture(now, frame->bytes());
  return n;
}

// What the device takes is known only afterwards, when it may be gone: a reference of our own keeps
// it until it has been written down.
std::size_t PcapDevice::transmit(base::Instant now, std::span<base::Packet* const> frames) {
  const auto offered = frames.first(std::min(frames.size(), base::limits::kBurst));
  for (base::Packet* frame : offered) frame->retain();
  const std::size_t sent = inner_->transmit(now, offered);
  for (std::size_t i = 0; i < offered.size(); ++i) {
    if (i < sent) capture(now, offered[i]->bytes());
    offered[i]->release();
  }
  return sent;
}

void PcapDevice::capture(base::Instant now, base::Bytes frame) {
  counters_.add(file_->write(now, frame) ? NicCounter::kCapturedFrames
                                         : NicCounter::kCaptureDropped);
}

}  // namespace sluice::nic
