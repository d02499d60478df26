// DPDK's packets and ports, on a tap device in a network namespace of the test's own. EAL starts
// once in a process, so everything shares one.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <rte_launch.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

#include "dataplane/nic/dpdk_packet_pool.hpp"
#include "dataplane/nic/dpdk_port.hpp"
#include "dataplane/run/clock.hpp"
#include "dataplane/run/eal.hpp"
#include "dataplane/run/eal_arguments.hpp"
#include "dataplane/run/host.hpp"
#include "dataplane/run/port_plan.hpp"
#include "tests/dataplane/run/network_namespace.hpp"

namespace sluice::run {
namespace {

constexpr std::size_t kPackets = 2048;
constexpr std::size_t kDataRoom = 2048;
constexpr char kTap[] = "sluice-t0";
constexpr base::Instant kNow;

class SharedEal final : public testing::Environment {
 public:
  void SetUp() override {
    in_namespace = test::enter_network_namespace();
    // Before EAL, after which nothing forks.
    has_veth =
        in_namespace && std::system(
                            "ip link add sluice-v0 mtu 9000 type veth peer name sluice-v1 mtu 9000 "
                            "&& ip link set sluice-v0 up && ip link set sluice-v1 up") == 0;
    DataplaneSettings settings;
    const Host host = inspect_host();
    settings.worker_cores = {host.cpus.front()};
    auto arguments = eal_arguments(settings, host,
                                   {.pool_bytes = std::size_t{64} << 20,
                                    .file_prefix = "sluice-test-" + std::to_string(::getpid())});
    ASSERT_TRUE(arguments) << arguments.error();
    auto eal = Eal::start(*std::move(arguments));
    ASSERT_TRUE(eal) << eal.error();
    eal_ = *std::move(eal);
  }
  void TearDown() override { eal_.reset(); }

  static inline bool in_namespace = false;
  static inline bool has_veth = false;

