// OpenSSL's libssl as the other side, over memory: the tests' second opinion on the whole protocol.
// Sluice itself never links libssl.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tests/tls/server/harness.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace sluice::test {

class LibsslClient {
 public:
  struct Options {
    std::string suites = "TLS_AES_128_GCM_SHA256";
    std::string groups = "X25519";
    std::string signature_algorithms;  // libssl's own when empty
    std::string server_name = "server.example";
    std::vector<std::string> alpn;
    bool tls12_only = false;
    bool middlebox_compatibility = true;
  };
  explicit LibsslClient(const Options& options);
  ~LibsslClient();
  LibsslClient(const LibsslClient&) = delete;
  LibsslClient& operator=(const LibsslClient&) = delete;

  // Goes on with the handshake or reads, as far as what was fed allows.
  void feed(base::Bytes stream);
  [[nodiscard]] ByteVector take_output();

  void start() { feed({}); }
  void write(std::string_view text);
  void key_update(bool request_answer);
  void shutdown();

  [[nodiscard]] bool connected() const;
  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] bool saw_close_notify() const;
  [[nodiscard]] bool failed() const { return failed_; }
  // The last alert that arrived, by libssl's long name ("handshake failure").
  [[nodiscard]] const std::string& alert() const { return alert_; }

  [[nodiscard]] std::string suite() const;
  [[nodiscard]] std::string group() const;
  [[nodiscard]] std::string peer_signature() const;  // "ECDSA" or "RSA-PSS"
  [[nodiscard]] std::string alpn() const;
  [[nodiscard]] std::string peer_common_name() const;

 private:
  static void on_info(const ssl_st* ssl, int where, int value);

  std::unique_ptr<ssl_ctx_st, void (*)(ssl_ctx_st*)> context_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> ssl_;
  std::string received_;
  std::string alert_;
  bool failed_ = false;
};

// Carries bytes both ways until nothing moves any more.
void converse(LibsslClient& client, Server& server);

}  // namespace sluice::test
