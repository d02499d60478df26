// Segments that continue each other are taken as one where they arrive in one burst. That is
// another way to take them and nothing else: whatever comes in between, the stack answers as if
// each had come alone.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/dataplane/net/open_connection_fixture.hpp"

namespace sluice::net {
namespace {

using wire::SeqNumber;

class Host : public OpenConnectionFixture {
 public:
  Host() { SetUp(); }
  void TestBody() override {}

  using OpenConnectionFixture::count;
  using OpenConnectionFixture::frame;
  using OpenConnectionFixture::header;
  using OpenConnectionFixture::kIss;
  using OpenConnectionFixture::outgoing;
  using OpenConnectionFixture::pass;
  using OpenConnectionFixture::read;
  using OpenConnectionFixture::text;

  void arrive_together(const std::vector<test::ByteVector>& frames) {
    std::vector<base::Packet*> packets;
    for (const test::ByteVector& bytes : frames) packets.push_back(packet_of(bytes));
    stack_.receive(now_, interface_, packets);
  }
  void arrive_alone(const std::vector<test::ByteVector>& frames) {
    for (const test::ByteVector& bytes : frames) {
      base::Packet* const packet = packet_of(bytes);
      stack_.receive(now_, interface_, std::span(&packet, 1));
    }
  }
  [[nodiscard]] bool all_packets_back() const { return pool_.available() == pool_.capacity(); }

 private:
  base::Packet* packet_of(const test::ByteVector& bytes) {
    base::Packet* packet = pool_.allocate();
    base::copy(packet->append(bytes.size()), bytes);
    return packet;
  }
};

// The peer's side of a transfer: mostly what comes next, and now and then something else.
class Sender {
 public:
  explicit Sender(unsigned seed) : random_(seed) {}

  std::vector<test::ByteVector> burst(const Host& host) {
    std::vector<test::ByteVector> frames;
    const std::size_t size = 1 + draw(60);
    while (frames.size() < size) frames.push_back(next(host));
    return frames;
  }

 private:
  test::ByteVector next(const Host& host) {
    static constexpr std::array<std::uint32_t, 5> kSizes{1448, 1448, 1448, 536, 1};
    wire::TcpHeader header = host.header(0);
    std::uint32_t at = sent_;
    std::uint32_t size = kSizes[draw(kSizes.size())];
    bool damaged = false;
    header.flags.psh = one_in(6);
    if (one_in(12)) window_ = static_cast<std::uint16_t>(60'000 + draw(5'000));
    if (one_in(20)) size = 0;
    if (one_in(25)) at -= std::min<std::uint32_t>(at, draw(4'000));  // again
    if (one_in(40)) at += 1448;                                      // one is late, or lost
    if (one_in(40)) header.flags.urg = true;
    if (one_in(40)) damaged = true;
    header.window = window_;
    header.sequence = SeqNumber(Host::kIss + 1 + at);
    if (!damaged && at <= sent_) sent_ = std::max(sent_, at + size);
    test::ByteVector frame = Host::frame(header, Host::text(at + size).substr(at));
    if (damaged) frame.back() ^= std::byte{1};
    return frame;
  }
  std::uint32_t draw(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
  bool one_in(std::uint32_t n) { return draw(n) == 0; }

  std::mt19937 random_;
  std::uint32_t sent_ = 0;
  std::uint16_t window_ = 65'535;
};

TEST(Coalescing, StackAnswersAsIfEachSegmentHadComeAlone) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    Host together;
    Host alone;
    Sender sender(seed);
    for (int i = 0; i < 12; ++i) {
      const auto frames = sender.burst(together);
      together.arrive_together(frames);
      alone.arrive_alone(frames);
      together.pass(base::Duration::milliseconds(1));
      alone.pass(base::Duration::milliseconds(1));
      ASSERT_EQ(together.outgoing(), alone.outgoing()) << seed << ' ' << i;
      ASSERT_EQ(together.read(), alone.read()) << seed << ' ' << i;
      ASSERT_EQ(together.outgoing(), alone.outgoing()) << seed << ' ' << i;
    }
    for (const NetCounter counter :
         {NetCounter::kTcpSegmentsIn, NetCounter::kTcpOutOfOrder, NetCounter::kTcpDuplicateData,
          NetCounter::kTcpDuplicateAcks}) {
      EXPECT_EQ(together.count(counter), alone.count(counter)) << seed;
    }
    EXPECT_GT(together.count(NetCounter::kTcpSegmentsCoalesced), 0U);
    EXPECT_EQ(alone.count(NetCounter::kTcpSegmentsCoalesced), 0U);
  }
}

// Nothing beyond the window is taken, however it arrives.
TEST(Coalescing, WindowEndsWhereItWould) {
  Host host;
  std::uint32_t at = 0;
  for (int i = 0; i < 4; ++i) {
    std::vector<test::ByteVector> frames;
    for (int k = 0; k < 64; ++k, at += 1448) {
      frames.push_back(Host::frame(host.header(Host::kIss + 1 + at), std::string(1448, 'x')));
    }
    host.arrive_together(frames);
  }
  host.pass({});
  const auto sent = host.outgoing();
  ASSERT_FALSE(sent.empty());
  const auto answer = wire::parse_tcp(base::Bytes(sent.back()).subspan(14 + 20))->header;
  const auto taken = host.read().size();
  EXPECT_EQ(answer.acknowledgement, SeqNumber(Host::kIss + 1 + static_cast<std::uint32_t>(taken)));
  EXPECT_LT(taken, at);
  EXPECT_GT(host.count(NetCounter::kTcpSegmentsCoalesced), 0U);
}

}  // namespace
}  // namespace sluice::net
