// KeyUpdate in both directions (RFC 8446 sections 4.6.3, 5.5 and 7.2).
#include <array>

#include "tls/codec/key_update.hpp"
#include "tls/server/connection.hpp"
#include "tls/server/context.hpp"

namespace sluice::tls {

using base::Bytes;
using base::Result;
using base::Unexpected;

Result<void, TlsError> ServerConnection::on_key_update(Connected& connected, Bytes body) {
  TRY_ASSIGN(const KeyUpdateRequest request, parse_key_update(body));
  context_.counters().add(TlsCounter::kKeyUpdatesReceived);
  if (++connected.key_updates > kMaxKeyUpdates) return Unexpected{TlsError::kTooManyKeyUpdates};
  connected.traffic.client =
      next_traffic_secret(hash_of(connected.suite), connected.traffic.client.bytes());
  read_.install(context_.parts().keys, connected.suite, connected.traffic.client.bytes());

  // RFC 8446 4.6.3: ours MUST go before our next application data; one answers several requests.
  // It is sent no sooner than that: requests, of which the peer may send any number, queue nothing.
  if (request == KeyUpdateRequest::update_requested) connected.answer_due = true;
  return {};
}

Result<void, TlsError> ServerConnection::send_key_update(Connected& connected,
                                                         RecordOutput& output) {
  std::array<std::byte, kKeyUpdateSize> message;
  base::Writer writer(message);
  write_key_update(writer, KeyUpdateRequest::update_not_requested);
  const Bytes bytes = message;
  TRY(write_.seal(context_.parts().keys, ContentType::handshake, std::span(&bytes, 1), output));
  context_.counters().add(TlsCounter::kRecordsSealed);
  context_.counters().add(TlsCounter::kKeyUpdatesSent);

  connected.traffic.server =
      next_traffic_secret(hash_of(connected.suite), connected.traffic.server.bytes());
  write_.install(context_.parts().keys, connected.suite, connected.traffic.server.bytes());
  connected.answer_due = false;
  return {};
}

}  // namespace sluice::tls
