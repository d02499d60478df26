// A TLS 1.3 client that does what a test tells it, also what no client should: each message is made
// by hand, each record is sealed when asked for. On X25519 only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tls/server/harness.hpp"
#include "tls/codec/client_hello.hpp"
#include "tls/codec/server_hello.hpp"
#include "tls/key_schedule.hpp"
#include "tls/record/key_pool.hpp"
#include "tls/record/protection.hpp"
#include "tls/transcript.hpp"

namespace sluice::test {

struct Share {
  tls::NamedGroup group;
  ByteVector key_exchange;
};

// A ClientHello that the engine accepts, to be spoiled by a test.
struct Hello {
  Hello();
  // The message, header included.
  [[nodiscard]] ByteVector message() const;
  // The same in a plaintext record, or in as many as it needs.
  [[nodiscard]] ByteVector record() const;

  tls::ProtocolVersion legacy_version = tls::ProtocolVersion::tls12;
  ByteVector session_id;
  std::vector<tls::CipherSuite> suites = {tls::CipherSuite::TLS_AES_128_GCM_SHA256};
  std::vector<tls::ProtocolVersion> versions = {tls::ProtocolVersion::tls13};
  std::string server_name = "server.example";
  std::vector<tls::NamedGroup> groups = {tls::NamedGroup::x25519, tls::NamedGroup::secp256r1};
  std::vector<tls::SignatureScheme> schemes = {tls::SignatureScheme::ecdsa_secp256r1_sha256,
                                               tls::SignatureScheme::rsa_pss_rsae_sha256};
  std::optional<std::vector<Share>> shares;
  std::vector<std::string_view> alpn;
  bool early_data = false;
  ByteVector more_extensions;
};

// One extension, serialised: for Hello::more_extensions.
[[nodiscard]] ByteVector extension(tls::ExtensionType type, base::Bytes body);
// psk_key_exchange_modes and a pre_shared_key that is well formed and that nobody knows.
[[nodiscard]] ByteVector resumption_offer();

class ScriptedClient {
 public:
  // The X25519 share that Hello sends.
  static ByteVector share();

  // Feeds the hello, reads the server's answer up to its Finished and derives all keys. The server
  // then expects this client's Finished.
  void greet(Server& server, const Hello& hello = {});
  // greet() and the client's Finished: connected.
  void shake_hands(Server& server, const Hello& hello = {});
  // As greet(), with the transcript begun by an earlier hello and its HelloRetryRequest.
  void greet_again(Server& server, const Hello& first, base::Bytes retry, const Hello& second);

  // The server's protected messages: the type's byte and the body of each.
  [[nodiscard]] const std::vector<ByteVector>& flight() const { return flight_; }

  [[nodiscard]] ByteVector finished() const;  // the message
  void use_application_keys();
  // A protected record; `padding` zeros behind the content type.
  [[nodiscard]] ByteVector seal(tls::ContentType type, base::Bytes content);
  // Opens the server's records and returns their contents, handshake messages and alerts alike.
  struct Opened {
    tls::ContentType type;
    ByteVector content;
  };
  [[nodiscard]] std::vector<Opened> open(base::Bytes stream);
  // The alert that the last record of the stream is, protected; none if it is something else.
  [[nodiscard]] std::optional<tls::AlertDescription> alert(base::Bytes stream);
  // What the server has, too, once it is connected.
  [[nodiscard]] const tls::TrafficSecrets& application_secrets() const { return application_; }
  // After a KeyUpdate in that direction.
  void update_write_keys();
  void update_read_keys();

 private:
  void answer(Server& server);
  void on_server_hello(base::Bytes message);
  void on_flight(base::Bytes messages);

  tls::KeyPool keys_{8};
  tls::RecordProtection read_;
  tls::RecordProtection write_;
  tls::CipherSuite suite_{};
  std::optional<tls::Transcript> transcript_;
  std::optional<tls::HandshakeSecret> handshake_secret_;
  tls::TrafficSecrets handshake_;
  tls::TrafficSecrets application_;
  std::vector<ByteVector> flight_;
};

}  // namespace sluice::test
