// Segments arrive: RFC 9293 3.10.7, one function for each of its numbered steps, with the checks of
// RFC 7323 (timestamps) and RFC 5961 (blind attacks) where those documents put them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/address.hpp"
#include "base/packet.hpp"
#include "dataplane/net/reply_limit.hpp"
#include "dataplane/net/tcp/core.hpp"
#include "dataplane/net/tcp/emitter.hpp"
#include "dataplane/net/tcp/path_mtu_discovery.hpp"
#include "dataplane/net/tcp/syn_cookies.hpp"
#include "dataplane/wire/ecn.hpp"
#include "dataplane/wire/plain_segment.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::net::tcp {

// One segment as it is being processed.
struct Arrival {
  base::FourTuple flow;
  std::uint32_t hash = 0;
  wire::TcpHeader header;
  base::PacketPtr text;   // its bytes are the payload; null when there is none (left)
  base::PacketPtr spare;  // the packet of a segment without text: an answer may go out in it
  std::uint32_t text_size = 0;
  wire::SeqNumber seq;  // of the text; moves when the front is trimmed
  wire::EcnCodepoint ecn = wire::EcnCodepoint::kNotEct;
  bool fin = false;                          // cleared when it lies outside the window
  std::optional<wire::SackBlock> duplicate;  // text that had arrived before

  // SEG.LEN of the segment as it arrived.
  [[nodiscard]] std::uint32_t length() const {
    return text_size + (header.flags.syn ? 1 : 0) + (header.flags.fin ? 1 : 0);
  }
};

class Input {
 public:
  Input(Core& core, Emitter& emitter, PathMtuDiscovery& path_mtu, HashKey hash_key)
      : core_(core), emitter_(emitter), path_mtu_(path_mtu), cookies_(hash_key) {}

  void receive(const base::IpAddress& source, const base::IpAddress& destination,
               base::PacketPtr segment);
  // The same, of a flow that has been read already, with its hash.
  void receive(const base::FourTuple& flow, std::uint32_t hash, base::PacketPtr segment);
  // Segments that continue each other and end the look-up's way at `c`. Takes the first of them and
  // returns how many; 0, and nothing is done, when that is not what the connection expects next.
  [[nodiscard]] std::size_t take_plain(std::span<const wire::PlainSegment> run, Connection& c,
                                       std::span<base::Packet* const> frames);
  void unreachable(const base::FourTuple& flow, wire::SeqNumber sequence);
  // A flood of SYNs has used up all answers, so that this one need not be looked at.
  [[nodiscard]] bool sheds_syns() const {
    return under_pressure() && cookie_answers_.is_used_up(core_.now);
  }

 private:
  // To segments without a connection: a flood of them must not use up packets and the way out.
  // Whoever has lost a connection asks again.
  static constexpr ReplyLimit::Options kResets{.per_second = 1'000, .burst = 1'000};

  // What a step leaves to the next ones. After kStop the connection may be gone.
  enum class Verdict : std::uint8_t { kGoOn, kStop };

  // --- input.cpp: finding the connection ---
  void dispatch(Arrival& arrival);
  void refuse(const Arrival& arrival, NetCounter why);
  void on_time_wait_entry(Arrival& arrival, TimeWaitEntry& entry);
  void on_connection(Arrival& arrival, Connection& c);
  void process(Arrival& arrival, Connection& c);
  void on_second_syn(const Arrival& arrival, Connection& c);

  // --- input_cookie.cpp: handshakes of which nothing is kept ---
  [[nodiscard]] bool under_pressure() const;
  void answer_with_cookie(Arrival& arrival);
  void on_cookie(Arrival& arrival, ListenerId listener);

  // --- input_plain.cpp: the ordinary course ---
  [[nodiscard]] std::size_t takeable(const Connection& c, std::span<const wire::PlainSegment> run,
                                     std::span<base::Packet* const> frames) const;
  void take_run(std::span<const wire::PlainSegment> run, Connection& c,
                std::span<base::Packet* const> frames);

  // --- input_open.cpp: handshakes ---
  // False when there is no room for the connection.
  bool accept(Arrival& arrival, ListenerId listener, std::optional<wire::SeqNumber> above);
  void on_syn_sent(const Arrival& arrival, Connection& c);
  void take_syn(const wire::TcpHeader& syn, Connection& c);
  [[nodiscard]] bool ecn_agreed(const wire::TcpHeader& syn, const Connection& c) const;
  void establish(const Arrival& arrival, Connection& c);

  // --- input_check.cpp: 3.10.7.4, first to fourth ---
  [[nodiscard]] Verdict first_check_sequence(Arrival& arrival, Connection& c);
  [[nodiscard]] Verdict second_check_reset(const Arrival& arrival, Connection& c);
  [[nodiscard]] bool timestamps_permit(const Arrival& arrival, Connection& c);
  void keep_timestamp(const Arrival& arrival, Connection& c);
  void challenge(Connection& c);
  [[nodiscard]] bool answer_permitted(std::uint32_t& last_ms);

  // --- input_ack.cpp: fifth ---
  [[nodiscard]] Verdict fifth_check_ack(const Arrival& arrival, Connection& c);
  void acknowledge(const Arrival& arrival, Connection& c, bool window_changed);
  [[nodiscard]] bool update_window(const Arrival& arrival, Connection& c);
  bool measure(const Arrival& arrival, Connection& c, std::optional<base::Duration> sample);
  [[nodiscard]] Verdict fin_acknowledged(Connection& c);

  // --- input_text.cpp: seventh and eighth ---
  [[nodiscard]] Verdict seventh_process_text(Arrival& arrival, Connection& c);
  void trim_to_window(Arrival& arrival, Connection& c);
  [[nodiscard]] bool memory_permits(const Arrival& arrival, const Connection& c);
  [[nodiscard]] Inbox& inbox_for_text(Connection& c, const wire::TcpTimestamps* timestamps);
  void note_echo(const wire::TcpTimestamps& timestamps, const Connection& c, Inbox& inbox) const;
  void take_in_order(Arrival& arrival, Connection& c);
  void note_segment(Connection& c, std::uint32_t size, bool push) const;
  void on_more_text(Connection& c, Inbox& inbox);
  void take_congestion_marks(const Arrival& arrival, Connection& c);
  void fill_gap(base::PacketPtr text, Connection& c, Inbox& inbox);
  void take_out_of_order(Arrival& arrival, Connection& c);
  void report_duplicate(const Arrival& arrival, Connection& c);
  [[nodiscard]] Verdict eighth_check_fin(const Arrival& arrival, Connection& c);

  Core& core_;
  Emitter& emitter_;
  PathMtuDiscovery& path_mtu_;
  SynCookies cookies_;
  ReplyLimit cookie_answers_{kSynCookieAnswers};
  ReplyLimit resets_{kResets};
  Arrival plain_;  // what take_plain() hands on; the rest of it stays as it is
};

}  // namespace sluice::net::tcp