 private:
  std::unique_ptr<Eal> eal_;
};

testing::Environment* const kEnvironment = testing::AddGlobalTestEnvironment(new SharedEal);

class DpdkTest : public testing::Test {
 protected:
  static std::unique_ptr<nic::DpdkPacketPool> pool(const char* name) {
    auto pool =
        nic::DpdkPacketPool::create({.name = name, .packets = kPackets, .data_room = kDataRoom});
    EXPECT_TRUE(pool) << pool.error();
    return pool ? *std::move(pool) : nullptr;
  }
};

TEST_F(DpdkTest, AllocatedPacketHasHeadroomAndTheWholeRoom) {
  const auto packets = pool("fresh");
  base::PacketPtr packet(packets->allocate());
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->headroom(), base::Packet::kHeadroom);
  EXPECT_EQ(packet->tailroom(), kDataRoom);
  EXPECT_TRUE(packet->empty());
  EXPECT_TRUE(packet->exclusive());
  EXPECT_EQ(packets->available(), kPackets - 1);
}

TEST_F(DpdkTest, RetainedPacketGoesHomeWithItsLastHolder) {
  const auto packets = pool("retained");
  base::Packet* packet = packets->allocate();
  packet->retain();
  EXPECT_FALSE(packet->exclusive());
  packet->release();
  EXPECT_TRUE(packet->exclusive());
  EXPECT_EQ(packets->available(), kPackets - 1);
  packet->release();
  EXPECT_EQ(packets->available(), kPackets);
}

TEST_F(DpdkTest, SendersLeaveTheReserveAlone) {
  const auto packets = pool("reserve");
  {
    base::PacketQueue taken;
    while (base::Packet* packet = packets->allocate()) taken.push_back(base::PacketPtr(packet));
    EXPECT_GT(packets->available(), 0U);
    EXPECT_LT(packets->available(), kPackets / 4);
    EXPECT_FALSE(packets->pressed());
  }
  EXPECT_EQ(packets->available(), kPackets);
  EXPECT_TRUE(base::PacketPtr(packets->allocate()));
}

TEST_F(DpdkTest, PacketReleasedByAnotherThreadComesHome) {
  const auto packets = pool("abroad");
  std::vector<base::Packet*> sent;
  for (int i = 0; i < 1000; ++i) sent.push_back(packets->allocate());
  std::jthread([&sent] {
    for (base::Packet* packet : sent) packet->release();
  }).join();
  EXPECT_EQ(packets->available(), kPackets);
}

// Each worker that gives another's packets back keeps some of them in a cache of its own.
TEST_F(DpdkTest, WhatAnotherWorkerHoardsIsNotAllocatable) {
  const auto packets = pool("hoarded");
  std::vector<base::Packet*> taken;
  while (base::Packet* packet = packets->allocate()) taken.push_back(packet);
  constexpr std::size_t kHoarded = 100;
  const std::size_t before = packets->available();
  std::span<base::Packet*> hoarded = std::span(taken).last(kHoarded);
  const auto release = [](void* frames) {
    for (base::Packet* packet : *static_cast<std::span<base::Packet*>*>(frames)) packet->release();
    return 0;
  };
  ASSERT_EQ(rte_eal_remote_launch(release, &hoarded, lcore_of(0)), 0);
  rte_eal_mp_wait_lcore();
  EXPECT_EQ(packets->available(), before + kHoarded);
  EXPECT_EQ(packets->allocatable(), 0U);
  EXPECT_EQ(packets->allocate(), nullptr);
  for (base::Packet* packet : std::span(taken).first(taken.size() - kHoarded)) packet->release();
  EXPECT_EQ(packets->available(), kPackets);
}

TEST_F(DpdkTest, TooLargePacketsAndPoolsAreRefusedInASentence) {
  EXPECT_FALSE(nic::DpdkPacketPool::create({.name = "wide", .packets = 64, .data_room = 70'000}));
  const auto huge =
      nic::DpdkPacketPool::create({.name = "huge", .packets = 10'000'000, .data_room = kDataRoom});
  ASSERT_FALSE(huge);
  EXPECT_TRUE(huge.error().starts_with("no memory for 10000000 packets"));
}

TEST_F(DpdkTest, ClockAdvancesAtWallClockRate) {
  const TscClock clock;
  const base::Instant before = clock.now();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const base::Duration passed = clock.now() - before;
  EXPECT_GE(passed, base::Duration::milliseconds(19));
  EXPECT_LT(passed, base::Duration::seconds(2));
}

constexpr std::uint16_t kEtherType = 0x88b5;  // IEEE Std 802, local experiments

// A broadcast frame, `size` bytes long.
std::vector<std::byte> frame(std::size_t size) {
  std::vector<std::byte> bytes(size, std::byte{0x5a});
  std::fill_n(bytes.begin(), 6, std::byte{0xff});
  base::store_be(bytes.data() + 12, kEtherType);
  return bytes;
}

base::Packet* packet_with(base::PacketPool& pool, base::Bytes bytes) {
  base::Packet* packet = pool.allocate();
  base::copy(packet->append(bytes.size()), bytes);
  return packet;
}

// A socket of the kernel's for such frames on one of its interfaces; negative with errno set.
int raw_socket(const char* interface) {
  const int socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(kEtherType));
  if (socket < 0) return socket;
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(kEtherType);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface));
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  return ::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 ? socket : -1;
}

// How many copies of the frame the devices receive within a second; the kernel has things of its
// own to say on a new interface.
std::size_t copies_received(std::span<const std::unique_ptr<nic::Device>> devices,
                            base::Bytes wanted) {
  std::array<base::Packet*, 64> burst;
  std::size_t found = 0;
  for (int attempt = 0; attempt < 1000 && found == 0; ++attempt) {
    for (const auto& device : devices) {
      for (std::size_t n = device->receive(kNow, burst); n > 0; --n) {
        const base::PacketPtr packet(burst[n - 1]);
        if (base::equal(packet->bytes(), wanted)) ++found;
      }
    }
    if (found == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return found;
}

// A tap with two queues, and a raw socket on the kernel's end of it.
class TapTest : public DpdkTest {
 protected:
  void SetUp() override {
    if (!SharedEal::in_namespace) GTEST_SKIP() << "NOT TESTED: a network namespace needs root";
    PortSettings settings;
    settings.name = "edge";
    settings.kind = DeviceKind::kTap;
    settings.target = kTap;
    const auto plan = plan_port(settings, {.index = 0, .workers = pools_.size()});
    ASSERT_TRUE(plan) << plan.error();
    ASSERT_TRUE(check_port(settings, inspect_host()));
    for (auto& each : pools_) pointers_.push_back(each.get());
    auto port = nic::DpdkPort::open(plan->device, pointers_);
    ASSERT_TRUE(port) << port.error() << ": " << Eal::last_complaint();
    port_ = *std::move(port);
    ASSERT_EQ(port_->queues(), pools_.size());
    ASSERT_TRUE(test::configure_interface(kTap, *base::AddressPrefix::parse("198.18.0.1/24")));
    socket_ = raw_socket(kTap);
    ASSERT_GE(socket_, 0);
  }
  void TearDown() override {
    if (socket_ >= 0) ::close(socket_);
    port_.reset();
    EXPECT_FALSE(interface_exists(kTap));
    for (const auto& each : pools_) EXPECT_EQ(each->available(), kPackets);
  }
  std::array<std::unique_ptr<nic::DpdkPacketPool>, 2> pools_{pool("tap-0"), pool("tap-1")};
  std::vector<nic::DpdkPacketPool*> pointers_;
  std::unique_ptr<nic::DpdkPort> port_;
  base::Counters<nic::NicCounter> counters_;
  int socket_ = -1;
};

TEST_F(TapTest, TransmittedFrameArrivesAtTheKernel) {
  const auto device = port_->device(1, counters_);
  const auto sent = frame(300);
  const std::array frames{packet_with(*pools_[0], sent)};
  EXPECT_EQ(device->transmit(kNow, frames), 1U);
  std::array<std::byte, 2048> buffer;
  ASSERT_EQ(::recv(socket_, buffer.data(), buffer.size(), 0), 300);
  EXPECT_TRUE(base::equal(base::Bytes(buffer).first(300), sent));
  EXPECT_EQ(counters_[nic::NicCounter::kSentFrames], 1U);
  EXPECT_EQ(counters_[nic::NicCounter::kSentBytes], 300U);
}

TEST_F(TapTest, FrameFromTheKernelIsReceivedByOneQueue) {
  const std::array devices{port_->device(0, counters_), port_->device(1, counters_)};
  const auto sent = frame(1514);
  ASSERT_EQ(::send(socket_, sent.data(), sent.size(), 0), 1514);
  EXPECT_EQ(copies_received(devices, sent), 1U);
}

TEST_F(TapTest, FrameHeldForRetransmissionStaysWithItsHolder) {
  const auto device = port_->device(0, counters_);
  base::PacketPtr kept(packet_with(*pools_[0], frame(100)));
  kept->retain();
  const std::array frames{kept.get()};
  EXPECT_EQ(device->transmit(kNow, frames), 1U);
  EXPECT_TRUE(kept->exclusive());
  EXPECT_EQ(kept->size(), 100U);
}

TEST_F(TapTest, OversizedFrameIsDroppedAndCountedAndTheRestGoesOn) {
  const auto device = port_->device(0, counters_);
  const std::array frames{packet_with(*pools_[0], frame(1600)),
                          packet_with(*pools_[0], frame(100))};
  EXPECT_EQ(device->transmit(kNow, frames), 2U);
  EXPECT_EQ(counters_[nic::NicCounter::kTransmitOversize], 1U);
  EXPECT_EQ(counters_[nic::NicCounter::kSentFrames], 1U);
}

TEST_F(TapTest, NameThatIsTakenMeanwhileIsRefused) {
  PortSettings settings;
  settings.kind = DeviceKind::kTap;
  settings.target = kTap;
  EXPECT_FALSE(check_port(settings, inspect_host()));
}

TEST_F(TapTest, SluiceAndTheKernelHaveDifferentAddresses) {
  const auto device = port_->device(0, counters_);
  const auto request = frame(100);
  ASSERT_EQ(::send(socket_, request.data(), request.size(), 0), 100);
  sockaddr_ll end{};
  socklen_t size = sizeof(end);
  ASSERT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&end), &size), 0);
  EXPECT_NE(std::memcmp(end.sll_addr, port_->info().mac.octets.data(), 6), 0);
  EXPECT_FALSE(port_->info().mac.is_multicast());
}

