// Segments that no honest peer sends, or that somebody else forges: each is counted by its name,
// leaves nothing behind, is answered as far as its bound allows, and does the connection that it
// aims at no harm.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <vector>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

enum class Target : std::uint8_t { kNobody, kListener, kHalfOpen, kConnection };

struct Bad {
  const char* name;
  Target target;
  std::function<Segment(const Script&)> segment;
  NetCounter counter;
  std::size_t answers = 0;
};

void PrintTo(const Bad& bad, std::ostream* to) {
  *to << bad.name;
}

Segment flags(Segment segment, wire::TcpFlags set) {
  segment.header.flags = set;
  return segment;
}

constexpr wire::TcpFlags kXmas{.fin = true, .psh = true, .urg = true};
constexpr wire::TcpFlags kAll = wire::TcpFlags::from_octet(0xff);

Segment nothing_at(SeqNumber seq) {
  return flags(bare(seq), {});
}
Segment text_at(const Script& host, std::uint32_t n) {
  return data(host.theirs(n), "evil").ack(host.ours(0));
}

const auto kBad = ::testing::Values(
    // --- flags ---
    Bad{"NullToNobody", Target::kNobody, [](const Script&) { return nothing_at(SeqNumber(7)); },
        NetCounter::kTcpNoListener, 1},
    Bad{"NullToAListener", Target::kListener,
        [](const Script&) { return nothing_at(SeqNumber(7)); }, NetCounter::kTcpNotSynchronized},
    Bad{"NullToAConnection", Target::kConnection,
        [](const Script& h) { return nothing_at(h.theirs(0)); }, NetCounter::kTcpNoAckFlag},
    Bad{"XmasToAListener", Target::kListener,
        [](const Script&) { return flags(bare(SeqNumber(7)), kXmas); },
        NetCounter::kTcpNotSynchronized},
    Bad{"XmasToAConnection", Target::kConnection,
        [](const Script& h) { return flags(bare(h.theirs(0)), kXmas); }, NetCounter::kTcpNoAckFlag},
    Bad{"AllFlagsToAListener", Target::kListener,
        [](const Script&) { return flags(bare(SeqNumber(7)), kAll); }, NetCounter::kTcpMalformed},
    Bad{"AllFlagsToAConnection", Target::kConnection,
        [](const Script& h) { return flags(bare(h.theirs(0)), kAll); }, NetCounter::kTcpMalformed},
    Bad{"SynFinToAListener", Target::kListener,
        [](const Script&) { return syn(SeqNumber(7)).fin(); }, NetCounter::kTcpMalformed},
    Bad{"SynFinToAConnection", Target::kConnection,
        [](const Script& h) { return syn(h.theirs(0)).fin(); }, NetCounter::kTcpMalformed},
    Bad{"SynRstToAListener", Target::kListener,
        [](const Script&) { return flags(bare(SeqNumber(7)), {.syn = true, .rst = true}); },
        NetCounter::kTcpMalformed},
    Bad{"FinWithoutAckToAListener", Target::kListener,
        [](const Script&) { return nothing_at(SeqNumber(7)).fin(); },
        NetCounter::kTcpNotSynchronized},
    Bad{"FinWithoutAckToAConnection", Target::kConnection,
        [](const Script& h) { return nothing_at(h.theirs(0)).fin(); }, NetCounter::kTcpNoAckFlag},
    Bad{"FinToAListener", Target::kListener,
        [](const Script&) { return bare(SeqNumber(7)).ack(SeqNumber(9)).fin(); },
        NetCounter::kTcpNotSynchronized, 1},
    Bad{"SynAckToAListener", Target::kListener,
        [](const Script&) { return syn(SeqNumber(7)).ack(SeqNumber(9)); },
        NetCounter::kTcpNotSynchronized, 1},
    Bad{"TextWithoutAckToAConnection", Target::kConnection,
        [](const Script& h) { return data(h.theirs(0), "evil"); }, NetCounter::kTcpNoAckFlag},
    // --- ports ---
    Bad{"DestinationPortZero", Target::kNobody,
        [](const Script&) { return syn(SeqNumber(7)).ports(Script::kPeerPort, 0); },
        NetCounter::kTcpMalformed},
    Bad{"SourcePortZero", Target::kListener,
        [](const Script&) { return syn(SeqNumber(7)).ports(0, Script::kLocalPort); },
        NetCounter::kTcpMalformed},
    // --- blind attacks: RFC 5961 ---
    Bad{"ResetToAListener", Target::kListener, [](const Script&) { return rst(SeqNumber(7)); },
        NetCounter::kTcpResetIgnored},
    Bad{"ResetElsewhereInTheWindow", Target::kConnection,
        [](const Script& h) { return rst(h.theirs(1)); }, NetCounter::kTcpResetIgnored, 1},
    Bad{"ResetInFrontOfTheWindow", Target::kConnection,
        [](const Script& h) { return rst(h.theirs(0) - 1); }, NetCounter::kTcpResetIgnored},
    Bad{"ResetBehindTheWindow", Target::kConnection,
        [](const Script& h) { return rst(h.theirs(1 << 20)); }, NetCounter::kTcpResetIgnored},
    Bad{"ResetElsewhereInTheWindowOfAHandshake", Target::kHalfOpen,
        [](const Script& h) { return rst(h.theirs(1)); }, NetCounter::kTcpResetIgnored, 1},
    Bad{"SynInTheWindow", Target::kConnection, [](const Script& h) { return syn(h.theirs(0)); },
        NetCounter::kTcpSynOnOpenConnection, 1},
    Bad{"SynOutsideTheWindow", Target::kConnection,
        [](const Script& h) { return syn(h.theirs(1 << 24)); }, NetCounter::kTcpSynOnOpenConnection,
        1},
    Bad{"SynAckToAConnection", Target::kConnection,
        [](const Script& h) { return syn(h.theirs(0)).ack(h.ours(0)); },
        NetCounter::kTcpSynOnOpenConnection, 1},
    Bad{"TextThatAcknowledgesTheUnsent", Target::kConnection,
        [](const Script& h) { return data(h.theirs(0), "evil").ack(h.ours(1)); },
        NetCounter::kTcpAckInvalid, 1},
    Bad{"TextThatAcknowledgesThePast", Target::kConnection,
        [](const Script& h) { return data(h.theirs(0), "evil").ack(h.ours(0) - 100'000); },
        NetCounter::kTcpAckOld, 1},
    Bad{"TextThatAcknowledgesHalfAWorldAway", Target::kConnection,
        [](const Script& h) { return data(h.theirs(0), "evil").ack(h.ours(0) - 0x7fffffff); },
        NetCounter::kTcpAckOld, 1},
    Bad{"AckOfTheUnsentInAHandshake", Target::kHalfOpen,
        [](const Script& h) { return bare(h.theirs(0)).ack(h.ours(1)); },
        NetCounter::kTcpAckInvalid, 1},
    // --- sequence numbers that wrap ---
    Bad{"TextHalfAWorldAhead", Target::kConnection,
        [](const Script& h) { return text_at(h, 0x7fffffff); }, NetCounter::kTcpUnacceptable, 1},
    Bad{"TextHalfAWorldBehind", Target::kConnection,
        [](const Script& h) { return text_at(h, 0x80000001); }, NetCounter::kTcpDuplicateData, 1},
    Bad{"TextOfTheByteInFront", Target::kConnection,
        [](const Script& h) { return data(h.theirs(0) - 1, "e").ack(h.ours(0)); },
        NetCounter::kTcpDuplicateData, 1},
    Bad{"TextOnTheRightEdge", Target::kConnection,
        [](const Script& h) { return text_at(h, 32 * 1024); }, NetCounter::kTcpUnacceptable, 1},
    Bad{"FinBehindTheWindow", Target::kConnection,
        [](const Script& h) { return bare(h.theirs(1 << 20)).ack(h.ours(0)).fin(); },
        NetCounter::kTcpUnacceptable, 1});

class TcpBadInput : public ::testing::TestWithParam<Bad> {
 protected:
  void prepare() {
    switch (GetParam().target) {
      case Target::kNobody:
        return;
      case Target::kListener:
        return host.listen();
      case Target::kHalfOpen:
        return host.syn_received(syn(Script::kPeerIss).mss(1000));
      case Target::kConnection:
        connection = host.established();
    }
  }

  Script host;
  ConnectionHandle connection;
};

TEST_P(TcpBadInput, IsCountedBoundedAndHarmless) {
  const Bad& bad = GetParam();
  prepare();
  host.pass(Duration::milliseconds(100));
  const std::size_t connections = host.engine.connections();
  const std::size_t half_open = host.engine.half_open();
  const std::size_t packets = host.packets_out();
  for (std::uint64_t copy = 1; copy <= 20; ++copy) {
    host.arrives(bad.segment(host));
    EXPECT_EQ(host.counted(bad.counter), copy);
    if (copy > 1) continue;
    EXPECT_EQ(host.all_sent().size(), bad.answers);
  }
  EXPECT_LE(host.all_sent().size(), 19 * bad.answers);
  EXPECT_EQ(host.engine.connections(), connections);
  EXPECT_EQ(host.engine.half_open(), half_open);
  EXPECT_EQ(host.packets_out(), packets);
  EXPECT_FALSE(host.engine.next_event());
  if (bad.target == Target::kConnection) {
    host.arrives(data(host.theirs(0), "honest").ack(host.ours(0)));
    EXPECT_EQ(host.read(connection), "honest");
  }
  if (bad.target == Target::kHalfOpen) {
    host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
    EXPECT_TRUE(host.engine.next_event());
  }
}

INSTANTIATE_TEST_SUITE_P(All, TcpBadInput, kBad,
                         [](const auto& each) { return std::string(each.param.name); });

// --- LAND ---

TEST(TcpBadSyn, FromItsOwnDestinationIsDropped) {
  Script host;
  host.listen();
  Segment land = syn(SeqNumber(7)).ports(Script::kLocalPort, Script::kLocalPort);
  base::PacketPtr packet(host.pool.allocate());
  wire::serialize_tcp(land.header, packet->append(wire::tcp_header_size(land.header)));
  host.engine.receive(host.now, host.local, host.local, std::move(packet));
  host.flush();
  EXPECT_TRUE(host.silent());
  EXPECT_EQ(host.counted(NetCounter::kTcpMalformed), 1U);
  EXPECT_EQ(host.engine.connections(), 0U);
}

// RFC 9293 3.10.7.2.
TEST(TcpBadSyn, ItsTextIsLeftToBeSentAgain) {
  Script host;
  host.listen();
  Segment first = syn(Script::kPeerIss).mss(1000);
  first.text = "early";
  host.arrives(first);
  const Segment answer = host.sent();
  EXPECT_EQ(answer.header.acknowledgement, host.theirs(0));
  EXPECT_EQ(host.counted(NetCounter::kTcpTextOnSyn), 1U);
  EXPECT_EQ(host.packets_out(), 0U);
  host.arrives(data(host.theirs(0), "early").ack(answer.header.sequence + 1));
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(host.read(event->connection), "early");
}

// RFC 7323 2.3: more than 14 counts as 14.
TEST(TcpBadSyn, WindowScaleOf15Is14) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).mss(1000).scale(15));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(1));
  host.write(c, 20'000);
  std::size_t sent = 0;
  for (int i = 0; i < 10; ++i) {
    for (const Segment& segment : host.all_sent()) sent += segment.text.size();
    host.arrives(bare(host.theirs(0)).ack(host.ours(static_cast<std::uint32_t>(sent))).window(0));
  }
  EXPECT_LE(sent, std::size_t{1} << 14);
}

