// Finds record boundaries in the byte stream (RFC 8446 5.1). Looks at the five header bytes only.
#pragma once

#include <cstddef>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "tls/codec/registry.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

inline constexpr std::size_t kRecordHeaderSize = 5;
inline constexpr std::size_t kMaxPlaintextFragment = 1 << 14;
// RFC 8446 5.2: a protected fragment is at most 256 bytes longer.
inline constexpr std::size_t kMaxRecordFragment = kMaxPlaintextFragment + 256;
inline constexpr std::size_t kMaxRecordSize = kRecordHeaderSize + kMaxRecordFragment;

struct Frame {
  // How many bytes of the stream to have before going on: the whole record's size, or, as long as
  // the header is incomplete, the header's.
  std::size_t size = kRecordHeaderSize;
  ContentType type = ContentType::invalid;  // set with header_complete
  bool header_complete = false;
};

// `stream` begins where a record begins; only its first five bytes are looked at, and fewer are
// enough for what they already tell. Errors: a length above kMaxRecordFragment (that a plaintext
// record above kMaxPlaintextFragment is one too, the caller knows), and what is no TLS.
[[nodiscard]] base::Result<Frame, TlsError> frame_record(base::Bytes stream);

}  // namespace sluice::tls
