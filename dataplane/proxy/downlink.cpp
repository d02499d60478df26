// From the backend to the client: one pass seals the backend's packets into outgoing ones.
#include <algorithm>

#include "dataplane/proxy/proxy.hpp"

namespace sluice::proxy {
namespace {

using base::Instant;
using base::Packet;
using base::PacketQueue;

}  // namespace

void Proxy::pump_downlink(Instant now, Session& session) {
  if (session.stage != Stage::kStreaming || session.downlink_done) return;
  if (!session.backend) {  // it has closed, and the close_notify found no packet
    finish_downlink(now, session);
    return;
  }
  PacketQueue* input = stack_.input(session.backend);
  if (input == nullptr) return;
  // As long as there is room: what is long takes up less of a send buffer than what is short, so
  // that room may be left when as much was sent as there was, and of that room no event would tell.
  bool goes_on = true;
  while (goes_on && !input->empty() && stack_.send_room(session.client) > 0) {
    const auto sealed = seal_up_to(session, stack_.send_room(session.client), *input);
    if (!sealed && sealed.error() != tls::TlsError::kOutputFull) {
      fail(now, session, tls::AlertDescription::internal_error);
      return;
    }
    if (!sealed) starve(session);
    goes_on = sealed.has_value();
    send_records(now, session);
  }
  stack_.consumed(now, session.backend);
  if (input->empty() && stack_.input_finished(session.backend)) finish_downlink(now, session);
}

// So much of the input, or kOutputFull where packets are too few for all of it.
base::Result<void, tls::TlsError> Proxy::seal_up_to(Session& session, std::size_t room,
                                                    PacketQueue& input) {
  begin_records(session);
  while (room > 0 && !input.empty()) {
    const std::size_t size = std::min({room, input.bytes(), tls::ServerConnection::kMaxPlaintext});
    if (!packets_for(session, size)) return base::Unexpected{tls::TlsError::kOutputFull};
    TRY(seal_one(session, size, input));
    room -= size;
  }
  return {};
}

// Bulk data leaves some packets to those who need few: handshakes, alerts, acknowledgments. Fewer
// than TCP leaves when it takes input, or packets that wait to be sealed would keep all sealing
// from going on.
bool Proxy::packets_for(const Session& session, std::size_t plaintext) const {
  const std::size_t record = plaintext + tls::ServerConnection::kRecordOverhead;
  const std::size_t kept = pool_.capacity() / 32;
  return pool_.allocatable() > record / stack_.segment_size(session.client) + 1 + kept;
}

// One record of `size` bytes of plaintext from the front of `input`.
base::Result<void, tls::TlsError> Proxy::seal_one(Session& session, std::size_t size,
                                                  PacketQueue& input) {
  plaintext_spans_.clear();
  std::size_t left = size;
  for (const Packet* p = input.front(); left > 0; p = p->next) {
    const std::size_t take = std::min(left, p->size());
    plaintext_spans_.push_back(p->bytes().first(take));
    left -= take;
  }
  TRY(session.tls.seal(plaintext_spans_, records_));
  counters_.add(ProxyCounter::kBytesToClient, size);
  input.trim_front(size);
  return {};
}

// The backend's FIN becomes a close_notify and a FIN; the other direction goes on.
void Proxy::finish_downlink(Instant now, Session& session) {
  begin_records(session);
  const bool closed = session.tls.close(records_).has_value();
  send_records(now, session);
  if (!closed) {  // a FIN without close_notify would be a truncation
    starve(session);
    return;
  }
  stack_.finish(now, session.client);
  session.downlink_done = true;
  finish_if_done(now, session);
}

void Proxy::begin_records(const Session& session) {
  records_.begin(stack_.segment_size(session.client));
}

void Proxy::send_records(Instant now, Session& session) {
  if (!records_.empty()) stack_.send(now, session.client, records_.take());
}

}  // namespace sluice::proxy
