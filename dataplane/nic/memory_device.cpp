#include "dataplane/nic/memory_device.hpp"

#include <atomic>
#include <bit>

#include "base/spsc_ring.hpp"
#include "dataplane/nic/packet_copy.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace sluice::nic {

// Frames by value, with one producer and one consumer.
class FrameRing {
 public:
  FrameRing(std::size_t depth, std::size_t longest_frame)
      : mask_(std::bit_ceil(depth) - 1),
        longest_frame_(longest_frame),
        sizes_(std::make_unique<std::size_t[]>(mask_ + 1)),
        bytes_(std::make_unique_for_overwrite<std::byte[]>((mask_ + 1) * longest_frame)) {}

  [[nodiscard]] std::size_t longest_frame() const { return longest_frame_; }

  // Producer. False when full. Precondition: frame.size() <= longest_frame().
  [[nodiscard]] bool push(base::Bytes frame) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) > mask_) return false;
    base::copy(slot(tail), frame);
    sizes_[tail & mask_] = frame.size();
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // Consumer. The oldest frame, until pop(); empty when there is none.
  [[nodiscard]] base::Bytes front() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return {};
    return slot(head).first(sizes_[head & mask_]);
  }
  void pop() { head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

 private:
  base::MutableBytes slot(std::size_t position) {
    return {bytes_.get() + (position & mask_) * longest_frame_, longest_frame_};
  }

  const std::size_t mask_;
  const std::size_t longest_frame_;
  const std::unique_ptr<std::size_t[]> sizes_;
  const std::unique_ptr<std::byte[]> bytes_;
  alignas(base::kCacheLine) std::atomic<std::size_t> head_{0};
  alignas(base::kCacheLine) std::atomic<std::size_t> tail_{0};
};

MemoryDevice::MemoryDevice(const End& end, std::uint16_t mtu, FrameRing& incoming,
                           FrameRing& outgoing)
    : info_{.mac = end.mac, .mtu = mtu},
      pool_(end.pool),
      counters_(end.counters),
      incoming_(incoming),
      outgoing_(outgoing) {}

MemoryDevice::~MemoryDevice() = default;

std::size_t MemoryDevice::receive(base::Instant, std::span<base::Packet*> out) {
  std::size_t n = 0;
  while (n < out.size()) {
    const base::Bytes frame = incoming_.front();
    if (frame.empty()) break;
    base::PacketPtr packet = copy_of(frame, pool_);
    if (!packet) break;
    incoming_.pop();
    counters_.add(NicCounter::kReceivedFrames);
    counters_.add(NicCounter::kReceivedBytes, packet->size());
    out[n++] = packet.release();
  }
  return n;
}

std::size_t MemoryDevice::transmit(base::Instant, std::span<base::Packet* const> frames) {
  std::size_t n = 0;
  for (base::Packet* frame : frames) {
    if (frame->empty() || frame->size() > outgoing_.longest_frame()) {
      counters_.add(NicCounter::kTransmitOversize);
    } else if (outgoing_.push(frame->bytes())) {
      counters_.add(NicCounter::kSentFrames);
      counters_.add(NicCounter::kSentBytes, frame->size());
    } else {
      counters_.add(NicCounter::kTransmitPartial);
      break;
    }
    frame->release();
    ++n;
  }
  return n;
}

namespace {

std::unique_ptr<FrameRing> make_ring(const MemoryLink::Options& options) {
  constexpr std::size_t kLinkHeader = wire::EthernetHeader::kSize + wire::EthernetHeader::kTagSize;
  return std::make_unique<FrameRing>(options.depth, options.mtu + kLinkHeader);
}

}  // namespace

MemoryLink::MemoryLink(const Options& options, const MemoryDevice::End& a,
                       const MemoryDevice::End& b)
    : a_to_b_(make_ring(options)),
      b_to_a_(make_ring(options)),
      a_(a, options.mtu, *b_to_a_, *a_to_b_),
      b_(b, options.mtu, *a_to_b_, *b_to_a_) {}

MemoryLink::~MemoryLink() = default;

}  // namespace sluice::nic
