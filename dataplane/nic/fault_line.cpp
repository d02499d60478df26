#include "dataplane/nic/fault_line.hpp"

#include <algorithm>

#include "dataplane/nic/packet_copy.hpp"
#include "dataplane/wire/ethernet.hpp"

namespace sluice::nic {

std::uint64_t FaultRandom::next() {
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

bool FaultRandom::happens(double probability) {
  return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability;
}

FaultLine::FaultLine(const FaultRates& rates, std::uint64_t seed, base::PacketPool& pool,
                     base::Counters<NicCounter>& counters)
    : rates_(rates), random_(seed), pool_(pool), counters_(counters) {
  delayed_.reserve(kMaxHeld);
}

FaultLine::~FaultLine() {
  for (const Delayed& d : delayed_) d.frame->release();
  for (std::size_t i = 0; i < set_aside_count_; ++i) set_aside_[i].frame->release();
}

void FaultLine::admit(base::Instant now, base::PacketPtr frame) {
  // Everything is drawn for every frame, so that one rate does not change what another one hits.
  const bool lost = random_.happens(rates_.loss);
  const bool corrupt = random_.happens(rates_.corruption);
  const bool duplicate = random_.happens(rates_.duplication);
  if (lost) {
    counters_.add(NicCounter::kFaultLost);
    return;
  }
  if (size() >= kMaxHeld) {
    counters_.add(NicCounter::kFaultOverflow);
    return;
  }
  base::PacketPtr copy = duplicate ? copy_of(frame->bytes(), pool_) : base::PacketPtr{};
  if (corrupt) frame = corrupted(std::move(frame));
  if (frame) delay(now, std::move(frame));
  if (!copy) return;
  counters_.add(NicCounter::kFaultDuplicated);
  delay(now, std::move(copy));
}

void FaultLine::advance(base::Instant now) {
  while (!delayed_.empty() && delayed_.front().due <= now) {
    std::ranges::pop_heap(delayed_, later);
    base::PacketPtr frame(delayed_.back().frame);
    delayed_.pop_back();
    reorder(now, std::move(frame));
  }
  let_out_overtaken(now, false);
}

base::Instant FaultLine::next_deadline() const {
  if (!ready_.empty()) return {};
  base::Instant next = base::Instant::never();
  if (!delayed_.empty()) next = delayed_.front().due;
  for (std::size_t i = 0; i < set_aside_count_; ++i) next = std::min(next, set_aside_[i].timeout);
  return next;
}

bool FaultLine::later(const Delayed& a, const Delayed& b) {
  return a.due != b.due ? a.due > b.due : a.order > b.order;
}

void FaultLine::delay(base::Instant now, base::PacketPtr frame) {
  base::Duration wait = rates_.delay;
  if (const std::int64_t jitter = rates_.delay_jitter.nanoseconds(); jitter > 0) {
    const std::uint64_t extra = random_.below(static_cast<std::uint64_t>(jitter) + 1);
    wait = wait + base::Duration::nanoseconds(static_cast<std::int64_t>(extra));
  }
  if (wait <= base::Duration{}) return reorder(now, std::move(frame));
  if (delayed_.size() < kMaxHeld) frame = own_copy(std::move(frame));
  if (!frame || delayed_.size() >= kMaxHeld) {
    counters_.add(NicCounter::kFaultOverflow);
    return;
  }
  delayed_.push_back({.due = now + wait, .order = arrivals_++, .frame = frame.release()});
  std::ranges::push_heap(delayed_, later);
}

void FaultLine::reorder(base::Instant now, base::PacketPtr frame) {
  if (random_.happens(rates_.reordering) && set_aside_count_ < set_aside_.size()) {
    frame = own_copy(std::move(frame));
    if (!frame) {
      counters_.add(NicCounter::kFaultOverflow);
      return;
    }
    counters_.add(NicCounter::kFaultReordered);
    set_aside_[set_aside_count_++] = {.timeout = now + kReorderTimeout,
                                      .overtakers = 1 + random_.below(kMaxOvertakers),
                                      .frame = frame.release()};
    return;
  }
  ready_.push_back(std::move(frame));
  let_out_overtaken(now, true);
}

void FaultLine::let_out_overtaken(base::Instant now, bool one_passed) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < set_aside_count_; ++i) {
    SetAside held = set_aside_[i];
    if (one_passed) --held.overtakers;
    if (held.overtakers == 0 || held.timeout <= now) {
      ready_.push_back(base::PacketPtr(held.frame));
    } else {
      set_aside_[kept++] = held;
    }
  }
  set_aside_count_ = kept;
}

// What others may still be reading or counting on is copied; the copy is nobody else's.
base::PacketPtr FaultLine::own_copy(base::PacketPtr frame) {
  if (frame->exclusive()) return frame;
  return copy_of(frame->bytes(), pool_);
}

// Only what a checksum of the packet's own protects: a wrong bit elsewhere in a frame would be
// found by the frame check sequence and never arrive.
base::PacketPtr FaultLine::corrupted(base::PacketPtr frame) {
  const auto header = wire::parse_ethernet(frame->bytes());
  if (!header || header->type != wire::EtherType::kIpv4 || frame->size() == header->size()) {
    return frame;
  }
  const std::size_t header_size = header->size();
  base::PacketPtr copy = own_copy(std::move(frame));
  if (!copy) {
    counters_.add(NicCounter::kFaultOverflow);
    return {};
  }
  counters_.add(NicCounter::kFaultCorrupted);
  const std::uint64_t bit = random_.below((copy->size() - header_size) * 8);
  copy->bytes()[header_size + bit / 8] ^= std::byte{1} << (bit % 8);
  copy->checksum = {};
  return copy;
}

}  // namespace sluice::nic
