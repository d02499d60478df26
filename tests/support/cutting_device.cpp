#include "tests/support/cutting_device.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "dataplane/wire/checksum.hpp"

namespace sluice::test {
namespace {

// Offsets within the headers.
constexpr std::size_t kIpv4Length = 2;
constexpr std::size_t kIpv4Identification = 4;
constexpr std::size_t kIpv6Length = 4;
constexpr std::size_t kTcpSequence = 4;
constexpr std::size_t kTcpFlags = 13;

void store(std::byte* at, std::size_t value) {
  base::store_be(at, static_cast<std::uint16_t>(value));
}

// The TCP checksum of `segment`, whose field holds the pseudo-header's sum without the length.
void finish_checksum(base::MutableBytes segment) {
  wire::InternetSum sum;
  sum.add(segment);
  sum.add_word(static_cast<std::uint16_t>(segment.size()));
  store(segment.data() + wire::kTcpChecksumOffset, sum.checksum());
}

void finish_ip(base::MutableBytes packet, std::size_t index) {
  if (packet[0] >> 4 == std::byte{6}) return store(&packet[kIpv6Length], packet.size() - 40);
  const auto first = base::load_be<std::uint16_t>(&packet[kIpv4Identification]);
  store(&packet[kIpv4Length], packet.size());
  store(&packet[kIpv4Identification], first + index);
  store(&packet[wire::kIpv4ChecksumOffset], 0);
  store(&packet[wire::kIpv4ChecksumOffset], wire::internet_checksum(packet.first(20)));
}

ByteVector text_of(const base::Packet& train) {
  ByteVector text;
  for (const base::Packet* packet : train.train_text()) {
    text.insert(text.end(), packet->bytes().begin(), packet->bytes().end());
  }
  return text;
}

void expect_bare_pseudo_header(const base::Packet& train) {
  EXPECT_TRUE(train.checksum.l4_wanted);
  const base::Bytes packet = train.bytes().subspan(train.checksum.l2_size);
  wire::InternetSum sum;
  sum.add(train.checksum.l3_size == 40 ? packet.subspan(8, 32) : packet.subspan(12, 8));
  sum.add_word(static_cast<std::uint16_t>(wire::IpProtocol::kTcp));
  const base::Bytes segment = packet.subspan(train.checksum.l3_size);
  EXPECT_EQ(base::load_be<std::uint16_t>(segment.data() + wire::kTcpChecksumOffset), sum.folded());
}

}  // namespace

std::vector<ByteVector> cut(const base::Packet& train) {
  expect_bare_pseudo_header(train);
  const ByteVector text = text_of(train);
  EXPECT_EQ(text.size(), train.train().text_size);
  const std::size_t tcp_offset = std::size_t{train.checksum.l2_size} + train.checksum.l3_size;
  std::vector<ByteVector> frames;
  for (std::size_t at = 0; at < text.size(); at += train.train().segment_size) {
    const std::size_t size = std::min<std::size_t>(train.train().segment_size, text.size() - at);
    ByteVector frame = concatenated(train.bytes(), base::Bytes(text).subspan(at, size));
    std::byte* tcp = frame.data() + tcp_offset;
    base::store_be(tcp + kTcpSequence, base::load_be<std::uint32_t>(tcp + kTcpSequence) +
                                           static_cast<std::uint32_t>(at));
    auto flags = wire::TcpFlags::from_octet(std::to_integer<std::uint8_t>(tcp[kTcpFlags]));
    const bool last = at + size == text.size();
    flags.fin = flags.fin && last;
    flags.psh = flags.psh && last;
    flags.cwr = flags.cwr && at == 0;
    tcp[kTcpFlags] = std::byte{flags.octet()};
    const base::MutableBytes packet = base::MutableBytes(frame).subspan(train.checksum.l2_size);
    finish_ip(packet, frames.size());
    finish_checksum(packet.subspan(train.checksum.l3_size));
    frames.push_back(std::move(frame));
  }
  return frames;
}

ByteVector finished(const base::Packet& frame) {
  ByteVector bytes(frame.bytes().begin(), frame.bytes().end());
  if (!frame.checksum.l4_wanted) return bytes;
  wire::InternetSum sum;
  const std::size_t tcp = std::size_t{frame.checksum.l2_size} + frame.checksum.l3_size;
  sum.add(base::Bytes(bytes).subspan(tcp));
  store(&bytes[tcp + wire::kTcpChecksumOffset], sum.checksum());
  return bytes;
}

CuttingDevice::CuttingDevice(std::unique_ptr<nic::Device> inner, std::uint16_t train_packets,
                             base::PacketPool& pool)
    : inner_(std::move(inner)), info_(inner_->info()), pool_(pool) {
  info_.train_packets = train_packets;
}

std::size_t CuttingDevice::receive(base::Instant now, std::span<base::Packet*> out) {
  pass_on(now);
  return inner_->receive(now, out);
}

// Takes nothing while something is left over from before.
std::size_t CuttingDevice::transmit(base::Instant now, std::span<base::Packet* const> frames) {
  pass_on(now);
  std::size_t taken = 0;
  for (; taken < frames.size() && ready_.empty(); ++taken) {
    base::PacketPtr frame(frames[taken]);
    if (!frame->leads_train()) {
      ready_.push_back(std::move(frame));
    } else {
      ++trains_;
      EXPECT_LE(frame->train().packets, info_.train_packets);
      for (const ByteVector& bytes : cut(*frame)) {
        base::PacketPtr piece(pool_.allocate());
        if (!piece) break;  // lost
        base::copy(piece->append(bytes.size()), bytes);
        ready_.push_back(std::move(piece));
      }
    }
    pass_on(now);
  }
  return taken;
}

base::Instant CuttingDevice::next_deadline() const {
  return ready_.empty() ? inner_->next_deadline() : base::Instant();
}

void CuttingDevice::pass_on(base::Instant now) {
  while (!ready_.empty()) {
    base::Packet* const frame = ready_.pop_front().release();
    if (inner_->transmit(now, {&frame, 1}) == 1) continue;
    ready_.push_front(base::PacketPtr(frame));
    return;
  }
}

}  // namespace sluice::test
