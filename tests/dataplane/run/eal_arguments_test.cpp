#include "dataplane/run/eal_arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::run {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

Host small_host() {
  return {.cpus = {0, 1}, .huge_page_bytes = 0, .memory_bytes = 2048 * kMegabyte};
}

DataplaneSettings four_workers_on_two_cores() {
  DataplaneSettings settings;
  settings.worker_cores = {0, 1, 0, 1};
  return settings;
}

EalRequest request() {
  return {.pool_bytes = 100 * kMegabyte, .file_prefix = "sluice-1"};
}

// What follows an option.
std::string value_of(const std::vector<std::string>& arguments, const std::string& option) {
  const auto at = std::ranges::find(arguments, option);
  return at == arguments.end() || at + 1 == arguments.end() ? "" : *(at + 1);
}

TEST(EalArguments, MoreWorkersThanCoresEachHaveAnLcore) {
  const auto arguments = eal_arguments(four_workers_on_two_cores(), small_host(), request());
  ASSERT_TRUE(arguments);
  EXPECT_EQ(value_of(*arguments, "--lcores"), "0@(0,1),1@0,2@1,3@0,4@1");
  EXPECT_EQ(value_of(*arguments, "--main-lcore"), "0");
}

TEST(EalArguments, CoreThatIsNotThereIsNamed) {
  DataplaneSettings settings;
  settings.worker_cores = {0, 7};
  const auto arguments = eal_arguments(settings, small_host(), request());
  ASSERT_FALSE(arguments);
  EXPECT_EQ(arguments.error(), "worker 1 cannot run on core 7: this process may use 0,1");
}

TEST(EalArguments, NoWorkersAreRefused) {
  EXPECT_FALSE(eal_arguments(DataplaneSettings{}, small_host(), request()));
}

TEST(EalArguments, TooManyWorkersAreRefused) {
  DataplaneSettings settings;
  settings.worker_cores.assign(65, 0);
  const auto arguments = eal_arguments(settings, small_host(), request());
  ASSERT_FALSE(arguments);
  EXPECT_THAT(arguments.error(), HasSubstr("65 workers"));
}

TEST(EalArguments, WithoutHugePagesMemoryIsGivenExplicitly) {
  const auto arguments = eal_arguments(four_workers_on_two_cores(), small_host(), request());
  ASSERT_TRUE(arguments);
  EXPECT_THAT(*arguments, Contains("--no-huge"));
  EXPECT_GE(std::stoul(value_of(*arguments, "-m")), 100U);
  EXPECT_THAT(*arguments, Not(Contains("--in-memory")));
}

TEST(EalArguments, EnoughHugePagesAreUsed) {
  Host host = small_host();
  host.huge_page_bytes = 1024 * kMegabyte;
  const auto arguments = eal_arguments(four_workers_on_two_cores(), host, request());
  ASSERT_TRUE(arguments);
  EXPECT_THAT(*arguments, Contains("--in-memory"));
  EXPECT_THAT(*arguments, Not(Contains("--no-huge")));
}

TEST(EalArguments, TooFewOrUnwantedHugePagesAreLeftAlone) {
  Host host = small_host();
  host.huge_page_bytes = 50 * kMegabyte;
  EXPECT_THAT(*eal_arguments(four_workers_on_two_cores(), host, request()), Contains("--no-huge"));
  host.huge_page_bytes = 1024 * kMegabyte;
  DataplaneSettings settings = four_workers_on_two_cores();
  settings.memory.huge_pages = false;
  EXPECT_THAT(*eal_arguments(settings, host, request()), Contains("--no-huge"));
}

TEST(EalArguments, TooLittleMemoryIsSaidInMegabytes) {
  Host host = small_host();
  host.memory_bytes = 120 * kMegabyte;
  const auto arguments = eal_arguments(four_workers_on_two_cores(), host, request());
  ASSERT_FALSE(arguments);
  EXPECT_EQ(arguments.error(), "the packet pools need 164 MB of memory, 120 MB are available");
}

TEST(EalArguments, PciBusIsScannedOnlyForConfiguredDevices) {
  DataplaneSettings settings = four_workers_on_two_cores();
  settings.ports = {{.name = "edge", .kind = DeviceKind::kTap, .target = "sluice0"}};
  EXPECT_THAT(*eal_arguments(settings, small_host(), request()), Contains("--no-pci"));
  settings.ports.push_back({.name = "wire", .kind = DeviceKind::kPci, .target = "0000:3b:00.0"});
  const auto arguments = eal_arguments(settings, small_host(), request());
  EXPECT_THAT(*arguments, Not(Contains("--no-pci")));
  EXPECT_EQ(value_of(*arguments, "-a"), "0000:3b:00.0");
}

}  // namespace
}  // namespace sluice::run
