#include "control/admin/status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/admin/counter_watch.hpp"
#include "control/cli/status_table.hpp"

namespace sluice::control {
namespace {

using base::Severity;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Status example() {
  Status status;
  status.version = "0.1.0";
  status.state = "serving";
  status.uptime_seconds = 3725;
  status.ports = {{"edge",
                   "pci:0000:3b:00.0",
                   {"198.18.0.2/24"},
                   {{"rx_tcp_checksum", true, ""},
                    {"tso", false, "the device has none"},
                    {"tx_tcp_checksum", true, ""},
                    {"rss", false, "there is one queue"},
                    {"rx_coalescing", false, "the device has none"}}}};
  status.listeners = {{"https", "198.18.0.2:443", {{{"*.shop.example"}, "shop"}, {{}, "blog"}}}};
  status.backends = {{"shop", {"198.18.0.1:8080", "198.18.0.1:8081"}}, {"blog", {"198.18.0.1:1"}}};
  status.counters = {{"net", "segments_in", Severity::kInfo, "Segments received."},
                     {"net", "bad_checksum", Severity::kNotice, "Bad checksums."},
                     {"nic", "drops", Severity::kWarning, "Drops."},
                     {"tls", "handshakes", Severity::kInfo, "Handshakes."}};
  status.workers = {{0, 0, true, {1000, 2, 0, 7}, {{"connections", 3}, {"time_wait", 12}}},
                    {1, 3, true, {24, 0, 5, 0}, {{"connections", 1}, {"time_wait", 0}}}};
  return status;
}

TEST(StatusTable, ShowsWhatIsServedThenTheMostSevereNonZeroCountersFirst) {
  EXPECT_EQ(format_status(example(), {}),
            "sluice 0.1.0, serving for 1h 2m\n"
            "port edge on pci:0000:3b:00.0: 198.18.0.2/24\n"
            "  by the device: rx_tcp_checksum, tx_tcp_checksum\n"
            "  in software (the device has none): tso, rx_coalescing\n"
            "  in software (there is one queue): rss\n"
            "listener https on 198.18.0.2:443\n"
            "  *.shop.example -> shop\n"
            "  any name -> blog\n"
            "backend shop: 198.18.0.1:8080, 198.18.0.1:8081\n"
            "backend blog: 198.18.0.1:1\n"
            "\n"
            "levels              total  worker 0  worker 1\n"
            "  connections           4         3         1\n"
            "  time_wait            12        12         0\n"
            "warning\n"
            "  nic.drops             5         0         5\n"
            "notice\n"
            "  net.bad_checksum      2         2         0\n"
            "info\n"
            "  net.segments_in    1024      1000        24\n"
            "  tls.handshakes        7         7         0\n");
}

TEST(StatusTable, ZeroesAreShownOnlyWhenAllIsAskedFor) {
  Status status = example();
  status.workers[0].counters[3] = 0;
  EXPECT_THAT(format_status(status, {}), Not(HasSubstr("tls.handshakes")));
  EXPECT_THAT(format_status(status, {.all = true}), HasSubstr("tls.handshakes"));
}

TEST(StatusTable, AnEarlierLookGivesRates) {
  const Status before = example();
  Status after = example();
  after.workers[0].counters[0] += 500;
  const std::string table = format_status(after, {.previous = &before, .seconds = 2});
  EXPECT_THAT(table, HasSubstr("levels              total   /s  worker 0  worker 1\n"));
  EXPECT_THAT(table, HasSubstr("  net.segments_in    1524  250      1500        24\n"));
  EXPECT_THAT(table, HasSubstr("  tls.handshakes        7              7         0\n"));
}

TEST(StatusTable, CountersAreExplainedWhenAskedFor) {
  EXPECT_THAT(format_status(example(), {.explain = true}),
              HasSubstr("  nic.drops             5         0         5  Drops.\n"));
}

TEST(StatusTable, AWorkerThatDoesNotAnswerIsNamedAndHasEmptyCells) {
  Status status = example();
  status.workers[1] = {1, 3, false, {}, {}};
  const std::string table = format_status(status, {});
  EXPECT_THAT(table, HasSubstr("worker 1 on core 3 does not answer\n"));
  EXPECT_THAT(table, HasSubstr("  net.segments_in    1000      1000         -\n"));
}

TEST(StatusJson, ComesBackAsItWentOut) {
  const Status status = example();
  const std::string json = to_json(status);
  const auto back = status_from_json(json);
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(to_json(*back), json);
  EXPECT_EQ(format_status(*back, {.all = true}), format_status(status, {.all = true}));
}

TEST(StatusJson, HasTotals) {
  const std::string json = to_json(example());
  EXPECT_THAT(json, HasSubstr("\"segments_in\": 1024"));
  EXPECT_THAT(json, HasSubstr("\"connections\": 4"));
}

TEST(StatusJson, SaysWhoDoesWhatDevicesMightDo) {
  const std::string json = to_json(example());
  EXPECT_THAT(json, HasSubstr("\"rx_tcp_checksum\": {\n          \"by\": \"device\"\n"));
  EXPECT_THAT(json, HasSubstr("\"tso\": {\n          \"by\": \"software\",\n"
                              "          \"why\": \"the device has none\"\n"));
}

TEST(StatusJson, OtherTextIsRefused) {
  for (const char* text : {"", "{", "[]", "{}", "{\"version\": 3}", "null"}) {
    EXPECT_FALSE(status_from_json(text)) << text;
  }
}

TEST(CounterWatch, OnlyGrowingWarningsMakeALine) {
  CounterWatch watch;
  Status status = example();
  EXPECT_THAT(watch.changes(status), ElementsAre("nic.drops +5: Drops."));
  EXPECT_THAT(watch.changes(status), IsEmpty());
  status.workers[0].counters[2] = 100;
  status.workers[0].counters[0] = 5000;
  EXPECT_THAT(watch.changes(status), ElementsAre("nic.drops +100: Drops."));
}

TEST(CounterWatch, ASilentWorkerIsReportedOnceAndItsReturnIsNoGrowth) {
  CounterWatch watch;
  const Status status = example();
  (void)watch.changes(status);
  Status silent = example();
  silent.workers[1] = {1, 3, false, {}, {}};
  EXPECT_THAT(watch.changes(silent), ElementsAre("worker 1 on core 3 does not answer"));
  EXPECT_THAT(watch.changes(silent), IsEmpty());
  EXPECT_THAT(watch.changes(status), IsEmpty());
}

}  // namespace
}  // namespace sluice::control
