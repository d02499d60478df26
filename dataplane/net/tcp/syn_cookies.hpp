// SYN cookies (RFC 4987 3.6): under a SYN flood a SYN is answered without keeping anything of it.
// What the handshake has to remember travels in the SYN-ACK and comes back with the peer's
// acknowledgment: the MSS in the sequence number, under a keyed hash that proves that the number is
// ours; window scale, SACK and ECN in the low bits of our timestamp, which that hash covers too. A
// peer without timestamps therefore gets none of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/address.hpp"
#include "base/time.hpp"
#include "dataplane/net/reply_limit.hpp"
#include "dataplane/net/tcp/siphash.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::net::tcp {

// How many SYNs are answered with a cookie: far more than a worker can serve, and few enough that
// its connections hardly notice. What a flood has beyond them costs next to nothing.
inline constexpr ReplyLimit::Options kSynCookieAnswers{.per_second = 100'000, .burst = 5'000};

class SynCookies {
 public:
  // The secret changes with every slot; a cookie is good in its own and the next one, so for one
  // to two of them. Linux has 60 seconds.
  static constexpr base::Duration kSlot = base::Duration::seconds(60);

  // The secrets of all slots follow from `key`.
  explicit SynCookies(std::span<const std::byte, 16> key) : master_(key) {}

  struct Answer {
    wire::SeqNumber sequence;     // of the SYN-ACK
    std::uint32_t timestamp = 0;  // its TSval, if the SYN has one
    bool ecn = false;             // it may agree to ECN (RFC 3168)
  };
  // For a SYN whose options are those of `syn`. `clock` is our timestamp clock for this flow; the
  // answer's is the latest value with the right low bits that is not ahead of it, so that what the
  // connection sends later is never older.
  [[nodiscard]] Answer issue(base::Instant now, const base::FourTuple& flow,
                             const wire::TcpHeader& syn, std::uint32_t clock);

  // What the SYN of this flow offered, if the segment acknowledges a cookie: its MSS rounded down
  // to a class, and the segment's own timestamps. Costs nothing while no cookie can be around, and
  // one hash while one can.
  struct Offer {
    wire::TcpOptions options;
    bool ecn = false;  // asked for
  };
  [[nodiscard]] std::optional<Offer> redeem(base::Instant now, const base::FourTuple& flow,
                                            const wire::TcpHeader& ack);
  // Whether a cookie that has been issued may still be good.
  [[nodiscard]] bool outstanding(base::Instant now) const {
    return issued_ && slot_at(now) - last_slot_ <= 1;
  }

 private:
  struct Content;

  struct SlotKey {
    std::uint64_t slot = 0;
    std::optional<SipKey> key;
  };

  [[nodiscard]] static std::uint64_t slot_at(base::Instant now) {
    return static_cast<std::uint64_t>(now.nanoseconds() / kSlot.nanoseconds());
  }
  [[nodiscard]] const SipKey& key_of(std::uint64_t slot);
  [[nodiscard]] wire::SeqNumber cookie(const Content& content, const base::FourTuple& flow,
                                       wire::SeqNumber peer_iss);

  SipKey master_;
  std::array<SlotKey, 2> keys_;  // by the slot's parity
  std::uint64_t last_slot_ = 0;  // in which a cookie was issued
  bool issued_ = false;
};

}  // namespace sluice::net::tcp
