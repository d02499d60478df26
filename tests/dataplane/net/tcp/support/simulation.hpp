// Two TCP engines joined by a bad link, in virtual time. The link is a router with a buffer in
// front of a bottleneck; it loses, duplicates, delays and reorders segments, holds on to their
// packets as a driver does, checks that nobody edits what it holds, and can be cut. Everything
// follows from one seed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "base/memory_packet_pool.hpp"
#include "dataplane/net/tcp/engine.hpp"

namespace sluice::net::tcp::test {

// The hash key of both engines.
inline constexpr std::array<std::byte, 16> kHashKey{std::byte{7}, std::byte{1}};

// Of the client, 1, and the server, 2.
[[nodiscard]] base::IpAddress address_of(base::AddressFamily family, int host);

struct LinkQuality {
  double loss = 0;
  double duplication = 0;
  double reordering = 0;                                  // chance that a segment comes late
  base::Duration late = base::Duration::milliseconds(5);  // up to this much
  base::Duration delay = base::Duration::microseconds(100);
  base::Duration jitter;  // up to this much more, for each segment on its own
  // How long a transmitted packet stays with the link; up to this much.
  base::Duration hold;
  std::int64_t bits_per_second = 0;  // of each direction's bottleneck; 0: there is none
  std::size_t router_buffer = 0;     // bytes that may wait in front of it, the one in it included
  std::size_t largest_packet = 0xffff;  // bytes of IP: larger ones vanish
  bool reports_too_big = false;         // and their senders are told so (RFC 1191)
};

class Simulation;

// One side: an engine, its packets and its end of the link.
class Host final : public IpOutput {
 public:
  struct Options {
    base::IpAddress address;
    TcpSettings tcp;
    std::size_t mtu = 1500;
    std::size_t packets = 2048;
    std::size_t data_room = 2048;
  };
  Host(Simulation& world, const Options& options);
  ~Host() override;

  void send_tcp(WayOut& /*way*/, base::Instant now, const base::IpAddress& source,
                const base::IpAddress& destination, base::PacketPtr segment) override;
  [[nodiscard]] std::optional<std::size_t> path_mtu(const base::IpAddress&) const override {
    return mtu;
  }
  [[nodiscard]] bool is_local(const base::IpAddress& other) const override {
    return other == address;
  }

  std::size_t mtu;
  const base::IpAddress address;
  base::MemoryPacketPool pool;
  base::Counters<NetCounter> counters;
  Engine engine;
  Host* peer = nullptr;
  base::Instant bottleneck_free_at;  // of the direction that begins here

 private:
  Simulation& world_;
};

class Simulation {
 public:
  struct Options {
    std::uint64_t seed = 1;
    LinkQuality link;
    base::AddressFamily family = base::AddressFamily::kIpv4;
    std::size_t mtu = 1500;
    TcpSettings client;
    TcpSettings server;
    std::size_t packets = 2048;
    std::size_t data_room = 2048;
    base::Instant start = base::Instant::from_nanoseconds(1'000'000'000);
  };
  explicit Simulation(const Options& options);
  ~Simulation();

  // Called whenever time has moved: the applications' turn.
  std::function<void()> application;
  // Sees every segment that is sent, lost ones included, from its TCP header on.
  std::function<void(base::Bytes)> observe;
  // What travels instead of a segment, for a host that lies; null where both are honest.
  using Segments = std::vector<std::vector<std::byte>>;
  std::function<Segments(const Host& from, base::Bytes segment)> bend;
  // Nothing passes while the cable is cut; what is on its way still arrives.
  bool cut = false;
  // When the applications want a turn at the latest.
  base::Instant application_wakes = base::Instant::never();

  // Goes on until `done` or the limit; returns whether it is done.
  bool run_until(const std::function<bool()>& done, base::Duration limit);
  // Lets everything that is on its way arrive and every timer fire.
  void settle(base::Duration time);

  void transmit(Host& from, base::PacketPtr segment);
  [[nodiscard]] double chance() { return std::uniform_real_distribution<>(0, 1)(random); }
  [[nodiscard]] std::uint64_t up_to(std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(0, most)(random);
  }

  base::Instant now;
  std::mt19937_64 random;
  LinkQuality link;
  Host client;
  Host server;

 private:
  struct Held {
    base::PacketPtr packet;
    std::vector<std::byte> bytes;  // as they were handed over
  };
  struct Flight {
    Host* to = nullptr;
    std::vector<std::byte> bytes;
  };

  void turn();
  void put_on_link(Host& from, const std::vector<std::byte>& segment);
  [[nodiscard]] std::optional<base::Instant> leaves_router(Host& from, std::size_t size);
  void deliver(Flight& flight);
  void release_held();
  [[nodiscard]] bool is_too_big(Host& from, base::Bytes segment);
  void report_too_big();

  std::multimap<base::Instant, Flight> in_flight_;
  std::multimap<base::Instant, Held> held_;
  struct Report {
    Host* to = nullptr;
    std::uint16_t source_port = 0;  // of the segment
    std::uint16_t destination_port = 0;
    TooBig too_big;
  };
  std::vector<Report> reports_;  // they arrive with the next turn
};

}  // namespace sluice::net::tcp::test
