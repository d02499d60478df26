// RFC 9293 3.1, 3.2 and 3.7.1: the header, its options, and the sizes of segments.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::Duration;
using Octets = std::vector<std::uint8_t>;

// The segment arrives with these octets as its options, zeros behind them.
void arrives_with_options(Script& host, Segment segment, Octets options) {
  options.resize((options.size() + 3) / 4 * 4);
  segment.header.source_port = Script::kPeerPort;
  segment.header.destination_port = host.local_port;
  base::PacketPtr packet(host.pool.allocate());
  ASSERT_TRUE(packet);
  const base::MutableBytes header = packet->append(wire::TcpHeader::kMinSize);
  wire::serialize_tcp(segment.header, header);
  header[12] = static_cast<std::byte>((5 + options.size() / 4) << 4);
  base::copy(packet->append(options.size()), std::as_bytes(std::span(options)));
  base::copy(packet->append(segment.text.size()), base::bytes_of(segment.text));
  host.engine.receive(host.now, host.remote, host.local, std::move(packet));
  host.flush();
}

// The payload of a full segment to a peer whose SYN has these options.
std::size_t segment_size_after(const Octets& options) {
  Script host;
  host.listen();
  arrives_with_options(host, syn(Script::kPeerIss), options);
  host.iss = host.sent().header.sequence;
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)));
  const auto event = host.engine.next_event();
  EXPECT_TRUE(event);
  return event ? host.engine.segment_size(event->connection) : 0;
}

// --- 3.1: the header ---

// MUST-1: "The window size MUST be treated as an unsigned number".
TEST(Rfc9293Header, WindowIsUnsigned) {
  for (const std::uint16_t window : std::array<std::uint16_t, 3>{0x7fff, 0x8000, 0xffff}) {
    Script host;
    const auto c = host.established();
    host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(window));
    host.write(c, 9'000);
    EXPECT_EQ(host.all_sent().size(), 9U);
  }
}

// The same of a window that scaling has made a large number.
TEST(Rfc9293Header, LargestScaledWindowIsUnsigned) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).mss(1000).scale(14));
  host.arrives(bare(host.theirs(0)).ack(host.ours(0)).window(0xffff));
  host.write(c, 9'000);
  EXPECT_EQ(host.all_sent().size(), 9U);
}

// --- 3.1, 3.2: options ---

// MUST-5: "A TCP implementation MUST be able to receive a TCP Option in any segment".
TEST(Rfc9293Options, AreTakenInAnySegment) {
  Script host;
  const auto c = host.established();
  host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)).mss(100).timestamps(1, 2));
  host.arrives(bare(host.theirs(3)).ack(host.ours(0)).sack(host.ours(0), host.ours(1)));
  host.arrives(bare(host.theirs(3)).ack(host.ours(0)).mss(100).scale(3).fin());
  EXPECT_EQ(host.read(c), "abc");
  EXPECT_TRUE(host.engine.input_finished(c));
  EXPECT_EQ(host.engine.segment_size(c), 1'000U);
}

