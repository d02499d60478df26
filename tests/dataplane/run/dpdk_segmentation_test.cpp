// A tap whose driver cuts trains into segments (TSO), seen from the kernel's end. EAL is that of
// dpdk_test.cpp.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <vector>

#include "dataplane/net/tcp_checksum.hpp"
#include "dataplane/nic/dpdk_packet_pool.hpp"
#include "dataplane/nic/dpdk_port.hpp"
#include "dataplane/run/eal.hpp"
#include "dataplane/run/host.hpp"
#include "dataplane/run/port_plan.hpp"
#include "dataplane/wire/checksum.hpp"
#include "tests/dataplane/run/network_namespace.hpp"
#include "tests/support/frames.hpp"

namespace sluice::run {
namespace {

using test::ByteVector;

constexpr char kTap[] = "sluice-t1";
constexpr std::size_t kPackets = 1024;
constexpr std::uint16_t kMtu = 1486;
constexpr std::uint16_t kSegment = kMtu - 20 - 20;
constexpr base::Instant kNow;
const base::Ipv4Address kSource = base::Ipv4Address::of(198, 18, 0, 2);
const base::Ipv4Address kDestination = base::Ipv4Address::of(198, 18, 0, 1);

class SegmentingTap : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!inspect_host().net_admin) GTEST_SKIP() << "NOT TESTED: a tap needs root";
    auto pool = nic::DpdkPacketPool::create({.name = "segmenting", .packets = kPackets});
    ASSERT_TRUE(pool) << pool.error();
    pool_ = *std::move(pool);
    pointer_ = pool_.get();
    PortSettings settings;
    settings.kind = DeviceKind::kTap;
    settings.target = kTap;
    settings.mtu = kMtu;
    settings.offloads.tso = OffloadChoice::kOn;
    const auto plan = plan_port(settings, {.index = 6, .workers = 1});
    ASSERT_TRUE(plan) << plan.error();
    auto port = nic::DpdkPort::open(plan->device, {&pointer_, 1});
    ASSERT_TRUE(port) << port.error() << ": " << Eal::last_complaint();
    port_ = *std::move(port);
    ASSERT_GT(port_->info().train_packets, 1U);
    device_ = port_->device(0, counters_);
    ASSERT_TRUE(test::configure_interface(kTap, *base::AddressPrefix::parse("198.18.0.1/24")));
    open_socket();
  }
  void TearDown() override {
    if (socket_ >= 0) ::close(socket_);
    device_.reset();
    port_.reset();
    if (pool_ == nullptr) return;
    EXPECT_EQ(pool_->available(), kPackets);
  }

  // Headers as the stack writes them, and text behind them, so many bytes in all.
  base::PacketPtr train(const ByteVector& text) {
    wire::TcpHeader header;
    header.source_port = 443;
    header.destination_port = 50'000;
    header.sequence = wire::SeqNumber(kSequence);
    header.flags = {.fin = true, .psh = true, .ack = true};
    base::PacketPtr head(pool_->allocate());
    for (std::size_t at = 0; at < text.size(); at += kSegment) {
      base::Packet* piece = pool_->allocate();
      const auto part =
          base::Bytes(text).subspan(at, std::min<std::size_t>(kSegment, text.size() - at));
      base::copy(piece->append(part.size()), part);
      head->extend_train(*piece, kSegment);
    }
    wire::serialize_tcp(header, head->append(wire::tcp_header_size(header)));
    net::fill_in_tcp_checksum(
        {
            .addresses = wire::address_sum(kSource, kDestination),
            .link_header_size = 14,
            .ip_header_size = 20,
        },
        *head);
    const std::size_t payload = head->frame_size();
    wire::serialize_ipv4({.source = kSource,
                          .destination = kDestination,
                          .protocol = wire::IpProtocol::kTcp,
                          .dont_fragment = true},
                         payload, head->prepend(20));
    wire::serialize_ethernet({.destination = base::MacAddress::broadcast(),
                              .source = port_->info().mac,
                              .type = wire::EtherType::kIpv4,
                              .vlan = std::nullopt},
                             head->prepend(14));
    return head;
  }
  // The next frame from the device; empty when none came in time.
  ByteVector arrived() const {
    for (;;) {
      ByteVector frame(70'000);
      sockaddr_ll from{};
      socklen_t size = sizeof(from);
      const ssize_t n = ::recvfrom(socket_, frame.data(), frame.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 0) return {};
      frame.resize(static_cast<std::size_t>(n));
      if (from.sll_pkttype != PACKET_OUTGOING) return frame;
    }
  }

  static constexpr std::uint32_t kSequence = 0xffffff00;
  std::unique_ptr<nic::DpdkPacketPool> pool_;
  nic::DpdkPacketPool* pointer_ = nullptr;
  std::unique_ptr<nic::DpdkPort> port_;
  base::Counters<nic::NicCounter> counters_;
  std::unique_ptr<nic::Device> device_;
  int socket_ = -1;

 private:
  void open_socket() {
    socket_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(0x0800));
    ASSERT_GE(socket_, 0);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(0x0800);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(kTap));
    const timeval patience{.tv_sec = 2, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ASSERT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
};

TEST_F(SegmentingTap, TrainArrivesAsSegmentsWithNumbersAndChecksumsOfTheirOwn) {
  ByteVector text(20'000);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::byte>(i * 31 + i / 256);
  base::Packet* const frame = train(text).release();
  ASSERT_EQ(device_->transmit(kNow, {&frame, 1}), 1U);
  EXPECT_EQ(counters_[nic::NicCounter::kSentTrains], 1U);

  ByteVector whole;
  std::uint16_t identification = 0;
  while (whole.size() < text.size()) {
    const ByteVector bytes = arrived();
    ASSERT_FALSE(bytes.empty());
    const auto packet = base::Bytes(bytes).subspan(14);
    ASSERT_LE(packet.size(), kMtu);
    const auto ip = wire::parse_ipv4(packet, wire::HeaderChecksum::kVerify);
    ASSERT_TRUE(ip);
    EXPECT_EQ(ip->total_size, packet.size());
    EXPECT_EQ(ip->header.identification, identification++);
    const auto segment = packet.subspan(ip->size);
    auto sum =
        wire::pseudo_header_sum(kSource, kDestination, wire::IpProtocol::kTcp, segment.size());
    sum.add(segment);
    EXPECT_EQ(sum.checksum(), 0);
    const auto tcp = wire::parse_tcp(segment);
    ASSERT_TRUE(tcp);
    EXPECT_EQ(tcp->header.sequence,
              wire::SeqNumber(kSequence) + static_cast<std::uint32_t>(whole.size()));
    const auto part = segment.subspan(tcp->size);
    whole.insert(whole.end(), part.begin(), part.end());
    const bool last = whole.size() == text.size();
    EXPECT_EQ(part.size(), last ? text.size() % kSegment : kSegment);
    EXPECT_EQ(tcp->header.flags.fin, last);
    EXPECT_EQ(tcp->header.flags.psh, last);
  }
  EXPECT_EQ(whole, text);
}

}  // namespace
}  // namespace sluice::run
