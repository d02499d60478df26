// The tail loss probe of one connection (RFC 8985 7.3, 7.4): whether another one may be sent, and
// whether the last one has repaired a loss that nothing else would show.
#pragma once

#include <optional>

#include "dataplane/wire/seq_number.hpp"

namespace sluice::net::tcp {

class TailProbe {
 public:
  // 7.3: no other probe is in flight, and a round trip was measured since the last one.
  [[nodiscard]] bool permitted() const { return !out_ && !unmeasured_; }

  // `end` is SND.NXT behind the probe; `again` when it was sent before.
  void on_sent(wire::SeqNumber end, bool again) {
    end_ = end;
    out_ = unmeasured_ = true;
    again_ = again;
  }
  void on_round_trip() { unmeasured_ = false; }
  // 7.1: from here on, loss recovery finds what was lost.
  void on_recovery() { out_ = false; }

  struct Ack {
    wire::SeqNumber number;
    bool bare_duplicate = false;                     // without SACK blocks
    std::optional<wire::SeqNumber> duplicate_end{};  // of what a D-SACK reports
  };
  // 7.4.2, TLP_process_ack(). True when the probe has replaced its original, which was lost: that
  // is only certain once the peer goes on without having complained of a duplicate.
  [[nodiscard]] bool on_ack(const Ack& ack) {
    if (!out_ || ack.number < end_) return false;
    const bool unneeded = !again_ || ack.duplicate_end == end_ || ack.bare_duplicate;
    const bool repaired = !unneeded && ack.number > end_;
    if (unneeded || repaired) out_ = false;
    return repaired;
  }

 private:
  wire::SeqNumber end_;  // TLP.end_seq, while out_
  bool out_ : 1 = false;
  bool again_ : 1 = false;  // TLP.is_retrans
  bool unmeasured_ : 1 = false;
};

}  // namespace sluice::net::tcp
