// How large a connection's receive buffer has to be: dynamic right-sizing. In each round trip, as
// this side sees it, a session takes so much; where that is near what the window allows, the window
// is what limits the peer and may grow. The round trip is the age of our timestamp that a segment
// echoes (RFC 7323 4.1), or the time in which a peer without timestamps fills a whole window.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/wire/seq_number.hpp"

namespace sluice::net::tcp {

class ReceiveTuning {
 public:
  // The connection is open and nothing has been taken yet.
  void start(wire::SeqNumber at, std::uint32_t now_ms) { begin_round(at, now_ms); }

  struct Taken {
    wire::SeqNumber upto;  // the session has taken all that lies in front of it
    std::uint32_t now_ms = 0;
    std::uint32_t window = 0;              // that the peer could fill, bytes of payload
    std::optional<std::uint32_t> echo_ms;  // age of the youngest timestamp echoed since
    bool timestamps = false;
  };
  // What the session took in a round trip, when one is over.
  std::optional<std::uint32_t> on_taken(const Taken& taken);

  // Bytes of true size; 0 until it has grown.
  [[nodiscard]] std::uint32_t buffer() const { return std::uint32_t{pages_} * kPage; }
  void grow_to(std::uint32_t bytes) { pages_ = static_cast<std::uint16_t>(bytes / kPage); }

 private:
  static constexpr std::uint32_t kPage = 4096;

  void begin_round(wire::SeqNumber at, std::uint32_t now_ms) {
    began_at_ = at;
    began_ms_ = static_cast<std::uint16_t>(now_ms);
  }
  void take_sample(std::uint32_t ms);

  wire::SeqNumber began_at_;    // what the session had taken when the round began
  std::uint16_t began_ms_ = 0;  // and when, modulo 2^16; to be out by that makes a round longer
  std::uint16_t rtt_ = 0;       // eighths of a millisecond; 0: not known
  std::uint16_t pages_ = 0;
};

static_assert(sizeof(ReceiveTuning) <= 12);

}  // namespace sluice::net::tcp
