// A session for simulations: it sends bytes that follow from a seed and their position, in pieces
// of random sizes, reads at its own pace, and checks every byte that arrives.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/dataplane/net/tcp/support/simulation.hpp"

namespace sluice::net::tcp::test {

struct TransferPlan {
  std::uint64_t sends = 0;      // bytes
  std::uint64_t receives = 0;   // bytes that the other side sends
  std::uint64_t send_seed = 0;  // what the bytes are
  std::uint64_t receive_seed = 0;
  std::uint64_t largest_write = 20'000;
  double idleness = 0;          // chance that a turn passes without reading
  double naps = 0;              // chance that a turn begins seconds without reading
  bool waits_for_peer = false;  // finishes sending only after the peer's FIN
};

class Transfer {
 public:
  Transfer(Simulation& world, Host& host, ConnectionHandle connection, const TransferPlan& plan)
      : world_(world), host_(host), connection_(connection), plan_(plan) {}

  // The session's turn: reads and writes what it can.
  void run();
  void on_event(const Event& event);
  // The session has aborted or closed its connection.
  void leave() { closed_ = CloseReason::kNone; }

  [[nodiscard]] bool over() const { return closed_.has_value(); }
  [[nodiscard]] CloseReason reason() const { return closed_.value_or(CloseReason::kNone); }
  [[nodiscard]] std::uint64_t received() const { return received_; }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] bool saw_end() const { return saw_end_; }
  [[nodiscard]] ConnectionHandle connection() const { return connection_; }

  static std::byte byte_at(std::uint64_t seed, std::uint64_t position) {
    const std::uint64_t word = (position + 1) * 0x9e3779b97f4a7c15 ^ seed;
    return static_cast<std::byte>((word * 0xff51afd7ed558ccd) >> 56);
  }

 private:
  void read();
  void write();
  [[nodiscard]] base::PacketQueue next_bytes(std::uint64_t size);

  Simulation& world_;
  Host& host_;
  ConnectionHandle connection_;
  TransferPlan plan_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  base::Instant wakes_;
  bool opened_ = false;
  bool finished_ = false;
  bool saw_end_ = false;
  std::optional<CloseReason> closed_;
};

}  // namespace sluice::net::tcp::test
