// Two bulk transfers through one bottleneck, in virtual time: whether flows with different
// congestion control leave each other a share.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>

#include "bench/stack/endpoint.hpp"
#include "bench/stack/path.hpp"
#include "dataplane/net/stack.hpp"

namespace sluice::bench {
namespace {

using base::Duration;
using base::Instant;
using base::PacketPtr;
using net::CongestionControl;

constexpr std::uint8_t kReceiver = 9;
constexpr std::int64_t kRate = 20'000'000;
constexpr Duration kRtt = Duration::milliseconds(30);
constexpr std::size_t kSenders = 2;

Endpoint::Options options(std::uint8_t host, CongestionControl congestion, Instant start) {
  Endpoint::Options options{.host = host, .start = start};
  options.tcp.max_connections = 4;
  options.tcp.send_buffer = std::size_t{1} << 20;
  options.tcp.congestion = congestion;
  return options;
}

class Sharing {
 public:
  // `buffer`: in front of the bottleneck, as parts of a bandwidth-delay product.
  Sharing(std::array<CongestionControl, kSenders> congestion, double buffer)
      : receiver_(options(kReceiver, CongestionControl::kCubic, now_)),
        there_({.bits_per_second = kRate,
                .delay = kRtt / 2,
                .queue = static_cast<std::size_t>(buffer * kRate / 8 * 0.03)},
               receiver_.pool()) {
    for (std::size_t i = 0; i < kSenders; ++i) {
      senders_[i] = std::make_unique<Endpoint>(
          options(static_cast<std::uint8_t>(i + 1), congestion[i], now_));
      back_[i] = std::make_unique<Path>(
          Path::Options{.delay = kRtt / 2, .queue = std::size_t{1} << 20}, senders_[i]->pool());
    }
  }

  void open(std::size_t sender) {
    (void)receiver_.listen();  // the second one finds the port listening
    ASSERT_TRUE(senders_[sender]->connect(now_, kReceiver));
  }
  void run(Duration time) {
    const Instant end = now_ + time;
    received_.fill(0);
    while (now_ < end) step();
  }
  // Of the last run, in parts of the link.
  [[nodiscard]] double share(std::size_t sender, Duration time) const {
    return 8e9 * static_cast<double>(received_[sender]) / static_cast<double>(time.nanoseconds()) /
           static_cast<double>(kRate);
  }

 private:
  void step() {
    turn(receiver_, there_);
    for (std::size_t i = 0; i < kSenders; ++i) turn(*senders_[i], *back_[i]);
    Instant next = std::min(there_.next_arrival(), receiver_.stack().next_deadline());
    for (std::size_t i = 0; i < kSenders; ++i) {
      next = std::min({next, back_[i]->next_arrival(), senders_[i]->stack().next_deadline()});
    }
    now_ = std::max(next, now_ + Duration::microseconds(1));
  }
  void turn(Endpoint& host, Path& incoming) {
    host.receive(now_, incoming);
    while (const auto event = host.next_event()) {
      if (&host == &receiver_) read(event->connection);
    }
    if (&host != &receiver_) host.write(now_, 32'768);
    host.transmit(now_, [&](PacketPtr frame) { send(host, std::move(frame)); });
  }
  // By the last octet of the hardware address; a broadcast goes to both.
  void send(Endpoint& from, PacketPtr frame) {
    if (&from != &receiver_) return there_.send(now_, std::move(frame));
    const auto to = std::to_integer<std::size_t>(frame->bytes()[5]);
    for (std::size_t i = 0; i < kSenders; ++i) {
      if (to != i + 1 && to != 0xff) continue;
      frame->retain();
      back_[i]->send(now_, PacketPtr(frame.get()));
    }
  }
  void read(net::ConnectionHandle connection) {
    const auto flow = receiver_.stack().addresses(connection);
    if (!flow) return;
    const bool first = flow->remote.address == base::IpAddress(Endpoint::address_of(1));
    received_[first ? 0 : 1] += receiver_.read(now_, connection);
  }

  Instant now_ = Instant::from_nanoseconds(1'000'000'000);
  Endpoint receiver_;
  Path there_;
  std::array<std::unique_ptr<Endpoint>, kSenders> senders_;
  std::array<std::unique_ptr<Path>, kSenders> back_;
  std::array<std::uint64_t, kSenders> received_{};
};

// What each has of the link in twenty seconds, the second beginning three seconds after the first.
struct Shares {
  Shares(std::array<CongestionControl, kSenders> congestion, double buffer) {
    constexpr Duration kTime = Duration::seconds(20);
    Sharing sharing(congestion, buffer);
    sharing.open(0);
    sharing.run(Duration::seconds(3));
    sharing.open(1);
    sharing.run(Duration::seconds(8));
    sharing.run(kTime);
    first = sharing.share(0, kTime);
    second = sharing.share(1, kTime);
  }
  double first;
  double second;
};

// BBR is to leave CUBIC a share, and CUBIC BBR one. In queues of half a bandwidth-delay product to
// four of them, and whoever begins how long before, CUBIC has 0.2 to 0.5 of the link and BBR 0.45
// to 0.7; CUBIC least in a queue of one product.
TEST(Sharing, BbrAndCubicLeaveEachOtherAShare) {
  const Shares shares({CongestionControl::kCubic, CongestionControl::kBbr}, 1);
  EXPECT_GE(shares.first, 0.2) << "BBR has " << shares.second;
  EXPECT_GE(shares.second, 0.4) << "CUBIC has " << shares.first;
  EXPECT_GE(shares.first + shares.second, 0.9);
}

// Neither has less than half of what the other has: 0.42 and 0.5 of the link.
TEST(Sharing, TwoBbrFlowsComeToSimilarShares) {
  const Shares shares({CongestionControl::kBbr, CongestionControl::kBbr}, 2);
  EXPECT_GE(shares.first, shares.second / 2);
  EXPECT_GE(shares.second, shares.first / 2);
  EXPECT_GE(shares.first + shares.second, 0.9);
}

}  // namespace
}  // namespace sluice::bench
