// Where a worker's memory comes from when it is used up: what the peers will send again, and those
// who do not take what they asked for, or have sent what nobody takes. Each call does a bounded
// amount of work.
#pragma once

#include "dataplane/net/tcp/core.hpp"
#include "dataplane/net/tcp/emitter.hpp"

namespace sluice::net::tcp {

// Drops text that waits behind gaps (RFC 2018 8 allows it), a few connections at a time.
void drop_out_of_order(Core& core);
// Resets connections, a few at a time, whose session has left for long what has arrived, until
// there is room for a record. A part of a record, which no session can take, costs a peer one byte
// and this side a packet; with as many connections as there are packets nobody else could be heard.
void reset_unread(Core& core, Emitter& emitter);

// The peer's window keeps what is next from being sent.
void note_shut_window(Core& core, Connection& c);
// Resets connections until the send budget suffices: those whose peer's window has been shut for
// longest, or has let through less than a segment in that time.
void reset_shut_windows(Core& core, Emitter& emitter);

}  // namespace sluice::net::tcp
