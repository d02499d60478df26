// A server engine with everything around it that the data plane supplies: a policy source, a
// worker's job runner, an output, and a byte stream that is cut into records and those into spans.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "tests/support/certificates.hpp"
#include "tests/tls/support/bytes.hpp"
#include "tls/crypto/jobs.hpp"
#include "tls/record/deframer.hpp"
#include "tls/server/connection.hpp"

namespace sluice::test {

// Made once per program: RSA keys take long.
[[nodiscard]] std::shared_ptr<const tls::CertifiedKey> certificate(KeyKind kind,
                                                                   const std::string& name);

// One policy for every name but those refused; remembers what it was asked.
class Routes final : public tls::PolicySource {
 public:
  static constexpr std::uint32_t kRoute = 7;

  Routes();
  base::Result<Choice, tls::RouteRefusal> choose(const tls::ClientHelloFacts& hello) const override;

  std::shared_ptr<tls::ServerPolicy> policy;
  std::string only_name;  // other names are refused; empty: none is
  std::optional<tls::RouteRefusal> refusal;

  struct Asked {
    std::optional<std::string> server_name;
    std::vector<std::string> alpn;
    base::SocketAddress peer;
    std::uint32_t listener = 0;
  };
  mutable std::vector<Asked> asked;
};

// Collects records; hands each out in pieces of a few hundred bytes.
class Output final : public tls::RecordOutput {
 public:
  std::span<const base::MutableBytes> allocate(std::size_t size) override;

  // What was written since the last call.
  [[nodiscard]] ByteVector take();
  // So many records are taken yet; then there is no room.
  void allow(std::size_t records) { room_ = records; }

 private:
  std::deque<ByteVector> blocks_;
  std::vector<base::MutableBytes> spans_;
  std::size_t room_ = ~std::size_t{0};
};

class Server {
 public:
  using Kind = tls::ServerConnection::Received::Kind;

  explicit Server(const tls::ServerContext::Options& options = {.max_handshakes = 4,
                                                                .expanded_keys = 16});

  // The context must have been left by all connections when the server goes.
  void connect();
  void disconnect() { connection_.reset(); }
  [[nodiscard]] tls::ServerConnection& connection() { return *connection_; }

  // Appends to the byte stream and takes every whole record of it. Jobs are run at once unless
  // hold_jobs() was called. Stops at the first error, which is also kept in error().
  void feed(base::Bytes stream);
  void run_jobs();
  void hold_jobs() { hold_jobs_ = true; }
  void seal(std::string_view text);

  [[nodiscard]] std::optional<tls::TlsError> error() const { return error_; }
  void forget_error() { error_.reset(); }
  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] bool saw(Kind kind) const;
  [[nodiscard]] std::uint64_t count(tls::TlsCounter counter) { return context.counters()[counter]; }

  Routes routes;
  tls::ServerContext context;
  Output output;
  std::size_t span_size = 100;  // records are handed over in spans of this length

 private:
  void take_record(base::Bytes record);

  tls::JobRunner runner_;
  std::optional<tls::ServerConnection> connection_;
  ByteVector stream_;
  std::string received_;
  std::vector<Kind> kinds_;
  std::optional<tls::TlsError> error_;
  bool hold_jobs_ = false;
};

// The records that `stream` consists of.
[[nodiscard]] std::vector<ByteVector> records_of(base::Bytes stream);
[[nodiscard]] ByteVector record(tls::ContentType type, base::Bytes fragment);
// The alert that the last record of the stream is, in the clear; none if it is something else.
[[nodiscard]] std::optional<tls::AlertDescription> plain_alert(base::Bytes stream);

}  // namespace sluice::test
