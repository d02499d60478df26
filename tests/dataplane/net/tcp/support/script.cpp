#include "tests/dataplane/net/tcp/support/script.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "tests/dataplane/net/tcp/support/way_in.hpp"

namespace sluice::net::tcp::test {

using base::Duration;
using base::Instant;
using base::IpAddress;
using base::PacketPtr;
using base::PacketQueue;

namespace {

constexpr std::array<std::byte, 16> kHashKey{std::byte{1}, std::byte{2}, std::byte{3}};
constexpr std::size_t kLowerHeaders = 34;

}  // namespace

Segment syn(SeqNumber seq) {
  Segment segment;
  segment.header.sequence = seq;
  segment.header.flags.syn = true;
  segment.header.window = Script::kWindow;
  return segment;
}

Segment rst(SeqNumber seq) {
  Segment segment;
  segment.header.sequence = seq;
  segment.header.flags.rst = true;
  return segment;
}

Segment bare(SeqNumber seq) {
  Segment segment;
  segment.header.sequence = seq;
  segment.header.window = Script::kWindow;
  return segment;
}

Segment data(SeqNumber seq, std::string_view text) {
  Segment segment = bare(seq);
  segment.text = text;
  return segment;
}

TcpSettings Script::settings() {
  TcpSettings settings;
  settings.max_connections = 32;
  settings.max_half_open = 4;
  settings.max_time_wait = 4;
  settings.receive_buffer = 64 * 1024;
  settings.send_buffer = 64 * 1024;
  return settings;
}

Script::Script(const Options& options)
    : local(*IpAddress::parse(options.local)),
      remote(*IpAddress::parse(options.remote)),
      pool(options.packets),
      engine(options.tcp, kHashKey, options.owns_flow, *this, pool, counters, now) {}

Script::~Script() = default;

std::optional<std::size_t> Script::path_mtu(const IpAddress&) const {
  if (!routed) return std::nullopt;
  return 1500;
}

void Script::send_tcp(WayOut& /*way*/, Instant, const IpAddress& source,
                      const IpAddress& destination, PacketPtr segment) {
  EXPECT_EQ(source, local);
  EXPECT_EQ(destination, remote);
  const auto parsed = wire::parse_tcp(segment->bytes());
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->malformed_options);
  sent_.push_back({.header = parsed->header,
                   .text = std::string(base::text_of(segment->bytes().subspan(parsed->size))),
                   .ecn = wire::ecn_of(segment->traffic_class),
                   .train = segment->train()});
  for (const base::Packet* text : segment->train_text()) {
    sent_.back().text += base::text_of(text->bytes());
  }
  std::ranges::fill(segment->prepend(kLowerHeaders), std::byte{0xee});
  if (device_holds) held.push_back(std::move(segment));
}

void Script::arrives_in_burst(Segment segment) {
  wire::TcpHeader& header = segment.header;
  if (header.source_port == 0 && header.destination_port == 0) {
    header.source_port = kPeerPort;
    header.destination_port = local_port;
  }
  PacketPtr packet((foreign_pool != nullptr ? *foreign_pool : pool).allocate());
  ASSERT_TRUE(packet) << "no packet to receive into";
  packet->append(kLowerHeaders);
  wire::serialize_tcp(header, packet->append(wire::tcp_header_size(header)));
  base::copy(packet->append(segment.text.size()), base::bytes_of(segment.text));
  packet->trim_front(kLowerHeaders);
  packet->traffic_class = static_cast<std::uint8_t>(segment.ecn);
  hand_in(engine, now, remote, local, std::move(packet));
}

void Script::arrives(Segment segment) {
  arrives_in_burst(std::move(segment));
  flush();
}

void Script::pass(Duration time) {
  const Instant end = now + time;
  while (engine.next_deadline() <= end) {
    now = std::max(now + Duration::nanoseconds(1), engine.next_deadline());
    engine.advance(now);
    flush();
  }
  now = std::max(now, end);
  engine.advance(now);
  flush();
}

void Script::write(ConnectionHandle connection, std::string_view text) {
  PacketQueue queue;
  while (!text.empty()) {
    PacketPtr packet(pool.allocate());
    ASSERT_TRUE(packet);
    const std::size_t mss = engine.segment_size(connection);  // 0: the handle is stale
    const std::size_t size = std::min({text.size(), packet->tailroom(), mss > 0 ? mss : 1'000});
    base::copy(packet->append(size), base::bytes_of(text.substr(0, size)));
    text.remove_prefix(size);
    queue.push_back(std::move(packet));
  }
  engine.send(now, connection, std::move(queue));
  flush();
}

std::string Script::read(ConnectionHandle connection) {
  std::string text;
  PacketQueue* input = engine.input(connection);
  if (input == nullptr) return text;
  while (const PacketPtr packet = input->pop_front()) text += base::text_of(packet->bytes());
  engine.consumed(now, connection);
  flush();
  return text;
}

CloseReason Script::close_reason() {
  const auto event = engine.next_event();
  if (event && event->what.closed) return event->reason;
  ADD_FAILURE() << "no connection has ended";
  return CloseReason::kNone;
}

Segment Script::sent() {
  if (sent_.empty()) {
    ADD_FAILURE() << "nothing was sent";
    return {};
  }
  Segment segment = std::move(sent_.front());
  sent_.pop_front();
  return segment;
}

std::vector<Segment> Script::all_sent() {
  std::vector<Segment> all(sent_.begin(), sent_.end());
  sent_.clear();
  return all;
}

void Script::listen() {
  ASSERT_TRUE(engine.listen({.address = local, .port = kLocalPort}));
}

void Script::syn_received(Segment syn_segment) {
  listen();
  arrives(std::move(syn_segment));
  iss = sent().header.sequence;
}

ConnectionHandle Script::established(Segment syn_segment, Duration round_trip) {
  Segment last = bare(theirs(0));
  if (syn_segment.header.options.timestamps) {
    last.timestamps(syn_segment.header.options.timestamps->value, 0);
  }
  syn_received(std::move(syn_segment));
  if (round_trip > Duration{}) pass(round_trip);
  arrives(last.ack(ours(0)));
  EXPECT_TRUE(silent());
  const auto event = engine.next_event();
  EXPECT_TRUE(event && event->what.opened);
  return event ? event->connection : ConnectionHandle{};
}

ConnectionHandle Script::connecting(Duration timeout) {
  const auto connection = engine.connect(now, {.source = local,
                                               .remote = {.address = remote, .port = kPeerPort},
                                               .timeout = timeout,
                                               .context = 77});
  EXPECT_TRUE(connection);
  const Segment first = sent();
  EXPECT_TRUE(first.header.flags.syn && !first.header.flags.ack);
  iss = first.header.sequence;
  local_port = first.header.source_port;
  return *connection;
}

}  // namespace sluice::net::tcp::test
