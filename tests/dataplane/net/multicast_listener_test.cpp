#include "dataplane/net/multicast_listener.hpp"

#include <gtest/gtest.h>

#include "base/memory_packet_pool.hpp"
#include "dataplane/wire/icmpv6.hpp"
#include "dataplane/wire/ipv6_address.hpp"
#include "dataplane/wire/ipv6_extensions.hpp"
#include "tests/dataplane/net/stack_fixture.hpp"

namespace sluice::net {
namespace {

using base::Duration;
using base::Instant;
using base::Ipv6Address;

const Ipv6Address kRouter = v6("fe80::1");

class MulticastListenerTest : public ::testing::Test {
 protected:
  void assign() {
    for (auto& prefix : prefixes_.addresses()) prefix.state = AddressState::kAssigned;
  }
  struct Report {
    Ipv6Address source;
    std::uint8_t version = 2;
    std::uint8_t type = 0;  // of version 2: the records'
    std::vector<Ipv6Address> groups;
  };
  // Every report that was sent, each checked as a router would.
  std::vector<Report> sent() {
    std::vector<Report> reports;
    while (const base::PacketPtr frame = link_.outgoing().pop_front()) {
      const auto ethernet = wire::parse_ethernet(frame->bytes());
      const base::Bytes packet = frame->bytes().subspan(14);
      EXPECT_LE(packet.size(), wire::kIpv6MinMtu);
      const auto ip = wire::parse_ipv6(packet);
      EXPECT_EQ(ethernet->destination, wire::multicast_mac(ip->header.destination));
      EXPECT_EQ(ip->header.hop_limit, 1);
      // RFC 2711 2.1: hop-by-hop, router alert of value zero, padding.
      EXPECT_TRUE(base::equal(packet.subspan(40, 8), test::hex("3a 00 05 02 00 00 01 00")));
      const auto upper = wire::find_upper_layer(packet, *ip);
      EXPECT_EQ(upper->offset, 48U);
      const base::Bytes message = packet.subspan(upper->offset);
      EXPECT_EQ(wire::icmpv6_checksum(ip->header, message), 0);
      if (message[0] == std::byte{131}) {
        reports.push_back(read_version_1(ip->header, message));
      } else {
        EXPECT_EQ(message[0], std::byte{143});
        EXPECT_EQ(ip->header.destination, v6("ff02::16"));
        reports.push_back(read(ip->header.source, message));
      }
    }
    return reports;
  }
  static Report read(const Ipv6Address& source, base::Bytes message) {
    Report report{.source = source, .version = 2, .groups = {}};
    const auto records = base::load_be<std::uint16_t>(message.data() + 6);
    EXPECT_EQ(message.size(), 8 + records * 20U);
    for (std::size_t i = 0; i < records; ++i) {
      const base::Bytes record = message.subspan(8 + i * 20, 20);
      report.type = std::to_integer<std::uint8_t>(record[0]);
      EXPECT_TRUE(base::equal(record.subspan(1, 3), test::hex("00 00 00")));
      Ipv6Address group;
      base::copy(group.octets, record.subspan(4));
      report.groups.push_back(group);
    }
    return report;
  }
  // RFC 2710 3, 5: the report goes to the group itself.
  static Report read_version_1(const wire::Ipv6Header& ip, base::Bytes message) {
    Report report{.source = ip.source, .version = 1, .groups = {ip.destination}};
    EXPECT_EQ(message.size(), 24U);
    EXPECT_TRUE(base::equal(message.subspan(4, 4), test::hex("0000 0000")));
    EXPECT_TRUE(base::equal(message.subspan(8), ip.destination.octets));
    return report;
  }
  // The groups in reports of version 1 alone.
  static std::vector<Ipv6Address> groups_by_version_1(const std::vector<Report>& reports) {
    std::vector<Ipv6Address> groups;
    for (const Report& report : reports) {
      EXPECT_EQ(report.version, 1);
      EXPECT_EQ(report.source, wire::link_local_address(kOurMac));
      groups.push_back(report.groups.front());
    }
    return groups;
  }
  static test::ByteVector query_of_version_1(const Ipv6Address& group = {},
                                             std::uint16_t delay_ms = 10'000) {
    auto message = query(group, delay_ms);
    message.resize(24);
    return message;
  }
  static test::ByteVector query(const Ipv6Address& group = {}, std::uint16_t code = 10'000) {
    auto message = test::hex("82 00 0000 0000 0000");
    base::store_be(message.data() + 4, code);
    message.insert(message.end(), group.octets.begin(), group.octets.end());
    return test::concatenated(message, test::hex("02 7d 0000"));
  }
  void asks(const test::ByteVector& message, const Ipv6Address& from = kRouter,
            std::uint8_t hop_limit = 1, bool router_alert = true) {
    listener_.receive(now_,
                      {.source = from,
                       .destination = wire::kAllNodes,
                       .next_header = wire::IpProtocol::kIcmpv6,
                       .hop_limit = hop_limit},
                      router_alert, message);
  }
  void pass(Duration time) {
    now_ = now_ + time;
    listener_.advance(now_);
  }
  void begin() {
    pass({});
    pass(MulticastListener::kUnsolicitedInterval);
    assign();
    (void)sent();
    pass(Duration::seconds(10));
  }

