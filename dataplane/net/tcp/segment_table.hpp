// What a segment means before its numbers are looked at: by the state that it finds and the flags
// that it carries (RFC 9293 3.10.7). Everything that is dropped or refused here is counted by the
// table's own counter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/net/counters.hpp"
#include "dataplane/net/tcp/connection.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::net::tcp {

// SYN, ACK and RST; FIN and text come later. RST goes before SYN.
enum class FlagKind : std::uint8_t { kNone, kAck, kSyn, kSynAck, kRst, kRstAck };
inline constexpr std::size_t kFlagKinds = 6;

[[nodiscard]] constexpr FlagKind kind_of(const wire::TcpFlags& flags) {
  if (flags.rst) return flags.ack ? FlagKind::kRstAck : FlagKind::kRst;
  if (flags.syn) return flags.ack ? FlagKind::kSynAck : FlagKind::kSyn;
  return flags.ack ? FlagKind::kAck : FlagKind::kNone;
}

// The groups of states that section 3.10.7 has.
enum class Place : std::uint8_t {
  kNoConnection,
  kListen,
  kSynSent,
  kSynReceived,
  kOpen,
  kTimeWait
};
inline constexpr std::size_t kPlaces = 6;

[[nodiscard]] constexpr Place place_of(State state) {
  switch (state) {
    case State::kClosed:
      return Place::kNoConnection;
    case State::kSynSent:
      return Place::kSynSent;
    case State::kSynReceived:
      return Place::kSynReceived;
    case State::kTimeWait:
      return Place::kTimeWait;
    case State::kEstablished:
    case State::kFinWait1:
    case State::kFinWait2:
    case State::kCloseWait:
    case State::kClosing:
    case State::kLastAck:
      break;
  }
  return Place::kOpen;
}

enum class Action : std::uint8_t {
  kDrop,
  kRefuse,     // answered with a reset
  kAccept,     // 3.10.7.2: a new connection
  kCookie,     // 3.10.7.2, an ACK: refused, unless it returns a SYN cookie
  kSynSent,    // 3.10.7.3
  kProcess,    // 3.10.7.4, all steps
  kSecondSyn,  // a SYN for a connection that has had its own
  kTimeWait,   // 3.10.7.4, what remains of it in TIME-WAIT
};

struct Treatment {
  Action action = Action::kDrop;
  NetCounter counter = NetCounter::kTcpSegmentsIn;  // with kDrop and kRefuse: why
};

namespace detail {

constexpr Treatment drop(NetCounter why) {
  return {Action::kDrop, why};
}
constexpr Treatment refuse(NetCounter why) {
  return {Action::kRefuse, why};
}
constexpr Treatment go(Action action) {
  return {.action = action};
}

using C = NetCounter;
using A = Action;

// clang-format off
inline constexpr std::array<std::array<Treatment, kFlagKinds>, kPlaces> kTreatments{{
    //  no flag, ACK, SYN, SYN+ACK, RST, RST+ACK
    /* no connection, 3.10.7.1 */
    {refuse(C::kTcpNoListener), refuse(C::kTcpNoListener), refuse(C::kTcpNoListener),
     refuse(C::kTcpNoListener), drop(C::kTcpResetIgnored), drop(C::kTcpResetIgnored)},
    /* LISTEN, 3.10.7.2 */
    {drop(C::kTcpNotSynchronized), go(A::kCookie), go(A::kAccept),
     refuse(C::kTcpNotSynchronized), drop(C::kTcpResetIgnored), drop(C::kTcpResetIgnored)},
    /* SYN-SENT, 3.10.7.3 */
    {drop(C::kTcpNotSynchronized), go(A::kSynSent), go(A::kSynSent),
     go(A::kSynSent), drop(C::kTcpResetIgnored), go(A::kSynSent)},
    /* SYN-RECEIVED, 3.10.7.4 */
    {drop(C::kTcpNoAckFlag), go(A::kProcess), go(A::kSecondSyn),
     go(A::kSecondSyn), go(A::kProcess), go(A::kProcess)},
    /* ESTABLISHED to LAST-ACK, 3.10.7.4 */
    {drop(C::kTcpNoAckFlag), go(A::kProcess), go(A::kSecondSyn),
     go(A::kSecondSyn), go(A::kProcess), go(A::kProcess)},
    /* TIME-WAIT, 3.10.7.4 */
    {drop(C::kTcpNoAckFlag), go(A::kTimeWait), go(A::kTimeWait),
     go(A::kTimeWait), drop(C::kTcpResetIgnored), drop(C::kTcpResetIgnored)},
}};
// clang-format on

}  // namespace detail

[[nodiscard]] constexpr Treatment treatment(Place place, FlagKind kind) {
  return detail::kTreatments[static_cast<std::size_t>(place)][static_cast<std::size_t>(kind)];
}

// RFC 1337: a reset does not end TIME-WAIT early.
static_assert(treatment(Place::kTimeWait, FlagKind::kRst).action == Action::kDrop);
// RFC 9293 3.10.7.1: a reset is never answered with a reset.
static_assert(treatment(Place::kNoConnection, FlagKind::kRst).action == Action::kDrop);
static_assert(treatment(Place::kListen, FlagKind::kRstAck).action == Action::kDrop);

}  // namespace sluice::net::tcp
