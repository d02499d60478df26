#include "dataplane/wire/checksum.hpp"

#include <bit>
#include <cstring>

namespace sluice::wire {
namespace {

std::uint64_t load_native(const std::byte* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

std::uint64_t add_with_carry(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? sum + 1 : sum;
}

std::uint16_t fold(std::uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

constexpr std::uint16_t swapped(std::uint16_t v) {
  return static_cast<std::uint16_t>((v << 8) | (v >> 8));
}

// One chain, which ends in a fold of its own: for headers that is less than four.
std::uint16_t native_sum_of_few(base::Bytes bytes) {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t sum = 0;
  for (; left >= 8; at += 8, left -= 8) sum = add_with_carry(sum, load_native(at));
  if (left >= 4) {
    std::uint32_t half;
    std::memcpy(&half, at, sizeof half);
    sum = add_with_carry(sum, half);
    at += 4;
    left -= 4;
  }
  if (left > 0) {
    std::byte last[8] = {};  // an odd byte at the end is padded with zero (RFC 1071 1)
    std::memcpy(last, at, left);
    sum = add_with_carry(sum, load_native(last));
  }
  return fold(sum);
}

// Sums in the machine's own byte order, which one's complement addition allows (RFC 1071 2(B)), 64
// bits at a time in four independent chains.
std::uint16_t native_sum(base::Bytes bytes) {
  constexpr std::size_t kFew = 64;
  if (bytes.size() <= kFew) return native_sum_of_few(bytes);
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint64_t c = 0;
  std::uint64_t d = 0;
  for (; left >= 32; at += 32, left -= 32) {
    a = add_with_carry(a, load_native(at));
    b = add_with_carry(b, load_native(at + 8));
    c = add_with_carry(c, load_native(at + 16));
    d = add_with_carry(d, load_native(at + 24));
  }
  for (; left >= 8; at += 8, left -= 8) a = add_with_carry(a, load_native(at));
  if (left > 0) {
    std::byte last[8] = {};  // an odd byte at the end is padded with zero (RFC 1071 1)
    std::memcpy(last, at, left);
    b = add_with_carry(b, load_native(last));
  }
  return fold(add_with_carry(add_with_carry(a, b), add_with_carry(c, d)));
}

}  // namespace

void InternetSum::add(base::Bytes bytes) {
  if (bytes.empty()) return;
  std::uint16_t sum = native_sum(bytes);
  if constexpr (std::endian::native == std::endian::little) sum = swapped(sum);
  total_ += odd_ ? swapped(sum) : sum;
  odd_ ^= (bytes.size() % 2) != 0;
}

std::uint16_t internet_checksum(base::Bytes bytes) {
  InternetSum sum;
  sum.add(bytes);
  return sum.checksum();
}

InternetSum pseudo_header_sum(base::Ipv4Address source, base::Ipv4Address destination,
                              IpProtocol protocol, std::size_t length) {
  InternetSum sum = address_sum(source, destination);
  sum.add_word(static_cast<std::uint16_t>(protocol));
  sum.add_word(static_cast<std::uint16_t>(length));
  return sum;
}

InternetSum pseudo_header_sum(const base::IpAddress& source, const base::IpAddress& destination,
                              IpProtocol protocol, std::size_t length) {
  if (source.is_ipv4()) {
    return pseudo_header_sum(source.ipv4(), destination.ipv4(), protocol, length);
  }
  InternetSum sum = address_sum(source.ipv6(), destination.ipv6());
  sum.add_word(static_cast<std::uint16_t>(length >> 16));
  sum.add_word(static_cast<std::uint16_t>(length));
  sum.add_word(static_cast<std::uint16_t>(protocol));
  return sum;
}

std::uint16_t updated_checksum(std::uint16_t checksum, std::uint16_t old_word,
                               std::uint16_t new_word) {
  std::uint32_t sum = static_cast<std::uint16_t>(~checksum);
  sum += static_cast<std::uint16_t>(~old_word);
  sum += new_word;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace sluice::wire
