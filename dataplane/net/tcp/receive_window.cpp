#include "dataplane/net/tcp/receive_window.hpp"

#include <algorithm>

namespace sluice::net::tcp {

std::uint8_t ReceiveWindow::scale_for(std::uint32_t window) {
  std::uint8_t shift = 0;
  while (shift < wire::TcpOptions::kMaxWindowScale && (window >> shift) > 0xffff) ++shift;
  return shift;
}

std::uint32_t ReceiveWindow::buffer(const Connection& c) const {
  const std::uint32_t own = std::max(c.receive_tuning.buffer(), first_);
  if (memory_.is_short()) return std::min(own, kLeastBuffer);
  return memory_.is_tight() ? first_ : own;
}

// Payload that fits into what is left of the buffer, as far as a header can say it.
std::uint32_t ReceiveWindow::room(const Connection& c, std::uint32_t whole) {
  const std::size_t used = std::min<std::size_t>(charged(c), whole);
  const std::uint32_t most = std::uint32_t{0xffff} << c.rcv.scale;
  return std::min((whole - static_cast<std::uint32_t>(used)) / kOverhead, most);
}

std::uint32_t ReceiveWindow::step(const Connection& c, std::uint32_t whole,
                                  std::uint32_t segments) {
  return std::min<std::uint32_t>(whole / kOverhead / 2, segments * c.snd.mss);
}

std::uint16_t ReceiveWindow::advertise(Connection& c, bool syn) const {
  const std::uint32_t offered = c.rcv.window();
  const std::uint32_t whole = buffer(c);
  const std::uint32_t most = room(c, whole);
  // RFC 9293 3.8.6.2.2: the edge moves by a worthwhile amount or not at all; 3.8.6: it is never
  // taken back (SHLD-14).
  const std::uint32_t window = most < offered + step(c, whole, 1) ? offered : most;
  const std::uint8_t shift = syn ? 0 : c.rcv.scale;
  // Rounded up while there is room for it: rounding down seems to take the edge back by a part of a
  // unit, although what lies in front of it is still taken (RFC 7323 2.4). Where there is none,
  // tiny segments would move the edge by their size each, for ever.
  const std::uint32_t unit = std::uint32_t{1} << shift;
  const std::uint32_t up = (window + unit - 1) >> shift;
  const std::uint32_t field = std::min((up << shift) <= most ? up : window >> shift, 0xffffU);
  if ((field << shift) > offered) c.rcv.edge = c.rcv.nxt + (field << shift);
  return static_cast<std::uint16_t>(field);
}

void ReceiveWindow::on_taken(Connection& c, std::uint32_t now_ms) const {
  if (c.inbox == nullptr) return;
  const std::uint32_t window = buffer(c) / kOverhead;
  const auto taken = c.receive_tuning.on_taken(
      {.upto = c.rcv.nxt - static_cast<std::uint32_t>(c.inbox->text.bytes()),
       .now_ms = now_ms,
       .window = window,
       .echo_ms = std::exchange(c.inbox->echo_ms, std::nullopt),
       .timestamps = c.timestamps});
  // Twice what was taken is what a peer in slow start sends next; twice that, as the first of it is
  // on its way when this is noticed.
  if (!taken || memory_.is_tight() || *taken < window / 2) return;
  const std::uint64_t wanted = std::uint64_t{*taken} * 4 * kOverhead;
  const auto bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, largest_));
  if (bytes > buffer(c)) c.receive_tuning.grow_to(bytes);
}

bool ReceiveWindow::update_due(const Connection& c) const {
  const std::uint32_t whole = buffer(c);
  return room(c, whole) >= c.rcv.window() + step(c, whole, 2);
}

}  // namespace sluice::net::tcp
