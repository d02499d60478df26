#include "tls/record/protection.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

#include "base/secret.hpp"
#include "tls/crypto/hash.hpp"

namespace sluice::tls {

using base::Bytes;
using base::MutableBytes;
using base::Result;
using base::Unexpected;

namespace {

using Header = std::array<std::byte, kRecordHeaderSize>;

// RFC 8446 5.2: opaque_type is application_data and legacy_record_version 0x0303, whatever is
// inside.
Header header_for(std::size_t fragment_size) {
  Header header{static_cast<std::byte>(ContentType::application_data), std::byte{0x03},
                std::byte{0x03}};
  base::store_be(&header[3], static_cast<std::uint16_t>(fragment_size));
  return header;
}

// Plaintext up to this many bytes is copied where that saves calls.
constexpr std::size_t kCopyUpTo = 2048;

template <typename Span>
std::size_t total_size(std::span<const Span> spans) {
  std::size_t size = 0;
  for (const Span& span : spans) size += span.size();
  return size;
}

// Walks through scattered bytes from their beginning.
class ScatterCursor {
 public:
  explicit ScatterCursor(std::span<const MutableBytes> spans) : rest_(spans) {}

  // The next bytes that lie in one piece, at least one and at most `limit`. Precondition: limit and
  // what is left are not 0.
  MutableBytes piece(std::size_t limit) {
    while (here_.empty()) {
      assert(!rest_.empty());
      here_ = rest_.front();
      rest_ = rest_.subspan(1);
    }
    const MutableBytes taken = here_.first(std::min(limit, here_.size()));
    here_ = here_.subspan(taken.size());
    return taken;
  }
  void write(Bytes from) {
    while (!from.empty()) {
      const MutableBytes to = piece(from.size());
      base::copy(to, from.first(to.size()));
      from = from.subspan(to.size());
    }
  }
  void read(MutableBytes to) {
    while (!to.empty()) {
      const Bytes from = piece(to.size());
      base::copy(to, from);
      to = to.subspan(from.size());
    }
  }

