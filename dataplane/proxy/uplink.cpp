// From the client to the backend: whole records are opened in place and their packets move on.
#include <algorithm>
#include <array>

#include "dataplane/proxy/plaintext.hpp"
#include "dataplane/proxy/proxy.hpp"
#include "tls/record/deframer.hpp"

namespace sluice::proxy {
namespace {

using base::Instant;
using base::MutableBytes;
using base::Packet;
using base::PacketQueue;

// What the records of one handshake flight take, a long certificate chain included.
constexpr std::size_t kFlightPackets = 48;

// The first bytes of the queue, as many as a record header has, gathered over packet boundaries.
struct Prefix {
  explicit Prefix(const PacketQueue& queue) {
    for (const Packet* p = queue.front(); p != nullptr && size < bytes.size(); p = p->next) {
      const std::size_t take = std::min(bytes.size() - size, p->size());
      base::copy(MutableBytes(bytes).subspan(size), p->bytes().first(take));
      size += take;
    }
  }
  [[nodiscard]] base::Bytes view() const { return base::Bytes(bytes).first(size); }

  std::array<std::byte, tls::kRecordHeaderSize> bytes;
  std::size_t size = 0;
};

}  // namespace

void Proxy::pump_uplink(Instant now, Session& session) {
  if (session.stage == Stage::kLingering) {
    discard_input(now, session);
    return;
  }
  while (may_open_record(session)) {
    const PacketQueue* input = stack_.input(session.client);
    if (input == nullptr) return;
    const auto frame = tls::frame_record(Prefix(*input).view());
    if (!frame) {
      begin_records(session);
      session.tls.reject(frame.error(), records_);
      send_records(now, session);
      linger(now, session);
      return;
    }
    if (input->bytes() < frame->size) {
      if (stack_.input_finished(session.client)) on_client_stream_end(now, session);
      return;
    }
    if (!receive_record(now, session, frame->size)) return;
  }
}

// Backpressure: records stay sealed, and the client's window shut, while the handshake waits for a
// job or the backend takes no more.
bool Proxy::may_open_record(Session& session) {
  if (session.tls.waiting_for_job() || session.uplink_done) return false;
  switch (session.stage) {
    case Stage::kHandshake:
      return true;
    case Stage::kConnecting:
    case Stage::kLingering:
      return false;
    case Stage::kStreaming:
      break;
  }
  if (stack_.send_room(session.backend) == 0) return false;
  if (!spare_) spare_.reset(pool_.allocate());
  if (!spare_) starve(session);
  return static_cast<bool>(spare_);
}

// False when the session cannot go on reading.
bool Proxy::receive_record(Instant now, Session& session, std::size_t size) {
  PacketQueue& input = *stack_.input(session.client);
  record_spans_.clear();
  std::size_t left = size;
  for (Packet* p = input.front(); left > 0; p = p->next) {
    const std::size_t take = std::min(left, p->size());
    record_spans_.push_back(p->bytes().first(take));
    left -= take;
  }
  begin_records(session);
  const auto received = session.tls.receive(record_spans_, records_);
  send_records(now, session);
  if (!received) {
    linger(now, session);
    return false;
  }
  if (received->kind == Received::Kind::kApplicationData) {
    forward(now, session, size, *received);
  } else {
    input.trim_front(size);
  }
  stack_.consumed(now, session.client);
  return act_on(now, session, received->kind);
}

bool Proxy::act_on(Instant now, Session& session, Received::Kind kind) {
  switch (kind) {
    case Received::Kind::kNothing:
    case Received::Kind::kApplicationData:
      return queue_job_if_any(now, session);
    case Received::Kind::kHandshakeDone:
      connect_backend(now, session);
      return false;
    case Received::Kind::kCloseNotify:
      on_close_notify(now, session);
      return false;
  }
  return false;
}

void Proxy::forward(Instant now, Session& session, std::size_t record_size,
                    const Received& received) {
  PacketQueue plaintext;
  const bool copied = take_plaintext(
      *stack_.input(session.client),
      {.size = record_size,
       .plaintext_offset = received.plaintext_offset,
       .plaintext_size = received.plaintext_size},
      {.spare = spare_,
       .segment_size = std::min(stack_.segment_size(session.backend), spare_->tailroom())},
      plaintext);
  if (copied) counters_.add(ProxyCounter::kRecordsShared);
  counters_.add(ProxyCounter::kBytesToBackend, plaintext.bytes());
  stack_.send(now, session.backend, std::move(plaintext));
}

// RFC 8446 6.1: the client sends no more; what it is still to receive goes on.
void Proxy::on_close_notify(Instant now, Session& session) {
  if (session.stage == Stage::kHandshake) {
    counters_.add(ProxyCounter::kClientGoneInHandshake);
    linger(now, session);
    return;
  }
  session.uplink_done = true;
  stack_.finish(now, session.backend);
  finish_if_done(now, session);
}

// The client's FIN came without close_notify, so that nobody can tell whether this is all that it
// had to send. The backend learns of it by a reset, which TCP has for exactly this.
void Proxy::on_client_stream_end(Instant now, Session& session) {
  if (session.stage == Stage::kHandshake) {
    counters_.add(ProxyCounter::kClientGoneInHandshake);
  } else {
    const bool served = session.downlink_done && !waits(session.client);
    counters_.add(served ? ProxyCounter::kClientFinWithoutCloseNotify
                         : ProxyCounter::kClientTruncated);
  }
  linger(now, session);
}

bool Proxy::queue_job_if_any(Instant now, Session& session) {
  if (!session.tls.waiting_for_job()) return true;
  // The ClientHello has been read: from here on its route says how long the handshake may take.
  timers_.arm(session.timer,
              session.accepted_at + routes_.route(session.tls.route()).handshake_timeout);
  if (!jobs_.enqueue(sessions_.handle_of(session))) {
    fail(now, session, tls::AlertDescription::internal_error);
  }
  return false;
}

// A flight that found no packets would be the handshake's end: it waits for them instead.
void Proxy::run_jobs(Instant now) {
  const std::size_t run = jobs_.run(
      pool_.allocatable() / kFlightPackets,
      [&](SessionHandle handle, tls::Job& job) {
        Session* session = sessions_.find(handle);
        if (session == nullptr || !session->tls.waiting_for_job()) {
          counters_.add(ProxyCounter::kJobsDropped);
          return false;
        }
        session->tls.take_job(job);
        return true;
      },
      [&](SessionHandle handle, tls::Job& job) {
        Session* session = sessions_.find(handle);
        if (session == nullptr || session->stage != Stage::kHandshake) {
          counters_.add(ProxyCounter::kJobsDropped);
          return;
        }
        begin_records(*session);
        const auto finished = session->tls.finish_job(job, records_);
        send_records(now, *session);
        if (!finished) {
          linger(now, *session);
        } else if (queue_job_if_any(now, *session)) {
          pump_uplink(now, *session);
        }
      });
  counters_.add(ProxyCounter::kJobsRun, run);
}

}  // namespace sluice::proxy