  Instant now_ = Instant::from_nanoseconds(1);
  base::MemoryPacketPool pool_{64};
  base::Counters<NetCounter> counters_;
  Ipv6Prefixes prefixes_{std::array{*base::AddressPrefix::parse("2001:db8::77/64"),
                                    *base::AddressPrefix::parse("2001:db8:1::77/64")},
                         kOurMac, std::nullopt};
  Link link_{kOurMac, counters_};
  MulticastListener listener_{
      {.link = link_, .prefixes = prefixes_, .pool = pool_, .counters = counters_}};
};

// RFC 3810 6.1, 5.2.13. Two of our addresses share a group.
TEST_F(MulticastListenerTest, GroupsAreReportedTwiceAtTheStart) {
  EXPECT_LE(listener_.next_deadline(), now_);
  pass({});
  auto reports = sent();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].source, Ipv6Address{});
  EXPECT_EQ(reports[0].type, 4);
  EXPECT_EQ(reports[0].groups,
            (std::vector{v6("ff02::1:ff00:77"),
                         wire::solicited_node_multicast(wire::link_local_address(kOurMac))}));
  assign();
  pass(MulticastListener::kUnsolicitedInterval);
  reports = sent();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].source, wire::link_local_address(kOurMac));
  EXPECT_EQ(listener_.next_deadline(), Instant::never());
}

// RFC 3810 6.2.
TEST_F(MulticastListenerTest, QueryIsAnsweredWithinItsTime) {
  begin();
  asks(query());
  EXPECT_LE(listener_.next_deadline(), now_ + Duration::seconds(10));
  pass(Duration::seconds(10));
  const auto reports = sent();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].type, 2);
  EXPECT_EQ(reports[0].groups.size(), 2U);
  EXPECT_EQ(counters_[NetCounter::kMldQueriesIn], 1U);
}

TEST_F(MulticastListenerTest, QueryForAGroupOfOthersIsNotAnswered) {
  begin();
  asks(query(v6("ff02::1:ff00:99")));
  EXPECT_EQ(listener_.next_deadline(), Instant::never());
  asks(query(v6("ff02::1:ff00:77")));
  EXPECT_NE(listener_.next_deadline(), Instant::never());
}

TEST_F(MulticastListenerTest, HoweverManyAskThereIsOneReportInASecond) {
  begin();
  std::size_t reports = 0;
  for (int i = 0; i < 1'000; ++i) {
    asks(query({}, 0));
    pass(Duration::milliseconds(10));
    reports += sent().size();
  }
  EXPECT_LE(reports, 11U);
  EXPECT_GE(reports, 9U);
}

TEST_F(MulticastListenerTest, LongDelaysAreFloatingPointNumbers) {
  begin();
  asks(query({}, 0xffff));  // more than two hours
  EXPECT_LE(listener_.next_deadline(), now_ + MulticastListener::kMostDelay);
}

// RFC 3810 6.2, 8.1: a query that may come from beyond the link is none; nor is one that is too
// short for its version.
TEST_F(MulticastListenerTest, QueriesThatAreNoneAreCountedAndNotAnswered) {
  begin();
  asks(query(), v6("2001:db8::1"));
  asks(query(), kRouter, 64);
  asks(query(), kRouter, 1, false);
  for (const std::size_t size : {23U, 25U, 27U}) {
    auto cut = query();
    cut.resize(size);
    asks(cut);
  }
  EXPECT_EQ(counters_[NetCounter::kMldMalformed], 6U);
  EXPECT_EQ(listener_.next_deadline(), Instant::never());
}

