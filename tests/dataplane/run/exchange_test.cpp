// What workers share: parcels crossing between threads, and packets going home to another thread's
// pool. For ThreadSanitizer.
#include "dataplane/run/exchange.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "base/memory_packet_pool.hpp"
#include "dataplane/run/mailbox.hpp"
#include "dataplane/run/sleeper.hpp"

namespace sluice::run {
namespace {

constexpr unsigned kWorkers = 3;
constexpr std::uint32_t kParcels = 20'000;  // from each worker to each other one

// Sends numbered packets to every other worker and checks that theirs arrive whole and in order.
class Peer {
 public:
  Peer(unsigned self, Exchange& exchange) : self_(self), exchange_(exchange) {}

  void run() {
    while (!done()) {
      for (unsigned other = 0; other < kWorkers; ++other) {
        if (other == self_) continue;
        send(other);
        take(other);
      }
      std::this_thread::yield();
    }
  }
  [[nodiscard]] bool in_order() const { return in_order_; }
  [[nodiscard]] base::MemoryPacketPool& pool() { return pool_; }

 private:
  [[nodiscard]] bool done() const {
    for (unsigned other = 0; other < kWorkers; ++other) {
      if (other != self_ && (sent_[other] < kParcels || taken_[other] < kParcels)) return false;
    }
    return true;
  }
  void send(unsigned to) {
    if (sent_[to] == kParcels) return;
    base::PacketPtr packet(pool_.allocate());
    if (!packet) return;
    base::store_be(packet->append(sizeof(std::uint32_t)).data(), sent_[to]);
    if (!exchange_.send(self_, to, {.packet = packet.get()})) return;
    (void)packet.release();
    ++sent_[to];
  }
  void take(unsigned from) {
    while (const auto parcel = exchange_.take(from, self_)) {
      in_order_ &= base::load_be<std::uint32_t>(parcel->packet->data()) == taken_[from];
      ++taken_[from];
      parcel->packet->release();
    }
  }

  const unsigned self_;
  Exchange& exchange_;
  base::MemoryPacketPool pool_{512, 64};
  std::array<std::uint32_t, kWorkers> sent_{};
  std::array<std::uint32_t, kWorkers> taken_{};
  bool in_order_ = true;
};

TEST(Exchange, ParcelsBetweenThreadsArriveWholeAndInOrder) {
  Exchange exchange(kWorkers);
  std::vector<std::unique_ptr<Peer>> peers;
  for (unsigned i = 0; i < kWorkers; ++i) peers.push_back(std::make_unique<Peer>(i, exchange));
  {
    std::vector<std::jthread> threads;
    for (const auto& peer : peers) threads.emplace_back([&peer] { peer->run(); });
  }
  for (const auto& peer : peers) {
    EXPECT_TRUE(peer->in_order());
    EXPECT_EQ(peer->pool().available(), peer->pool().capacity());
  }
}

// Each parcel is sent only after the one before has been taken, so that the taker is falling
// asleep, asleep or waking up each time. One missed ring would cost a whole sleep.
TEST(Exchange, SleepingWorkerIsWokenByEveryParcel) {
  constexpr int kRounds = 3000;
  constexpr auto kSleep = base::Duration::milliseconds(900);
  Exchange exchange(2);
  base::MemoryPacketPool pool(16, 64);
  std::atomic<int> taken = 0;
  std::jthread taker([&] {
    Sleeper sleeper;
    sleeper.watch(exchange.doorbell(1).fd());
    ASSERT_TRUE(sleeper.complete());
    while (taken < kRounds) {
      if (const auto parcel = exchange.take(0, 1)) {
        parcel->packet->release();
        ++taken;
        continue;
      }
      exchange.doorbell(1).arm();
      if (!exchange.anything_for(1)) sleeper.sleep(kSleep);
      exchange.doorbell(1).disarm();
    }
  });
  const auto start = std::chrono::steady_clock::now();
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_TRUE(exchange.send(0, 1, {.packet = pool.allocate()}));
    exchange.ring_doorbells(0);
    while (taken <= round) std::this_thread::yield();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

// A ringer may be held up between taking the bell's arming back and waking the sleeper: what wakes
// it late must not keep it awake.
TEST(Doorbell, WakeUpThatComesLateIsTakenWithTheNextOne) {
  Doorbell doorbell;
  Sleeper sleeper;
  sleeper.watch(doorbell.fd());
  const std::uint64_t late = 1;
  ASSERT_EQ(::write(doorbell.fd(), &late, sizeof(late)), static_cast<ssize_t>(sizeof(late)));
  const auto start = std::chrono::steady_clock::now();
  for (int turn = 0; turn < 2; ++turn) {
    doorbell.arm();
    sleeper.sleep(base::Duration::milliseconds(20));
    doorbell.disarm();
  }
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(20));
}

TEST(Sleeper, WhatCannotBeWatchedMakesItIncomplete) {
  Sleeper sleeper;
  EXPECT_TRUE(sleeper.complete());
  sleeper.watch(-1);
  EXPECT_FALSE(sleeper.complete());
}

// From now on the kernel does not know epoll_pwait2() where this thread is concerned.
bool forget_the_sleepers_system_call() {
  std::array<sock_filter, 4> program = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_epoll_pwait2, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(Sleeper, KernelThatCannotWakeItMakesItIncomplete) {
  Doorbell doorbell;
  Sleeper sleeper;
  sleeper.watch(doorbell.fd());
  ASSERT_TRUE(sleeper.complete());
  bool forgotten = false;
  std::jthread([&] {
    forgotten = forget_the_sleepers_system_call();
    sleeper.sleep(base::Duration::milliseconds(1));
  }).join();
  if (!forgotten) GTEST_SKIP() << "NOT TESTED: the kernel filters no system calls";
  EXPECT_FALSE(sleeper.complete());
}

TEST(Sleeper, NothingToWakeForSleepsTheWholeTime) {
  Sleeper sleeper;
  const auto start = std::chrono::steady_clock::now();
  sleeper.sleep(base::Duration::milliseconds(5));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(5));
}

TEST(Mailbox, ReportsCrossBetweenThreads) {
  constexpr std::uint64_t kQuestions = 5'000;
  Mailbox mailbox;
  std::jthread worker([&mailbox] {
    for (std::uint64_t answered = 0; answered < kQuestions;) {
      const auto command = mailbox.commands.pop();
      if (!command) {
        std::this_thread::yield();
        continue;
      }
      command->report->gauges.assign(1, {.name = "answered", .value = answered});
      const Reply reply{.kind = command->kind, .report = command->report, .id = command->id};
      while (!mailbox.replies.push(reply)) std::this_thread::yield();
      ++answered;
    }
  });
  WorkerReport report;
  for (std::uint64_t id = 0; id < kQuestions; ++id) {
    ASSERT_TRUE(
        mailbox.commands.push({.kind = Command::Kind::kReport, .report = &report, .id = id}));
    std::optional<Reply> reply;
    while (!(reply = mailbox.replies.pop())) std::this_thread::yield();
    EXPECT_EQ(reply->id, id);
    ASSERT_EQ(reply->report->gauges.size(), 1U);
    EXPECT_EQ(reply->report->gauges[0].value, id);
  }
}

}  // namespace
}  // namespace sluice::run
