// Connections in TIME-WAIT: what is left of a connection that this side closed first, for 2 MSL
// (RFC 9293 3.6), small enough to hold many. The time is the same for all, so that they expire in
// the order in which they came; a full pool gives up its oldest.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "base/pool.hpp"
#include "base/time.hpp"
#include "dataplane/net/tcp/flow_table.hpp"
#include "dataplane/wire/seq_number.hpp"

namespace sluice::net::tcp {

struct TimeWaitEntry {
  base::FourTuple flow;
  std::uint32_t hash = 0;
  wire::SeqNumber snd_nxt;
  wire::SeqNumber rcv_nxt;
  std::uint16_t window = 0;  // as in the last header
  bool timestamps = false;
  std::uint32_t ts_recent = 0;
  std::uint32_t ts_offset = 0;
  std::uint32_t answered_ms = 0;  // the last acknowledgment
  base::Instant entered;
  // Neighbours in the order of expiry: index + 1, 0 for none.
  std::uint32_t older = 0;
  std::uint32_t newer = 0;
};

static_assert(sizeof(TimeWaitEntry) <= 96);

class TimeWaitTable {
 public:
  // Precondition: capacity > 0.
  TimeWaitTable(std::size_t capacity, base::Duration time)
      : entries_(capacity), flows_(capacity), time_(time) {}

  [[nodiscard]] TimeWaitEntry* find(const base::FourTuple& flow, std::uint32_t hash);
  // Begins to fetch what find() looks at first.
  void prefetch(std::uint32_t hash) const {
    if (entries_.size() > 0) flows_.prefetch(hash);
  }
  // True when the oldest entry had to go. An entry for which there is no place is not kept at all.
  bool insert(const TimeWaitEntry& entry, base::Instant now);
  void erase(TimeWaitEntry& entry);
  // Starts the time over: the peer has sent its FIN again.
  void restart(TimeWaitEntry& entry, base::Instant now);
  void expire(base::Instant now);

  [[nodiscard]] base::Instant next_deadline() const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  void link_newest(TimeWaitEntry& entry);
  void unlink(TimeWaitEntry& entry);
  [[nodiscard]] std::uint32_t index_of(const TimeWaitEntry& entry) const {
    return entries_.handle_of(entry).index;
  }

  mutable base::Pool<TimeWaitEntry> entries_;
  FlowTable flows_;
  base::Duration time_;
  std::uint32_t oldest_ = 0;  // index + 1
  std::uint32_t newest_ = 0;
};

}  // namespace sluice::net::tcp