// RFC 3810 8.2.1, RFC 2710 4.
TEST_F(MulticastListenerTest, QueryOfVersion1IsAnsweredByVersion1) {
  begin();
  asks(query_of_version_1());
  EXPECT_LE(listener_.next_deadline(), now_ + Duration::seconds(10));
  pass(Duration::seconds(10));
  EXPECT_EQ(groups_by_version_1(sent()),
            (std::vector{v6("ff02::1:ff00:77"),
                         wire::solicited_node_multicast(wire::link_local_address(kOurMac))}));
  EXPECT_EQ(counters_[NetCounter::kMldMalformed], 0U);
  EXPECT_EQ(counters_[NetCounter::kMldQueriesIn], 1U);
}

// RFC 3810 8.2.1, 9.12.
TEST_F(MulticastListenerTest, Version1IsSpokenUntilItsQuerierHasBeenSilentForLong) {
  begin();
  asks(query_of_version_1());
  const Instant last = now_;
  pass(Duration::seconds(10));
  (void)sent();
  asks(query());
  pass(Duration::seconds(10));
  EXPECT_EQ(groups_by_version_1(sent()).size(), 2U);
  const Instant end = last + MulticastListener::kQueryInterval * 2 + Duration::seconds(10);
  now_ = end - Duration::milliseconds(1);
  asks(query({}, 0));
  pass({});
  EXPECT_EQ(groups_by_version_1(sent()).size(), 2U);
  pass(Duration::seconds(1));
  asks(query({}, 0));
  pass({});
  const auto reports = sent();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].version, 2);
  EXPECT_EQ(reports[0].type, 2);
}

// RFC 3810 8.2.1: only that for every group says which version the querier is of.
TEST_F(MulticastListenerTest, QueryOfVersion1ForOneGroupChangesNothing) {
  begin();
  asks(query_of_version_1(v6("ff02::1:ff00:77")));
  pass(Duration::seconds(10));
  const auto reports = sent();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].version, 2);
}

TEST_F(MulticastListenerTest, FirstReportsAreOfVersion1WhereItsQuerierIsHeard) {
  pass({});
  (void)sent();
  assign();
  asks(query_of_version_1());
  pass(MulticastListener::kUnsolicitedInterval);
  EXPECT_EQ(groups_by_version_1(sent()).size(), 2U);
  EXPECT_EQ(listener_.next_deadline(), Instant::never());
}

TEST_F(MulticastListenerTest, HoweverManyAskByVersion1EachGroupIsReportedOnceInASecond) {
  begin();
  std::size_t reports = 0;
  for (int i = 0; i < 1'000; ++i) {
    asks(query_of_version_1({}, 0));
    pass(Duration::milliseconds(10));
    reports += sent().size();
  }
  EXPECT_LE(reports, 2U * 11);
  EXPECT_GE(reports, 2U * 9);
}

TEST_F(MulticastListenerTest, ManyGroupsTakeSeveralReports) {
  std::vector<base::AddressPrefix> addresses;
  for (int i = 1; i <= 100; ++i) {
    addresses.push_back(*base::AddressPrefix::parse("2001:db8::" + std::to_string(i) + "/64"));
  }
  const Ipv6Prefixes many(addresses, kOurMac, std::nullopt);
  MulticastListener listener(
      {.link = link_, .prefixes = many, .pool = pool_, .counters = counters_});
  listener.advance(now_);
  const auto reports = sent();
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].groups.size() + reports[1].groups.size(),
            100U);  // one is the link-local address's, too
}

TEST_F(MulticastListenerTest, WorkerThatDoesNotAnswerAndInterfaceWithoutIpv6AreSilent) {
  MulticastListener other({.link = link_,
                           .prefixes = prefixes_,
                           .pool = pool_,
                           .counters = counters_,
                           .answers = false});
  EXPECT_EQ(other.next_deadline(), Instant::never());
  const Ipv6Prefixes none({}, kOurMac, std::nullopt);
  const MulticastListener nobody(
      {.link = link_, .prefixes = none, .pool = pool_, .counters = counters_});
  EXPECT_EQ(nobody.next_deadline(), Instant::never());
}

}  // namespace
}  // namespace sluice::net
