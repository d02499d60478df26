// Decides what a connection sends and when: the peer's window, the congestion window, pacing, silly
// window avoidance, probes of a shut window and of a silent tail. RFC 9293 3.8.6, RFC 5681, RFC
// 8985.
#pragma once

#include <cstdint>

#include "dataplane/net/tcp/core.hpp"
#include "dataplane/net/tcp/emitter.hpp"
#include "dataplane/net/tcp/path_mtu_discovery.hpp"

namespace sluice::net::tcp {

class Output {
 public:
  Output(Core& core, Emitter& emitter, PathMtuDiscovery& path_mtu)
      : core_(core), emitter_(emitter), path_mtu_(path_mtu) {}

  // Sends all that the connection may send now, an acknowledgment that is owed included.
  void run(Connection& c);

  // The retransmission timer ran out while the peer's window is shut (RFC 9293 3.8.6.1).
  void probe_window(Connection& c);
  // Nothing has been heard for the time of a tail loss probe (RFC 8985 7.3).
  void probe_tail(Connection& c);
  // True when the peer's window, and nothing else, keeps what is next from being sent.
  [[nodiscard]] static bool window_is_shut(const Connection& c);

 private:
  enum class Next : std::uint8_t { kNothing, kSegment, kWindowShut, kNoPacket };
  struct Choice {
    Next next = Next::kNothing;
    SendSegment* segment = nullptr;
  };

  void send_data(Connection& c);
  static void note_limit(Outbox& outbox, std::uint32_t mss, Next next);
  [[nodiscard]] Choice choose(Connection& c);
  [[nodiscard]] Choice choose_lost(Connection& c, SendSegment& segment);
  [[nodiscard]] Choice choose_unsent(Connection& c, SendSegment& segment);
  [[nodiscard]] Choice cut(Connection& c, SendSegment& segment, std::uint32_t size);
  [[nodiscard]] bool split(Connection& c, SendSegment& segment, std::uint32_t size);
  std::uint32_t transmit_some(Connection& c, SendSegment& first, std::uint32_t most);
  [[nodiscard]] std::size_t segments_together(const Connection& c, const SendSegment& first,
                                              std::uint32_t most) const;
  bool transmit(Connection& c, SendSegment& segment);
  [[nodiscard]] bool fits_path(Connection& c, SendSegment& segment);
  void on_transmit(Connection& c, SendSegment& segment);
  void arm_retransmission(Connection& c, bool window_shut);
  void arm_tail_probe(Connection& c, base::Instant timeout);
  [[nodiscard]] base::Instant timeout_of_first(const Connection& c) const;
  [[nodiscard]] bool tail_probe_possible(const Connection& c) const;
  void resume_at(Connection& c, base::Instant at);

  Core& core_;
  Emitter& emitter_;
  PathMtuDiscovery& path_mtu_;
};

}  // namespace sluice::net::tcp
