// Segments longer than the MTU, as devices make them from several that arrive in a row (large
// receive offload): taken whole, counted by bytes.
#include <gtest/gtest.h>

#include <string>

#include "tests/dataplane/net/open_connection_fixture.hpp"

namespace sluice::net {
namespace {

using base::Duration;
using wire::SeqNumber;

constexpr std::size_t kDataRoom = 61'440;

class LongSegments : public OpenConnectionFixture {
 protected:
  LongSegments() : OpenConnectionFixture(kDataRoom) {}
};

TEST_F(LongSegments, AreTakenWholeAndAcknowledgedAtOnce) {
  std::uint32_t received = 0;
  for (const std::size_t size : {std::size_t{16'384}, std::size_t{60'000}}) {
    const std::string sent = text(size);
    text_arrives(received, sent);
    received += static_cast<std::uint32_t>(size);
    // RFC 9293 3.8.6.3: it stands for more than two segments, so it does not wait for another one.
    EXPECT_EQ(answered().acknowledgement, SeqNumber(kIss + 1 + received));
    EXPECT_EQ(read(), sent);
    (void)outgoing();
  }
  EXPECT_EQ(pool_.available(), pool_.capacity());
}

TEST_F(LongSegments, ShrinkTheWindowByNoMoreThanTheirBytesAndReadingOpensItAgain) {
  text_arrives(0, text(16'384));
  const std::uint32_t before = std::uint32_t{answered().window} << scale_;
  text_arrives(16'384, text(16'384));
  const std::uint32_t after = std::uint32_t{answered().window} << scale_;
  EXPECT_GE(after + 16'384 + (1U << scale_), before);
  EXPECT_EQ(read().size(), 32'768U);
  EXPECT_GT(std::uint32_t{answered().window} << scale_, after);
}

TEST_F(LongSegments, OutOfOrderWaitForTheGapAndAreDeliveredBehindIt) {
  const std::string sent = text(40'000);
  text_arrives(20'000, std::string_view(sent).substr(20'000));
  EXPECT_EQ(answered().acknowledgement, SeqNumber(kIss + 1));
  text_arrives(0, std::string_view(sent).substr(0, 20'000));
  EXPECT_EQ(answered().acknowledgement, SeqNumber(kIss + 1 + 40'000));
  EXPECT_EQ(read(), sent);
}

TEST_F(LongSegments, OverlapWithWhatIsThereIsCutOff) {
  const std::string sent = text(30'000);
  text_arrives(0, std::string_view(sent).substr(0, 20'000));
  (void)outgoing();
  text_arrives(5'000, std::string_view(sent).substr(5'000));
  EXPECT_EQ(answered().acknowledgement, SeqNumber(kIss + 1 + 30'000));
  EXPECT_EQ(read(), sent);
}

TEST_F(LongSegments, WithAWrongChecksumThatNobodyVerifiedAreDropped) {
  auto bad = frame(header(kIss + 1), text(16'384));
  bad.back() ^= std::byte{1};
  receive(bad);
  EXPECT_EQ(count(NetCounter::kTcpBadChecksum), 1U);
  EXPECT_EQ(read(), "");
}

}  // namespace
}  // namespace sluice::net
