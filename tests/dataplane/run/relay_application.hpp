// A proxy without TLS: each accepted connection is relayed to a backend that the same worker opens
// a connection to. It says how many connections were its own and how many were not.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/address.hpp"
#include "dataplane/net/stack.hpp"
#include "dataplane/run/application.hpp"

namespace sluice::test {

class RelayApplication final : public run::Application {
 public:
  struct Options {
    base::SocketAddress listen;
    base::IpAddress source;
    base::SocketAddress backend;
    unsigned workers = 1;
  };
  static run::ApplicationFactory factory(const Options& options);

  RelayApplication(const Options& options, const run::WorkerParts& parts);
  [[nodiscard]] bool listen();

  void run(base::Instant now) override;
  void stop_accepting() override;
  void close_all(base::Instant now) override;
  void abort_all(base::Instant now) override { close_all(now); }
  [[nodiscard]] std::size_t sessions() const override { return live_; }
  void report(run::WorkerReport& report) override;

 private:
  enum Side : unsigned { kClient, kBackend };
  struct Leg {
    net::ConnectionHandle connection;
    bool opened = false;
    bool gone = false;
    bool finished = false;  // its FIN has been ordered
  };
  struct Session {
    bool live = false;
    std::array<Leg, 2> legs;
  };

  void accept(base::Instant now, const net::Event& event);
  void handle(base::Instant now, const net::Event& event);
  void relay(base::Instant now, Session& session, Side from);
  void end_if_done(base::Instant now, Session& session);
  void end(base::Instant now, Session& session);
  void note_owner(net::ConnectionHandle connection);

  const Options options_;
  const run::WorkerParts parts_;
  net::ListenerId listener_ = 0;
  std::vector<Session> sessions_;
  std::size_t live_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t connected_ = 0;
  std::uint64_t misowned_ = 0;  // of either side
};

}  // namespace sluice::test
