// See flight.hpp.
#include "tls/server/flight.hpp"

#include <algorithm>
#include <array>

#include "tls/record/deframer.hpp"
#include "tls/server/context.hpp"

namespace sluice::tls {

using base::Bytes;
using base::Result;
using base::Unexpected;

Flight::Flight(HandshakeLink& link) : link_(link), writer_(link.parts.flight) {}

Result<void, TlsError> Flight::send(Transcript& transcript) {
  if (writer_.overflow()) return Unexpected{TlsError::kInternal};
  Bytes rest = writer_.written();
  transcript.add(rest);
  while (!rest.empty()) {
    const Bytes fragment = rest.first(std::min(rest.size(), kMaxPlaintextFragment));
    rest = rest.subspan(fragment.size());
    if (!link_.write.active()) {
      TRY(write_plain_record(ContentType::handshake, fragment, link_.output));
      continue;
    }
    TRY(link_.write.seal(link_.parts.keys, ContentType::handshake, std::span(&fragment, 1),
                         link_.output));
    link_.parts.counters.add(TlsCounter::kRecordsSealed);
  }
  return {};
}

Result<void, TlsError> send_change_cipher_spec(HandshakeLink& link) {
  static constexpr std::array kContent{std::byte{1}};
  return write_plain_record(ContentType::change_cipher_spec, kContent, link.output);
}

}  // namespace sluice::tls
