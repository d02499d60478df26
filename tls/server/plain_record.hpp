// Records that are not protected (RFC 8446 section 5.1): reading a received one out of the spans
// that it lies in, and writing one. Opened records are read through the same SpanReader.
#pragma once

#include <cstddef>
#include <span>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "tls/codec/registry.hpp"
#include "tls/error.hpp"
#include "tls/record/output.hpp"

namespace sluice::tls {

// A part of scattered bytes, read from its beginning.
class SpanReader {
 public:
  // Precondition: the spans hold `offset + size` bytes.
  SpanReader(std::span<const base::MutableBytes> spans, std::size_t offset, std::size_t size);

  [[nodiscard]] std::size_t remaining() const { return remaining_; }
  // Precondition: to.size() <= remaining().
  void read(base::MutableBytes to);

 private:
  void advance(std::size_t size);

  std::span<const base::MutableBytes> spans_;
  std::size_t at_ = 0;  // in the first span
  std::size_t remaining_;
};

struct RecordHeader {
  ContentType type{};
  std::size_t fragment_size = 0;
};

// Error: kInternal when the spans do not hold exactly one record.
[[nodiscard]] base::Result<RecordHeader, TlsError> read_header(
    std::span<const base::MutableBytes> record);

// Precondition: 1 to 2^14 bytes. Error: kOutputFull, with nothing written.
[[nodiscard]] base::Result<void, TlsError> write_plain_record(ContentType type,
                                                              base::Bytes fragment,
                                                              RecordOutput& output);

}  // namespace sluice::tls