// A port of another kind with one queue and room for jumbo frames.
class JumboPort {
 public:
  JumboPort(const PortSettings& settings, const PortPosition& position) {
    const auto plan = plan_port(settings, position);
    EXPECT_TRUE(plan) << plan.error();
    if (!plan) return;
    auto pool = nic::DpdkPacketPool::create(
        {.name = settings.name, .packets = 1024, .data_room = plan->data_room});
    EXPECT_TRUE(pool) << pool.error();
    if (!pool) return;
    pool_ = *std::move(pool);
    pointer_ = pool_.get();
    auto port = nic::DpdkPort::open(plan->device, {&pointer_, 1});
    EXPECT_TRUE(port) << port.error() << ": " << Eal::last_complaint();
    if (!port) return;
    port_ = *std::move(port);
    devices_[0] = port_->device(0, counters_);
  }
  [[nodiscard]] bool open() const { return port_ != nullptr; }
  [[nodiscard]] std::span<const std::unique_ptr<nic::Device>> devices() const { return devices_; }
  // False when the frame has not been sent.
  [[nodiscard]] bool transmit(base::Bytes bytes) {
    const std::uint64_t before = counters_[nic::NicCounter::kSentFrames];
    now_ = now_ + base::Duration::seconds(1);  // so that the device looks at its link again
    const std::array frames{packet_with(*pool_, bytes)};
    if (devices_[0]->transmit(now_, frames) == 0) frames[0]->release();
    return counters_[nic::NicCounter::kSentFrames] > before;
  }

