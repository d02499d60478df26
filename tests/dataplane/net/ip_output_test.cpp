// What IP output of both families has in common.
#include <cstdint>
#include <optional>
#include <utility>

#include "tests/dataplane/net/ip_output_fixture.hpp"
#include "tests/support/cutting_device.hpp"

namespace sluice::net {
namespace {

template <typename Family>
class IpOutputTest : public IpOutputFixture<Family> {};

using Families = ::testing::Types<Ipv4Family, Ipv6Family>;
TYPED_TEST_SUITE(IpOutputTest, Families);

TYPED_TEST(IpOutputTest, SegmentGetsItsChecksumAndTheNeighboursAddress) {
  Interface& interface = this->add(this->settings_a(), TypeParam::kPeer);
  this->send(TypeParam::kOurs, TypeParam::kPeer);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  const auto ethernet = wire::parse_ethernet(frame->bytes());
  EXPECT_EQ(ethernet->destination, this->mac(9));
  EXPECT_EQ(ethernet->source, this->mac(2));
  auto sum = wire::pseudo_header_sum(ip(TypeParam::kOurs), ip(TypeParam::kPeer),
                                     wire::IpProtocol::kTcp, 25);
  sum.add(frame->bytes().subspan(14 + TypeParam::kHeaderSize));
  EXPECT_EQ(sum.checksum(), 0);
  EXPECT_FALSE(frame->checksum.l4_wanted);
}

TYPED_TEST(IpOutputTest, DeviceThatComputesChecksumsGetsThePseudoHeaderSum) {
  InterfaceSettings settings = this->settings_a();
  settings.device_computes_checksums = true;
  Interface& interface = this->add(settings, TypeParam::kPeer);
  this->send(TypeParam::kOurs, TypeParam::kPeer);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  const auto sum = wire::pseudo_header_sum(ip(TypeParam::kOurs), ip(TypeParam::kPeer),
                                           wire::IpProtocol::kTcp, 25);
  const std::size_t tcp = 14 + TypeParam::kHeaderSize;
  EXPECT_EQ(base::load_be<std::uint16_t>(frame->data() + tcp + wire::kTcpChecksumOffset),
            sum.folded());
  EXPECT_TRUE(frame->checksum.l4_wanted);
  EXPECT_EQ(frame->checksum.l2_size, 14);
  EXPECT_EQ(frame->checksum.l3_size, TypeParam::kHeaderSize);
}

TYPED_TEST(IpOutputTest, TrainBecomesSegmentsWithRightHeaders) {
  InterfaceSettings settings = this->settings_a();
  settings.train_packets = 3;
  Interface& interface = this->add(settings, TypeParam::kPeer);
  this->send_to_peer(this->train(3, 1400));
  const base::PacketPtr train = interface.link().outgoing().pop_front();
  ASSERT_TRUE(train);
  const auto frames = test::cut(*train);
  ASSERT_EQ(frames.size(), 3U);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const base::Bytes frame = frames[i];
    EXPECT_EQ(frame.size(), 14 + TypeParam::kHeaderSize + 20 + 1400);
    auto sum = wire::pseudo_header_sum(ip(TypeParam::kOurs), ip(TypeParam::kPeer),
                                       wire::IpProtocol::kTcp, 1420);
    sum.add(frame.subspan(14 + TypeParam::kHeaderSize));
    EXPECT_EQ(sum.checksum(), 0);
    EXPECT_EQ(frame.back(), static_cast<std::byte>(i));
  }
}

// RFC 6864 4.1: what is not fragmented needs no identification, and no two stacks have to agree on
// it.
test::ByteVector without_identification(test::ByteVector frame, std::size_t ip) {
  if (frame[ip] >> 4 != std::byte{4}) return frame;
  base::store_be(&frame[ip + 4], std::uint16_t{0});
  base::store_be(&frame[ip + wire::kIpv4ChecksumOffset], std::uint16_t{0});
  base::store_be(&frame[ip + wire::kIpv4ChecksumOffset],
                 wire::internet_checksum(base::Bytes(frame).subspan(ip, 20)));
  return frame;
}

// What software makes of a train is what a device would have made of it.
TYPED_TEST(IpOutputTest, TrainIsCutInSoftwareWhereTheDeviceDoesNot) {
  InterfaceSettings settings = this->settings_a();
  settings.vlan = 7;
  settings.train_packets = 16;
  const auto sent = [&](std::uint16_t last) {
    Interface& interface = this->add(settings, TypeParam::kPeer);
    base::PacketPtr train = this->train(3, 1001);
    train->data()[13] = std::byte{0x59};  // ECE, ACK, PSH, FIN
    base::Packet* text = this->pool_.allocate();
    for (std::byte& b : text->append(last)) b = std::byte{0xee};
    train->extend_train(*text, 1001);
    this->send_to_peer(std::move(train));
    base::PacketQueue frames = std::move(interface.link().outgoing());
    this->interfaces_.clear();
    return frames;
  };
  for (const std::uint16_t last : {std::uint16_t{1}, std::uint16_t{500}, std::uint16_t{1001}}) {
    settings.train_packets = 16;
    base::PacketQueue by_device = sent(last);
    ASSERT_EQ(by_device.packets(), 1U);
    const auto expected = test::cut(*by_device.front());
    ASSERT_EQ(expected.size(), 4U);
    settings.train_packets = 0;
    for (const bool device_checksums : {false, true}) {
      settings.device_computes_checksums = device_checksums;
      base::PacketQueue by_software = sent(last);
      ASSERT_EQ(by_software.packets(), expected.size());
      for (const test::ByteVector& frame : expected) {
        const base::PacketPtr piece = by_software.pop_front();
        EXPECT_FALSE(piece->leads_train());
        EXPECT_EQ(piece->checksum.l4_wanted, device_checksums);
        EXPECT_EQ(test::finished(*piece), without_identification(frame, 18));
      }
    }
  }
  EXPECT_EQ(this->pool_.available(), this->pool_.capacity());
}

TYPED_TEST(IpOutputTest, TrainThatTheDeviceWouldNotTakeIsRefusedWhole) {
  InterfaceSettings settings = this->settings_a();
  settings.train_packets = 50;
  Interface& with = this->add(settings, TypeParam::kPeer);
  for (const auto& [packets, size] : {std::pair<std::size_t, std::uint16_t>{51, 100},
                                      {2, 1500 - TypeParam::kHeaderSize - 19},
                                      {46, 1440}}) {  // more than IP can say
    this->send_to_peer(this->train(packets, size));
  }
  EXPECT_TRUE(with.link().outgoing().empty());
  EXPECT_EQ(this->counters_[TypeParam::kTooBig], 3U);
  EXPECT_EQ(this->pool_.available(), this->pool_.capacity());
}

TYPED_TEST(IpOutputTest, FarDestinationGoesToTheGateway) {
  Interface& interface = this->add(this->settings_a(), TypeParam::kGateway);
  this->send(TypeParam::kOurs, TypeParam::kFar);
  const base::PacketPtr frame = interface.link().outgoing().pop_front();
  ASSERT_TRUE(frame);
  EXPECT_EQ(wire::parse_ethernet(frame->bytes())->destination, this->mac(9));
}

TYPED_TEST(IpOutputTest, WithoutRouteNothingIsSent) {
  Interface& interface = this->add(this->settings_b(), TypeParam::kGatewayB);
  this->send(TypeParam::kOursB, TypeParam::kFar);
  EXPECT_TRUE(interface.link().outgoing().empty());
  EXPECT_EQ(this->counters_[TypeParam::kNoRoute], 1U);
  EXPECT_EQ(this->output_.path_mtu(ip(TypeParam::kFar)), std::nullopt);
}

TYPED_TEST(IpOutputTest, SourceAddressChoosesTheInterface) {
  Interface& a = this->add(this->settings_a(), TypeParam::kGateway);
  Interface& b = this->add(this->settings_b_with_gateway(), TypeParam::kGatewayB);
  this->send(TypeParam::kOursB, TypeParam::kFar);
  EXPECT_TRUE(a.link().outgoing().empty());
  EXPECT_EQ(b.link().outgoing().packets(), 1U);
}

TYPED_TEST(IpOutputTest, PathMtuIsTheSmallestOfTheInterfacesThatLeadThere) {
  this->add(this->settings_a(), TypeParam::kPeer);
  EXPECT_EQ(this->output_.path_mtu(ip(TypeParam::kFar)), 1500U);
  this->add(this->settings_b_with_gateway(), TypeParam::kPeer);
  EXPECT_EQ(this->output_.path_mtu(ip(TypeParam::kFar)), 1400U);
  EXPECT_EQ(this->output_.path_mtu(ip(TypeParam::kOtherFamilyPeer)), std::nullopt);
}

TYPED_TEST(IpOutputTest, AddressesOfEveryInterfaceAreLocal) {
  this->add(this->settings_a(), TypeParam::kPeer);
  this->add(this->settings_b(), TypeParam::kPeer);
  EXPECT_TRUE(this->output_.is_local(ip(TypeParam::kOurs)));
  EXPECT_TRUE(this->output_.is_local(ip(TypeParam::kOursB)));
  EXPECT_FALSE(this->output_.is_local(ip(TypeParam::kPeer)));
}

// RFC 9293 3.9.1.9 (MUST-48) and 3.9.2 (MUST-49); the ECN field is the packet's own.
TYPED_TEST(IpOutputTest, HopLimitAndDscpAreTheUsers) {
  Interface& interface = this->add(this->settings_a(), TypeParam::kPeer);
  typename TypeParam::Output output(this->interfaces_, this->counters_,
                                    {.hop_limit = 17, .dscp = 46});
  for (const std::uint8_t ecn : {std::uint8_t{0}, std::uint8_t{2}}) {
    base::PacketPtr packet = this->segment();
    packet->traffic_class = ecn;
    this->send_to_peer(output, std::move(packet));
    const base::PacketPtr frame = interface.link().outgoing().pop_front();
    ASSERT_TRUE(frame);
    const auto traffic_class = static_cast<std::uint8_t>(46 << 2 | ecn);
    EXPECT_EQ(TypeParam::users_fields(frame->bytes().subspan(14)),
              (UsersFields{.hop_limit = 17, .traffic_class = traffic_class}));
  }
}

// RFC 9293 3.9.1.1 (MUST-46): a connection cannot be opened to any of them.
TYPED_TEST(IpOutputTest, NoRouteLeadsToIllegalDestinations) {
  this->add(this->settings_a(), TypeParam::kPeer);
  this->add(this->settings_b(), TypeParam::kPeer);
  for (const auto destination : TypeParam::kIllegal) {
    EXPECT_EQ(this->output_.path_mtu(ip(destination)), std::nullopt) << destination;
  }
  EXPECT_TRUE(this->output_.path_mtu(ip(TypeParam::kFar)));
}

TYPED_TEST(IpOutputTest, IllegalDestinationsAreRefused) {
  Interface& a = this->add(this->settings_a(), TypeParam::kPeer);
  this->add(this->settings_b(), TypeParam::kPeer);
  for (const auto destination : TypeParam::kIllegal) this->send(TypeParam::kOurs, destination);
  EXPECT_EQ(this->counters_[TypeParam::kIllegalDestination], TypeParam::kIllegal.size());
  EXPECT_TRUE(a.link().outgoing().empty());
  EXPECT_EQ(this->pool_.available(), this->pool_.capacity());
}

TYPED_TEST(IpOutputTest, SegmentLargerThanTheMtuIsRefused) {
  Interface& interface = this->add(this->settings_a(), TypeParam::kPeer);
  constexpr std::size_t kMost = 1500 - TypeParam::kHeaderSize - 20;
  this->send(TypeParam::kOurs, TypeParam::kPeer, kMost);
  EXPECT_EQ(interface.link().outgoing().packets(), 1U);
  this->send(TypeParam::kOurs, TypeParam::kPeer, kMost + 1);
  EXPECT_EQ(interface.link().outgoing().packets(), 1U);
  EXPECT_EQ(this->counters_[TypeParam::kTooBig], 1U);
}

TYPED_TEST(IpOutputTest, SegmentWithoutHeadroomIsRefused) {
  this->add(this->settings_a(), TypeParam::kPeer);
  base::PacketPtr packet = this->segment();
  packet->prepend(packet->headroom() - (14 + TypeParam::kHeaderSize - 1));
  this->send_to_peer(std::move(packet));
  EXPECT_EQ(this->counters_[TypeParam::kNoHeadroom], 1U);
}

TYPED_TEST(IpOutputTest, OtherFamilyHasNoRouteHere) {
  this->add(this->settings_a(), TypeParam::kPeer);
  this->send(TypeParam::kOtherFamilyOurs, TypeParam::kOtherFamilyPeer);
  EXPECT_EQ(this->counters_[TypeParam::kNoRoute], 1U);
}

TYPED_TEST(IpOutputTest, QueueThatTheDeviceDoesNotDrainIsBounded) {
  base::MemoryPacketPool large(base::limits::kMaxOutgoingFrames + 16, 64);
  Interface& interface = this->add(this->settings_a(), TypeParam::kPeer);
  const wire::TcpHeader header{};
  for (std::size_t i = 0; i < base::limits::kMaxOutgoingFrames + 3; ++i) {
    base::PacketPtr packet(large.allocate());
    wire::serialize_tcp(header, packet->append(wire::tcp_header_size(header)));
    this->send_to_peer(std::move(packet));
  }
  EXPECT_EQ(interface.link().outgoing().packets(), base::limits::kMaxOutgoingFrames);
  EXPECT_EQ(this->counters_[NetCounter::kFrameQueueFull], 3U);
  interface.link().outgoing().clear();
}

}  // namespace
}  // namespace sluice::net
