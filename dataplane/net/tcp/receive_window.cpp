#include "dataplane/net/tcp/receive_window.hpp"

#include <algorithm>

namespace sluice::net::tcp {

std::uint8_t ReceiveWindow::scale() const {
  std::uint8_t shift = 0;
  while (shift < wire::TcpOptions::kMaxWindowScale && (whole() >> shift) > 0xffff) ++shift;
  return shift;
}

// Payload that fits into what is left of the buffer, as far as a header can say it.
std::uint32_t ReceiveWindow::room(const Connection& c) const {
  const std::size_t used = std::min<std::size_t>(charged(c), buffer_);
  const std::uint32_t most = std::uint32_t{0xffff} << c.rcv.scale;
  return std::min((buffer_ - static_cast<std::uint32_t>(used)) / kOverhead, most);
}

std::uint16_t ReceiveWindow::advertise(Connection& c, bool syn) const {
  const std::uint32_t offered = c.rcv.window();
  const std::uint32_t most = room(c);
  // RFC 9293 3.8.6.2.2: the edge moves by a worthwhile amount or not at all; 3.8.6: it is never
  // taken back (SHLD-14).
  const std::uint32_t step = std::min<std::uint32_t>(whole() / 2, c.snd.mss);
  const std::uint32_t window = most < offered + step ? offered : most;
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

bool ReceiveWindow::update_due(const Connection& c) const {
  const std::uint32_t step = std::min<std::uint32_t>(whole() / 2, 2 * c.snd.mss);
  return room(c) >= c.rcv.window() + step;
}

}  // namespace sluice::net::tcp
