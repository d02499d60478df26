// Options that lie about their length, or come twice: RFC 9293 3.2 (MUST-6, MUST-7) wants the
// segment survived. What stands in front of the lie counts, the rest does not.
#include <gtest/gtest.h>

#include <vector>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {
namespace {

using Octets = std::vector<std::uint8_t>;

// The segment with these octets for options, padded with zeros, behind the MSS of 1000.
void arrives_with(Script& host, Segment segment, Octets options) {
  options.insert(options.begin(), {2, 4, 1000 >> 8, 1000 & 0xff});
  options.resize((options.size() + 3) / 4 * 4);
  ASSERT_LE(options.size(), 40U);
  wire::TcpHeader& header = segment.header;
  header.source_port = Script::kPeerPort;
  header.destination_port = Script::kLocalPort;
  header.options = {};
  base::PacketPtr packet(host.pool.allocate());
  wire::serialize_tcp(header, packet->append(wire::TcpHeader::kMinSize));
  base::copy(packet->append(options.size()), std::as_bytes(std::span(options)));
  packet->bytes()[12] = static_cast<std::byte>((20 + options.size()) / 4 << 4);
  base::copy(packet->append(segment.text.size()), base::bytes_of(segment.text));
  host.engine.receive(host.now, host.remote, host.local, std::move(packet));
  host.flush();
}

struct Kind {
  const char* name;
  std::uint8_t number;
  std::uint8_t size;  // with kind and length
};

class TcpBadOption : public ::testing::TestWithParam<Kind> {
 protected:
  // An option of this kind that says `size`, with so many octets behind it.
  [[nodiscard]] static Octets option(std::uint8_t size, std::size_t content) {
    Octets octets{GetParam().number, size};
    octets.resize(2 + content, 1);
    return octets;
  }
  // The SYN has opened a handshake, with the MSS in front.
  void expect_survived(Octets options, std::uint64_t counted) {
    Script host;
    host.listen();
    arrives_with(host, syn(Script::kPeerIss), std::move(options));
    EXPECT_EQ(host.counted(NetCounter::kTcpOptionsMalformed), counted);
    ASSERT_FALSE(host.silent());
    const Segment answer = host.sent();
    EXPECT_TRUE(answer.header.flags.syn && answer.header.flags.ack);
    EXPECT_TRUE(host.silent());
    EXPECT_EQ(host.engine.half_open(), 1U);
    EXPECT_EQ(host.packets_out(), 0U);
    host.arrives(bare(host.theirs(0)).ack(answer.header.sequence + 1));
    const auto event = host.engine.next_event();
    if (answer.header.options.timestamps) return;  // which the acknowledgment would have to have
    ASSERT_TRUE(event);
    EXPECT_EQ(host.engine.segment_size(event->connection), 1'000U);
  }
};

TEST_P(TcpBadOption, OfNoLengthIsSurvived) {
  expect_survived(option(0, 6), 1);
}

TEST_P(TcpBadOption, OfItsKindAloneIsSurvived) {
  expect_survived(option(1, 6), 1);
}

TEST_P(TcpBadOption, LongerThanTheHeaderIsSurvived) {
  expect_survived(option(41, 6), 1);
  expect_survived(option(255, 34), 1);
}

TEST_P(TcpBadOption, CutOffByTheHeaderIsSurvived) {
  Octets octets = option(GetParam().size, GetParam().size - 2U);
  octets.pop_back();
  octets.insert(octets.begin(), (4 - octets.size() % 4) % 4, 1);  // no room for padding behind it
  expect_survived(octets, 1);
}

TEST_P(TcpBadOption, OfAnotherLengthIsIgnored) {
  const auto longer = static_cast<std::uint8_t>(GetParam().size + 1);
  expect_survived(option(longer, longer - 2U), 0);
}

TEST_P(TcpBadOption, RepeatedIsSurvived) {
  const Octets once = option(GetParam().size, GetParam().size - 2U);
  Octets twice = once;
  if (GetParam().number == 2) {
    twice = {2, 4, 1, 1, 2, 4, 1000 >> 8, 1000 & 0xff};  // the last one counts
  } else {
    twice.insert(twice.end(), once.begin(), once.end());
  }
  expect_survived(twice, 0);
}

TEST_P(TcpBadOption, OnAConnectionDoesNotKeepItsTextOut) {
  for (const std::uint8_t size : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{200}}) {
    Script host;
    const auto c = host.established();
    arrives_with(host, data(host.theirs(0), "text").ack(host.ours(0)), option(size, 6));
    EXPECT_EQ(host.counted(NetCounter::kTcpOptionsMalformed), 1U);
    EXPECT_EQ(host.read(c), "text");
  }
}

INSTANTIATE_TEST_SUITE_P(All, TcpBadOption,
                         ::testing::Values(Kind{"Mss", 2, 4}, Kind{"WindowScale", 3, 3},
                                           Kind{"SackPermitted", 4, 2}, Kind{"Sack", 5, 10},
                                           Kind{"Timestamps", 8, 10}, Kind{"Unknown", 254, 4}),
                         [](const auto& each) { return std::string(each.param.name); });

// --- headers ---

TEST(TcpBadHeader, LengthsThatDoNotFitAreDropped) {
  struct Case {
    std::size_t size;
    std::uint8_t offset;  // in words
  };
  for (const Case& each : {Case{0, 5}, Case{1, 5}, Case{13, 5}, Case{19, 5}, Case{20, 0},
                           Case{20, 4}, Case{20, 6}, Case{40, 11}, Case{59, 15}}) {
    Script host;
    const auto c = host.established();
    std::vector<std::byte> bytes(60);
    wire::TcpHeader header = data(host.theirs(0), "").ack(host.ours(0)).header;
    header.source_port = Script::kPeerPort;
    header.destination_port = Script::kLocalPort;
    wire::serialize_tcp(header, std::span(bytes).first(wire::TcpHeader::kMinSize));
    bytes[12] = static_cast<std::byte>(each.offset << 4);
    base::PacketPtr packet(host.pool.allocate());
    base::copy(packet->append(each.size), std::span(bytes).first(each.size));
    host.engine.receive(host.now, host.remote, host.local, std::move(packet));
    host.flush();
    EXPECT_EQ(host.counted(NetCounter::kTcpMalformed), 1U) << each.size << " " << +each.offset;
    EXPECT_TRUE(host.silent());
    EXPECT_EQ(host.packets_out(), 0U);
    EXPECT_EQ(host.read(c), "");
  }
}

}  // namespace
}  // namespace sluice::net::tcp::test
