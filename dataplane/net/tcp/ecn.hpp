// Explicit congestion notification on one connection (RFC 3168 6.1): as receiver it tells the peer
// of marked packets until the peer says that it has heard; as sender it says so when its window has
// come down.
#pragma once

#include "dataplane/wire/ecn.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::net::tcp {

// RFC 3168 6.1.1: an ECN-setup SYN, and an ECN-setup SYN-ACK, which a peer that only reflects what
// it gets does not send.
[[nodiscard]] constexpr bool asks_for_ecn(const wire::TcpFlags& flags) {
  return flags.ece && flags.cwr;
}
[[nodiscard]] constexpr bool grants_ecn(const wire::TcpFlags& flags) {
  return flags.ece && !flags.cwr;
}

class Ecn {
 public:
  Ecn() = default;
  explicit Ecn(bool negotiated) : on_(negotiated) {}

  // Negotiated.
  [[nodiscard]] bool on() const { return on_; }

  // Text that lies in the window has arrived. True when it begins an echo, which is not to wait.
  // RFC 3168 6.1.3: CWR ends the echo of all marks so far; the packet's own is one of a new round.
  [[nodiscard]] bool on_text(wire::EcnCodepoint codepoint, bool cwr) {
    if (!on_) return false;
    if (cwr) echo_ = false;
    if (codepoint != wire::EcnCodepoint::kCe) return false;
    const bool echoing = echo_;
    echo_ = true;
    return !echoing;
  }
  // ECE, in each acknowledgment.
  [[nodiscard]] bool echo() const { return echo_; }

  // RFC 3168 6.1.2: for whatever reason the window has come down, the next new text says so.
  void on_reduction() { cwr_due_ = on_; }
  [[nodiscard]] bool cwr_due() const { return cwr_due_; }
  [[nodiscard]] bool take_cwr() {
    const bool due = cwr_due_;
    cwr_due_ = false;
    return due;
  }

 private:
  bool on_ : 1 = false;
  bool echo_ : 1 = false;
  bool cwr_due_ : 1 = false;
};

static_assert(sizeof(Ecn) == 1);

}  // namespace sluice::net::tcp
