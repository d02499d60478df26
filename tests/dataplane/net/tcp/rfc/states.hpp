// A script's host in each of the synchronized states of RFC 9293 3.3.2, as the tests of what has to
// hold in all of them want it.
#pragma once

#include <array>
#include <cstdint>

#include "tests/dataplane/net/tcp/support/script.hpp"

namespace sluice::net::tcp::test {

enum class Reached : std::uint8_t {
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
};

inline constexpr std::array kSynchronized{Reached::kEstablished, Reached::kFinWait1,
                                          Reached::kFinWait2,    Reached::kCloseWait,
                                          Reached::kClosing,     Reached::kLastAck};

[[nodiscard]] const char* name_of(Reached state);

struct Standing {
  ConnectionHandle connection;
  SeqNumber snd_nxt;
  SeqNumber rcv_nxt;
};

// Opens a connection and brings it there. Its session holds it, and all events are taken.
[[nodiscard]] Standing bring_to(Script& host, Reached state);

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, the only segment sent and not looked at.
void expect_bare_ack(Script& host, const Standing& at);

}  // namespace sluice::net::tcp::test