 private:
  std::span<const MutableBytes> rest_;
  MutableBytes here_;
};

void seal_into(ScatterCursor& to, AeadStream& stream, Bytes from) {
  while (!from.empty()) {
    const MutableBytes piece = to.piece(from.size());
    stream.seal(from.first(piece.size()), piece);
    from = from.subspan(piece.size());
  }
}

// Nothing of a record that did not authenticate may be left to be used.
void wipe(std::span<const MutableBytes> record) {
  for (const MutableBytes span : record) base::secure_wipe(span);
}

// The size of the inner plaintext's content and its type: RFC 8446 5.4 has the receiver scan from
// the end for the first byte that is not zero. The scan's time tells the length of the padding to
// who can measure it, as the RFC notes in appendix E.3; a constant-time scan would not help while
// what is done with the content takes time by its length.
struct Unpadded {
  std::size_t content_size;
  std::byte type;  // 0: nothing but padding
};
Unpadded strip_padding(std::span<const MutableBytes> record, std::size_t inner_size) {
  std::size_t skip = kAeadTagSize;
  std::size_t left = inner_size;
  for (auto span = record.rbegin(); span != record.rend() && left > 0; ++span) {
    const std::size_t cut = std::min(skip, span->size());
    skip -= cut;
    Bytes bytes = span->first(span->size() - cut);
    for (; !bytes.empty() && left > 0; bytes = bytes.first(bytes.size() - 1)) {
      --left;
      if (bytes.back() != std::byte{0}) return {left, bytes.back()};
    }
  }
  return {0, std::byte{0}};
}

}  // namespace

RecordProtection::~RecordProtection() {
  base::secure_wipe(raw_key_);
  base::secure_wipe(iv_);
}

void RecordProtection::install(KeyPool& keys, CipherSuite suite, Bytes traffic_secret) {
  keys.release(claim_);  // now, as the next record may never come
  const HashAlgorithm hash = hash_of(suite);
  algorithm_ = aead_of(suite);
  base::secure_wipe(raw_key_);
  hkdf_expand_label(hash, traffic_secret, "key", {},
                    MutableBytes(raw_key_).first(key_size(algorithm_)));
  hkdf_expand_label(hash, traffic_secret, "iv", {}, iv_);
  sequence_ = 0;  // RFC 8446 5.3: set to zero whenever the key is changed
  active_ = true;
}

void RecordProtection::clear(KeyPool& keys) {
  keys.release(claim_);
  base::secure_wipe(raw_key_);
  base::secure_wipe(iv_);
  active_ = false;
}

Result<void, TlsError> RecordProtection::seal(KeyPool& keys, ContentType type,
                                              std::span<const Bytes> plaintext,
                                              RecordOutput& output) {
  assert(active_);
  const std::size_t size = total_size(plaintext);
  if (size > kMaxPlaintextFragment) return Unexpected{TlsError::kInternal};
  if (sequence_ == kLastSequence) return Unexpected{TlsError::kInternal};
  const auto spans = output.allocate(kRecordOverhead + size);
  if (spans.empty()) return Unexpected{TlsError::kOutputFull};

  const std::array inner_type{static_cast<std::byte>(type)};
  if (spans.size() == 1 && size <= kCopyUpTo) {
    seal_whole(keys, plaintext, inner_type, spans.front());
  } else {
    seal_scattered(keys, plaintext, inner_type, spans);
  }
  ++sequence_;
  return {};
}

// A short record into one span. Copying it there and sealing it in place with one call costs less
// than ipsec-mb's separate calls to begin, to take in the type byte and to finish.
void RecordProtection::seal_whole(KeyPool& keys, std::span<const Bytes> plaintext, Bytes type,
                                  MutableBytes record) {
  MutableBytes to = record.subspan(kRecordHeaderSize);
  for (const Bytes from : plaintext) {
    base::copy(to, from);
    to = to.subspan(from.size());
  }
  base::copy(to, type);
  const Header header = header_for(record.size() - kRecordHeaderSize);
  base::copy(record, header);
  const MutableBytes inner =
      record.subspan(kRecordHeaderSize, record.size() - kRecordHeaderSize - kAeadTagSize);
  const AeadTag tag = keys.aead().seal(key(keys), nonce(), header, inner, inner);
  base::copy(record.last(kAeadTagSize), tag);
}

// One pass from the plaintext's spans to the record's.
void RecordProtection::seal_scattered(KeyPool& keys, std::span<const Bytes> plaintext, Bytes type,
                                      std::span<const MutableBytes> record) {
  const Header header = header_for(total_size(record) - kRecordHeaderSize);
  ScatterCursor to(record);
  to.write(header);
  AeadStream stream(keys.aead(), key(keys), nonce(), header);
  for (const Bytes from : plaintext) seal_into(to, stream, from);
  seal_into(to, stream, type);
  to.write(stream.finish());
}

Result<RecordProtection::Opened, TlsError> RecordProtection::open(
    KeyPool& keys, std::span<const MutableBytes> record) {
  assert(active_);
  const std::size_t size = total_size(record);
  if (size > kMaxRecordSize) return Unexpected{TlsError::kRecordOverflow};
  if (size < kRecordOverhead) return Unexpected{TlsError::kBadRecordMac};
  if (sequence_ == kLastSequence) return Unexpected{TlsError::kInternal};
  const std::size_t inner_size = size - kRecordHeaderSize - kAeadTagSize;
  const bool authentic = record.size() == 1 ? open_whole(keys, record.front())
                                            : open_scattered(keys, record, inner_size);
  if (!authentic) {
    wipe(record);
    return Unexpected{TlsError::kBadRecordMac};
  }
  ++sequence_;

  // RFC 8446 5.4: with its padding the inner plaintext MUST NOT exceed 2^14 + 1 bytes.
  if (inner_size > kMaxPlaintextFragment + 1) return Unexpected{TlsError::kRecordOverflow};
  const Unpadded inner = strip_padding(record, inner_size);
  // RFC 8446 5.4: no non-zero byte in it MUST end the connection with unexpected_message.
  if (inner.type == std::byte{0}) return Unexpected{TlsError::kNoContentType};
  return Opened{static_cast<ContentType>(inner.type), kRecordHeaderSize, inner.content_size};
}

bool RecordProtection::open_whole(KeyPool& keys, MutableBytes record) {
  const Bytes header = record.first(kRecordHeaderSize);
  const MutableBytes inner =
      record.subspan(kRecordHeaderSize, record.size() - kRecordHeaderSize - kAeadTagSize);
  const AeadTag expected = keys.aead().open(key(keys), nonce(), header, inner);
  return base::constant_time_equal(expected, record.last(kAeadTagSize));
}

bool RecordProtection::open_scattered(KeyPool& keys, std::span<const MutableBytes> record,
                                      std::size_t inner_size) {
  ScatterCursor from(record);
  Header header;
  from.read(header);
  AeadStream stream(keys.aead(), key(keys), nonce(), header);
  for (std::size_t left = inner_size; left > 0;) {
    const MutableBytes piece = from.piece(left);
    stream.open(piece);
    left -= piece.size();
  }
  AeadTag tag;
  from.read(tag);
  return base::constant_time_equal(stream.finish(), tag);
}

// RFC 8446 5.3: the sequence number, big endian and padded to the left, XOR the IV.
AeadNonce RecordProtection::nonce() const {
  AeadNonce nonce = iv_;
  std::byte* const low = &nonce[kAeadNonceSize - sizeof(sequence_)];
  base::store_be(low, base::load_be<std::uint64_t>(low) ^ sequence_);
  return nonce;
}

AeadKey RecordProtection::key(KeyPool& keys) {
  if (algorithm_ == AeadAlgorithm::chacha20_poly1305) return {algorithm_, raw_key_.data()};
  return keys.expanded(claim_, algorithm_, Bytes(raw_key_).first(key_size(algorithm_)));
}

}  // namespace sluice::tls
