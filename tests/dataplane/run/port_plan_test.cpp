#include "dataplane/run/port_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::run {
namespace {

using testing::HasSubstr;

constexpr PortPosition kSecondOfFour{.index = 1, .workers = 4};

PortSettings port(DeviceKind kind, std::string target) {
  PortSettings settings;
  settings.name = "edge";
  settings.kind = kind;
  settings.target = std::move(target);
  return settings;
}

std::string refusal(const PortSettings& settings) {
  const auto plan = plan_port(settings, kSecondOfFour);
  return plan ? "" : plan.error();
}

TEST(PortPlan, TapHasAQueuePerWorkerAndAnAddressOfItsOwn) {
  const auto plan = plan_port(port(DeviceKind::kTap, "sluice0"), kSecondOfFour);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->device.bus, "vdev");
  EXPECT_EQ(plan->device.device, "net_tap1");
  EXPECT_EQ(plan->device.arguments, "iface=sluice0");
  EXPECT_EQ(plan->device.max_queues, 4);
  EXPECT_TRUE(plan->device.shares_mac_with_kernel);
  EXPECT_FALSE(plan->device.offloads);
}

TEST(PortPlan, DevicesThatFilterDeliverGroupsToPortsWithIpv6) {
  const auto takes_groups = [](PortSettings settings) {
    settings.addresses = {*base::AddressPrefix::parse("198.18.0.2/24")};
    EXPECT_FALSE(plan_port(settings, kSecondOfFour)->device.takes_groups);
    settings.addresses.push_back(*base::AddressPrefix::parse("2001:db8::2/64"));
    return plan_port(settings, kSecondOfFour)->device.takes_groups;
  };
  EXPECT_TRUE(takes_groups(port(DeviceKind::kPci, "0000:3b:00.0")));
  EXPECT_TRUE(takes_groups(port(DeviceKind::kAfPacket, "veth0")));
  EXPECT_TRUE(takes_groups(port(DeviceKind::kAfXdp, "veth0")));
  EXPECT_FALSE(takes_groups(port(DeviceKind::kTap, "sluice0")));
  EXPECT_FALSE(takes_groups(port(DeviceKind::kMemif, "/run/memif.sock")));
}

TEST(PortPlan, PortWithFaultsIsKnownAsSuch) {
  PortSettings settings = port(DeviceKind::kPci, "0000:3b:00.0");
  EXPECT_FALSE(plan_port(settings, kSecondOfFour)->device.faulty);
  settings.faults = FaultSettings{};
  EXPECT_TRUE(plan_port(settings, kSecondOfFour)->device.faulty);
}

TEST(PortPlan, OffloadsAreRefusedByTheConfigurationOrForACapture) {
  PortSettings settings = port(DeviceKind::kPci, "0000:3b:00.0");
  EXPECT_EQ(plan_port(settings, kSecondOfFour)->device.no_segmentation, "");
  EXPECT_EQ(plan_port(settings, kSecondOfFour)->device.no_coalescing, "");
  settings.capture = "edge.pcap";
  EXPECT_EQ(plan_port(settings, kSecondOfFour)->device.no_segmentation,
            "the capture has frames as on the wire");
  settings.offloads = {.tso = OffloadChoice::kOff, .rx_coalescing = OffloadChoice::kOff};
  const auto plan = plan_port(settings, kSecondOfFour);
  EXPECT_EQ(plan->device.no_segmentation, "the configuration says so");
  EXPECT_EQ(plan->device.no_coalescing, "the configuration says so");
  EXPECT_FALSE(plan->device.segments_anyhow);
}

TEST(PortPlan, TapSegmentsWhatItsDriverCan) {
  PortSettings settings = port(DeviceKind::kTap, "sluice0");
  settings.offloads.tso = OffloadChoice::kOn;
  EXPECT_THAT(refusal(settings), HasSubstr("for an MTU of up to 1486"));
  settings.mtu = 1486;
  const auto plan = plan_port(settings, kSecondOfFour);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->device.segments_anyhow);
  EXPECT_FALSE(plan->device.device_knows_mtu);
  settings.addresses = {*base::AddressPrefix::parse("2001:db8::2/64")};
  EXPECT_THAT(refusal(settings), HasSubstr("segments of IPv4 only"));
}

TEST(PortPlan, TapHasAtMostTheQueuesOfItsDriver) {
  const auto plan = plan_port(port(DeviceKind::kTap, "sluice0"), {.index = 0, .workers = 32});
  EXPECT_EQ(plan->device.max_queues, 16);
}

