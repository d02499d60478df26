// A flood of SYNs at a stack that has an open connection: cookies are answered within a ration, the
// rest is dropped unread, and the connection goes on as before.
#include <gtest/gtest.h>

#include <array>

#include "base/limits.hpp"
#include "tests/dataplane/net/open_connection_fixture.hpp"

namespace sluice::net {
namespace {

using base::Duration;

class SynFlood : public OpenConnectionFixture {
 protected:
  static constexpr std::size_t kAtOnce = 5'000;
  static constexpr std::size_t kPerMillisecond = 100;

  // From hosts that nobody has heard of, a burst at a time. Whatever they are answered is dropped.
  void flood(std::size_t syns) {
    std::array<base::Packet*, base::limits::kBurst> burst{};
    while (syns > 0) {
      const std::size_t size = std::min(syns, burst.size());
      for (base::Packet*& packet : std::span(burst).first(size)) packet = spoofed_syn();
      stack_.receive(now_, interface_, std::span(burst).first(size));
      pass({});
      answers_ += outgoing().size();
      syns -= size;
    }
  }
  base::Packet* spoofed_syn() {
    ++spoofed_;
    wire::TcpHeader header = SynFlood::header(spoofed_);
    header.source_port = static_cast<std::uint16_t>(1'024 + spoofed_ % 60'000);
    header.flags = {.syn = true};
    const test::ByteVector bytes = frame(header, "");
    base::Packet* packet = pool_.allocate();
    base::copy(packet->append(bytes.size()), bytes);
    return packet;
  }

  std::uint32_t spoofed_ = 0;
  std::size_t answers_ = 0;
};

TEST_F(SynFlood, AnswersAreRationed) {
  flood(2 * kAtOnce);
  const std::uint64_t cookies = count(NetCounter::kTcpSynCookiesSent);
  EXPECT_GE(cookies, kAtOnce - base::limits::kBurst);
  EXPECT_LE(cookies, kAtOnce + 1);
  EXPECT_GT(count(NetCounter::kTcpSynCookiesWithheld), kAtOnce / 2);
  EXPECT_EQ(answers_, stack_.usage().half_open + cookies);
  EXPECT_EQ(stack_.usage().connections, stack_.usage().half_open + 1);
}

TEST_F(SynFlood, RationComesBackWithTime) {
  flood(2 * kAtOnce);
  const std::uint64_t before = count(NetCounter::kTcpSynCookiesSent);
  pass(Duration::milliseconds(1));
  (void)outgoing();
  flood(4 * kPerMillisecond);
  const std::uint64_t answered = count(NetCounter::kTcpSynCookiesSent) - before;
  EXPECT_GE(answered, kPerMillisecond - 1);
  EXPECT_LE(answered, kPerMillisecond + 1);
}

TEST_F(SynFlood, OpenConnectionGoesOn) {
  flood(2 * kAtOnce);
  const std::string sent = text(1'000);
  text_arrives(0, sent);
  EXPECT_EQ(read(), sent);
  EXPECT_EQ(pool_.available() + 1, pool_.capacity()) << "but for the acknowledgment on its way";
}

// Without pressure nobody counts them.
TEST_F(SynFlood, FewSynsAreAllRemembered) {
  flood(8);
  EXPECT_EQ(count(NetCounter::kTcpSynCookiesSent), 0U);
  EXPECT_EQ(count(NetCounter::kTcpSynCookiesWithheld), 0U);
  EXPECT_EQ(stack_.usage().half_open, 8U);
}

}  // namespace
}  // namespace sluice::net
