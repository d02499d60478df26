// A bad network between two tap devices that it makes: each direction is a bottleneck with a
// bounded queue and a fault line behind it, the one that the daemon's fault devices have. Whoever
// sends from one side to the other, kernel or Sluice, has the same path, and a seed is the same
// path again.
//
//   fault-bridge NEAR FAR --loss 0.01 --delay 10 --rate 100 --queue 250000 --seed 1
//
// Ends when it is told to, and its devices with it.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

#include "base/memory_packet_pool.hpp"
#include "bench/stack/path.hpp"
#include "dataplane/nic/fault_line.hpp"

namespace {

using namespace sluice;
using base::Duration;
using base::Instant;
using base::PacketPtr;

constexpr std::size_t kLongestFrame = 1'518;

Instant now() {
  return Instant::from_nanoseconds(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                       std::chrono::steady_clock::now().time_since_epoch())
                                       .count());
}

// A tap device of this process; gone when it ends.
class Tap {
 public:
  explicit Tap(const std::string& name) : fd_(open("/dev/net/tun", O_RDWR | O_NONBLOCK)) {
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (fd_ < 0 || ioctl(fd_, TUNSETIFF, &request) != 0) {
      throw std::runtime_error("no tap device " + name + ": " + std::strerror(errno));
    }
  }
  ~Tap() { close(fd_); }
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  // False when there is no frame.
  [[nodiscard]] bool receive(base::Packet& packet) const {
    std::array<std::byte, kLongestFrame> buffer;
    const ssize_t size = read(fd_, buffer.data(), buffer.size());
    if (size <= 0) return false;
    base::copy(packet.append(static_cast<std::size_t>(size)),
               base::Bytes(buffer).first(static_cast<std::size_t>(size)));
    return true;
  }
  // What the kernel does not take is lost, as on any wire.
  void transmit(base::Bytes frame) const { (void)!write(fd_, frame.data(), frame.size()); }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

struct Quality {
  nic::FaultRates rates;
  std::int64_t megabits_per_second = 100;
  std::size_t queue = 250'000;
  std::uint64_t seed = 1;
};

class Direction {
 public:
  Direction(const Tap& from, const Tap& to, const Quality& quality, std::uint64_t seed)
      : from_(from),
        to_(to),
        bottleneck_({.bits_per_second = quality.megabits_per_second * 1'000'000,
                     .delay = {},
                     .queue = quality.queue},
                    pool_),
        line_(quality.rates, seed, pool_, counters_) {}

  void run(Instant at) {
    while (true) {
      PacketPtr frame(pool_.allocate());
      if (!frame || !from_.receive(*frame)) break;
      bottleneck_.send(at, std::move(frame));
    }
    while (PacketPtr frame = bottleneck_.arrived(at)) line_.admit(at, std::move(frame));
    line_.advance(at);
    while (const PacketPtr frame = line_.ready().pop_front()) to_.transmit(frame->bytes());
  }

  [[nodiscard]] Instant next_deadline() const {
    return std::min(bottleneck_.next_arrival(), line_.next_deadline());
  }

 private:
  const Tap& from_;
  const Tap& to_;
  base::MemoryPacketPool pool_{16'384};
  base::Counters<nic::NicCounter> counters_;
  bench::Path bottleneck_;
  nic::FaultLine line_;
};

void bridge(const Tap& near, const Tap& far, const Quality& quality) {
  Direction there(near, far, quality, quality.seed);
  Direction back(far, near, quality, ~quality.seed);
  while (true) {
    const Instant at = now();
    there.run(at);
    back.run(at);
    const Instant next = std::min(there.next_deadline(), back.next_deadline());
    timespec time{};
    if (next != Instant::never()) {
      const std::int64_t wait = std::max<std::int64_t>((next - now()).nanoseconds(), 0);
      time = {.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
    }
    std::array<pollfd, 2> events{pollfd{.fd = near.fd(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = far.fd(), .events = POLLIN, .revents = 0}};
    (void)ppoll(events.data(), events.size(), next == Instant::never() ? nullptr : &time, nullptr);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A bad network between two tap devices.");
  std::string near;
  std::string far;
  Quality quality;
  double delay_ms = 0;
  app.add_option("near", near, "name of one device")->required();
  app.add_option("far", far, "name of the other one")->required();
  app.add_option("--loss", quality.rates.loss, "of frames, each on its own, 0 to 1");
  app.add_option("--reordering", quality.rates.reordering, "of frames, 0 to 1");
  app.add_option("--delay", delay_ms, "of each direction, milliseconds");
  app.add_option("--rate", quality.megabits_per_second, "of each direction, Mbit/s");
  app.add_option("--queue", quality.queue, "in front of the bottleneck, bytes");
  app.add_option("--seed", quality.seed, "of what is lost and reordered");
  CLI11_PARSE(app, argc, argv);
  quality.rates.delay = Duration::microseconds(static_cast<std::int64_t>(delay_ms * 1'000));
  try {
    const Tap near_tap(near);
    const Tap far_tap(far);
    bridge(near_tap, far_tap, quality);
  } catch (const std::runtime_error& error) {
    std::fprintf(stderr, "fault-bridge: %s\n", error.what());
    return 1;
  }
}
