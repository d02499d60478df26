// A connection's congestion controller, one of those that TcpSettings::congestion chooses from: a
// value without virtual calls, half a cache line.
#pragma once

#include <cstdint>
#include <type_traits>

#include "dataplane/net/stack.hpp"
#include "dataplane/net/tcp/bbr_window.hpp"
#include "dataplane/net/tcp/congestion.hpp"
#include "dataplane/net/tcp/cubic.hpp"

namespace sluice::net::tcp {

class Controller {
 public:
  explicit Controller(CongestionControl kind = CongestionControl::kCubic) {
    if (kind == CongestionControl::kBbr) bbr_ = BbrWindow();
  }

  // Null where it is another one.
  [[nodiscard]] BbrWindow* bbr() { return is_bbr() ? &bbr_ : nullptr; }
  // The model that sets the sending rate; null where the window alone does.
  [[nodiscard]] Bbr* model() const { return is_bbr() ? bbr_.model() : nullptr; }

  [[nodiscard]] std::uint32_t cwnd() const { return is_bbr() ? bbr_.cwnd() : cubic_.cwnd(); }
  [[nodiscard]] bool is_unmarked() const {
    return is_bbr() ? bbr_.is_unmarked() : cubic_.is_unmarked();
  }
  [[nodiscard]] bool in_slow_start() const {
    return is_bbr() ? bbr_.in_slow_start() : cubic_.in_slow_start();
  }
  void start(std::uint32_t window) { is_bbr() ? bbr_.start(window) : cubic_.start(window); }
  void on_transmit(SendSegment& segment, base::Instant now, std::uint32_t pipe) {
    is_bbr() ? bbr_.on_transmit(segment, now, pipe) : cubic_.on_transmit(segment, now, pipe);
  }
  void on_ack(const AckSample& ack) { is_bbr() ? bbr_.on_ack(ack) : cubic_.on_ack(ack); }
  void on_loss(const LossEvent& loss) { is_bbr() ? bbr_.on_loss(loss) : cubic_.on_loss(loss); }
  void on_timeout(const LossEvent& loss) {
    is_bbr() ? bbr_.on_timeout(loss) : cubic_.on_timeout(loss);
  }
  void on_spurious() { is_bbr() ? bbr_.on_spurious() : cubic_.on_spurious(); }
  void on_idle(std::uint32_t window) { is_bbr() ? bbr_.on_idle(window) : cubic_.on_idle(window); }

 private:
  struct Tag {
    CongestionControl kind;
  };
  [[nodiscard]] bool is_bbr() const { return tag_.kind == CongestionControl::kBbr; }

  // All have their kind for a first member, which is common to them whichever it is.
  union {
    Tag tag_;
    Cubic cubic_{};
    BbrWindow bbr_;
  };
  static_assert(std::is_standard_layout_v<Cubic> && std::is_standard_layout_v<BbrWindow>);
};

static_assert(CongestionController<Controller>);
static_assert(sizeof(Controller) <= 32);

}  // namespace sluice::net::tcp