TEST(PortPlan, ConfiguredQueuesAreAtMostOnePerWorker) {
  PortSettings settings = port(DeviceKind::kTap, "sluice0");
  settings.queues = 1;
  EXPECT_EQ(plan_port(settings, kSecondOfFour)->device.max_queues, 1);
  settings.queues = 9;
  EXPECT_EQ(plan_port(settings, kSecondOfFour)->device.max_queues, 4);
  settings.queues = 0;
  EXPECT_EQ(refusal(settings), "a port has at least one queue");
}

TEST(PortPlan, AfPacketJumboFramesFitRingAndBuffer) {
  PortSettings settings = port(DeviceKind::kAfPacket, "veth0");
  settings.mtu = 9000;
  const auto plan = plan_port(settings, kSecondOfFour);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->device.arguments, "iface=veth0,qpairs=4,framesz=16384,blocksz=16384");
  EXPECT_FALSE(plan->device.device_knows_mtu);
  EXPECT_EQ(plan->data_room, 16384U - 32);
}

TEST(PortPlan, AfXdpNamesItsQueues) {
  const auto plan = plan_port(port(DeviceKind::kAfXdp, "eth7"), kSecondOfFour);
  EXPECT_EQ(plan->device.arguments, "iface=eth7,start_queue=0,queue_count=4");
}

TEST(PortPlan, MemifIsOneQueueByPathWithoutZeroCopy) {
  PortSettings settings = port(DeviceKind::kMemif, "/run/sluice/memif.sock");
  settings.memif_server = true;
  const auto plan = plan_port(settings, kSecondOfFour);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->device.arguments,
            "role=server,socket=/run/sluice/memif.sock,socket-abstract=no,zero-copy=no,bsize=2048");
  EXPECT_EQ(plan->device.max_queues, 1);
}

TEST(PortPlan, PciTrustsTheDevice) {
  const auto plan = plan_port(port(DeviceKind::kPci, "0000:3b:00.0"), kSecondOfFour);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->device.bus, "pci");
  EXPECT_TRUE(plan->device.offloads);
  EXPECT_EQ(plan->device.rss_key.size(), 40U);
}

TEST(PortPlan, JumboFramesOnATapAreRefused) {
  PortSettings settings = port(DeviceKind::kTap, "sluice0");
  settings.mtu = 9000;
  EXPECT_EQ(refusal(settings),
            "an MTU of 9000 does not go with this kind of device, which takes 576 to 1500");
}

TEST(PortPlan, NameThatWouldEndAnArgumentIsRefused) {
  EXPECT_THAT(refusal(port(DeviceKind::kTap, "a,mac=fixed")), HasSubstr("cannot name a device"));
  EXPECT_THAT(refusal(port(DeviceKind::kTap, "")), HasSubstr("cannot name a device"));
  EXPECT_THAT(refusal(port(DeviceKind::kTap, "a/b")), HasSubstr("cannot name a device"));
  EXPECT_THAT(refusal(port(DeviceKind::kTap, "longer-than-names")), HasSubstr("cannot name"));
  EXPECT_THAT(refusal(port(DeviceKind::kMemif, "relative")), HasSubstr("cannot name a device"));
}

TEST(PortCheck, MissingInterfaceIsNamed) {
  const auto usable = check_port(port(DeviceKind::kAfPacket, "nosuch0"), inspect_host());
  ASSERT_FALSE(usable);
  EXPECT_EQ(usable.error(), "there is no network interface 'nosuch0'");
}

TEST(PortCheck, TapNameThatIsTakenIsNamed) {
  const auto usable = check_port(port(DeviceKind::kTap, "lo"), inspect_host());
  ASSERT_FALSE(usable);
  EXPECT_EQ(usable.error(), "a network interface 'lo' exists already");
}

TEST(PortCheck, MissingCapabilityIsNamed) {
  Host host = inspect_host();
  host.net_raw = host.net_admin = false;
  EXPECT_THAT(check_port(port(DeviceKind::kAfPacket, "lo"), host).error(),
              HasSubstr("CAP_NET_RAW"));
}

TEST(PortCheck, MissingPciDeviceAndSocketDirectoryAreNamed) {
  const Host host = inspect_host();
  EXPECT_EQ(check_port(port(DeviceKind::kPci, "ffff:ff:1f.7"), host).error(),
            "there is no PCI device 'ffff:ff:1f.7'");
  EXPECT_THAT(check_port(port(DeviceKind::kMemif, "/nonexistent/m.sock"), host).error(),
              HasSubstr("does not exist"));
}

}  // namespace
}  // namespace sluice::run
