// See plain_record.hpp.
#include "tls/server/plain_record.hpp"

#include <algorithm>
#include <array>

#include "base/cursor.hpp"
#include "tls/record/deframer.hpp"

namespace sluice::tls {

using base::Bytes;
using base::MutableBytes;
using base::Result;
using base::Unexpected;

SpanReader::SpanReader(std::span<const MutableBytes> spans, std::size_t offset, std::size_t size)
    : spans_(spans), remaining_(offset + size) {
  advance(offset);
}

void SpanReader::read(MutableBytes to) {
  while (!to.empty()) {
    const Bytes here = spans_.front().subspan(at_);
    const std::size_t taken = std::min(here.size(), to.size());
    base::copy(to, here.first(taken));
    to = to.subspan(taken);
    advance(taken);
  }
}

void SpanReader::advance(std::size_t size) {
  remaining_ -= size;
  at_ += size;
  while (!spans_.empty() && at_ >= spans_.front().size()) {
    at_ -= spans_.front().size();
    spans_ = spans_.subspan(1);
  }
}

Result<RecordHeader, TlsError> read_header(std::span<const MutableBytes> record) {
  std::size_t size = 0;
  for (const MutableBytes span : record) size += span.size();
  if (size < kRecordHeaderSize) return Unexpected{TlsError::kInternal};

  std::array<std::byte, kRecordHeaderSize> bytes;
  SpanReader(record, 0, size).read(bytes);
  base::Reader reader(bytes);
  RecordHeader header;
  header.type = static_cast<ContentType>(reader.u8());
  reader.skip(2);  // RFC 8446 5.1: legacy_record_version MUST be ignored for all purposes
  header.fragment_size = reader.u16();
  if (size != kRecordHeaderSize + header.fragment_size) return Unexpected{TlsError::kInternal};
  return header;
}

Result<void, TlsError> write_plain_record(ContentType type, Bytes fragment, RecordOutput& output) {
  std::array<std::byte, kRecordHeaderSize> header;
  base::Writer writer(header);
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u16(static_cast<std::uint16_t>(ProtocolVersion::tls12));
  writer.u16(static_cast<std::uint16_t>(fragment.size()));

  const auto spans = output.allocate(header.size() + fragment.size());
  if (spans.empty()) return Unexpected{TlsError::kOutputFull};
  Bytes from = header;
  for (const MutableBytes span : spans) {
    MutableBytes to = span;
    while (!to.empty()) {
      if (from.empty()) std::swap(from, fragment);
      const std::size_t size = std::min(from.size(), to.size());
      base::copy(to, from.first(size));
      from = from.subspan(size);
      to = to.subspan(size);
    }
  }
  return {};
}

}  // namespace sluice::tls
