// One TCP connection, past its handshake, with a peer that says anything near the truth: numbers,
// windows, SACK blocks and timestamps are given relative to what both sides have said. The input
// chooses how the connection opens and then steps. Claims, after every step: text that the session
// reads is the peer's, in order; text that is sent is the session's, within the window that the
// peer has offered; acknowledgments and the offered window never go back, and acknowledge nothing
// that was not said; a segment is answered by a few others at most. In the end nothing is left.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/cursor.hpp"
#include "base/memory_packet_pool.hpp"
#include "dataplane/net/tcp/engine.hpp"
#include "dataplane/wire/tcp.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace sluice;
using base::Duration;
using base::IpAddress;
using base::PacketPtr;
using fuzz::require;
using wire::SeqNumber;
using wire::TcpHeader;

constexpr std::size_t kMaxSteps = 512;
constexpr std::size_t kLowerHeaders = 60;
constexpr std::uint16_t kPort = 443;
constexpr std::uint16_t kPeerPort = 50'000;
constexpr SeqNumber kPeerIss{0xffff'f000};  // wraps soon
constexpr std::array<std::byte, 16> kKey{};

enum class Step : std::uint8_t { kText, kAck, kSack, kTime, kSession, kAnySegment, kError, kCount };

// What stands at a sequence number, in either direction.
std::byte byte_at(SeqNumber seq) {
  return static_cast<std::byte>((seq.value() * 0x9e37'79b1U) >> 24);
}

// How the connection opens.
struct Opening {
  explicit Opening(base::Reader& reader) : bits(reader.u8()), scale(reader.u8() % 15) {}

  [[nodiscard]] bool ipv6() const { return (bits & 1) != 0; }
  [[nodiscard]] bool active() const { return (bits & 2) != 0; }
  [[nodiscard]] bool timestamps() const { return (bits & 4) != 0; }
  [[nodiscard]] bool sack() const { return (bits & 8) != 0; }
  [[nodiscard]] bool scaled() const { return (bits & 16) != 0; }
  [[nodiscard]] bool by_cookie() const { return (bits & 32) != 0 && !active(); }
  [[nodiscard]] bool small_buffers() const { return (bits & 64) != 0; }
  [[nodiscard]] bool scarce_packets() const { return (bits & 128) != 0; }

  std::uint8_t bits;
  std::uint8_t scale;
};

net::TcpSettings settings_for(const Opening& opening) {
  const std::size_t buffer = opening.small_buffers() ? 4 * 1024 : 64 * 1024;
  return {.max_connections = 8,
          // Half-open connections are under pressure from the first one on, or never.
          .max_half_open = opening.by_cookie() ? std::size_t{0} : std::size_t{8},
          .max_time_wait = 4,
          .receive_buffer = buffer,
          .send_buffer = buffer,
          .time_wait = Duration::seconds(1)};
}

class Conversation final : public net::IpOutput {
 public:
  explicit Conversation(const Opening& opening)
      : opening_(opening),
        ours_(*IpAddress::parse(opening.ipv6() ? "2001:db8::2" : "198.18.0.2")),
        peer_(*IpAddress::parse(opening.ipv6() ? "2001:db8::1" : "198.18.0.1")),
        pool_(opening.scarce_packets() ? 40 : 256),
        engine_(settings_for(opening), kKey, {}, *this, pool_, counters_, now_) {
    if (opening.active()) {
      open_actively();
    } else {
      open_passively();
    }
  }

  void run(base::Reader& reader) {
    for (std::size_t i = 0; i < kMaxSteps && reader.ok() && !reader.empty(); ++i) {
      answers_ = 0;
      take(reader);
      // Each segment of a burst may cause an acknowledgment, and a report of a duplicate.
      require(answers_ <= 3, "a segment is answered by a few at most");
      if (reader.u8() % 4 != 0) turn();  // or more of the same burst follows
    }
  }

  void finish() {
    engine_.abort_all(now_);
    pass(Duration::seconds(2));
    require(engine_.connections() == 0 && engine_.half_open() == 0 && engine_.time_wait() == 0,
            "no connection is left");
    require(pool_.available() == pool_.capacity(), "every packet is back");
  }

  // --- IpOutput: what the peer hears ---
  void send_tcp(net::WayOut& /*way*/, base::Instant, const IpAddress& source,
                const IpAddress& destination, PacketPtr segment) override {
    require(source == ours_ && destination == peer_, "segments go to the peer");
    const auto parsed = wire::parse_tcp(segment->bytes());
    require(parsed && !parsed->malformed_options, "segments are well formed");
    hear(parsed->header, segment->bytes().subspan(parsed->size));
    std::ranges::fill(segment->prepend(kLowerHeaders), std::byte{0xee});
  }
  [[nodiscard]] std::optional<std::size_t> path_mtu(const IpAddress&) const override {
    return 1500;
  }
  [[nodiscard]] bool is_local(const IpAddress& address) const override { return address == ours_; }

 private:
  // --- opening ---
  [[nodiscard]] TcpHeader peer_header(SeqNumber seq) const {
    TcpHeader header;
    header.source_port = opening_.active() ? kPort : kPeerPort;
    header.destination_port = our_port_;
    header.sequence = seq;
    if (opening_.timestamps()) {
      header.options.timestamps =
          wire::TcpTimestamps{.value = 1'000 + milliseconds(), .echo = echo_};
    }
    return header;
  }

  [[nodiscard]] TcpHeader peer_syn() const {
    TcpHeader syn = peer_header(kPeerIss);
    syn.flags.syn = true;
    syn.window = 0xffff;
    syn.options.mss = std::uint16_t{600};
    syn.options.sack_permitted = opening_.sack();
    if (opening_.scaled()) syn.options.window_scale = opening_.scale;
    return syn;
  }

  void open_passively() {
    our_port_ = kPort;
    const auto listener = engine_.listen({ours_, kPort});
    require(listener.has_value(), "the engine listens");
    arrive(peer_syn(), {});
    require(heard_syn_, "a SYN is answered");
    TcpHeader ack = peer_header(kPeerIss + 1);
    acknowledge(ack, our_end_);
    ack.window = 0xffff >> (opening_.scaled() ? opening_.scale : 0);
    offer(ack);
    arrive(ack, {});
    turn();
    engine_.stop_listening(*listener);  // this conversation is the only one
  }

  void open_actively() {
    const auto connection = engine_.connect(
        now_, {.source = ours_, .remote = {peer_, kPort}, .timeout = Duration::seconds(30)});
    require(connection.has_value() && heard_syn_, "the engine connects");
    connection_ = *connection;
    our_port_ = engine_.addresses(*connection)->local.port;
    TcpHeader syn = peer_syn();
    acknowledge(syn, our_end_);
    offered_edge_ = our_end_ + syn.window;  // never scaled
    arrive(syn, {});
    turn();
  }

  // --- steps ---
  void take(base::Reader& reader) {
    switch (Step{static_cast<std::uint8_t>(reader.u8() % static_cast<unsigned>(Step::kCount))}) {
      case Step::kText:
        return say(reader);
      case Step::kAck: {
        TcpHeader header = peer_header(peer_end_ + near(reader.u8()));
        acknowledge(header, between(reader.u8()));
        header.window = reader.u16();
        return speak(header, {});
      }
      case Step::kSack:
        return report(reader);
      case Step::kTime:
        return pass(Duration::microseconds(std::int64_t{1} << (reader.u8() % 28)));
      case Step::kSession:
        return act(reader.u8());
      case Step::kAnySegment: {
        TcpHeader header = peer_header(heard_ack_ + near(reader.u8()));
        header.flags = wire::TcpFlags::from_octet(reader.u8());
        header.acknowledgement = our_end_ + near(reader.u8());
        header.window = reader.u16();
        if (header.options.timestamps) header.options.timestamps->value += near(reader.u8());
        return speak(header, {});
      }
      case Step::kError:
        return engine_.unreachable(
            now_,
            {.local = {ours_, our_port_}, .remote = {peer_, opening_.active() ? kPort : kPeerPort}},
            between(reader.u8()).value());
      case Step::kCount:
        return;
    }
  }

  // Text from anywhere near what the engine expects, its FIN perhaps behind it.
  void say(base::Reader& reader) {
    const std::uint8_t from = reader.u8();
    const std::uint8_t flags = reader.u8();
    const SeqNumber base = (flags & 1) != 0 ? peer_end_ : heard_ack_;
    TcpHeader header = peer_header(base + near(from));
    acknowledge(header, between(reader.u8()));
    header.window = reader.u16();
    header.flags.fin = (flags & 6) == 6;
    std::vector<std::byte> text(reader.u8() * std::size_t{(flags & 8) != 0 ? 5U : 1U});
    for (std::size_t i = 0; i < text.size(); ++i) {
      text[i] = byte_at(header.sequence + static_cast<std::uint32_t>(i));
    }
    speak(header, text);
  }

  // SACK blocks over what the engine has sent, honest or not.
  void report(base::Reader& reader) {
    TcpHeader header = peer_header(peer_end_);
    acknowledge(header, between(reader.u8()));
    header.window = reader.u16();
    if (opening_.sack()) {
      const unsigned blocks = reader.u8() % 4;
      for (unsigned i = 0; i < blocks; ++i) {
        const SeqNumber left = between(reader.u8());
        (void)header.options.sack.push_back({.left = left, .right = left + near(reader.u8())});
      }
    }
    speak(header, {});
  }

  void act(std::uint8_t what) {
    if (!connection_) return;
    const net::ConnectionHandle c = *connection_;
    switch (what % 8) {
      case 0:
        return engine_.finish(now_, c);
      case 1:
        if (what == 1) engine_.close(now_, c);
        return;
      case 2:
        if (what == 2) engine_.abort(now_, c);
        return;
      case 3:
      case 4:
        return read(c);
      default:
        return write(c, std::size_t{what} * 32);
    }
  }

  void read(net::ConnectionHandle c) {
    base::PacketQueue* input = engine_.input(c);
    if (input == nullptr) return;
    while (const PacketPtr packet = input->pop_front()) {
      for (const std::byte b : packet->bytes()) {
        require(b == byte_at(kPeerIss + 1 + read_), "the session reads what the peer has said");
        ++read_;
      }
    }
    engine_.consumed(now_, c);
  }

  void write(net::ConnectionHandle c, std::size_t size) {
    size = std::min(size, engine_.send_room(c));
    base::PacketQueue queue;
    while (size > 0 && pool_.available() > pool_.capacity() / 8) {
      PacketPtr packet(pool_.allocate());
      const std::size_t part = std::min<std::size_t>(size, 700);
      for (std::byte& b : packet->append(part)) b = byte_at(iss_ + 1 + written_++);
      queue.push_back(std::move(packet));
      size -= part;
    }
    engine_.send(now_, c, std::move(queue));
  }

  // --- the peer speaks ---
  void acknowledge(TcpHeader& header, SeqNumber number) const {
    header.flags.ack = true;
    header.acknowledgement = number;
  }

  void speak(TcpHeader& header, base::Bytes text) {
    const SeqNumber end = header.sequence + static_cast<std::uint32_t>(text.size()) +
                          (header.flags.fin ? 1U : 0U) + (header.flags.syn ? 1U : 0U);
    if (end > peer_end_) peer_end_ = end;
    offer(header);
    arrive(header, text);
  }

  // The window that the engine may take this for, as far as it may believe the acknowledgment. A
  // segment with a new acknowledgment and an old number moves SND.UNA, from which SND.WND counts,
  // and leaves that as it was (RFC 9293 3.10.7.4); no honest peer sends one.
  void offer(const TcpHeader& header) {
    if (!header.flags.ack || header.acknowledgement > our_end_) return;
    const std::uint32_t window = std::uint32_t{header.window}
                                 << (opening_.scaled() ? opening_.scale : 0);
    largest_window_ = std::max(largest_window_, window);
    const SeqNumber edge = header.acknowledgement + largest_window_;
    if (!offered_edge_ || edge > *offered_edge_) offered_edge_ = edge;
  }

  void arrive(const TcpHeader& header, base::Bytes text) {
    PacketPtr packet(pool_.allocate());
    if (!packet) return;
    packet->append(kLowerHeaders);
    wire::serialize_tcp(header, packet->append(wire::tcp_header_size(header)));
    base::copy(packet->append(text.size()), text);
    packet->trim_front(kLowerHeaders);
    engine_.receive(now_, peer_, ours_, std::move(packet));
  }

  // --- the peer hears ---
  void hear(const TcpHeader& header, base::Bytes text) {
    if (text.empty()) ++answers_;
    if (header.options.timestamps) echo_ = header.options.timestamps->value;
    if (header.flags.rst) return;
    if (header.flags.syn) {
      heard_syn_ = true;
      iss_ = header.sequence;
      our_end_ = iss_ + 1;
      our_scale_ = header.options.window_scale.value_or(0);
      if (!opening_.scaled()) our_scale_ = 0;
      return;
    }
    hear_text(header, text);
    hear_acknowledgment(header);
  }

  void hear_text(const TcpHeader& header, base::Bytes text) {
    require(text.size() <= 600, "a segment is no longer than the peer takes");
    for (std::size_t i = 0; i < text.size(); ++i) {
      require(text[i] == byte_at(header.sequence + static_cast<std::uint32_t>(i)),
              "what is sent is what the session wrote");
    }
    const SeqNumber end =
        header.sequence + static_cast<std::uint32_t>(text.size()) + (header.flags.fin ? 1U : 0U);
    require(end <= iss_ + 1 + written_ + 1, "no more is sent than the session wrote, and a FIN");
    // RFC 9293 3.8.6.1: a probe is one byte beyond the window.
    const bool probe = end <= *offered_edge_ + 1;
    require(text.empty() || end <= *offered_edge_ || probe, "what is sent is within the window");
    if (end > our_end_) our_end_ = end;
  }

  void hear_acknowledgment(const TcpHeader& header) {
    require(header.flags.ack, "every segment acknowledges");
    require(header.acknowledgement <= peer_end_, "nothing is acknowledged that was not said");
    require(header.acknowledgement >= heard_ack_, "acknowledgments never go back");
    heard_ack_ = header.acknowledgement;
    const std::uint32_t unit = std::uint32_t{1} << our_scale_;
    const SeqNumber edge = header.acknowledgement + header.window * unit;
    require(!heard_edge_ || edge + (unit - 1) >= *heard_edge_, "the window is not taken back");
    if (!heard_edge_ || edge > *heard_edge_) heard_edge_ = edge;
    const auto blocks = header.options.sack.view();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      require(blocks[i].left < blocks[i].right, "SACK blocks are not empty");
      // RFC 2883: the first may report a duplicate, from anywhere.
      require(i == 0 || (blocks[i].left > heard_ack_ && blocks[i].right <= peer_end_),
              "SACK blocks lie in what the peer has said");
    }
  }

  // --- time and turns ---
  void pass(Duration time) {
    now_ = now_ + time;
    turn();
  }

  void turn() {
    engine_.advance(now_);
    while (const auto event = engine_.next_event()) {
      if (event->what.opened && !connection_) connection_ = event->connection;
      if (event->what.closed && connection_ == event->connection) connection_.reset();
    }
    engine_.flush(now_);
  }

  [[nodiscard]] std::uint32_t milliseconds() const {
    return static_cast<std::uint32_t>(now_.milliseconds());
  }
  // Mostly nothing, a little before or behind otherwise, sometimes far.
  static std::uint32_t near(std::uint8_t draw) {
    const auto value = static_cast<std::int8_t>(draw);
    const std::int32_t step = value % 3 == 0 ? 1 : value % 3 == 1 ? 97 : 1'300;
    return static_cast<std::uint32_t>(value / 8 * step);
  }
  // Somewhere in what the engine has sent, or a little beyond.
  [[nodiscard]] SeqNumber between(std::uint8_t draw) const {
    const auto sent = static_cast<std::uint32_t>(our_end_ - iss_);
    const std::uint32_t window = std::min<std::uint32_t>(sent, 32 * 1024);
    if (draw >= 0xf8) return our_end_ + (draw - 0xf0U) * 50U;
    return our_end_ - window + window * std::min<std::uint32_t>(draw, 0xf0) / 0xf0;
  }

  const Opening opening_;
  const IpAddress ours_;
  const IpAddress peer_;
  base::Instant now_ = base::Instant::from_nanoseconds(1'000'000'000);
  base::MemoryPacketPool pool_;
  base::Counters<net::NetCounter> counters_;
  net::tcp::Engine engine_;
  std::optional<net::ConnectionHandle> connection_;
  std::uint16_t our_port_ = 0;
  std::uint32_t read_ = 0;     // bytes by the session
  std::uint32_t written_ = 0;  // bytes by the session

  // What the peer knows.
  bool heard_syn_ = false;
  SeqNumber iss_;                        // ours
  SeqNumber our_end_;                    // one past all that we sent
  SeqNumber peer_end_ = kPeerIss + 1;    // one past all that it said
  SeqNumber heard_ack_ = kPeerIss + 1;   // our latest acknowledgment
  std::optional<SeqNumber> heard_edge_;  // of the window that we offer
  std::optional<SeqNumber> offered_edge_;
  std::uint32_t largest_window_ = 0;  // of the peer
  std::uint32_t echo_ = 0;
  std::uint8_t our_scale_ = 0;
  unsigned answers_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::Reader reader(std::as_bytes(std::span(data, size)));
  Conversation conversation{Opening(reader)};
  conversation.run(reader);
  conversation.finish();
  return 0;
}
