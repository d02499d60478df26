#include "dataplane/nic/pcap_device.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/memory_packet_pool.hpp"
#include "dataplane/nic/memory_device.hpp"
#include "tests/support/frames.hpp"

namespace sluice::nic {
namespace {

using base::Duration;
using base::Instant;

// Lets a test keep an end of a memory link that a wrapper would own.
class BorrowedDevice final : public Device {
 public:
  explicit BorrowedDevice(Device& device) : device_(device) {}
  const DeviceInfo& info() const override { return device_.info(); }
  std::size_t receive(Instant now, std::span<base::Packet*> out) override {
    return device_.receive(now, out);
  }
  std::size_t transmit(Instant now, std::span<base::Packet* const> frames) override {
    return device_.transmit(now, frames);
  }

 private:
  Device& device_;
};

class PcapDeviceTest : public ::testing::Test {
 protected:
  PcapDeviceTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-pcap-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~PcapDeviceTest() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ / "capture.pcap"; }
  std::unique_ptr<PcapWriter> writer(std::size_t max_bytes = 1'000'000) {
    auto opened = PcapWriter::open({.path = path(), .max_bytes = max_bytes, .epoch = kEpoch});
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
  test::ByteVector content() const {
    std::ifstream file(path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    const auto bytes = base::bytes_of(text);
    return {bytes.begin(), bytes.end()};
  }
  base::Packet* frame(std::uint8_t fill) {
    base::Packet* packet = pool_.allocate();
    for (std::byte& b : packet->append(60)) b = std::byte{fill};
    return packet;
  }

  static constexpr Duration kEpoch = Duration::seconds(1'700'000'000);
  std::filesystem::path folder_;
  base::MemoryPacketPool pool_{64};
  base::Counters<NicCounter> counters_;
  MemoryLink link_{{.depth = 2},
                   {.mac = {}, .pool = pool_, .counters = counters_},
                   {.mac = {}, .pool = pool_, .counters = counters_}};
};

TEST_F(PcapDeviceTest, FileOpensWithTheNanosecondMagicAndEthernet) {
  writer().reset();
  EXPECT_EQ(content(), test::hex("a1b23c4d 0002 0004 00000000 00000000 0000ffff 00000001"));
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(PcapDeviceTest, BothDirectionsAreWrittenWithTheirTimes) {
  {
    PcapDevice device(std::make_unique<BorrowedDevice>(link_.a()), writer(), counters_);
    const std::array out = {frame(1)};
    EXPECT_EQ(device.transmit(Instant::from_nanoseconds(1), out), 1U);
    const std::array in = {frame(2)};
    EXPECT_EQ(link_.b().transmit(Instant(), in), 1U);
    std::array<base::Packet*, 4> received{};
    ASSERT_EQ(device.receive(Instant::from_nanoseconds(2'000'000'003), received), 1U);
    received[0]->release();
  }
  const auto frames = read_pcap(content());
  ASSERT_TRUE(frames);
  ASSERT_EQ(frames->size(), 2U);
  EXPECT_EQ((*frames)[0].bytes, test::ByteVector(60, std::byte{1}));
  EXPECT_EQ((*frames)[0].nanoseconds, kEpoch.nanoseconds() + 1);
  EXPECT_EQ((*frames)[1].bytes, test::ByteVector(60, std::byte{2}));
  EXPECT_EQ((*frames)[1].nanoseconds, kEpoch.nanoseconds() + 2'000'000'003);
  EXPECT_EQ(counters_[NicCounter::kCapturedFrames], 2U);
}

TEST_F(PcapDeviceTest, OnlyWhatTheDeviceTookIsWritten) {
  std::array<base::Packet*, 3> out = {frame(1), frame(2), frame(3)};
  {
    PcapDevice device(std::make_unique<BorrowedDevice>(link_.a()), writer(), counters_);
    EXPECT_EQ(device.transmit(Instant(), out), 2U);
  }
  EXPECT_TRUE(out[2]->exclusive());
  out[2]->release();
  EXPECT_EQ(read_pcap(content())->size(), 2U);
  EXPECT_EQ(pool_.available(), pool_.capacity());
}

TEST_F(PcapDeviceTest, FullFileEndsTheCaptureAndNotTheTraffic) {
  {
    PcapDevice device(std::make_unique<BorrowedDevice>(link_.a()), writer(24 + 76 + 75), counters_);
    const std::array out = {frame(1), frame(2)};
    EXPECT_EQ(device.transmit(Instant(), out), 2U);
  }
  EXPECT_EQ(read_pcap(content())->size(), 1U);
  EXPECT_EQ(counters_[NicCounter::kCaptureDropped], 1U);
  EXPECT_EQ(counters_[NicCounter::kSentFrames], 2U);
}

TEST_F(PcapDeviceTest, ManyFramesPassThroughTheBuffer) {
  constexpr std::size_t kFrames = 10'000;
  {
    const auto file = writer();
    const test::ByteVector bytes(60, std::byte{7});
    for (std::size_t i = 0; i < kFrames; ++i) EXPECT_TRUE(file->write(Instant(), bytes));
  }
  EXPECT_EQ(read_pcap(content())->size(), kFrames);
}

TEST_F(PcapDeviceTest, FileThatCannotBeOpenedSaysWhy) {
  const auto opened = PcapWriter::open({.path = folder_ / "absent" / "file", .epoch = {}});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error(), std::errc::no_such_file_or_directory);
}

TEST_F(PcapDeviceTest, SymbolicLinkIsNotFollowed) {
  std::filesystem::create_symlink(folder_ / "target", path());
  const auto opened = PcapWriter::open({.path = path(), .epoch = {}});
  EXPECT_FALSE(opened);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "target"));
}

TEST_F(PcapDeviceTest, OtherFilesAreNotRead) {
  EXPECT_FALSE(read_pcap({}));
  EXPECT_FALSE(read_pcap(test::hex("d4c3b2a1 0200 0400")));
  writer().reset();
  EXPECT_FALSE(read_pcap(test::concatenated(content(), test::hex("00000001 00000002 00000009"))));
}

}  // namespace
}  // namespace sluice::nic
