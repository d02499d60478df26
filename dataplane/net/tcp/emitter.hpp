// Builds segments and hands them to IP (RFC 9293 3.1). It decides nothing: when and what to send is
// Output's business.
#pragma once

#include <cstdint>
#include <optional>

#include "base/packet.hpp"
#include "dataplane/net/tcp/core.hpp"
#include "dataplane/net/tcp/receive_window.hpp"
#include "dataplane/net/tcp/syn_cookies.hpp"
#include "dataplane/wire/plain_segment.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::net::tcp {

// How soon to try again when there was no packet for a SYN, or for anything later.
inline constexpr base::Duration kSynPacketRetry = base::Duration::milliseconds(10);
inline constexpr base::Duration kPacketRetry = base::Duration::milliseconds(1);

class Emitter {
 public:
  explicit Emitter(Core& core) : core_(core), window_(core.settings, core.receive_memory) {}

  // Each returns false when there is no packet for it, and has then done nothing but count that.
  // Where a spare packet is given, which may be null, it is used if it can be.

  // A SYN in SYN-SENT, a SYN-ACK in SYN-RECEIVED.
  bool send_syn(Connection& c, base::PacketPtr spare = {});
  // `duplicate`: what has just arrived once more (RFC 2883); nothing where SACK is not negotiated.
  bool send_ack(Connection& c, std::optional<wire::SackBlock> duplicate = std::nullopt);
  // Asks the peer whether it is there (RFC 9293 3.8.4). Precondition: nothing is in flight.
  bool send_keepalive(Connection& c);
  // Payload, FIN or both; the packet stays with the segment for a retransmission.
  // Precondition: segment.size is at most a fresh packet's room.
  bool send_data(Connection& c, const SendSegment& segment);
  // As send_data() for so many segments in a row, which train_length() has allowed.
  bool send_train(Connection& c, const SendSegment& first, std::size_t segments);
  bool send_reset(Connection& c);
  // RFC 9293 3.10.7.1: the answer to a segment that no connection wants.
  bool refuse(const base::FourTuple& flow, const wire::TcpHeader& header, std::uint32_t length);
  // The SYN-ACK to a SYN of which nothing is kept.
  bool send_syn_cookie(const base::FourTuple& flow, const wire::TcpHeader& syn,
                       const SynCookies::Answer& cookie, base::PacketPtr spare);
  bool send_time_wait_ack(const TimeWaitEntry& entry);

  [[nodiscard]] const ReceiveWindow& window() const { return window_; }
  // The largest segment that we can receive from there, options included (RFC 9293 3.7.1).
  [[nodiscard]] std::uint16_t local_mss(const base::IpAddress& remote) const;

 private:
  [[nodiscard]] wire::TcpHeader header_for(Connection& c, wire::SeqNumber seq,
                                           wire::TcpFlags flags);
  [[nodiscard]] wire::PlainTcpHeader plain_header(Connection& c, wire::SeqNumber seq,
                                                  wire::TcpFlags flags);
  static void note_acknowledgment(Connection& c);
  [[nodiscard]] wire::TcpTimestamps timestamps_of(const Connection& c) const;
  [[nodiscard]] base::PacketPtr packet_for(const SendSegment& segment, std::size_t header_size);
  bool send_bare(const base::FourTuple& flow, const wire::TcpHeader& header,
                 base::PacketPtr spare = {});
  void hand_over(const base::FourTuple& flow, WayOut& way, const wire::TcpHeader& header,
                 base::PacketPtr packet);
  void send_plain(Connection& c, const wire::PlainTcpHeader& header, base::PacketPtr packet);
  void pass_on(const base::FourTuple& flow, WayOut& way, base::PacketPtr segment);
  [[nodiscard]] base::PacketPtr fresh();
  [[nodiscard]] base::PacketPtr fresh_or(base::PacketPtr spare);

  Core& core_;
  ReceiveWindow window_;
};

}  // namespace sluice::net::tcp
