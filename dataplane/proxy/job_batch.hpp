// The public-key jobs of a burst: sessions line up, a batch of them is run together, and each
// result goes back to its session if that still lives. The batch owns copies of all inputs.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "dataplane/proxy/session.hpp"
#include "tls/crypto/job.hpp"
#include "tls/crypto/jobs.hpp"

namespace sluice::proxy {

class JobBatch {
 public:
  // Jobs in one go. Bounds how long a loop iteration can take: 16 scalar operations are about a
  // millisecond, RSA aside.
  static constexpr std::size_t kSize = 16;

  explicit JobBatch(std::size_t max_waiting) : capacity_(max_waiting) {
    waiting_.resize(max_waiting);
  }

  // Lines up a session that is waiting_for_job(). False when too many wait.
  [[nodiscard]] bool enqueue(SessionHandle session) {
    if (size_ == capacity_) return false;
    waiting_[(first_ + size_++) % capacity_] = session;
    return true;
  }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  // Takes up to `limit` sessions, kSize at most, runs their jobs together and hands back the
  // results:
  //   take(session, job) fills in the job, false when the session is gone;
  //   finish(session, job) gets it back with its outcome.
  // Returns how many were run.
  template <typename Take, typename Finish>
  std::size_t run(std::size_t limit, Take&& take, Finish&& finish) {
    limit = std::min(limit, kSize);
    std::size_t count = 0;
    while (size_ > 0 && count < limit) {
      const SessionHandle session = waiting_[first_];
      first_ = (first_ + 1) % capacity_;
      --size_;
      Slot& slot = slots_[count];
      slot.session = session;
      if (take(session, slot.job)) pointers_[count++] = &slot.job;
    }
    runner_.run({pointers_.data(), count});
    for (std::size_t i = 0; i < count; ++i) {
      finish(slots_[i].session, slots_[i].job);
      slots_[i].job = tls::Job{};  // wipes what was secret
    }
    return count;
  }

 private:
  struct Slot {
    SessionHandle session;
    tls::Job job;
  };
  const std::size_t capacity_;
  std::vector<SessionHandle> waiting_;  // ring
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  std::array<Slot, kSize> slots_;
  std::array<tls::Job*, kSize> pointers_{};
  tls::JobRunner runner_;
};

}  // namespace sluice::proxy
