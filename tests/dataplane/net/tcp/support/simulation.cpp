#include "tests/dataplane/net/tcp/support/simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/cursor.hpp"
#include "tests/dataplane/net/tcp/support/way_in.hpp"

namespace sluice::net::tcp::test {

using base::Duration;
using base::Instant;
using base::IpAddress;
using base::PacketPtr;

namespace {

// What IP and Ethernet would put in front, written over dead headroom as they would.
constexpr std::size_t kLowerHeaders = 54;

std::uint64_t random_below(std::mt19937_64& random, Duration most) {
  return std::uniform_int_distribution<std::uint64_t>(
      0, static_cast<std::uint64_t>(most.nanoseconds()))(random);
}

Duration random_duration(std::mt19937_64& random, Duration most) {
  return Duration::nanoseconds(static_cast<std::int64_t>(random_below(random, most)));
}

}  // namespace

IpAddress address_of(base::AddressFamily family, int host) {
  const char* const prefix = family == base::AddressFamily::kIpv4 ? "198.18.0." : "2001:db8::";
  return *IpAddress::parse(prefix + std::to_string(host));
}

Host::Host(Simulation& world, const Options& options)
    : mtu(options.mtu),
      address(options.address),
      pool(options.packets, options.data_room),
      engine(options.tcp, kHashKey, {}, *this, pool, counters, world.now),
      world_(world) {}

Host::~Host() = default;

void Host::send_tcp(WayOut& /*way*/, Instant, const IpAddress& source, const IpAddress& destination,
                    PacketPtr segment) {
  EXPECT_EQ(source, address);
  EXPECT_EQ(destination, peer->address);
  EXPECT_LE(segment->size() + (address.is_ipv4() ? 20U : 40U), mtu);
  EXPECT_GE(segment->headroom(), kLowerHeaders);
  world_.transmit(*this, std::move(segment));
}

Simulation::Simulation(const Options& options)
    : now(options.start),
      random(options.seed),
      link(options.link),
      client(*this, {.address = address_of(options.family, 1),
                     .tcp = options.client,
                     .mtu = options.mtu,
                     .packets = options.packets,
                     .data_room = options.data_room}),
      server(*this, {.address = address_of(options.family, 2),
                     .tcp = options.server,
                     .mtu = options.mtu,
                     .packets = options.packets,
                     .data_room = options.data_room}) {
  client.peer = &server;
  server.peer = &client;
}

Simulation::~Simulation() {
  held_.clear();
}

void Simulation::transmit(Host& from, PacketPtr segment) {
  std::vector<std::byte> bytes(segment->bytes().begin(), segment->bytes().end());
  if (observe) observe(bytes);
  if (bend) {
    for (const auto& bent : bend(from, bytes)) put_on_link(from, bent);
  } else {
    put_on_link(from, bytes);
  }
  std::ranges::fill(segment->prepend(kLowerHeaders), std::byte{0xee});
  std::vector<std::byte> frame(segment->bytes().begin(), segment->bytes().end());
  const Duration hold = random_duration(random, link.hold);
  if (hold.nanoseconds() > 0) {
    held_.emplace(now + hold, Held{.packet = std::move(segment), .bytes = std::move(frame)});
  }
}

void Simulation::put_on_link(Host& from, const std::vector<std::byte>& segment) {
  if (is_too_big(from, segment)) return;
  const std::optional<Instant> left = leaves_router(from, kLowerHeaders + segment.size());
  const int copies = chance() < link.loss ? 0 : chance() < link.duplication ? 2 : 1;
  for (int i = 0; i < copies && left && !cut; ++i) {
    Instant at = *left + link.delay + random_duration(random, link.jitter);
    if (chance() < link.reordering) at = at + random_duration(random, link.late);
    in_flight_.emplace(at, Flight{.to = from.peer, .bytes = segment});
  }
}

bool Simulation::is_too_big(Host& from, base::Bytes segment) {
  const std::size_t size = segment.size() + (from.address.is_ipv4() ? 20U : 40U);
  if (size <= link.largest_packet) return false;
  if (!link.reports_too_big) return true;
  base::Reader reader(segment);
  reports_.push_back({.to = &from,
                      .source_port = reader.u16(),
                      .destination_port = reader.u16(),
                      .too_big = {.sequence = reader.u32(),
                                  .mtu = static_cast<std::uint32_t>(link.largest_packet)}});
  return true;
}

void Simulation::report_too_big() {
  for (const Report& report : std::exchange(reports_, {})) {
    const base::FourTuple flow{
        .local = {.address = report.to->address, .port = report.source_port},
        .remote = {.address = report.to->peer->address, .port = report.destination_port}};
    report.to->engine.too_big(now, flow, report.too_big);
  }
}

// When a frame of this size has passed the bottleneck; nothing when the router had no room for it.
std::optional<Instant> Simulation::leaves_router(Host& from, std::size_t size) {
  if (link.bits_per_second == 0) return now;
  const Instant begin = std::max(from.bottleneck_free_at, now);
  const std::int64_t waiting = (begin - now).nanoseconds() * link.bits_per_second / 8'000'000'000;
  if (waiting > 0 && static_cast<std::size_t>(waiting) + size > link.router_buffer) return {};
  const auto bits = static_cast<std::int64_t>(size) * 8;
  from.bottleneck_free_at =
      begin + Duration::nanoseconds(bits * 1'000'000'000 / link.bits_per_second);
  return from.bottleneck_free_at;
}

void Simulation::release_held() {
  while (!held_.empty() && held_.begin()->first <= now) {
    const Held& held = held_.begin()->second;
    const base::Bytes bytes = held.packet->bytes();
    EXPECT_TRUE(base::equal(bytes, held.bytes)) << "edited while the device held it";
    held_.erase(held_.begin());
  }
}

void Simulation::deliver(Flight& flight) {
  PacketPtr packet(flight.to->pool.allocate());
  if (!packet) return;  // as a device without receive buffers
  packet->append(kLowerHeaders);
  base::copy(packet->append(flight.bytes.size()), flight.bytes);
  packet->trim_front(kLowerHeaders);
  hand_in(flight.to->engine, now, flight.to->peer->address, flight.to->address, std::move(packet));
}

// One turn of both workers' loops, in the order that net::Stack prescribes.
void Simulation::turn() {
  release_held();
  report_too_big();
  while (!in_flight_.empty() && in_flight_.begin()->first <= now) {
    Flight flight = std::move(in_flight_.begin()->second);
    in_flight_.erase(in_flight_.begin());
    deliver(flight);
  }
  client.engine.advance(now);
  server.engine.advance(now);
  if (application) application();
  client.engine.flush(now);
  server.engine.flush(now);
}

bool Simulation::run_until(const std::function<bool()>& done, Duration limit) {
  const Instant end = now + limit;
  while (true) {
    turn();
    if (done()) return true;
    Instant next =
        std::min({client.engine.next_deadline(), server.engine.next_deadline(), application_wakes});
    if (!in_flight_.empty()) next = std::min(next, in_flight_.begin()->first);
    if (!held_.empty()) next = std::min(next, held_.begin()->first);
    if (next > end) return false;
    now = std::max(next, now + Duration::nanoseconds(1));
  }
}

void Simulation::settle(Duration time) {
  (void)run_until([] { return false; }, time);
}

}  // namespace sluice::net::tcp::test
