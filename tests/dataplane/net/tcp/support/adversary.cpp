#include "tests/dataplane/net/tcp/support/adversary.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace sluice::net::tcp::test {

using wire::SeqNumber;
using wire::TcpHeader;

namespace {

std::vector<std::byte> segment_of(const TcpHeader& header, base::Bytes text) {
  std::vector<std::byte> bytes(wire::tcp_header_size(header));
  wire::serialize_tcp(header, bytes);
  bytes.insert(bytes.end(), text.begin(), text.end());
  return bytes;
}

}  // namespace

std::string Lies::describe() const {
  std::ostringstream out;
  out << "lies: sack " << sack << ", duplicate " << duplicate << ", division " << division
      << ", shrinking " << shrinking << ", timestamps " << timestamps << ", optimism " << optimism;
  return out.str();
}

Simulation::Segments Adversary::bend(const Host& from, base::Bytes segment) {
  const auto parsed = wire::parse_tcp(segment);
  TcpHeader header = parsed->header;
  const base::Bytes text = segment.subspan(parsed->size);
  if (&from != &liar_) {
    watch(header, text.size());
    return {{segment.begin(), segment.end()}};
  }
  if (header.flags.syn || header.flags.rst || !begun_) {
    said_ = header.acknowledgement;
    return {{segment.begin(), segment.end()}};
  }
  if (world_.chance() < lies_.sack) invent_blocks(header);
  if (world_.chance() < lies_.shrinking) {
    header.window = static_cast<std::uint16_t>(world_.up_to(1) * world_.up_to(header.window));
  }
  if (header.options.timestamps && world_.chance() < lies_.timestamps) {
    header.options.timestamps->echo -= static_cast<std::uint32_t>(world_.up_to(100'000));
  }
  if (world_.chance() < lies_.optimism) {
    const auto ahead = static_cast<std::uint32_t>(victim_end_ - header.acknowledgement);
    header.acknowledgement += static_cast<std::uint32_t>(world_.up_to(ahead));
  }
  Simulation::Segments all = divided(header, text);
  if (world_.chance() < lies_.duplicate) {
    TcpHeader again = wire::parse_tcp(all.back())->header;
    again.flags = {.ack = true};
    for (std::uint64_t i = world_.up_to(9); i > 0; --i) all.push_back(segment_of(again, {}));
  }
  return all;
}

void Adversary::watch(const TcpHeader& header, std::size_t text) {
  const SeqNumber end = header.sequence + static_cast<std::uint32_t>(text) +
                        (header.flags.syn ? 1U : 0U) + (header.flags.fin ? 1U : 0U);
  if (!begun_ || end > victim_end_) victim_end_ = end;
  begun_ = true;
}

// Up to three blocks between the acknowledgment and the end of what was sent, or a little below or
// beyond, which reports duplicates or nonsense.
void Adversary::invent_blocks(TcpHeader& header) {
  header.options.sack = {};
  const SeqNumber from = header.acknowledgement - static_cast<std::uint32_t>(world_.up_to(3'000));
  const auto range = static_cast<std::uint32_t>(std::max(victim_end_ - from, 0)) + 2'000;
  for (std::uint64_t i = 1 + world_.up_to(2); i > 0; --i) {
    const SeqNumber left = from + static_cast<std::uint32_t>(world_.up_to(range));
    const auto size = static_cast<std::uint32_t>(world_.up_to(20'000));
    (void)header.options.sack.push_back({.left = left, .right = left + size});
  }
}

// One acknowledgment in up to sixteen, the last of which carries the text.
Simulation::Segments Adversary::divided(const TcpHeader& header, base::Bytes text) {
  Simulation::Segments all;
  const std::int32_t news = header.acknowledgement - said_;
  if (news > 16 && world_.chance() < lies_.division) {
    TcpHeader part = header;
    part.flags = {.ack = true};
    const auto step = static_cast<std::uint32_t>(news) / 16;
    for (std::uint32_t i = 1; i < 16; ++i) {
      part.acknowledgement = said_ + i * step;
      all.push_back(segment_of(part, {}));
    }
  }
  if (news > 0) said_ = header.acknowledgement;
  all.push_back(segment_of(header, text));
  return all;
}

}  // namespace sluice::net::tcp::test
