// A simulation with sessions on it: connections from the client to the server, each with a Transfer
// at either end, from the first SYN to the last packet that comes home.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/dataplane/net/tcp/support/simulation.hpp"
#include "tests/dataplane/net/tcp/support/transfer.hpp"

namespace sluice::net::tcp::test {

inline constexpr std::uint16_t kPort = 443;

// A client and a server session of one connection.
struct Pair {
  std::unique_ptr<Transfer> client;
  std::unique_ptr<Transfer> server;  // null until it is accepted
  TransferPlan server_plan;

  [[nodiscard]] bool over() const {
    return client->over() && (server == nullptr || server->over());
  }
};

class World {
 public:
  explicit World(const Simulation::Options& options);

  void connect(const TransferPlan& client_plan, const TransferPlan& server_plan);
  // Goes on until every session of every connection is over; false when that takes too long.
  bool run(base::Duration limit);

  [[nodiscard]] bool all_over() const;
  // What one side sent the other one has read, and both have seen the end.
  static void expect_delivered(const Pair& pair);
  void expect_all_delivered() const;
  // No control block and no packet is left on either side.
  void expect_nothing_left() const;

  Simulation simulation;
  std::vector<Pair> pairs;

 private:
  void turn();
  void on_server_event(const Event& event);

  std::vector<std::uint16_t> ports_;  // of the pairs' clients
};

// Settings of a host with few connections, with these buffers in both directions.
[[nodiscard]] TcpSettings small_settings(std::size_t buffer);

// When to start so that the first connection's sequence numbers, the client's or the server's, pass
// 2^32 within its first kilobytes. They follow from the hash key, the flow and the clock alone.
[[nodiscard]] base::Instant shortly_before_wrapping(
    bool client, base::AddressFamily family = base::AddressFamily::kIpv4);

}  // namespace sluice::net::tcp::test