 private:
  std::unique_ptr<nic::DpdkPacketPool> pool_;
  nic::DpdkPacketPool* pointer_ = nullptr;
  std::unique_ptr<nic::DpdkPort> port_;
  base::Counters<nic::NicCounter> counters_;
  base::Instant now_;
  std::array<std::unique_ptr<nic::Device>, 1> devices_;
};

PortSettings jumbo(const char* name, DeviceKind kind, std::string target) {
  PortSettings settings;
  settings.name = name;
  settings.kind = kind;
  settings.target = std::move(target);
  settings.mtu = 9000;
  return settings;
}

TEST_F(DpdkTest, AfPacketCarriesJumboFramesBothWays) {
  if (!SharedEal::has_veth) GTEST_SKIP() << "NOT TESTED: a veth pair needs root and iproute2";
  JumboPort port(jumbo("packet", DeviceKind::kAfPacket, "sluice-v0"), {.index = 2, .workers = 1});
  ASSERT_TRUE(port.open());
  const int socket = raw_socket("sluice-v1");
  ASSERT_GE(socket, 0);
  const auto sent = frame(9014);
  EXPECT_TRUE(port.transmit(sent));
  std::vector<std::byte> buffer(10'000);
  EXPECT_EQ(::recv(socket, buffer.data(), buffer.size(), 0), 9014);
  EXPECT_EQ(::send(socket, sent.data(), sent.size(), 0), 9014);
  EXPECT_EQ(copies_received(port.devices(), sent), 1U);
  ::close(socket);
}

// Set by a user, the flag is the interface's own.
bool is_promiscuous(const char* interface) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strncpy(request.ifr_name, interface, sizeof(request.ifr_name) - 1);
  EXPECT_EQ(::ioctl(socket, SIOCGIFFLAGS, &request), 0);
  ::close(socket);
  return (request.ifr_flags & IFF_PROMISC) != 0;
}

TEST_F(DpdkTest, PortWithIpv6HearsGroupsForAsLongAsItIsOpen) {
  if (!SharedEal::has_veth) GTEST_SKIP() << "NOT TESTED: a veth pair needs root and iproute2";
  PortSettings settings = jumbo("groups", DeviceKind::kAfPacket, "sluice-v0");
  settings.addresses = {*base::AddressPrefix::parse("2001:db8::2/64")};
  {
    JumboPort port(settings, {.index = 5, .workers = 1});
    ASSERT_TRUE(port.open());
    EXPECT_TRUE(is_promiscuous("sluice-v0"));
  }
  EXPECT_FALSE(is_promiscuous("sluice-v0"));
}

// Two memif ports of this process, joined by a socket. The client leaves first, and the driver
// learns of it while the server is closed.
class MemifPair {
 public:
  MemifPair()
      : server_(side("server", true), {.index = 3, .workers = 1}),
        client_(side("client", false), {.index = 4, .workers = 1}) {}
  [[nodiscard]] bool open() const { return server_.open() && client_.open(); }
  [[nodiscard]] const JumboPort& server() const { return server_; }
  // True once the two have found each other and a frame of the client's has gone.
  [[nodiscard]] bool transmit(base::Bytes bytes) {
    for (int attempt = 0; attempt < 400; ++attempt) {
      if (client_.transmit(bytes)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

 private:
  static PortSettings side(const char* name, bool is_server) {
    const std::string path = testing::TempDir() + "sluice-memif-" + std::to_string(::getpid());
    PortSettings settings = jumbo(name, DeviceKind::kMemif, path);
    settings.memif_server = is_server;
    return settings;
  }

  JumboPort server_;
  JumboPort client_;
};

TEST_F(DpdkTest, MemifCarriesJumboFramesFromClientToServer) {
  MemifPair pair;
  ASSERT_TRUE(pair.open());
  const auto sent = frame(9014);
  EXPECT_TRUE(pair.transmit(sent));
  EXPECT_EQ(copies_received(pair.server().devices(), sent), 1U);
}

TEST_F(DpdkTest, MemifServerClosesWhileItsClientLeaves) {
  for (int round = 0; round < 20; ++round) {
    MemifPair pair;
    ASSERT_TRUE(pair.open());
    EXPECT_TRUE(pair.transmit(frame(100)));
  }
}

TEST_F(DpdkTest, DeviceThatDoesNotExistIsRefusedAndLeavesNothing) {
  const auto packets = pool("nothing");
  nic::DpdkPacketPool* const pointer = packets.get();
  nic::DpdkPortSettings settings;
  settings.device = "net_af_packet7";
  settings.arguments = "iface=nosuch0";
  const auto port = nic::DpdkPort::open(settings, {&pointer, 1});
  ASSERT_FALSE(port);
  EXPECT_EQ(packets->available(), kPackets);
}

}  // namespace
}  // namespace sluice::run
