// The server's state machine (RFC 8446 A.2): all legal edges in one table, and one struct per state
// that owns only what is valid in it. A message without an edge is unexpected_message; a transition
// without one does not compile.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "base/bytes.hpp"
#include "tls/codec/client_hello.hpp"
#include "tls/codec/registry.hpp"
#include "tls/crypto/job.hpp"
#include "tls/key_schedule.hpp"
#include "tls/server/early_data.hpp"
#include "tls/transcript.hpp"

namespace sluice::tls {

enum class StateId : std::uint8_t {
  kExpectClientHello,
  kExpectSecondClientHello,  // a HelloRetryRequest was sent
  kAwaitKeyAgreement,        // a job is out
  kAwaitSignature,           // a job is out
  kExpectFinished,
  kConnected,
};

enum class Event : std::uint8_t {
  // Handshake messages.
  kClientHello,
  kFinished,
  kKeyUpdate,
  // Records of other types.
  kChangeCipherSpec,
  kApplicationData,
  // Results of jobs.
  kKeyAgreed,
  kSigned,
};

struct Edge {
  StateId from;
  Event on;
  StateId to;
  // RFC 8446 5.1: a message after which keys change, or we are to speak, ends its record.
  bool ends_record = false;
};

inline constexpr auto kEdges = [] {
  using enum StateId;
  using enum Event;
  return std::to_array<Edge>({
      {kExpectClientHello, kClientHello, kAwaitKeyAgreement, true},
      {kExpectClientHello, kClientHello, kExpectSecondClientHello, true},
      // RFC 8446 5: change_cipher_spec is dropped after the first ClientHello and before Finished.
      {kExpectSecondClientHello, kChangeCipherSpec, kExpectSecondClientHello},
      {kExpectSecondClientHello, kClientHello, kAwaitKeyAgreement, true},
      {kAwaitKeyAgreement, kKeyAgreed, kAwaitSignature},
      {kAwaitSignature, kSigned, kExpectFinished},
      {kExpectFinished, kChangeCipherSpec, kExpectFinished},
      {kExpectFinished, kFinished, kConnected, true},
      {kConnected, kApplicationData, kConnected},
      {kConnected, kKeyUpdate, kConnected, true},
  });
}();

// The first edge for the event, null for none.
[[nodiscard]] constexpr const Edge* edge(StateId from, Event on) {
  for (const Edge& e : kEdges) {
    if (e.from == from && e.on == on) return &e;
  }
  return nullptr;
}
[[nodiscard]] constexpr bool has_edge(StateId from, Event on, StateId to) {
  for (const Edge& e : kEdges) {
    if (e.from == from && e.on == on && e.to == to) return true;
  }
  return false;
}

// The event that a handshake message of a client is; none for what no server ever takes.
[[nodiscard]] constexpr std::optional<Event> event_of(HandshakeType type) {
  switch (type) {
    case HandshakeType::client_hello:
      return Event::kClientHello;
    case HandshakeType::finished:
      return Event::kFinished;
    case HandshakeType::key_update:
      return Event::kKeyUpdate;
    default:
      return std::nullopt;
  }
}

// What the ClientHello and the route's policy agreed on.
struct Negotiated {
  std::shared_ptr<const CertifiedKey> certificate;
  CipherSuite suite{};
  NamedGroup group{};
  SignatureScheme scheme{};
  bool server_name_used = false;
  bool early_data_offered = false;  // refused: to be skipped
  // RFC 8446 4.1.3: echoed in the ServerHello.
  std::array<std::byte, kMaxSessionId> session_id{};
  std::uint8_t session_id_size = 0;

  [[nodiscard]] base::Bytes session_id_echo() const {
    return base::Bytes(session_id).first(session_id_size);
  }
};

struct ExpectClientHello {
  static constexpr StateId kId = StateId::kExpectClientHello;
};

struct ExpectSecondClientHello {
  static constexpr StateId kId = StateId::kExpectSecondClientHello;
  Negotiated choice;
  Transcript transcript;  // message_hash, HelloRetryRequest
  Digest first_hello;     // what of it may not change (second_hello.hpp)
  EarlyData early_data;   // that may still come
};

struct AwaitKeyAgreement {
  static constexpr StateId kId = StateId::kAwaitKeyAgreement;
  Negotiated choice;
  Transcript transcript;  // ... ClientHello
  std::array<std::byte, kMaxShareSize> peer_share{};
  std::size_t peer_share_size = 0;
  bool after_retry = false;
};

struct AwaitSignature {
  static constexpr StateId kId = StateId::kAwaitSignature;
  Negotiated choice;
  Transcript transcript;  // ... Certificate
  TrafficSecrets handshake_traffic;
  MasterSecret master;
  EarlyData early_data;
};

struct ExpectFinished {
  static constexpr StateId kId = StateId::kExpectFinished;
  CipherSuite suite{};
  Digest transcript_hash;  // ... server Finished
  HashSecret client_handshake_secret;
  TrafficSecrets application_traffic;
  EarlyData early_data;
};

// The end of the handshake: what the connection goes on with.
struct HandshakeDone {
  static constexpr StateId kId = StateId::kConnected;
  CipherSuite suite{};
  TrafficSecrets application_traffic;
};

using HandshakeState = std::variant<ExpectClientHello, ExpectSecondClientHello, AwaitKeyAgreement,
                                    AwaitSignature, ExpectFinished, HandshakeDone>;

}  // namespace sluice::tls
