#include "dataplane/net/train_cutter.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::net {
namespace {

// Offsets within the headers: RFC 791 3.1, RFC 8200 3, RFC 9293 3.1.
constexpr std::size_t kIpv4Length = 2;
constexpr std::size_t kIpv6Length = 4;
constexpr std::size_t kTcpSequence = 4;
constexpr std::size_t kTcpSizeAndFlags = 12;

// RFC 9293 3.1: FIN and PSH, which of a train only the last segment has.
constexpr std::uint16_t kAllButFinAndPsh = 0xfff6;

std::uint16_t word(const std::byte* at) {
  return base::load_be<std::uint16_t>(at);
}
void store_word(std::byte* at, std::size_t value) {
  base::store_be(at, static_cast<std::uint16_t>(value));
}
void add_long(wire::InternetSum& sum, std::uint32_t value) {
  sum.add_word(static_cast<std::uint16_t>(value >> 16));
  sum.add_word(static_cast<std::uint16_t>(value));
}

// Of an IPv4 header, without its length and checksum: all that the checksum says, less the length
// (RFC 1624: to subtract is to add the complement).
wire::InternetSum sum_of_the_rest(const std::byte* ip) {
  wire::InternetSum sum;
  sum.add_word(static_cast<std::uint16_t>(~word(ip + wire::kIpv4ChecksumOffset)));
  sum.add_word(static_cast<std::uint16_t>(~word(ip + kIpv4Length)));
  return sum;
}

// Of a size that is known when this is compiled, for the headers that nearly every train has.
void copy_headers(std::byte* to, base::Bytes headers) {
  constexpr std::size_t kUsual = 14 + 20 + 32;
  if (headers.size() == kUsual) {
    std::memcpy(to, headers.data(), kUsual);
  } else {
    std::memcpy(to, headers.data(), headers.size());
  }
}

}  // namespace

TrainCutter::TrainCutter(const base::Packet& train, bool device_computes_checksums)
    : headers_(train.bytes()),
      offsets_(train.checksum),
      by_device_(device_computes_checksums),
      ipv4_(train.checksum.l3_size == wire::Ipv4Header::kMinSize),
      text_left_(train.train().text_size) {
  const base::Bytes tcp = headers_.subspan(std::size_t{offsets_.l2_size} + offsets_.l3_size);
  assert(tcp.size() <= wire::TcpHeader::kMaxSize);
  sequence_ = base::load_be<std::uint32_t>(&tcp[kTcpSequence]);
  size_and_flags_ = word(&tcp[kTcpSizeAndFlags]);
  if (ipv4_) ip_sum_ = sum_of_the_rest(&headers_[offsets_.l2_size]);
  pseudo_header_.add_word(word(&tcp[wire::kTcpChecksumOffset]));
  if (by_device_) return;
  // The checksum field holds the pseudo-header's sum, which belongs to it.
  std::array<std::byte, wire::TcpHeader::kMaxSize> bare{};
  base::copy(base::MutableBytes(bare), tcp);
  base::store_be(&bare[kTcpSequence], std::uint32_t{0});
  store_word(&bare[kTcpSizeAndFlags], 0);
  tcp_sum_.add(base::Bytes(bare).first(tcp.size()));
}

void TrainCutter::make_frame(base::Packet& text) {
  const std::size_t size = text.size();
  text_left_ -= static_cast<std::uint32_t>(size);
  std::byte* const headers = text.prepend(headers_.size()).data();
  copy_headers(headers, headers_);
  std::byte* const ip = headers + offsets_.l2_size;
  std::byte* const tcp = ip + offsets_.l3_size;
  const std::size_t segment_size = headers_.size() - offsets_.l2_size - offsets_.l3_size + size;
  write_ip_lengths(ip, segment_size);
  base::store_be(tcp + kTcpSequence, sequence_);
  const bool last = text_left_ == 0;
  store_word(tcp + kTcpSizeAndFlags, last ? size_and_flags_ : size_and_flags_ & kAllButFinAndPsh);
  fill_in_checksum(text, tcp, segment_size);
  sequence_ += static_cast<std::uint32_t>(size);
  text.traffic_class = 0;
  text.flow_hash = 0;
}

void TrainCutter::write_ip_lengths(std::byte* ip, std::size_t segment_size) const {
  if (!ipv4_) return store_word(ip + kIpv6Length, segment_size);
  const std::size_t total = offsets_.l3_size + segment_size;
  wire::InternetSum sum = ip_sum_;
  sum.add_word(static_cast<std::uint16_t>(total));
  store_word(ip + kIpv4Length, total);
  store_word(ip + wire::kIpv4ChecksumOffset, sum.checksum());
}

void TrainCutter::fill_in_checksum(base::Packet& frame, std::byte* tcp,
                                   std::size_t segment_size) const {
  std::byte* const field = tcp + wire::kTcpChecksumOffset;
  if (by_device_) {
    wire::InternetSum sum = pseudo_header_;
    sum.add_word(static_cast<std::uint16_t>(segment_size));
    store_word(field, sum.folded());
    frame.checksum = offsets_;
    return;
  }
  wire::InternetSum sum = tcp_sum_;
  sum.add_word(static_cast<std::uint16_t>(segment_size));
  sum.add_word(word(tcp + kTcpSizeAndFlags));
  add_long(sum, sequence_);
  sum.add(frame.bytes().subspan(headers_.size()));
  store_word(field, sum.checksum());
  frame.checksum = {};
}

}  // namespace sluice::net
