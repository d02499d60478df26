#include "control/admin/worker_reports.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "tests/control/support/fake_worker.hpp"

namespace sluice::control {
namespace {

using namespace std::chrono_literals;
using testing::FakeWorkers;

TEST(WorkerReports, EveryWorkerThatAnswersIsReported) {
  // The reports outlive the workers, which may still write into them.
  std::unique_ptr<WorkerReports> reports;
  FakeWorkers workers;
  reports = std::make_unique<WorkerReports>(workers.mailboxes());
  const auto collected = reports->collect(5s);
  ASSERT_EQ(collected.size(), 2U);
  ASSERT_TRUE(collected[0] && collected[1]);
  EXPECT_EQ(collected[1]->worker, 1U);
  EXPECT_EQ(collected[1]->counters.at(0).values.at(0), 200U);
  EXPECT_EQ(collected[0]->gauges.at(0).value, 5U);
}

TEST(WorkerReports, ADeafWorkerCostsOnlyTheTimeout) {
  std::unique_ptr<WorkerReports> reports;
  FakeWorkers workers;
  reports = std::make_unique<WorkerReports>(workers.mailboxes());
  workers.second.set_deaf(true);
  const auto collected = reports->collect(50ms);
  EXPECT_TRUE(collected[0]);
  EXPECT_FALSE(collected[1]);
}

TEST(WorkerReports, ALateAnswerIsTakenBackAndTheNextQuestionIsAskedAnew) {
  std::unique_ptr<WorkerReports> reports;
  FakeWorkers workers;
  reports = std::make_unique<WorkerReports>(workers.mailboxes());
  workers.second.set_deaf(true);
  for (int i = 0; i < 40; ++i) EXPECT_FALSE(reports->collect(1ms)[1]);
  workers.second.set_deaf(false);
  std::this_thread::sleep_for(50ms);
  const auto collected = reports->collect(5s);
  ASSERT_TRUE(collected[1]);
  // However often it was asked while deaf, one question waited for it.
  EXPECT_EQ(collected[1]->counters.at(1).values.at(0), 2U);
}

TEST(WorkerReports, ManyThreadsMayAskAtOnce) {
  std::unique_ptr<WorkerReports> reports;
  FakeWorkers workers;
  reports = std::make_unique<WorkerReports>(workers.mailboxes());
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const auto collected = reports->collect(5s);
        answered += collected[0].has_value() + collected[1].has_value();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, 4 * 20 * 2);
}

TEST(WorkerReports, DrainingEndsWhenTheLastWorkerHasNoSession) {
  std::unique_ptr<WorkerReports> reports;
  FakeWorkers workers;
  reports = std::make_unique<WorkerReports>(workers.mailboxes());
  reports->start_draining();
  workers.first.end_sessions();
  std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(reports->drained());
  // Reports go on meanwhile.
  EXPECT_TRUE(reports->collect(5s)[1]);
  workers.second.end_sessions();
  for (int i = 0; i < 1000 && !reports->drained(); ++i) std::this_thread::sleep_for(5ms);
  EXPECT_TRUE(reports->drained());
}

}  // namespace
}  // namespace sluice::control
