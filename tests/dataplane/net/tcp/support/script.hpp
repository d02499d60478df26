// One engine whose peer is played by the test: segments are built and expected one by one, time
// passes when the test says so.
//
//   Script host;
//   const auto c = host.established();
//   host.arrives(data(host.theirs(0), "hello").ack(host.ours(0)));
//   EXPECT_EQ(host.read(c), "hello");
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/memory_packet_pool.hpp"
#include "dataplane/net/tcp/engine.hpp"
#include "dataplane/wire/ecn.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::net::tcp::test {

using wire::SeqNumber;

// A segment with a header and text, as the peer sends it or as we sent it.
struct Segment {
  wire::TcpHeader header;
  std::string text;
  wire::EcnCodepoint ecn = wire::EcnCodepoint::kNotEct;  // of the packet that it came in
  base::Packet::Train train;                             // as which it was sent, if it was

  Segment& ack(SeqNumber number) {
    header.flags.ack = true;
    header.acknowledgement = number;
    return *this;
  }
  Segment& fin() {
    header.flags.fin = true;
    return *this;
  }
  Segment& push() {
    header.flags.psh = true;
    return *this;
  }
  Segment& window(std::uint16_t value) {
    header.window = value;
    return *this;
  }
  Segment& mss(std::uint16_t value) {
    header.options.mss = value;
    return *this;
  }
  Segment& scale(std::uint8_t shift) {
    header.options.window_scale = shift;
    return *this;
  }
  Segment& sack_permitted() {
    header.options.sack_permitted = true;
    return *this;
  }
  Segment& sack(SeqNumber left, SeqNumber right) {
    header.options.sack.push_back({.left = left, .right = right});
    return *this;
  }
  Segment& timestamps(std::uint32_t value, std::uint32_t echo) {
    header.options.timestamps = wire::TcpTimestamps{.value = value, .echo = echo};
    return *this;
  }
  // RFC 3168 6.1.
  Segment& ece() {
    header.flags.ece = true;
    return *this;
  }
  Segment& cwr() {
    header.flags.cwr = true;
    return *this;
  }
  Segment& marked(wire::EcnCodepoint codepoint = wire::EcnCodepoint::kCe) {
    ecn = codepoint;
    return *this;
  }
  Segment& ports(std::uint16_t source, std::uint16_t destination) {
    header.source_port = source;
    header.destination_port = destination;
    return *this;
  }
};

[[nodiscard]] Segment syn(SeqNumber seq);
[[nodiscard]] Segment rst(SeqNumber seq);
// An acknowledgment at `seq`; give it a number with ack().
[[nodiscard]] Segment bare(SeqNumber seq);
[[nodiscard]] Segment data(SeqNumber seq, std::string_view text);

class Script : public IpOutput {
 public:
  static constexpr std::uint16_t kLocalPort = 443;
  static constexpr std::uint16_t kPeerPort = 5000;
  static constexpr std::uint16_t kWindow = 60'000;
  static constexpr SeqNumber kPeerIss{1'000'000};

  struct Options {
    TcpSettings tcp = settings();
    std::size_t packets = 256;
    OwnsFlow owns_flow;
    std::string_view local = "198.18.0.1";  // both of one family
    std::string_view remote = "198.18.0.2";
  };
  // Defaults small enough for a test.
  static TcpSettings settings();

  Script() : Script(Options{}) {}
  explicit Script(const Options& options);
  ~Script() override;

  // --- the peer acts ---
  // The segment arrives in a burst of its own; ports are filled in where both are zero.
  void arrives(Segment segment);
  // As arrives(), but more of the same burst follows.
  void arrives_in_burst(Segment segment);

  // --- time ---
  // Fires what is due on the way.
  void pass(base::Duration time);

  // --- we act ---
  void write(ConnectionHandle connection, std::string_view text);
  void write(ConnectionHandle connection, std::size_t size) {
    write(connection, std::string(size, 'x'));
  }
  void finish(ConnectionHandle connection) {
    engine.finish(now, connection);
    flush();
  }
  void close(ConnectionHandle connection) {
    engine.close(now, connection);
    flush();
  }
  // Everything that has arrived in order.
  std::string read(ConnectionHandle connection);
  void flush() { engine.flush(now); }

  // --- what came of it ---
  // The oldest segment sent and not looked at; fails when there is none.
  Segment sent();
  // Of the oldest event that is left, which has to be a connection's last; fails when it is not.
  CloseReason close_reason();
  [[nodiscard]] bool silent() const { return sent_.empty(); }
  void forget_sent() { sent_.clear(); }
  std::vector<Segment> all_sent();
  [[nodiscard]] std::uint64_t counted(NetCounter counter) const { return counters[counter]; }
  [[nodiscard]] std::size_t packets_out() const { return pool.capacity() - pool.available(); }

  // --- states ---
  void listen();
  // Our SYN-ACK's number is remembered for ours().
  void syn_received(Segment syn_segment);
  // Opened by the peer, without timestamps, its event taken.
  ConnectionHandle established() { return established(syn(kPeerIss).mss(1000).sack_permitted()); }
  ConnectionHandle established(Segment syn_segment) {
    return established(std::move(syn_segment), {});
  }
  // On a path with this round-trip time, which the handshake shows.
  ConnectionHandle established(Segment syn_segment, base::Duration round_trip);
  ConnectionHandle connecting(base::Duration timeout = base::Duration::seconds(30));
  // The number of our, or the peer's, n-th byte of text.
  [[nodiscard]] SeqNumber ours(std::uint32_t n) const { return iss + 1 + n; }
  [[nodiscard]] SeqNumber theirs(std::uint32_t n) const { return kPeerIss + 1 + n; }

  void send_tcp(WayOut& /*way*/, base::Instant now, const base::IpAddress& source,
                const base::IpAddress& destination, base::PacketPtr segment) override;
  [[nodiscard]] std::optional<std::size_t> path_mtu(
      const base::IpAddress& destination) const override;
  [[nodiscard]] bool is_local(const base::IpAddress& address) const override {
    return address == local;
  }

  const base::IpAddress local;
  const base::IpAddress remote;
  base::Instant now = base::Instant::from_nanoseconds(5'000'000'000);
  base::MemoryPacketPool pool;
  base::Counters<NetCounter> counters;
  Engine engine;
  SeqNumber iss;
  std::uint16_t local_port = kLocalPort;
  bool routed = true;
  // What the peer's segments arrive in, where another worker has received them; null: our own pool.
  base::PacketPool* foreign_pool = nullptr;
  // While true, what is sent stays with the device.
  bool device_holds = false;
  std::vector<base::PacketPtr> held;

 private:
  std::deque<Segment> sent_;
};

}  // namespace sluice::net::tcp::test
