// A bulk transfer from one stack to another over a lossy path, in virtual time: the sender always
// has something to send, the receiver reads at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.hpp"
#include "bench/stack/endpoint.hpp"
#include "bench/stack/path.hpp"
#include "dataplane/net/stack.hpp"

namespace sluice::bench {

class Bulk {
 public:
  struct Options {
    std::int64_t bits_per_second = 1'000'000'000;
    base::Duration rtt = base::Duration::milliseconds(20);
    double loss = 0;       // of what the sender sends
    double loss_back = 0;  // of what comes back
    double marking = 0;    // of what the sender sends; with any, it asks for ECN
    net::CongestionControl congestion = net::CongestionControl::kCubic;
    std::uint64_t seed = 1;
  };
  explicit Bulk(const Options& options);

  // False when the connection does not open.
  [[nodiscard]] bool open();
  struct Outcome {
    double goodput = 0;            // bits per second
    base::Duration longest_stall;  // without a byte for the reading session
    bool alive = false;            // the connection is still there
  };
  [[nodiscard]] Outcome run(base::Duration time);

  [[nodiscard]] const net::Stack& sender() const { return sender_.stack(); }

 private:
  void step();
  void turn(Endpoint& host, Path& incoming, Path& outgoing);
  void note_progress(std::size_t bytes);
  [[nodiscard]] bool closed() const { return sender_.closed() || receiver_.closed(); }

  base::Instant now_ = base::Instant::from_nanoseconds(1'000'000'000);
  Endpoint sender_;
  Endpoint receiver_;
  Path there_;
  Path back_;
  std::uint64_t received_ = 0;   // bytes
  base::Instant last_progress_;  // when the receiver last got any
  base::Duration longest_stall_;
};

}  // namespace sluice::bench
