// Collects one handshake message from the fragments that records carry it in (RFC 8446
// section 5.1). Its size is the bound: what is longer than the buffer is refused when its header
// has arrived.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/codec/handshake.hpp"
#include "tls/error.hpp"
#include "tls/server/plain_record.hpp"
#include "tls/server/states.hpp"

namespace sluice::tls {

template <std::size_t kMaxBody>
class MessageBuffer {
 public:
  // The bytes are left as they are until something is collected: untouched memory costs nothing.
  MessageBuffer() {}

  // Takes bytes up to the end of the header or of the message, whichever comes next.
  // Precondition: !too_long() && !complete().
  void take(SpanReader& from) {
    const std::size_t wanted = has_header() ? message_size() - size_ : kHandshakeHeaderSize - size_;
    const std::size_t taken = std::min(wanted, from.remaining());
    from.read(base::MutableBytes(bytes_).subspan(size_, taken));
    size_ = static_cast<std::uint16_t>(size_ + taken);
  }

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool has_header() const { return size_ >= kHandshakeHeaderSize; }
  [[nodiscard]] bool complete() const { return has_header() && size_ == message_size(); }
  // The rest of the questions: precondition has_header().
  [[nodiscard]] HandshakeType type() const { return static_cast<HandshakeType>(bytes_[0]); }
  [[nodiscard]] std::size_t body_size() const { return message_size() - kHandshakeHeaderSize; }
  [[nodiscard]] bool too_long() const { return has_header() && body_size() > kMaxBody; }
  // A view, until clear(). Precondition: complete().
  [[nodiscard]] HandshakeMessage message() const {
    const base::Bytes whole = base::Bytes(bytes_).first(size_);
    return {type(), whole.subspan(kHandshakeHeaderSize), whole};
  }
  void clear() { size_ = 0; }

 private:
  [[nodiscard]] std::size_t message_size() const {
    return kHandshakeHeaderSize + (base::load_be<std::uint32_t>(bytes_.data()) & 0xffffff);
  }

  std::array<std::byte, kHandshakeHeaderSize + kMaxBody> bytes_;
  std::uint16_t size_ = 0;
  static_assert(kHandshakeHeaderSize + kMaxBody <= 0xffff);
};

// Takes a record's fragment: collects messages, refuses each as soon as its header shows that it
// has no edge or does not fit (`too_long`), and hands the complete ones to `handle(message)`.
// `state()` is asked before every message.
template <std::size_t kMaxBody, typename State, typename Handle>
base::Result<void, TlsError> collect_messages(MessageBuffer<kMaxBody>& buffer, SpanReader fragment,
                                              TlsError too_long, State&& state, Handle&& handle) {
  while (fragment.remaining() > 0) {
    buffer.take(fragment);
    if (!buffer.has_header()) break;
    const std::optional<Event> event = event_of(buffer.type());
    const Edge* found = event ? edge(state(), *event) : nullptr;
    if (found == nullptr) return base::Unexpected{TlsError::kUnexpectedMessage};
    if (buffer.too_long()) return base::Unexpected{too_long};
    if (!buffer.complete()) continue;
    if (found->ends_record && fragment.remaining() > 0) {
      return base::Unexpected{TlsError::kMessageAcrossKeyChange};
    }
    TRY(handle(buffer.message()));
    buffer.clear();
  }
  return {};
}

}  // namespace sluice::tls
