// Where a connection is: before, in or after its handshake. The handshake's own states are in
// states.hpp; they live in the block that Handshaking names.
#pragma once

#include <cstdint>
#include <variant>

#include "base/pool.hpp"
#include "tls/codec/registry.hpp"
#include "tls/key_schedule.hpp"
#include "tls/server/message_buffer.hpp"

namespace sluice::tls {

class ServerHandshake;

// Nothing has been received: no block is held for who only connects.
struct Untouched {};

struct Handshaking {
  base::Handle<ServerHandshake> block;
};

struct Connected {
  static constexpr std::size_t kMaxBody = 1;  // a KeyUpdate's

  CipherSuite suite{};
  TrafficSecrets traffic;
  std::uint8_t key_updates = 0;    // in a row, without application data either way
  std::uint8_t empty_records = 0;  // in a row
  std::uint8_t warnings = 0;
  bool answer_due = false;    // our KeyUpdate goes before our next application data
  bool read_closed = false;   // close_notify received
  bool write_closed = false;  // close_notify sent
  MessageBuffer<kMaxBody> messages{};
};

// Failed, or closed before there was anything to close. Holds no keys and no block.
struct Ended {};

using Phase = std::variant<Untouched, Handshaking, Connected, Ended>;

}  // namespace sluice::tls
