// SYN cookies: what is issued for a SYN is redeemed by the acknowledgment that answers it, with the
// options that the SYN offered, for as long as it is good; and no other segment redeems anything
// that was not offered.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/cursor.hpp"
#include "dataplane/net/tcp/syn_cookies.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using namespace sluice;
using fuzz::require;
using net::tcp::SynCookies;
using wire::SeqNumber;

constexpr std::array<std::byte, 16> kKey{std::byte{3}};

// A header as the peer sent it, or nothing.
wire::TcpHeader take_header(base::Reader& reader) {
  const auto parsed = wire::parse_tcp(reader.bytes(20 + reader.u8() % 41));
  return parsed ? parsed->header : wire::TcpHeader{};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::Reader reader(std::as_bytes(std::span(data, size)));
  const base::FourTuple flow{.local = *base::SocketAddress::parse("198.18.0.2:443"),
                             .remote = *base::SocketAddress::parse("198.18.0.1:50000")};
  SynCookies cookies{kKey};
  const auto issued_at = base::Instant::from_nanoseconds(std::int64_t{reader.u32()} * 1'000'000);
  const std::uint32_t clock = reader.u32();
  const wire::TcpHeader syn = take_header(reader);
  const wire::TcpHeader other = take_header(reader);
  require(!cookies.redeem(issued_at, flow, other), "where no cookie was issued none is redeemed");

  const SynCookies::Answer answer = cookies.issue(issued_at, flow, syn, clock);
  if (syn.options.timestamps) {
    require(SeqNumber(answer.timestamp) <= SeqNumber(clock), "the clock is not put forward");
    require(clock - answer.timestamp < 1'000, "nor back by more than a second");
  }
  wire::TcpHeader ack;
  ack.flags.ack = true;
  ack.sequence = syn.sequence + 1;
  ack.acknowledgement = answer.sequence + 1;
  if (syn.options.timestamps) {
    ack.options.timestamps =
        wire::TcpTimestamps{.value = syn.options.timestamps->value + 1, .echo = answer.timestamp};
  }
  const auto later = issued_at + base::Duration::milliseconds(reader.u16());
  if (later - issued_at >= SynCookies::kSlot) return 0;  // it may have expired
  const auto offer = cookies.redeem(later, flow, ack);
  require(offer.has_value(), "a cookie is redeemed");
  require(offer->ecn == answer.ecn, "ECN comes back where it may have been agreed to");
  const wire::TcpOptions* const options = &offer->options;
  constexpr std::uint16_t kLeastClass = 88;
  const std::uint16_t offered = std::max(syn.options.mss.value_or(536), kLeastClass);
  require(options->mss && *options->mss <= offered, "the MSS is not rounded up");
  require(options->sack_permitted == (syn.options.sack_permitted && syn.options.timestamps),
          "SACK comes back where there were timestamps");
  require(!options->window_scale || options->window_scale == syn.options.window_scale,
          "the window scale comes back or does not");
  require(!syn.options.timestamps || options->window_scale == syn.options.window_scale,
          "with timestamps it does");

  // Any other segment redeems nothing, or by a chance of 1 in 2^28 what it says itself.
  ack.acknowledgement = ack.acknowledgement + 1;
  (void)cookies.redeem(later, flow, ack);
  (void)cookies.redeem(later, flow, other);
  return 0;
}
