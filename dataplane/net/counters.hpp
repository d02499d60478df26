// What one worker's TCP/IP stack counts. Every dropped frame or segment is counted by its reason;
// the texts below are what an operator reads beside the number.
#pragma once

#include <cstdint>

#include "base/counters.hpp"

namespace sluice::net {

enum class NetCounter : std::uint16_t {
  // TCP: traffic.
  kTcpSegmentsIn,
  kTcpSegmentsOut,
  kTcpActiveOpens,
  kTcpPassiveOpens,
  kTcpConnectionsClosed,
  kTcpResetsIn,
  kTcpResetsOut,
  // TCP: loss and recovery.
  kTcpRetransmits,
  kTcpFastRecoveries,
  kTcpTimeouts,
  kTcpTailProbes,
  kTcpWindowProbes,
  kTcpDuplicateAcks,
  kTcpSackReneged,
  kTcpOutOfOrder,
  // TCP: segments dropped, whole or in part.
  kTcpMalformed,
  kTcpNotSynchronized,
  kTcpNoAckFlag,
  kTcpUnacceptable,
  kTcpDuplicateData,
  kTcpPawsRejected,
  kTcpTimestampMissing,
  kTcpAckInvalid,
  kTcpAckOld,
  kTcpDataAfterFin,
  kTcpDataAfterClose,
  kTcpReassemblyFull,
  kTcpPacketsLow,
  kTcpResetIgnored,
  kTcpSynOnOpenConnection,
  kTcpTimeWaitSegment,
  // TCP: answers.
  kTcpChallengeAcks,
  kTcpChallengeAcksSuppressed,
  kTcpNoListener,
  // TCP: bounds that did their work.
  kTcpHalfOpenFull,
  kTcpConnectionsFull,
  kTcpTimeWaitRecycled,
  kTcpTimeWaitReused,
  kTcpNoPacket,
  kTcpNoPort,
  kTcpHandshakeTimeouts,
  kTcpUserTimeouts,
  kTcpFinWait2Timeouts,
  kTcpUnreachable,
  kTcpUnreachableIgnored,

  kCount
};

}  // namespace sluice::net

template <>
struct sluice::base::CounterTable<sluice::net::NetCounter> {
  static constexpr CounterInfo kInfos[] = {
      {"tcp_segments_in", Severity::kInfo, "TCP segments received."},
      {"tcp_segments_out", Severity::kInfo, "TCP segments handed to IP, retransmissions included."},
      {"tcp_active_opens", Severity::kInfo, "Connections opened by this side."},
      {"tcp_passive_opens", Severity::kInfo, "Connections accepted: three-way handshake complete."},
      {"tcp_connections_closed", Severity::kInfo, "Control blocks given back, for any reason."},
      {"tcp_resets_in", Severity::kNotice, "Connections that the peer reset."},
      {"tcp_resets_out", Severity::kNotice, "Resets sent."},

      {"tcp_retransmits", Severity::kInfo, "Segments sent again."},
      {"tcp_fast_recoveries", Severity::kInfo, "Losses noticed from acknowledgments."},
      {"tcp_timeouts", Severity::kNotice, "Retransmission timeouts."},
      {"tcp_tail_probes", Severity::kInfo, "Tail loss probes sent (RFC 8985)."},
      {"tcp_window_probes", Severity::kInfo, "Zero-window probes sent."},
      {"tcp_duplicate_acks", Severity::kInfo, "Duplicate acknowledgments received."},
      {"tcp_sack_reneged", Severity::kNotice, "A peer dropped what it had acknowledged by SACK."},
      {"tcp_out_of_order", Severity::kInfo, "Segments that arrived ahead of a gap."},

      {"tcp_malformed", Severity::kNotice, "Segments dropped: header or options malformed."},
      {"tcp_not_synchronized", Severity::kNotice, "Segments dropped: not a SYN, in LISTEN."},
      {"tcp_no_ack_flag", Severity::kNotice, "Segments dropped: no ACK on an open connection."},
      {"tcp_unacceptable", Severity::kNotice, "Segments dropped: outside the receive window."},
      {"tcp_duplicate_data", Severity::kInfo, "Segments dropped: nothing new in them."},
      {"tcp_paws_rejected", Severity::kNotice, "Segments dropped: timestamp too old (PAWS)."},
      {"tcp_timestamp_missing", Severity::kNotice,
       "Segments dropped: no timestamp although negotiated."},
      {"tcp_ack_invalid", Severity::kNotice,
       "Segments dropped: they acknowledge what was never sent."},
      {"tcp_ack_old", Severity::kNotice, "Segments dropped: they acknowledge too far in the past."},
      {"tcp_data_after_fin", Severity::kNotice, "Segments dropped: data behind the peer's FIN."},
      {"tcp_data_after_close", Severity::kNotice, "Connections reset: data arrived after close()."},
      {"tcp_reassembly_full", Severity::kNotice,
       "Segments dropped: too many gaps or too much behind them."},
      {"tcp_packets_low", Severity::kWarning,
       "Segments dropped: out of order while packets are scarce."},
      {"tcp_reset_ignored", Severity::kNotice, "Resets dropped: not at the expected sequence."},
      {"tcp_syn_on_open_connection", Severity::kNotice, "SYNs dropped: the connection is open."},
      {"tcp_time_wait_segment", Severity::kInfo, "Segments that arrived in TIME-WAIT."},

      {"tcp_challenge_acks", Severity::kNotice, "Challenge acknowledgments sent (RFC 5961)."},
      {"tcp_challenge_acks_suppressed", Severity::kNotice,
       "Challenge acknowledgments not sent: too many."},
      {"tcp_no_listener", Severity::kNotice, "Segments for a connection that does not exist."},

      {"tcp_half_open_full", Severity::kWarning, "SYNs dropped: too many half-open connections."},
      {"tcp_connections_full", Severity::kWarning, "Opens refused: no control block left."},
      {"tcp_time_wait_recycled", Severity::kNotice, "TIME-WAIT entries ended early to make room."},
      {"tcp_time_wait_reused", Severity::kInfo,
       "TIME-WAIT entries ended by a new connection (RFC 6191)."},
      {"tcp_no_packet", Severity::kWarning, "Segments delayed or not sent: no packet left."},
      {"tcp_no_port", Severity::kWarning, "Active opens refused: no source port left."},
      {"tcp_handshake_timeouts", Severity::kNotice, "Handshakes given up."},
      {"tcp_user_timeouts", Severity::kNotice,
       "Connections reset: data unacknowledged for too long."},
      {"tcp_fin_wait_2_timeouts", Severity::kNotice,
       "Closed connections ended: the peer never sent its FIN."},
      {"tcp_unreachable", Severity::kNotice, "Active opens ended by an ICMP error."},
      {"tcp_unreachable_ignored", Severity::kNotice,
       "ICMP errors ignored: no flow, sequence or state that they fit."},
  };
};
