// The record layer: the input as a byte stream to be framed, as a record to be opened, and as the
// plaintext of one that is sealed, opened again and forged. Its first three bytes choose the suite
// and where both sides are cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "tests/fuzz/require.hpp"
#include "tls/crypto/hash.hpp"
#include "tls/record/protection.hpp"

namespace {

using namespace sluice;
using fuzz::require;

constexpr tls::CipherSuite kSuites[] = {tls::CipherSuite::TLS_AES_128_GCM_SHA256,
                                        tls::CipherSuite::TLS_AES_256_GCM_SHA384,
                                        tls::CipherSuite::TLS_CHACHA20_POLY1305_SHA256};

template <typename Span>
std::vector<Span> cut(Span bytes, std::size_t length) {
  std::vector<Span> spans;
  while (!bytes.empty()) {
    spans.push_back(bytes.first(std::min(length, bytes.size())));
    bytes = bytes.subspan(spans.back().size());
  }
  return spans;
}

class CutOutput final : public tls::RecordOutput {
 public:
  explicit CutOutput(std::size_t length) : length_(length) {}
  std::span<const base::MutableBytes> allocate(std::size_t size) override {
    record_.resize(size);
    spans_ = cut(base::MutableBytes(record_), length_);
    return spans_;
  }
  [[nodiscard]] const std::vector<std::byte>& record() const { return record_; }

 private:
  std::size_t length_;
  std::vector<std::byte> record_;
  std::vector<base::MutableBytes> spans_;
};

// More bytes never take back what fewer have told.
void framing(base::Bytes stream) {
  bool refused = false;
  for (std::size_t size = 0; size <= std::min(stream.size(), tls::kRecordHeaderSize); ++size) {
    const auto frame = tls::frame_record(stream.first(size));
    require(!refused || !frame, "a refused stream stays refused");
    refused = !frame;
    if (refused) continue;
    require(frame->header_complete == (size == tls::kRecordHeaderSize), "five bytes are a header");
    require(frame->size >= tls::kRecordHeaderSize && frame->size <= tls::kMaxRecordSize,
            "a record's size is within bounds");
  }
}

struct Keys {
  explicit Keys(tls::CipherSuite suite) : suite_(suite) {}
  void install(tls::KeyPool& pool, tls::RecordProtection& protection) const {
    const std::vector<std::byte> secret(tls::hash_size(tls::hash_of(suite_)), std::byte{0x5a});
    protection.install(pool, suite_, secret);
  }
  tls::CipherSuite suite_;
};

bool opens(tls::KeyPool& pool, const Keys& keys, std::vector<std::byte> record, std::size_t length,
           base::Bytes expected) {
  tls::RecordProtection opening;
  keys.install(pool, opening);
  const auto spans = cut(base::MutableBytes(record), length);
  const auto opened = opening.open(pool, spans);
  opening.clear(pool);
  if (!opened) return false;
  require(opened->offset + opened->size <= record.size(), "the plaintext lies in the record");
  require(base::equal(base::Bytes(record).subspan(opened->offset, opened->size), expected),
          "only what was sealed comes out");
  return true;
}

void protection(tls::KeyPool& pool, const Keys& keys, std::size_t cut_in, std::size_t cut_out,
                base::Bytes input) {
  const base::Bytes plaintext = input.first(std::min(input.size(), tls::kMaxPlaintextFragment));
  require(!opens(pool, keys, {input.begin(), input.end()}, cut_in, {}), "noise is no record");

  tls::RecordProtection sealing;
  keys.install(pool, sealing);
  CutOutput output(cut_out);
  const auto spans = cut(plaintext, cut_in);
  require(bool(sealing.seal(pool, tls::ContentType::application_data, spans, output)),
          "every plaintext can be sealed");
  sealing.clear(pool);
  const auto& record = output.record();
  const auto frame = tls::frame_record(record);
  require(frame && frame->size == record.size(), "a sealed record is framed as such");
  require(opens(pool, keys, record, cut_in, plaintext), "a sealed record opens");

  auto forged = record;
  forged[(cut_in * 251 + cut_out) % forged.size()] ^= std::byte{0x10};
  require(!opens(pool, keys, forged, cut_out, plaintext), "a forged record does not open");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static tls::KeyPool pool(4);
  const base::Bytes input = std::as_bytes(std::span(data, size));
  framing(input);
  if (input.size() < 3) return 0;
  const Keys keys(kSuites[std::to_integer<std::size_t>(input[0]) % std::size(kSuites)]);
  const std::size_t cut_in = std::to_integer<std::size_t>(input[1]) + 1;
  const std::size_t cut_out = std::to_integer<std::size_t>(input[2]) * 8 + 1;
  framing(input.subspan(3));
  protection(pool, keys, cut_in, cut_out, input.subspan(3));
  require(pool.size() == 0, "cleared connections leave no keys");
  return 0;
}
