#include "dataplane/nic/coalesced_frame.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "dataplane/wire/ethernet.hpp"
#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/ipv6.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::nic {
namespace {

// Offsets within the headers.
constexpr std::size_t kIpv4TotalLength = 2;
constexpr std::size_t kIpv6PayloadLength = 4;
constexpr std::size_t kTcpSequence = 4;
constexpr std::size_t kTcpFlags = 13;

// Ethernet with a tag, and both headers with all the options that they can have.
constexpr std::size_t kMaxHeaders =
    wire::EthernetHeader::kSize + wire::EthernetHeader::kTagSize + 60 + wire::TcpHeader::kMaxSize;

struct Headers {
  std::size_t ip = 0;  // where they begin in the frame
  std::size_t tcp = 0;
  std::size_t size = 0;  // of all of them
  bool is_ipv4 = false;
};

// Where the frame's bytes end, as the IP header says; nothing where no TCP header follows it.
struct Ip {
  std::size_t header_size = 0;
  std::size_t total_size = 0;
};

std::optional<Ip> parse_ip(wire::EtherType type, base::Bytes packet) {
  if (type == wire::EtherType::kIpv4) {
    const auto parsed = wire::parse_quoted_ipv4(packet);
    if (!parsed || parsed->header.is_fragment()) return std::nullopt;
    if (parsed->header.protocol != wire::IpProtocol::kTcp) return std::nullopt;
    return Ip{.header_size = parsed->size, .total_size = parsed->total_size};
  }
  if (type != wire::EtherType::kIpv6) return std::nullopt;
  const auto parsed = wire::parse_quoted_ipv6(packet);
  if (!parsed || parsed->header.next_header != wire::IpProtocol::kTcp) return std::nullopt;
  return Ip{.header_size = wire::Ipv6Header::kSize, .total_size = parsed->total_size};
}

// `size` is the whole frame's, `first` what its first buffer holds of it.
std::optional<Headers> find_headers(base::Bytes first, std::size_t size) {
  const auto ethernet = wire::parse_ethernet(first);
  if (!ethernet) return std::nullopt;
  const std::size_t ip_offset = ethernet->size();
  const auto ip = parse_ip(ethernet->type, first.subspan(ip_offset));
  if (!ip || ip_offset + ip->total_size != size) return std::nullopt;
  Headers headers{.ip = ip_offset,
                  .tcp = ip_offset + ip->header_size,
                  .is_ipv4 = ethernet->type == wire::EtherType::kIpv4};
  const auto tcp = wire::parse_tcp(first.subspan(headers.tcp));
  if (!tcp) return std::nullopt;
  const wire::TcpFlags flags = tcp->header.flags;
  if (flags.syn || flags.rst || flags.urg) return std::nullopt;
  headers.size = headers.tcp + tcp->size;
  return headers;
}

// What tells one part from another.
struct Part {
  std::uint32_t text_offset = 0;  // in the whole frame's text
  bool last = false;
};

void write_headers(const Headers& headers, base::Bytes whole, const Part& part,
                   base::Packet& frame) {
  const base::MutableBytes bytes = frame.bytes();
  base::copy(bytes.first(whole.size()), whole);
  std::byte* ip = bytes.data() + headers.ip;
  std::byte* tcp = bytes.data() + headers.tcp;
  if (headers.is_ipv4) {
    base::store_be(ip + kIpv4TotalLength, static_cast<std::uint16_t>(bytes.size() - headers.ip));
  } else {
    base::store_be(ip + kIpv6PayloadLength,
                   static_cast<std::uint16_t>(bytes.size() - headers.ip - wire::Ipv6Header::kSize));
  }
  base::store_be(tcp + kTcpSequence,
                 base::load_be<std::uint32_t>(tcp + kTcpSequence) + part.text_offset);
  wire::TcpFlags flags = wire::TcpFlags::from_octet(std::to_integer<std::uint8_t>(tcp[kTcpFlags]));
  // RFC 3168 6.1.2: CWR stands on the first segment only.
  flags.cwr = flags.cwr && part.text_offset == 0;
  flags.fin = flags.fin && part.last;
  flags.psh = flags.psh && part.last;
  tcp[kTcpFlags] = std::byte{flags.octet()};
  frame.checksum = {.ip_verified = true, .l4_verified = true};
}

}  // namespace

bool take_apart(std::span<base::Packet* const> buffers) {
  std::size_t size = 0;
  for (const base::Packet* buffer : buffers) size += buffer->size();
  base::Packet& first = *buffers.front();
  const auto headers = find_headers(first.bytes(), size);
  if (!headers || first.size() <= headers->size) return false;
  const auto others = buffers.subspan(1);
  if (std::ranges::any_of(others, [&](const base::Packet* buffer) {
        return buffer->empty() || buffer->headroom() < headers->size;
      })) {
    return false;
  }
  // A copy: the first part's headers change like all the others.
  std::array<std::byte, kMaxHeaders> copy;
  const base::MutableBytes whole = base::MutableBytes(copy).first(headers->size);
  base::copy(whole, first.bytes().first(headers->size));
  Part part;
  for (base::Packet* buffer : buffers) {
    const std::size_t text = buffer->size() - (buffer == &first ? headers->size : 0);
    if (buffer != &first) (void)buffer->prepend(headers->size);
    part.last = buffer == buffers.back();
    write_headers(*headers, whole, part, *buffer);
    part.text_offset += static_cast<std::uint32_t>(text);
  }
  return true;
}

}  // namespace sluice::nic
