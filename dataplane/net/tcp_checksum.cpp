#include "dataplane/net/tcp_checksum.hpp"

#include <cassert>
#include <cstdint>

#include "base/bytes.hpp"
#include "dataplane/wire/checksum.hpp"
#include "dataplane/wire/tcp.hpp"

namespace sluice::net {

void fill_in_tcp_checksum(const TcpChecksum& what, base::Packet& segment) {
  assert(segment.size() >= wire::TcpHeader::kMinSize);
  std::byte* field = segment.data() + wire::kTcpChecksumOffset;
  // Each segment of a train has a length of its own, which the device adds.
  const std::size_t length = segment.leads_train() ? 0 : segment.size();
  wire::InternetSum sum = what.addresses;
  sum.add_word(static_cast<std::uint16_t>(wire::IpProtocol::kTcp));
  sum.add_word(static_cast<std::uint16_t>(length));
  segment.checksum = {};
  if (what.by_device || segment.leads_train()) {
    base::store_be(field, sum.folded());
    segment.checksum.l4_wanted = true;
    segment.checksum.l2_size =
        static_cast<decltype(segment.checksum.l2_size)>(what.link_header_size);
    segment.checksum.l3_size = static_cast<decltype(segment.checksum.l3_size)>(what.ip_header_size);
    return;
  }
  base::store_be(field, std::uint16_t{0});
  sum.add(segment.bytes());
  base::store_be(field, sum.checksum());
}

}  // namespace sluice::net