// MUST-6: "MUST ignore without error any TCP Option it does not implement, assuming that the option
// has a length field".
TEST(Rfc9293Options, UnknownOnesAreSkippedInEverySegment) {
  const Octets unknown{253, 6, 0xde, 0xad, 0xbe, 0xef, 30, 4, 1, 2};
  Octets before_mss = unknown;
  before_mss.insert(before_mss.end(), {2, 4, 0x03, 0xe8});
  EXPECT_EQ(segment_size_after(before_mss), 1'000U);
  Script host;
  const auto c = host.established();
  arrives_with_options(host, data(host.theirs(0), "abc").ack(host.ours(0)), unknown);
  arrives_with_options(host, bare(host.theirs(3)).ack(host.ours(0)).fin(), unknown);
  EXPECT_EQ(host.read(c), "abc");
  EXPECT_TRUE(host.engine.input_finished(c));
}

// MUST-7: "MUST be prepared to handle an illegal option length (e.g., zero)".
TEST(Rfc9293Options, IllegalLengthsAreSurvived) {
  for (const Octets& illegal : std::vector<Octets>{
           {253, 0, 1, 1}, {253, 1, 1, 1}, {253, 200, 1, 1}, {8, 0}, {5, 1}, {1, 1, 1, 8}}) {
    Octets behind_mss{2, 4, 0x03, 0xe8};
    behind_mss.insert(behind_mss.end(), illegal.begin(), illegal.end());
    EXPECT_EQ(segment_size_after(behind_mss), 1'000U);
    Script host;
    const auto c = host.established();
    arrives_with_options(host, data(host.theirs(0), "abc").ack(host.ours(0)), illegal);
    host.arrives(data(host.theirs(0), "abc").ack(host.ours(0)));
    EXPECT_EQ(host.read(c), "abc");
    EXPECT_FALSE(host.engine.next_event()->what.closed);
  }
}

// MUST-4: End of Option List and No-Operation are supported: what stands behind the former does not
// count.
TEST(Rfc9293Options, NothingBehindTheEndOfTheListCounts) {
  EXPECT_EQ(segment_size_after({1, 2, 4, 0x03, 0xe8, 0}), 1'000U);
  EXPECT_EQ(segment_size_after({0, 2, 4, 0x03, 0xe8}), 536U);
}

// MUST-64: "receivers MUST be prepared to process options even if they do not begin on a word
// boundary".
TEST(Rfc9293Options, AreReadAtAnyBoundary) {
  for (std::size_t padding = 0; padding < 4; ++padding) {
    Octets options(padding, 1);
    options.insert(options.end(), {2, 4, 0x03, 0xe8});
    EXPECT_EQ(segment_size_after(options), 1'000U);
  }
}

// --- 3.7.1: the Maximum Segment Size ---

// MUST-14: "TCP endpoints MUST implement both sending and receiving the MSS Option", in both kinds
// of open.
TEST(Rfc9293Mss, IsSentAndReceivedInBothKindsOfOpen) {
  Script host;
  host.listen();
  host.arrives(syn(Script::kPeerIss).mss(700));
  EXPECT_EQ(host.sent().header.options.mss, 1460);
  Script opener;
  const auto c = opener.connecting();
  opener.arrives(syn(Script::kPeerIss).ack(opener.ours(0)).mss(700));
  EXPECT_EQ(opener.engine.segment_size(c), 700U);
}

// MUST-15: "If an MSS Option is not received at connection setup, TCP implementations MUST assume a
// default send MSS of 536 for IPv4 or 1220 for IPv6".
TEST(Rfc9293Mss, ThatIsNotReceivedIsTheDefaultOfTheFamily) {
  for (const bool ipv6 : {false, true}) {
    Script::Options options;
    if (ipv6) {
      options.local = "2001:db8::1";
      options.remote = "2001:db8::2";
    }
    Script host(options);
    const auto c = host.established(syn(Script::kPeerIss));
    EXPECT_EQ(host.engine.segment_size(c), ipv6 ? 1'220U : 536U);
    Script opener(options);
    const auto d = opener.connecting();
    opener.arrives(syn(Script::kPeerIss).ack(opener.ours(0)));
    EXPECT_EQ(opener.engine.segment_size(d), ipv6 ? 1'220U : 536U);
  }
}

// MUST-16: the effective send MSS "MUST be the smaller of the send MSS [...] and the largest
// transmission size permitted by the IP layer"; RFC 6691 2: less the options of each segment.
TEST(Rfc9293Mss, ThatIsUsedIsTheSmallerOfThePeersAndThePaths) {
  struct Case {
    std::uint16_t offered;
    std::size_t used;
  };
  for (const Case& mss : {Case{700, 700}, Case{1'460, 1'460}, Case{9'000, 1'460}}) {
    for (const bool timestamps : {false, true}) {
      Script host;
      Segment first = syn(Script::kPeerIss).mss(mss.offered);
      const auto c = host.established(timestamps ? first.timestamps(1, 0) : first);
      EXPECT_EQ(host.engine.segment_size(c), mss.used - (timestamps ? 12 : 0));
    }
  }
}

// MUST-16, RFC 6691 3.1: what blocks of SACK add to a segment's header they take from its text.
TEST(Rfc9293Mss, IsNotExceededBySegmentsWithMoreOptions) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).mss(1460).sack_permitted());
  for (std::uint32_t i = 0; i < 4; ++i) {
    host.arrives(data(host.theirs(10 + i * 10), "gap").ack(host.ours(0)));
  }
  host.forget_sent();
  host.write(c, 3'000);
  const auto segments = host.all_sent();
  ASSERT_EQ(segments.size(), 3U);
  for (const Segment& segment : segments) {
    EXPECT_LE(wire::tcp_header_size(segment.header) + segment.text.size(), 1'480U);
  }
}

// MUST-65: the MSS option is not sent "on non-SYN segments".
TEST(Rfc9293Mss, IsSentWithSynsAlone) {
  Script host;
  const auto c = host.established(syn(Script::kPeerIss).mss(1000).timestamps(1, 0).scale(2));
  host.arrives(data(host.theirs(5), "gap").ack(host.ours(0)).timestamps(2, 0));
  host.write(c, 5'000);
  host.pass(Duration::seconds(1));
  host.engine.finish(host.now, c);
  host.engine.abort(host.now, c);
  const auto segments = host.all_sent();
  EXPECT_GE(segments.size(), 7U);
  for (const Segment& segment : segments) {
    EXPECT_FALSE(segment.header.options.mss);
    EXPECT_FALSE(segment.header.options.window_scale);
    EXPECT_FALSE(segment.header.options.sack_permitted);
  }
}

// MUST-67: the value is what can be received at the IP layer, less the fixed headers and no
// options.
TEST(Rfc9293Mss, OfferedCountsFixedHeadersAndNoOptions) {
  for (const bool ipv6 : {false, true}) {
    Script::Options options;
    if (ipv6) {
      options.local = "2001:db8::1";
      options.remote = "2001:db8::2";
    }
    Script host(options);
    host.listen();
    host.arrives(syn(Script::kPeerIss).timestamps(1, 0).sack_permitted().scale(7));
    EXPECT_EQ(host.sent().header.options.mss, ipv6 ? 1440 : 1460);
  }
}

}  // namespace
}  // namespace sluice::net::tcp::test