// Not so small that headers outweigh text many times (CVE-2019-11479).
TEST(TcpBadSyn, TinyMssIsRaised) {
  for (const std::uint16_t mss : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{87}}) {
    Script host;
    const auto c = host.established(syn(Script::kPeerIss).mss(mss));
    EXPECT_EQ(host.engine.segment_size(c), 88U);
    EXPECT_EQ(host.counted(NetCounter::kTcpMssRaised), 1U);
  }
}

// --- on a connection ---

// RFC 6093: urgent data is ordinary text, whatever the pointer says.
TEST(TcpBadSegment, UrgentPointerToNowhereIsIgnored) {
  for (const unsigned pointer : {0U, 1U, 0x7fffU, 0xffffU}) {
    Script host;
    const auto c = host.established();
    Segment urgent = data(host.theirs(0), "text").ack(host.ours(0));
    urgent.header.flags.urg = true;
    urgent.header.urgent_pointer = static_cast<std::uint16_t>(pointer);
    host.arrives(urgent);
    EXPECT_EQ(host.read(c), "text");
  }
}

TEST(TcpBadSegment, TimestampGoingBackIsRejectedWithOneAnswerInAWhile) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).timestamps(1'000, 0));
  host.pass(Duration::milliseconds(100));
  for (std::uint32_t back = 1; back < 20; ++back) {
    host.arrives(bare(host.theirs(0)).ack(host.ours(0) - back).timestamps(1'000 - back, 0));
  }
  EXPECT_LE(host.all_sent().size(), 1U);
  host.arrives(data(host.theirs(0), "text").ack(host.ours(0)).timestamps(1'001, 0));
  EXPECT_EQ(host.read(c), "text");
}

// The first copy of a byte wins (reassembly.hpp), so that nobody who looked at it on its way is
// shown another text than the session.
TEST(TcpBadSegment, OverlapWithOtherTextChangesNothing) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(4), "EFGH").ack(host.ours(0)));
  host.arrives(data(host.theirs(2), "cdefghij").ack(host.ours(0)));
  host.arrives(data(host.theirs(0), "ABCDEFGHIJ").ack(host.ours(0)));
  EXPECT_EQ(host.read(c), "ABcdEFGHij");
}

TEST(TcpBadSegment, TextThatCoversWhatIsHeldFillsTheGapsBetween) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(2), "c").ack(host.ours(0)));
  host.arrives(data(host.theirs(6), "g").ack(host.ours(0)));
  host.forget_sent();
  host.arrives(data(host.theirs(0), "ABCDEFGHI").ack(host.ours(0)));
  EXPECT_EQ(host.sent().header.acknowledgement, host.theirs(9));
  EXPECT_EQ(host.read(c), "ABcDEFgHI");
  EXPECT_EQ(host.packets_out(), 0U);
}

TEST(TcpBadSegment, TextBehindWhatIsHeldComesAgainWhereThereIsNoPacketForIt) {
  Script host;
  const auto c = host.established();
  base::MemoryPacketPool received(16);
  host.foreign_pool = &received;
  host.arrives(data(host.theirs(2), "c").ack(host.ours(0)));
  std::vector<base::PacketPtr> taken;
  while (host.pool.available() > 0) taken.emplace_back(host.pool.allocate());
  host.arrives(data(host.theirs(0), "ABCDE").ack(host.ours(0)));
  EXPECT_EQ(host.read(c), "ABc");
  taken.clear();
  host.arrives(data(host.theirs(3), "DE").ack(host.ours(0)));
  EXPECT_EQ(host.read(c), "DE");
}

}  // namespace
}  // namespace sluice::net::tcp::test
