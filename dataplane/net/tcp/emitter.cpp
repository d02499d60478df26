#include "dataplane/net/tcp/emitter.hpp"

#include <algorithm>
#include <cassert>

#include "dataplane/net/tcp/train.hpp"

namespace sluice::net::tcp {

using base::Packet;
using base::PacketPtr;
using wire::SeqNumber;
using wire::TcpFlags;
using wire::TcpHeader;

namespace {

std::size_t ip_header_size(const base::IpAddress& address) {
  return address.is_ipv4() ? 20 : 40;
}

// RFC 2018 3: blocks that fit behind the other options, in a segment with `room` bytes to spare.
std::size_t sack_blocks_in(std::size_t room, bool timestamps) {
  const std::size_t most = timestamps ? 3 : 4;
  return room < 12 ? 0 : std::min(most, (room - 4) / 8);
}

// Where the peer takes a segment without text: SND.NXT, but not behind its window, where a probe
// that it refused may have gone or from which it has moved its edge back; it drops what lies there
// (RFC 9293 3.10.7.4). Less than a unit of a scaled window is only rounding (RFC 7323 2.4): the
// peer may have taken all of it, and a lower number would be an old one.
SeqNumber acceptable_sequence(const Connection& c) {
  const SeqNumber edge = c.snd.una + c.snd.wnd;
  if (!c.synchronized() || c.snd.nxt <= edge) return c.snd.nxt;
  const bool rounded = c.snd.nxt - edge < std::int32_t{1} << c.snd.scale;
  return rounded && !c.probing ? c.snd.nxt : edge;
}

constexpr auto kEct = static_cast<std::uint8_t>(wire::EcnCodepoint::kEct0);

// RFC 3168 6.1.2, 6.1.5, 6.1.6: new text, and neither retransmissions nor window probes.
bool is_ecn_capable(const Connection& c, const SendSegment& text) {
  return c.snd.ecn.on() && text.fate == Fate::kUnsent && !c.probing;
}

}  // namespace

std::uint16_t Emitter::local_mss(const base::IpAddress& remote) const {
  const std::size_t headers = ip_header_size(remote) + TcpHeader::kMinSize;
  auto mtu = core_.ip.mtu_everywhere();
  if (!mtu) mtu = core_.ip.path_mtu(remote);
  // RFC 9293 3.7.1: without a route the default, 536 for IPv4 and 1220 for IPv6.
  if (!mtu) mtu = remote.is_ipv4() ? 576 : 1280;
  return static_cast<std::uint16_t>(
      std::clamp<std::size_t>(*mtu - std::min(*mtu, headers), 64, 0xffff));
}

wire::TcpTimestamps Emitter::timestamps_of(const Connection& c) const {
  return {.value = milliseconds(core_.now) + c.ts.offset, .echo = c.ts.recent};
}

// Nothing is owed any longer once RCV.NXT has been sent.
void Emitter::note_acknowledgment(Connection& c) {
  c.rcv.last_ack = c.rcv.nxt;
  c.ack_now = false;
  c.deadline(Timer::kAck) = {};
}

// The same as header_for() where neither a SYN nor SACK blocks make it longer.
wire::PlainTcpHeader Emitter::plain_header(Connection& c, SeqNumber seq, TcpFlags flags) {
  flags.ece = c.snd.ecn.echo();
  wire::PlainTcpHeader header{.source_port = c.flow.local.port,
                              .destination_port = c.flow.remote.port,
                              .sequence = seq,
                              .acknowledgement = c.rcv.nxt,
                              .flags = flags.octet(),
                              .window = window_.advertise(c, false),
                              .has_timestamps = c.timestamps,
                              .timestamps = {}};
  if (c.timestamps) header.timestamps = timestamps_of(c);
  note_acknowledgment(c);
  c.rcv.delayed_ack.on_ack_sent();
  return header;
}

TcpHeader Emitter::header_for(Connection& c, SeqNumber seq, TcpFlags flags) {
  TcpHeader header;
  header.source_port = c.flow.local.port;
  header.destination_port = c.flow.remote.port;
  header.sequence = seq;
  header.flags = flags;
  header.window = window_.advertise(c, flags.syn);
  if (flags.ack) {
    header.acknowledgement = c.rcv.nxt;
    note_acknowledgment(c);
    if (!flags.syn) c.rcv.delayed_ack.on_ack_sent();
    if (!flags.syn) header.flags.ece = c.snd.ecn.echo();
  }
  // RFC 7323 3.2: in every segment once negotiated; TSecr only means something with ACK.
  if (c.timestamps) {
    header.options.timestamps = timestamps_of(c);
    if (!flags.ack) header.options.timestamps->echo = 0;
  }
  return header;
}

bool Emitter::send_syn(Connection& c, PacketPtr spare) {
  PacketPtr packet = fresh_or(std::move(spare));
  if (!packet) return false;
  const bool answer = c.state == State::kSynReceived;
  TcpHeader header = header_for(c, c.snd.una, {.syn = true, .ack = answer});
  if (answer) {
    header.flags.ece = c.snd.ecn.on();
  } else {
    header.flags.ece = header.flags.cwr = core_.settings.ecn == EcnUse::kAsk && !c.syn_resent;
  }
  header.options.mss = local_mss(c.flow.remote.address);
  header.options.sack_permitted = c.sack;
  if (c.scaling) header.options.window_scale = c.rcv.scale;
  hand_over(c.flow, c.way, header, std::move(packet));
  return true;
}

bool Emitter::send_ack(Connection& c, std::optional<wire::SackBlock> duplicate) {
  PacketPtr packet = fresh();
  if (!packet) return false;
  if (!c.sack || (!duplicate && !c.holds_out_of_order())) {
    send_plain(c, plain_header(c, acceptable_sequence(c), {.ack = true}), std::move(packet));
    return true;
  }
  TcpHeader header = header_for(c, acceptable_sequence(c), {.ack = true});
  // RFC 2883 4: the duplicate is the first block.
  const std::size_t blocks = sack_blocks_in(40, c.timestamps);
  if (duplicate) (void)header.options.sack.push_back(*duplicate);
  if (c.holds_out_of_order()) {
    const auto held = c.inbox->reassembly.sack_blocks(blocks - header.options.sack.size());
    for (const wire::SackBlock& block : held.view()) (void)header.options.sack.push_back(block);
  }
  hand_over(c.flow, c.way, header, std::move(packet));
  return true;
}

// RFC 9293 3.8.4: SEG.SEQ = SND.NXT-1, which the peer has acknowledged and has to answer, and no
// text (SHLD-12), which it would have to drop.
bool Emitter::send_keepalive(Connection& c) {
  PacketPtr packet = fresh();
  if (!packet) return false;
  hand_over(c.flow, c.way, header_for(c, c.snd.nxt - 1, {.ack = true}), std::move(packet));
  return true;
}

bool Emitter::send_data(Connection& c, const SendSegment& segment) {
  TcpFlags flags{.fin = segment.fin, .psh = segment.next == nullptr, .ack = true};
  flags.psh = flags.psh && segment.size > 0;
  const std::size_t spare = c.snd.mss - std::min<std::size_t>(c.snd.mss, segment.size);
  const std::size_t blocks =
      c.sack && c.holds_out_of_order() ? sack_blocks_in(spare, c.timestamps) : 0;
  PacketPtr packet = packet_for(segment, TcpHeader::kMaxSize);
  if (!packet) return false;
  if (is_ecn_capable(c, segment) && segment.size > 0) {
    packet->traffic_class = kEct;
    flags.cwr = c.snd.ecn.take_cwr();
  }
  if (segment.size > 0) c.rcv.delayed_ack.on_text_sent();
  if (blocks == 0) {
    send_plain(c, plain_header(c, segment.seq, flags), std::move(packet));
    return true;
  }
  TcpHeader header = header_for(c, segment.seq, flags);
  header.options.sack = c.inbox->reassembly.sack_blocks(blocks);
  wire::serialize_tcp(header, packet->prepend(tcp_header_size(header)));
  pass_on(c.flow, c.way, std::move(packet));
  return true;
}

// The header is that of the first segment; whoever cuts the train leaves FIN and PSH to the last.
bool Emitter::send_train(Connection& c, const SendSegment& first, std::size_t segments) {
  PacketPtr packet(core_.packets.allocate());
  if (!packet) return false;
  const SendSegment& last = couple(*packet, first, segments);
  if (is_ecn_capable(c, first)) packet->traffic_class = kEct;
  c.rcv.delayed_ack.on_text_sent();
  core_.count(NetCounter::kTcpSegmentsOut, segments - 1);  // besides the one that is passed on
  send_plain(
      c, plain_header(c, first.seq, {.fin = last.fin, .psh = last.next == nullptr, .ack = true}),
      std::move(packet));
  return true;
}

// The packet holds the text, or nothing.
void Emitter::send_plain(Connection& c, const wire::PlainTcpHeader& header, PacketPtr packet) {
  wire::write_plain_tcp(header, packet->prepend(header.size()));
  pass_on(c.flow, c.way, std::move(packet));
}

// A reference to the segment's own packet, its window on the payload, where a header may be put in
// front: nobody else holds it and there is headroom. A copy otherwise, which nobody keeps: what the
// device may still be reading is never edited, and sending never adds to what a queue holds.
PacketPtr Emitter::packet_for(const SendSegment& segment, std::size_t header_size) {
  if (segment.packet == nullptr) return fresh();
  Packet& packet = *segment.packet;
  if (!packet.exclusive() || segment.offset < header_size + IpOutput::kMostHeaders) {
    PacketPtr copy = fresh();
    if (!copy) return {};
    assert(copy->tailroom() >= segment.size);
    base::copy(copy->append(segment.size), segment.payload());
    return copy;
  }
  packet.place(segment.offset, segment.size);
  packet.checksum = {};
  packet.traffic_class = 0;
  packet.flow_hash = 0;
  packet.retain();
  return PacketPtr(&packet);
}

// RFC 9293 3.10.4, 3.10.5: <SEQ=SND.NXT><CTL=RST>; the acknowledgment lets RFC 5961 receivers and
// SYN-SENT peers judge it.
bool Emitter::send_reset(Connection& c) {
  PacketPtr packet = fresh();
  if (!packet) return false;
  TcpHeader header;
  header.source_port = c.flow.local.port;
  header.destination_port = c.flow.remote.port;
  header.sequence = acceptable_sequence(c);
  header.acknowledgement = c.rcv.nxt;
  header.flags = {.rst = true, .ack = true};
  if (c.timestamps) header.options.timestamps = timestamps_of(c);
  core_.count(NetCounter::kTcpResetsOut);
  hand_over(c.flow, c.way, header, std::move(packet));
  return true;
}

bool Emitter::refuse(const base::FourTuple& flow, const TcpHeader& cause, std::uint32_t length) {
  TcpHeader header;
  header.source_port = flow.local.port;
  header.destination_port = flow.remote.port;
  header.flags.rst = true;
  if (cause.flags.ack) {
    header.sequence = cause.acknowledgement;
  } else {
    header.flags.ack = true;
    header.acknowledgement = cause.sequence + length;
  }
  core_.count(NetCounter::kTcpResetsOut);
  return send_bare(flow, header);
}

// As send_syn() for the connection that the cookie stands for.
bool Emitter::send_syn_cookie(const base::FourTuple& flow, const TcpHeader& syn,
                              const SynCookies::Answer& cookie, PacketPtr spare) {
  TcpHeader header;
  header.source_port = flow.local.port;
  header.destination_port = flow.remote.port;
  header.sequence = cookie.sequence;
  header.acknowledgement = syn.sequence + 1;
  header.flags = {.syn = true, .ack = true, .ece = cookie.ecn};
  header.window = window_.initial();
  header.options.mss = local_mss(flow.remote.address);
  if (syn.options.timestamps) {
    header.options.timestamps =
        wire::TcpTimestamps{.value = cookie.timestamp, .echo = syn.options.timestamps->value};
    header.options.sack_permitted = syn.options.sack_permitted;
    if (syn.options.window_scale) header.options.window_scale = window_.scale();
  }
  return send_bare(flow, header, std::move(spare));
}

bool Emitter::send_time_wait_ack(const TimeWaitEntry& entry) {
  TcpHeader header;
  header.source_port = entry.flow.local.port;
  header.destination_port = entry.flow.remote.port;
  header.sequence = entry.snd_nxt;
  header.acknowledgement = entry.rcv_nxt;
  header.flags.ack = true;
  header.window = entry.window;
  if (entry.timestamps) {
    header.options.timestamps = wire::TcpTimestamps{
        .value = milliseconds(core_.now) + entry.ts_offset, .echo = entry.ts_recent};
  }
  return send_bare(entry.flow, header);
}

bool Emitter::send_bare(const base::FourTuple& flow, const TcpHeader& header, PacketPtr spare) {
  PacketPtr packet = fresh_or(std::move(spare));
  if (!packet) return false;
  WayOut unnamed;
  hand_over(flow, unnamed, header, std::move(packet));
  return true;
}

void Emitter::hand_over(const base::FourTuple& flow, WayOut& way, const TcpHeader& header,
                        PacketPtr packet) {
  wire::serialize_tcp(header, packet->append(tcp_header_size(header)));
  pass_on(flow, way, std::move(packet));
}

void Emitter::pass_on(const base::FourTuple& flow, WayOut& way, PacketPtr segment) {
  core_.count(NetCounter::kTcpSegmentsOut);
  core_.ip.send_tcp(way, core_.now, flow.local.address, flow.remote.address, std::move(segment));
}

PacketPtr Emitter::fresh() {
  PacketPtr packet(core_.packets.allocate());
  if (!packet) core_.count(NetCounter::kTcpNoPacket);
  return packet;
}

// A packet that has just arrived lies in the cache, and to answer in it takes none from the pool.
PacketPtr Emitter::fresh_or(PacketPtr spare) {
  if (!spare || !spare->exclusive()) return fresh();
  spare->reset();
  return spare;
}

}  // namespace sluice::net::tcp
