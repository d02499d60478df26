// What the connections of a worker may hold together, and who goes without when it is used up.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "dataplane/net/tcp/receive_window.hpp"
#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;

constexpr std::size_t kHoarders = 1'000;
constexpr std::uint32_t kSize = 1'000;  // of a segment

Script::Options options() {
  Script::Options options;
  options.packets = 8'192;
  options.tcp.max_connections = kHoarders + 8;
  options.tcp.max_half_open = 64;
  options.tcp.receive_memory = std::size_t{4} << 20;
  options.tcp.send_memory = 200'000;
  return options;
}

// One of many connections of a script, told apart by its peer's port.
struct Peer {
  Peer(Script& on, std::size_t number)
      : host(on), port(static_cast<std::uint16_t>(5'000 + number)) {
    host.forget_sent();
    send(syn(Script::kPeerIss).mss(kSize));
    const Segment answer = host.sent();
    first = answer.header.sequence + 1;
    edge = answer.header.acknowledgement + answer.header.window;
    send(bare(host.theirs(0)));
    connection = host.engine.next_event().value().connection;
  }

  // Text at the n-th byte of the peer's; as much as was taken counts for the next.
  void sends_at(std::uint32_t position, std::uint32_t size = kSize) {
    send(data(host.theirs(position), std::string(size, 'x')));
  }
  void sends() {
    sends_at(at);
    for (const Segment& answer : host.all_sent()) {
      const SeqNumber right = answer.header.acknowledgement + answer.header.window;
      EXPECT_GE(right - edge, 0) << "the window was taken back";
      edge = right;
      at = static_cast<std::uint32_t>(answer.header.acknowledgement - host.theirs(0));
    }
  }
  void acknowledges(std::uint32_t bytes, std::uint16_t window = Script::kWindow) {
    acknowledged = bytes;
    send(bare(host.theirs(0)).window(window));
  }
  void send(Segment segment) {
    if (!segment.header.flags.syn) segment.ack(first + acknowledged);
    host.arrives(std::move(segment.ports(port, Script::kLocalPort)));
  }

  Script& host;
  std::uint16_t port;
  SeqNumber first;  // byte of ours
  SeqNumber edge;   // of our window
  std::uint32_t at = 0;
  std::uint32_t acknowledged = 0;
  ConnectionHandle connection;
};

struct Crowd {
  explicit Crowd(Script& host) {
    host.listen();
    for (std::size_t i = 0; i < kHoarders; ++i) peers.emplace_back(host, i);
  }
  std::vector<Peer> peers;
};

const MemoryBudget& received(Script& host) {
  return host.engine.receive_memory();
}

TEST(TcpReceiveMemory, AThousandConnectionsThatNobodyReadsStayWithinIt) {
  Script host(options());
  Crowd crowd(host);
  for (int round = 0; round < 12; ++round) {
    for (Peer& peer : crowd.peers) peer.sends();
    EXPECT_LE(received(host).used(), received(host).total());
  }
  EXPECT_GE(received(host).used(), received(host).total() * 7 / 8 - 4'096);
  EXPECT_GT(host.counted(NetCounter::kTcpReceiveMemory), 0U);
  host.engine.abort_all(host.now);
  EXPECT_EQ(received(host).used(), 0U);
}

TEST(TcpReceiveMemory, ConnectionWhoseSessionReadsGoesOnWhenItIsUsedUp) {
  Script host(options());
  Crowd crowd(host);
  Peer last(host, kHoarders);
  for (std::size_t p = 0; !received(host).is_short(2'400) && p < 10 * kHoarders; ++p) {
    crowd.peers[p % kHoarders].sends();
  }
  host.pass(Duration::seconds(2));
  for (std::size_t p = 0; p < 500; ++p) crowd.peers[p].sends();
  EXPECT_GT(host.counted(NetCounter::kTcpReceiveMemory), 0U);
  const std::uint64_t refused = host.counted(NetCounter::kTcpReceiveMemory);
  std::size_t read = 0;
  // As it does with a record that it can only take as a whole.
  for (int record = 0; record < 20; ++record) {
    for (int i = 0; i < 16; ++i) last.sends_at(std::exchange(last.at, last.at + kSize));
    read += host.read(last.connection).size();
    host.pass(Duration::milliseconds(50));
    host.forget_sent();
  }
  EXPECT_EQ(read, 320U * kSize);
  EXPECT_EQ(host.counted(NetCounter::kTcpReceiveMemory), refused);
  EXPECT_LE(received(host).used(), received(host).total());
}

TEST(TcpReceiveMemory, TextBehindGapsMakesRoomForTextInOrder) {
  Script host(options());
  Crowd crowd(host);
  for (std::uint32_t i = 1; i < 20; ++i) {
    for (std::size_t p = 0; p < 300; ++p) crowd.peers[p].sends_at(i * 2 * kSize);
  }
  ASSERT_TRUE(received(host).is_short(4'096));
  host.forget_sent();
  for (std::size_t p = 500; p < 900; ++p) crowd.peers[p].sends();
  EXPECT_EQ(host.counted(NetCounter::kTcpReassemblyReclaimed) > 0, true);
  for (std::size_t p = 500; p < 900; ++p) {
    EXPECT_EQ(host.read(crowd.peers[p].connection).size(), kSize);
  }
  // RFC 2018 8: what was dropped is taken when it comes again.
  host.forget_sent();
  Peer& again = crowd.peers[0];
  for (int i = 0; i < 5; ++i) {
    again.sends();
    host.pass(Duration::milliseconds(50));
  }
  EXPECT_GE(host.read(again.connection).size(), 5U * kSize);
}

// A byte of a record from each of many, which no session can take.
class TcpUnreadText : public testing::Test {
 protected:
  TcpUnreadText() {
    for (Peer& peer : crowd_.peers) peer.sends_at(0, 1);
    last_.sends_at(0);
    EXPECT_GT(host_.counted(NetCounter::kTcpReceiveMemory), 0U);
  }

  static Script::Options few_packets() {
    Script::Options few = options();
    few.tcp.receive_memory = std::size_t{2} << 20;
    return few;
  }

  Script host_{few_packets()};
  Crowd crowd_{host_};
  Peer last_{host_, kHoarders};
};

TEST_F(TcpUnreadText, IsResetAfterAWhileForSomebodyElse) {
  host_.pass(Duration::seconds(9));
  last_.sends_at(0);
  host_.pass(Duration::milliseconds(1));
  EXPECT_EQ(host_.counted(NetCounter::kTcpUnreadResets), 0U);
  EXPECT_EQ(host_.read(last_.connection), "");
  host_.pass(Duration::seconds(2));
  last_.sends_at(0);
  host_.pass(Duration::milliseconds(1));
  last_.sends_at(0);
  EXPECT_EQ(host_.read(last_.connection).size(), kSize);
  // As many as a record needs, and no more.
  EXPECT_GE(host_.counted(NetCounter::kTcpUnreadResets), 20U);
  EXPECT_LE(host_.counted(NetCounter::kTcpUnreadResets), 40U);
  auto event = host_.engine.next_event();
  while (event && !event->what.closed) event = host_.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->reason, CloseReason::kNoMemory);
}

TEST_F(TcpUnreadText, IsLeftWhereNobodyNeedsTheMemory) {
  host_.pass(Duration::seconds(60));
  EXPECT_EQ(host_.counted(NetCounter::kTcpUnreadResets), 0U);
}

TEST_F(TcpUnreadText, OfASessionThatTakesSomeIsKept) {
  for (int second = 0; second < 60; ++second) {
    for (Peer& peer : crowd_.peers) host_.engine.consumed(host_.now, peer.connection);
    host_.pass(Duration::seconds(1));
    last_.sends_at(0);
  }
  EXPECT_EQ(host_.counted(NetCounter::kTcpUnreadResets), 0U);
}

// RFC 9293 3.8.6 (SHLD-14): Peer::sends() checks it at each acknowledgment.
TEST(TcpReceiveMemory, WindowShutsWithoutBeingTakenBack) {
  Script host(options());
  Crowd crowd(host);
  Peer last(host, kHoarders);
  for (int round = 0; round < 12; ++round) {
    for (Peer& peer : crowd.peers) peer.sends();
    last.sends();
  }
  EXPECT_GE(last.at, kSize);
  EXPECT_GT(host.counted(NetCounter::kTcpReceiveMemory), 0U);
}

// --- packets ---

// What wants to open goes first, then text behind text that nobody has read, then all text.
TEST(TcpScarcePackets, AreForThoseWhoCanSetSomeFree) {
  Script::Options small;
  small.packets = 64;
  Script host(small);
  host.listen();
  Peer behind(host, 0);
  Peer reader(host, 1);
  std::vector<base::PacketPtr> taken;
  const auto leave = [&](std::size_t packets) {
    while (host.pool.available() > packets) taken.emplace_back(host.pool.allocate());
  };
  behind.sends();
  leave(12);
  host.arrives(syn(Script::kPeerIss).ports(7'000, Script::kLocalPort));  // in one of the packets
  EXPECT_EQ(host.counted(NetCounter::kTcpSynShed), 1U);
  EXPECT_TRUE(host.silent());
  behind.sends_at(behind.at, 1'500);
  EXPECT_EQ(host.counted(NetCounter::kTcpPacketsLow), 0U);
  leave(8);
  behind.sends_at(behind.at + 1'500, 1'500);
  EXPECT_EQ(host.counted(NetCounter::kTcpPacketsLow), 1U);
  reader.sends();
  EXPECT_EQ(host.read(reader.connection).size(), kSize);
  leave(4);
  reader.sends();
  EXPECT_EQ(host.counted(NetCounter::kTcpPacketsLow), 2U);
}

// --- sending ---

const MemoryBudget& queued(Script& host) {
  return host.engine.send_memory();
}

TEST(TcpSendMemory, ResetsWhoHasItsWindowShutLongest) {
  Script host(options());
  host.listen();
  std::vector<Peer> peers;
  for (std::size_t i = 0; i < 3; ++i) {
    peers.emplace_back(host, i).acknowledges(0, 0);
    host.write(peers.back().connection, std::size_t{60'000});
    host.pass(Duration::seconds(5));
  }
  EXPECT_EQ(host.counted(NetCounter::kTcpShutWindowResets), 0U);
  Peer open(host, 3);
  host.write(open.connection, std::size_t{60'000});
  host.forget_sent();
  ASSERT_TRUE(queued(host).is_exhausted());
  host.pass(Duration::milliseconds(1));
  EXPECT_EQ(host.counted(NetCounter::kTcpShutWindowResets), 1U);
  const Segment reset = host.sent();
  EXPECT_TRUE(reset.header.flags.rst);
  EXPECT_EQ(reset.header.destination_port, peers[0].port);
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->connection, peers[0].connection);
  EXPECT_EQ(event->reason, CloseReason::kNoMemory);
  EXPECT_EQ(queued(host).used(), 180'000U);
}

TEST(TcpSendMemory, WindowThatOpensByBytesIsShut) {
  Script host(options());
  host.listen();
  Peer dripping(host, 0);
  dripping.acknowledges(0, 0);
  host.write(dripping.connection, std::size_t{60'000});
  Peer open(host, 1);
  for (std::uint32_t i = 1; i < 20; ++i) {
    host.pass(Duration::milliseconds(700));
    dripping.acknowledges(static_cast<std::uint32_t>(host.all_sent().size()) > 0
                              ? dripping.acknowledged + 1
                              : dripping.acknowledged,
                          1);
  }
  EXPECT_LT(dripping.acknowledged, 20U);
  host.write(open.connection, std::size_t{160'000});
  host.pass(Duration::milliseconds(1));
  EXPECT_EQ(host.counted(NetCounter::kTcpShutWindowResets), 1U);
  EXPECT_EQ(host.engine.connections(), 2U);  // of which one waits for its session to notice
}

// Nothing is left to be sent, but the peer has shut its window in front of what was, and answers
// each probe.
TEST(TcpSendMemory, WindowThatShutsInFrontOfWhatWasSentIsShut) {
  Script host(options());
  host.listen();
  Peer hoarder(host, 0);
  host.write(hoarder.connection, std::size_t{8'000});
  hoarder.acknowledges(0, 0);
  for (int second = 0; second < 20; ++second) {
    host.pass(Duration::seconds(1));
    hoarder.acknowledges(0, 0);
  }
  Peer open(host, 1);
  host.write(open.connection, std::size_t{200'000});
  ASSERT_TRUE(queued(host).is_exhausted());
  host.pass(Duration::milliseconds(1));
  EXPECT_EQ(host.counted(NetCounter::kTcpShutWindowResets), 1U);
}

TEST(TcpSendMemory, WindowThatHasMovedOnIsNotReset) {
  Script host(options());
  host.listen();
  Peer slow(host, 0);
  slow.acknowledges(0, 0);
  host.write(slow.connection, std::size_t{60'000});
  host.pass(Duration::seconds(12));
  slow.acknowledges(0, 5'000);
  slow.acknowledges(5'000, 0);
  Peer open(host, 1);
  host.write(open.connection, std::size_t{160'000});
  ASSERT_TRUE(queued(host).is_exhausted());
  host.pass(Duration::milliseconds(1));
  EXPECT_EQ(host.counted(NetCounter::kTcpShutWindowResets), 0U);
  // Unless it takes nothing from then on.
  host.pass(Duration::seconds(12));
  EXPECT_EQ(host.counted(NetCounter::kTcpShutWindowResets), 1U);
}

TEST(TcpSendMemory, SessionThatHeardOfNoRoomHearsOfSome) {
  Script host(options());
  host.listen();
  Peer hoarder(host, 0);
  Peer peer(host, 1);
  EXPECT_EQ(host.engine.send_room(peer.connection), 64U * 1024);
  host.write(hoarder.connection, std::size_t{200'000});
  EXPECT_EQ(host.engine.send_room(peer.connection), 32U * 1024);
  host.write(peer.connection, std::size_t{2'000});
  EXPECT_EQ(host.engine.send_room(peer.connection), 0U);
  EXPECT_FALSE(host.engine.next_event());
  peer.acknowledges(2'000);
  const auto event = host.engine.next_event();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->connection, peer.connection);
  EXPECT_TRUE(event->what.writable);
  EXPECT_GT(host.engine.send_room(peer.connection), 0U);
}

TEST(TcpSendMemory, BufferGrowsWithTheCongestionWindow) {
  Script::Options large = options();
  large.packets = 8'192;
  large.tcp.send_memory = std::size_t{8} << 20;
  large.tcp.initial_send_buffer = 32 * 1024;
  large.tcp.send_buffer = 256 * 1024;
  Script host(large);
  host.listen();
  Peer peer(host, 0);
  EXPECT_EQ(host.engine.send_room(peer.connection), 32U * 1024);
  std::uint32_t taken = 0;
  std::size_t most = 0;
  for (int i = 0; i < 400; ++i) {
    const std::size_t room = host.engine.send_room(peer.connection);
    if (room > 0) host.write(peer.connection, room);
    most = std::max(most, host.engine.unacknowledged(peer.connection));
    for (const Segment& segment : host.all_sent()) {
      taken += static_cast<std::uint32_t>(segment.text.size());
    }
    host.pass(Duration::milliseconds(1));
    peer.acknowledges(taken);
  }
  EXPECT_GT(most, 150'000U);
  EXPECT_LE(most, 256U * 1024);
  host.engine.abort_all(host.now);
  EXPECT_EQ(queued(host).used(), 0U);
}

}  // namespace
}  // namespace sluice::net::tcp::test
