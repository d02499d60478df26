#include "tests/dataplane/net/tcp/support/draw.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <sstream>

#include "tests/dataplane/net/tcp/support/world.hpp"

namespace sluice::net::tcp::test {
namespace {

using base::AddressFamily;
using base::Duration;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed * 7919) {}

  std::uint64_t up_to(std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(0, most)(random_);
  }
  bool one_in(std::uint64_t n) { return up_to(n - 1) == 0; }
  double rate(double most) { return most * static_cast<double>(up_to(1'000)) / 1'000; }
  Duration time_up_to(Duration most) {
    return Duration::nanoseconds(
        static_cast<std::int64_t>(up_to(static_cast<std::uint64_t>(most.nanoseconds()))));
  }
  // Every order of magnitude is as likely as the others.
  double between(double least, double most) {
    return std::exp(std::uniform_real_distribution<>(std::log(least), std::log(most))(random_));
  }
  template <typename T, std::size_t N>
  T one_of(const std::array<T, N>& choices) {
    return choices[up_to(N - 1)];
  }

 private:
  std::mt19937_64 random_;
};

LinkQuality draw_link(Dice& dice) {
  LinkQuality link;
  link.loss = dice.one_in(4) ? 0 : dice.rate(0.1);
  link.duplication = dice.one_in(2) ? 0 : dice.rate(0.05);
  link.reordering = dice.one_in(2) ? 0 : dice.rate(0.1);
  link.late = Duration::microseconds(static_cast<std::int64_t>(dice.between(50, 100'000)));
  link.delay = Duration::microseconds(static_cast<std::int64_t>(dice.between(10, 150'000)));
  link.jitter = dice.one_in(2) ? Duration{} : dice.time_up_to(Duration::milliseconds(5));
  link.hold = dice.one_in(2) ? Duration{} : dice.time_up_to(Duration::milliseconds(300));
  if (dice.one_in(3)) return link;
  // From a slow uplink to a fast network, behind a router that holds two packets, or three seconds.
  link.bits_per_second = static_cast<std::int64_t>(dice.between(512e3, 1e9));
  const double product = static_cast<double>(link.bits_per_second) / 8 * 0.05;  // of 50 ms
  link.router_buffer = static_cast<std::size_t>(dice.between(20e3, std::max(20e3, product) * 4));
  return link;
}

// How much the two hosts of one world can hold, and so how much it is worth to send.
struct Scale {
  std::size_t packets;
  std::uint64_t least_shift;  // of the buffers' sizes
  std::uint64_t most_shift;
  std::uint64_t volume;  // bytes of one direction of a connection, at most
};

Scale draw_scale(Dice& dice) {
  // Scarce packets in one world of six. The last sixteenth is what acknowledgments live on, some of
  // which the link holds: of fewer packets it would be one or two, and three connections whose send
  // queues pin the rest would starve each other's until the user timeout.
  if (dice.one_in(6)) {
    return {.packets = 48 + dice.up_to(40), .least_shift = 11, .most_shift = 17, .volume = 60'000};
  }
  if (dice.one_in(16))
    return {.packets = 8'192, .least_shift = 16, .most_shift = 22, .volume = 4'000'000};
  return {.packets = std::size_t{512} << dice.up_to(2),
          .least_shift = 11,
          .most_shift = 22,
          .volume = 100'000};
}

DrawnConnection draw_connection(Dice& dice, std::uint64_t seed, std::uint64_t volume) {
  DrawnConnection drawn;
  drawn.client = {
      .sends = dice.up_to(volume),
      .receives = dice.up_to(volume),
      .send_seed = seed,
      .receive_seed = ~seed,
      .largest_write = 1 + dice.up_to(dice.one_in(4) && volume < 1'000'000 ? 100 : 30'000),
      .idleness = dice.one_in(2) ? 0 : dice.rate(0.95),
      .naps = dice.one_in(4) ? 0.02 : 0,
      .waits_for_peer = dice.one_in(3)};
  drawn.server = {.sends = drawn.client.receives,
                  .receives = drawn.client.sends,
                  .send_seed = drawn.client.receive_seed,
                  .receive_seed = drawn.client.send_seed,
                  .largest_write = 1 + dice.up_to(30'000),
                  .idleness = dice.one_in(2) ? 0 : dice.rate(0.95),
                  .naps = dice.one_in(4) ? 0.02 : 0,
                  .waits_for_peer = !drawn.client.waits_for_peer && dice.one_in(2)};
  if (dice.one_in(8)) drawn.ending = dice.one_in(2) ? Ending::kClosed : Ending::kAborted;
  return drawn;
}

TcpSettings draw_host(Dice& dice, const Scale& scale) {
  const auto draw_buffer = [&] {
    return std::size_t{1} << (scale.least_shift + dice.up_to(scale.most_shift - scale.least_shift));
  };
  TcpSettings settings = small_settings(draw_buffer());
  if (dice.one_in(2)) settings.send_buffer = draw_buffer();
  // A peer that has vanished is found out, by whoever accepted it, while the world is looked at.
  settings.keepalive_idle = Duration::seconds(30);
  settings.keepalive_interval = Duration::seconds(5);
  return settings;
}

const char* name_of(Ending ending) {
  switch (ending) {
    case Ending::kOrderly:
      return "orderly";
    case Ending::kClosed:
      return "closed";
    case Ending::kAborted:
      return "aborted";
  }
  return "";
}

const char* name_of(CongestionControl congestion) {
  switch (congestion) {
    case CongestionControl::kCubic:
      return "CUBIC";
    case CongestionControl::kBbr:
      return "BBR";
  }
  return "";
}

const char* name_of(Incident incident) {
  switch (incident) {
    case Incident::kNone:
      return "none";
    case Incident::kCut:
      return "cut";
    case Incident::kCrashed:
      return "crashed";
  }
  return "";
}

}  // namespace

Draw draw(std::uint64_t seed) {
  Dice dice(seed);
  Draw drawn;
  Simulation::Options& options = drawn.options;
  options.seed = seed;
  options.family = dice.one_in(3) ? AddressFamily::kIpv6 : AddressFamily::kIpv4;
  options.mtu = dice.one_of<std::size_t, 4>({576, 1280, 1500, 9000});
  if (options.family == AddressFamily::kIpv6)
    options.mtu = std::max<std::size_t>(options.mtu, 1280);
  if (options.mtu == 9000) options.data_room = 9216;
  options.link = draw_link(dice);
  const Scale scale = draw_scale(dice);
  options.packets = scale.packets;
  options.client = draw_host(dice, scale);
  options.server = draw_host(dice, scale);
  // By the seed, so that what else is drawn for it does not depend on it.
  if (seed / 2 % 2 == 0) options.client.congestion = CongestionControl::kBbr;
  if (seed / 4 % 2 == 0) options.server.congestion = CongestionControl::kBbr;
  // The first connection's numbers wrap in two worlds of three, once on either side.
  if (seed % 3 != 2) options.start = shortly_before_wrapping(seed % 3 == 0, options.family);
  const std::uint64_t connections = 1 + dice.up_to(scale.volume < 1'000'000 ? 2 : 0);
  for (std::uint64_t i = 0; i < connections; ++i) {
    drawn.connections.push_back(draw_connection(dice, seed + i, scale.volume));
  }
  if (dice.one_in(10)) drawn.incident = dice.one_in(2) ? Incident::kCut : Incident::kCrashed;
  drawn.client_side = dice.one_in(2);
  drawn.when = Duration::microseconds(static_cast<std::int64_t>(dice.between(1, 3'000'000)));
  return drawn;
}

std::string describe(const Draw& drawn) {
  const Simulation::Options& o = drawn.options;
  const LinkQuality& link = o.link;
  std::ostringstream out;
  out << "seed " << o.seed << (o.family == AddressFamily::kIpv4 ? ", IPv4" : ", IPv6") << ", MTU "
      << o.mtu << ", loss " << link.loss << ", duplication " << link.duplication << ", reordering "
      << link.reordering << " by " << link.late.microseconds() << " us, delay "
      << link.delay.microseconds() << " us, jitter " << link.jitter.microseconds() << " us, held "
      << link.hold.microseconds() << " us, " << link.bits_per_second << " bit/s behind "
      << link.router_buffer << " bytes, " << o.packets << " packets\n  client buffers "
      << o.client.receive_buffer << " and " << o.client.send_buffer << ", server buffers "
      << o.server.receive_buffer << " and " << o.server.send_buffer << " (receive and send), "
      << name_of(o.client.congestion) << " and " << name_of(o.server.congestion) << ", incident "
      << name_of(drawn.incident) << " after " << drawn.when.microseconds() << " us, "
      << (drawn.client_side ? "client" : "server") << "'s\n";
  for (const DrawnConnection& c : drawn.connections) {
    out << "  connection: " << c.client.sends << " bytes there, " << c.server.sends
        << " back, writes of up to " << c.client.largest_write << " and " << c.server.largest_write
        << ", idle " << c.client.idleness << " and " << c.server.idleness << ", naps "
        << c.client.naps << " and " << c.server.naps
        << (c.client.waits_for_peer   ? ", the server closes first"
            : c.server.waits_for_peer ? ", the client closes first"
                                      : "")
        << ", " << name_of(c.ending) << "\n";
  }
  return out.str();
}

}  // namespace sluice::net::tcp::test
