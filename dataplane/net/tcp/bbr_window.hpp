// What a control block holds of BBR: the congestion window, and where the model of the path is once
// there is one. A connection that never has more to send than its initial window learns nothing of
// the path and needs no model.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "dataplane/net/stack.hpp"
#include "dataplane/net/tcp/bbr.hpp"
#include "dataplane/net/tcp/congestion.hpp"

namespace sluice::net::tcp {

class BbrWindow {
 public:
  [[nodiscard]] std::uint32_t cwnd() const { return cwnd_; }
  [[nodiscard]] bool in_slow_start() const { return model_ == nullptr || model_->in_startup(); }
  // Nothing is known that would be lost with this.
  [[nodiscard]] bool is_unmarked() const { return model_ == nullptr; }
  // Null: there is none.
  [[nodiscard]] Bbr* model() const { return model_; }

  // `model` outlives its time here.
  void attach(Bbr& model) { model_ = &model; }
  // The window is again what one without a model may be.
  Bbr* detach(std::uint32_t initial_window) {
    cwnd_ = std::min(cwnd_, initial_window);
    return std::exchange(model_, nullptr);
  }

  void start(std::uint32_t window) { cwnd_ = window; }
  void on_transmit(SendSegment& segment, base::Instant now, std::uint32_t pipe) {
    if (model_ != nullptr) model_->on_transmit(segment, now, pipe);
  }
  void on_ack(const AckSample& ack) {
    if (model_ == nullptr) {
      if (ack.echoed) return;
      cwnd_ = std::max(cwnd_, std::min(cwnd_ + ack.acked, initial_window(ack.mss)));
    } else {
      model_->on_ack(ack);
      cwnd_ = model_->cwnd();
    }
  }
  void on_loss(const LossEvent& loss) {
    if (model_ != nullptr) model_->on_loss(loss);
  }
  void on_timeout(const LossEvent& loss) {
    if (model_ != nullptr) model_->on_timeout(loss);
    cwnd_ = loss.mss;
  }
  void on_spurious() {
    if (model_ == nullptr) return;
    model_->on_spurious();
    cwnd_ = model_->cwnd();
  }
  // With a model the path is still known: the flow goes on at its rate ("Restarting From Idle").
  void on_idle(std::uint32_t restart_window) {
    if (model_ == nullptr) cwnd_ = std::min(cwnd_, restart_window);
  }

 private:
  CongestionControl kind_ = CongestionControl::kBbr;  // first, see controller.hpp
  std::uint32_t cwnd_ = 0;
  Bbr* model_ = nullptr;
};

static_assert(CongestionController<BbrWindow>);

}  // namespace sluice::net::tcp
