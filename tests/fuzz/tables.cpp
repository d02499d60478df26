// The flow table and the timer wheel against the standard library's containers: the same insertions
// and removals, the same answers.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/cursor.hpp"
#include "base/timer_wheel.hpp"
#include "dataplane/net/tcp/flow_table.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace sluice;
using base::Duration;
using base::Instant;
using fuzz::require;

// Few hashes, so that they meet, and near the end of the table, so that clusters wrap.
class FlowTableModel {
 public:
  void step(base::Reader& reader) {
    const std::uint32_t index = reader.u8() % kFlows;
    if (hashes_[index]) {
      table_.erase(*hashes_[index], index);
      hashes_[index].reset();
    } else {
      const std::uint32_t hash = 0xffff'fff0 + reader.u8() % 32;
      require(table_.insert(hash, index), "a table that is not full takes a flow");
      hashes_[index] = hash;
    }
    for (std::uint32_t i = 0; i < kFlows; ++i) {
      if (!hashes_[i]) continue;
      const auto found = table_.find(*hashes_[i], [i](std::uint32_t at) { return at == i; });
      require(found == i, "a flow is found");
    }
    const auto absent = table_.find(0xffff'fff0 + reader.u8() % 32, [this](std::uint32_t at) {
      require(hashes_[at].has_value(), "what was erased is not looked at");
      return false;
    });
    require(absent == net::tcp::FlowTable::kNone, "nothing else is found");
  }

 private:
  static constexpr std::uint32_t kFlows = 64;
  net::tcp::FlowTable table_{kFlows};
  std::array<std::optional<std::uint32_t>, kFlows> hashes_;
};

// Timers fire once, not early, at most a tick late, and next_deadline() misses none of them.
class TimerWheelModel {
 public:
  void step(base::Reader& reader) {
    const std::size_t timer = reader.u8() % kTimers;
    switch (reader.u8() % 4) {
      case 0:
        nodes_[timer].cancel();
        deadlines_[timer].reset();
        return;
      case 1:
        return advance(now_ + far(reader));
      case 2:
        return advance(std::min(wheel_.next_deadline(), now_ + Duration::seconds(100'000)));
      default:
        return arm(timer, now_ + far(reader) - Duration::milliseconds(reader.u8() % 4));
    }
  }

 private:
  static constexpr std::size_t kTimers = 32;

  // From nanoseconds to days.
  static Duration far(base::Reader& reader) {
    const std::int64_t mantissa = 1 + reader.u8();
    return Duration::nanoseconds(mantissa << (reader.u8() % 42));
  }

  void arm(std::size_t timer, Instant deadline) {
    wheel_.arm(nodes_[timer], deadline);
    deadlines_[timer] = std::max(deadline, now_);  // in the past: at the next tick
    require(nodes_[timer].armed() && nodes_[timer].deadline() == deadline, "a timer is armed");
  }

  void advance(Instant to) {
    now_ = std::max(now_, to);
    wheel_.advance(now_, [this](base::TimerNode& node) {
      const auto timer = static_cast<std::size_t>(&node - nodes_.data());
      require(deadlines_[timer].has_value(), "only what is armed fires, and once");
      require(*deadlines_[timer] <= now_, "a timer does not fire early");
      deadlines_[timer].reset();
    });
    Instant earliest = Instant::never();
    for (const auto& deadline : deadlines_) {
      if (!deadline) continue;
      require(*deadline + base::TimerWheel::kTick >= now_, "a timer fires at most a tick late");
      earliest = std::min(earliest, *deadline);
    }
    require((wheel_.next_deadline() == Instant::never()) == (earliest == Instant::never()),
            "there is a deadline while a timer is armed");
    require(earliest == Instant::never() ||
                wheel_.next_deadline() <= earliest + base::TimerWheel::kTick,
            "no timer is due before the next deadline");
  }

  Instant now_ = Instant::from_nanoseconds(1'000'000'000);
  base::TimerWheel wheel_{now_};
  std::array<base::TimerNode, kTimers> nodes_;
  std::array<std::optional<Instant>, kTimers> deadlines_;
};

template <typename Model>
void run(base::Reader& reader) {
  const auto model = std::make_unique<Model>();
  while (reader.ok() && !reader.empty()) model->step(reader);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::Reader reader(std::as_bytes(std::span(data, size)));
  if (reader.u8() % 2 == 0) {
    run<FlowTableModel>(reader);
  } else {
    run<TimerWheelModel>(reader);
  }
  return 0;
}
