#include "dataplane/net/tcp/time_wait.hpp"

namespace sluice::net::tcp {

TimeWaitEntry* TimeWaitTable::find(const base::FourTuple& flow, std::uint32_t hash) {
  if (entries_.size() == 0) return nullptr;
  const std::uint32_t index =
      flows_.find(hash, [&](std::uint32_t i) { return entries_.at(i).flow == flow; });
  return index == FlowTable::kNone ? nullptr : &entries_.at(index);
}

bool TimeWaitTable::insert(const TimeWaitEntry& entry, base::Instant now) {
  const bool full = entries_.size() == entries_.capacity();
  if (full) erase(entries_.at(oldest_ - 1));
  const auto handle = entries_.create(entry);
  if (!flows_.insert(entry.hash, handle.index)) {
    entries_.destroy(handle);
    return full;
  }
  TimeWaitEntry& placed = entries_.at(handle.index);
  placed.entered = now;
  link_newest(placed);
  return full;
}

void TimeWaitTable::erase(TimeWaitEntry& entry) {
  unlink(entry);
  const auto handle = entries_.handle_of(entry);
  flows_.erase(entry.hash, handle.index);
  entries_.destroy(handle);
}

void TimeWaitTable::restart(TimeWaitEntry& entry, base::Instant now) {
  unlink(entry);
  entry.entered = now;
  link_newest(entry);
}

void TimeWaitTable::expire(base::Instant now) {
  while (oldest_ != 0 && entries_.at(oldest_ - 1).entered + time_ <= now) {
    erase(entries_.at(oldest_ - 1));
  }
}

base::Instant TimeWaitTable::next_deadline() const {
  return oldest_ == 0 ? base::Instant::never() : entries_.at(oldest_ - 1).entered + time_;
}

void TimeWaitTable::link_newest(TimeWaitEntry& entry) {
  const std::uint32_t self = index_of(entry) + 1;
  entry.older = newest_;
  entry.newer = 0;
  (newest_ != 0 ? entries_.at(newest_ - 1).newer : oldest_) = self;
  newest_ = self;
}

void TimeWaitTable::unlink(TimeWaitEntry& entry) {
  (entry.older != 0 ? entries_.at(entry.older - 1).newer : oldest_) = entry.newer;
  (entry.newer != 0 ? entries_.at(entry.newer - 1).older : newest_) = entry.older;
}

}  // namespace sluice::net::tcp
