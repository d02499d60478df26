#include "bench/stack/path.hpp"

#include <algorithm>
#include <utility>

#include "dataplane/wire/ecn.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"

namespace sluice::bench {

using base::Duration;
using base::Instant;
using base::PacketPtr;

namespace {

// Preamble, frame check sequence and the gap between frames (IEEE 802.3).
constexpr std::size_t kFraming = 24;

// Congestion experienced, in an IPv4 header without options.
void mark(base::MutableBytes frame) {
  const auto ethernet = wire::parse_ethernet(frame);
  if (!ethernet || ethernet->type != wire::EtherType::kIpv4) return;
  const base::MutableBytes packet = frame.subspan(ethernet->size());
  auto parsed = wire::parse_ipv4(packet, wire::HeaderChecksum::kVerify);
  if (!parsed || parsed->size != wire::Ipv4Header::kMinSize) return;
  std::uint8_t& traffic_class = parsed->header.traffic_class;
  if (wire::ecn_of(traffic_class) == wire::EcnCodepoint::kNotEct) return;
  traffic_class |= static_cast<std::uint8_t>(wire::EcnCodepoint::kCe);
  wire::serialize_ipv4(parsed->header, parsed->total_size, packet.first(parsed->size));
}

}  // namespace

void Path::send(Instant now, PacketPtr frame) {
  const auto time_for = [this](std::size_t bytes) {
    return Duration::nanoseconds(static_cast<std::int64_t>(bytes) * 8'000'000'000 /
                                 options_.bits_per_second);
  };
  const Instant begin = std::max(free_at_, now);
  if (begin - now > time_for(options_.queue)) return;
  free_at_ = begin + time_for(frame->size() + kFraming);
  if (random_.happens(options_.loss)) return;
  PacketPtr copy(pool_.allocate());
  if (!copy) return;
  base::copy(copy->append(frame->size()), frame->bytes());
  if (options_.marking > 0 && random_.happens(options_.marking)) mark(copy->bytes());
  flights_.push_back({.at = free_at_ + options_.delay, .frame = std::move(copy)});
}

PacketPtr Path::arrived(Instant now) {
  if (next_arrival() > now) return {};
  PacketPtr frame = std::move(flights_.front().frame);
  flights_.pop_front();
  return frame;
}

Instant Path::next_arrival() const {
  return flights_.empty() ? Instant::never() : flights_.front().at;
}

}  // namespace sluice::bench
