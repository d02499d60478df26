// The record layer beside ipsec-mb's own calls on the same spans, in one run, so that what records
// cost on top of their cipher can be read off: compare Seal/SUITE/SHAPE with RawSeal/SUITE/SHAPE.
#include <benchmark/benchmark.h>
#include <intel-ipsec-mb.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tls/record/protection.hpp"

namespace sluice {
namespace {

using base::Bytes;
using base::MutableBytes;
using tls::CipherSuite;

// How a record lies in memory: `plaintext` bytes in segments of `segment`, and the record in
// segments of the same size, so that after the header the boundaries of both sides differ, as those
// of received and outgoing packets do.
struct Shape {
  const char* name;
  std::size_t plaintext;
  std::size_t segment;
};
constexpr std::size_t kWhole = 1 << 20;
constexpr Shape kShapes[] = {
    {"16KB_contiguous", 16384, kWhole},
    {"16KB_in_1448B_segments", 16384, 1448},
    {"1400B", 1400, kWhole},
};

struct Suite {
  const char* name;
  CipherSuite suite;
};
constexpr Suite kSuites[] = {
    {"AES128_GCM", CipherSuite::TLS_AES_128_GCM_SHA256},
    {"AES256_GCM", CipherSuite::TLS_AES_256_GCM_SHA384},
    {"CHACHA20_POLY1305", CipherSuite::TLS_CHACHA20_POLY1305_SHA256},
};

// `size` bytes in segments of their own, each with a packet's room in front.
template <typename Span>
class Segments {
 public:
  Segments(std::size_t size, std::size_t segment) {
    constexpr std::size_t kHeadroom = 128;
    for (std::size_t at = 0; at < size; at += segment) {
      const std::size_t length = std::min(segment, size - at);
      blocks_.push_back(std::make_unique<std::byte[]>(kHeadroom + length));
      spans_.push_back(Span(blocks_.back().get() + kHeadroom, length));
    }
  }
  [[nodiscard]] std::span<const Span> spans() const { return spans_; }

 private:
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::vector<Span> spans_;
};

class FixedOutput final : public tls::RecordOutput {
 public:
  explicit FixedOutput(std::span<const MutableBytes> spans) : spans_(spans) {}
  std::span<const MutableBytes> allocate(std::size_t) override { return spans_; }

 private:
  std::span<const MutableBytes> spans_;
};

constexpr std::array<std::byte, 48> kSecret{std::byte{7}};
Bytes secret_of(CipherSuite suite) {
  return Bytes(kSecret).first(suite == CipherSuite::TLS_AES_256_GCM_SHA384 ? 48 : 32);
}

void report(benchmark::State& state, std::size_t plaintext) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(plaintext));
}

void seal(benchmark::State& state, const Suite& suite, const Shape& shape) {
  const Segments<Bytes> plaintext(shape.plaintext, shape.segment);
  const Segments<MutableBytes> record(shape.plaintext + tls::kRecordOverhead, shape.segment);
  FixedOutput output(record.spans());
  tls::KeyPool keys(16);
  tls::RecordProtection protection;
  protection.install(keys, suite.suite, secret_of(suite.suite));
  for (auto _ : state) {
    auto result =
        protection.seal(keys, tls::ContentType::application_data, plaintext.spans(), output);
    benchmark::DoNotOptimize(result);
  }
  report(state, shape.plaintext);
}

// Opening destroys its record, so a batch is sealed off the clock and then opened on it.
constexpr std::size_t kBatch = 16;

class Stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

std::vector<Segments<MutableBytes>> batch_of(const Shape& shape) {
  std::vector<Segments<MutableBytes>> batch;
  for (std::size_t i = 0; i < kBatch; ++i) {
    batch.emplace_back(shape.plaintext + tls::kRecordOverhead, shape.segment);
  }
  return batch;
}

void open(benchmark::State& state, const Suite& suite, const Shape& shape) {
  const Segments<Bytes> plaintext(shape.plaintext, shape.segment);
  const auto batch = batch_of(shape);
  tls::KeyPool keys(16);
  tls::RecordProtection sealing;
  tls::RecordProtection opening;
  sealing.install(keys, suite.suite, secret_of(suite.suite));
  opening.install(keys, suite.suite, secret_of(suite.suite));
  bool ok = true;
  for (auto _ : state) {
    for (const auto& record : batch) {
      FixedOutput output(record.spans());
      ok = ok && sealing.seal(keys, tls::ContentType::application_data, plaintext.spans(), output);
    }
    const Stopwatch stopwatch;
    for (const auto& record : batch) ok = ok && opening.open(keys, record.spans());
    state.SetIterationTime(stopwatch.seconds());
  }
  if (!ok) state.SkipWithError("a record did not open");
  report(state, shape.plaintext * kBatch);
}

// ipsec-mb itself, called as its documentation has it: one call where everything lies in one piece,
// else begin, update per piece that lies in one span on both sides, finish.
class Raw {
 public:
  explicit Raw(CipherSuite suite) : suite_(suite), manager_(alloc_mb_mgr(0)) {
    init_mb_mgr_auto(manager_, nullptr);
    const std::array<std::uint8_t, 32> raw{};
    key_ = raw;
    if (suite == CipherSuite::TLS_AES_128_GCM_SHA256)
      IMB_AES128_GCM_PRE(manager_, raw.data(), &gcm_);
    if (suite == CipherSuite::TLS_AES_256_GCM_SHA384)
      IMB_AES256_GCM_PRE(manager_, raw.data(), &gcm_);
  }
  ~Raw() { free_mb_mgr(manager_); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  struct Piece {
    const std::uint8_t* from;
    std::uint8_t* to;
    std::size_t size;
  };

  void seal(std::span<const Piece> pieces) {
    switch (suite_) {
      case CipherSuite::TLS_AES_128_GCM_SHA256:
        return gcm(pieces, manager_->gcm128_enc, manager_->gcm128_init, manager_->gcm128_enc_update,
                   manager_->gcm128_enc_finalize);
      case CipherSuite::TLS_AES_256_GCM_SHA384:
        return gcm(pieces, manager_->gcm256_enc, manager_->gcm256_init, manager_->gcm256_enc_update,
                   manager_->gcm256_enc_finalize);
      case CipherSuite::TLS_CHACHA20_POLY1305_SHA256:
        return chacha(pieces, manager_->chacha20_poly1305_enc_update);
    }
  }
  void open(std::span<const Piece> pieces) {
    switch (suite_) {
      case CipherSuite::TLS_AES_128_GCM_SHA256:
        return gcm(pieces, manager_->gcm128_dec, manager_->gcm128_init, manager_->gcm128_dec_update,
                   manager_->gcm128_dec_finalize);
      case CipherSuite::TLS_AES_256_GCM_SHA384:
        return gcm(pieces, manager_->gcm256_dec, manager_->gcm256_init, manager_->gcm256_dec_update,
                   manager_->gcm256_dec_finalize);
      case CipherSuite::TLS_CHACHA20_POLY1305_SHA256:
        return chacha(pieces, manager_->chacha20_poly1305_dec_update);
    }
  }

 private:
  void gcm(std::span<const Piece> pieces, aes_gcm_enc_dec_t whole, aes_gcm_init_t init,
           aes_gcm_enc_dec_update_t update, aes_gcm_enc_dec_finalize_t finalise) {
    gcm_context_data context;
    if (pieces.size() == 1) {
      whole(&gcm_, &context, pieces[0].to, pieces[0].from, pieces[0].size, iv_.data(), aad_.data(),
            aad_.size(), tag_.data(), tag_.size());
      return;
    }
    init(&gcm_, &context, iv_.data(), aad_.data(), aad_.size());
    for (const Piece& piece : pieces) update(&gcm_, &context, piece.to, piece.from, piece.size);
    finalise(&gcm_, &context, tag_.data(), tag_.size());
  }
  void chacha(std::span<const Piece> pieces, chacha_poly_enc_dec_update_t update) {
    chacha20_poly1305_context_data context;
    IMB_CHACHA20_POLY1305_INIT(manager_, key_.data(), &context, iv_.data(), aad_.data(),
                               aad_.size());
    for (const Piece& piece : pieces) {
      update(key_.data(), &context, piece.to, piece.from, piece.size);
    }
    IMB_CHACHA20_POLY1305_ENC_FINALIZE(manager_, &context, tag_.data(), tag_.size());
  }

  CipherSuite suite_;
  IMB_MGR* manager_;
  gcm_key_data gcm_{};
  std::array<std::uint8_t, 32> key_{};
  std::array<std::uint8_t, 12> iv_{};
  std::array<std::uint8_t, 5> aad_{};
  std::array<std::uint8_t, 16> tag_{};
};

// The pieces of `size` bytes that lie in one span on both sides.
std::vector<Raw::Piece> pieces_of(std::span<const Bytes> from, std::span<const MutableBytes> to) {
  std::vector<Raw::Piece> pieces;
  for (std::size_t i = 0, j = 0, at_i = 0, at_j = 0; i < from.size() && j < to.size();) {
    const std::size_t size = std::min(from[i].size() - at_i, to[j].size() - at_j);
    pieces.push_back({reinterpret_cast<const std::uint8_t*>(from[i].data()) + at_i,
                      reinterpret_cast<std::uint8_t*>(to[j].data()) + at_j, size});
    at_i += size;
    at_j += size;
    if (at_i == from[i].size()) ++i, at_i = 0;
    if (at_j == to[j].size()) ++j, at_j = 0;
  }
  return pieces;
}

// A record's spans without its header.
std::vector<MutableBytes> payload_of(const Segments<MutableBytes>& record) {
  std::vector<MutableBytes> spans(record.spans().begin(), record.spans().end());
  spans.front() = spans.front().subspan(tls::kRecordHeaderSize);
  return spans;
}

void raw_seal(benchmark::State& state, const Suite& suite, const Shape& shape) {
  const Segments<Bytes> plaintext(shape.plaintext, shape.segment);
  const Segments<MutableBytes> record(shape.plaintext + tls::kRecordOverhead, shape.segment);
  const auto pieces = pieces_of(plaintext.spans(), payload_of(record));
  Raw raw(suite.suite);
  for (auto _ : state) raw.seal(pieces);
  report(state, shape.plaintext);
}

void raw_open(benchmark::State& state, const Suite& suite, const Shape& shape) {
  const auto batch = batch_of(shape);
  std::vector<std::vector<Raw::Piece>> pieces;
  for (const auto& record : batch) {
    const auto payload = payload_of(record);
    const std::vector<Bytes> from(payload.begin(), payload.end());
    pieces.push_back(pieces_of(from, payload));
  }
  Raw raw(suite.suite);
  for (auto _ : state) {
    const Stopwatch stopwatch;
    for (const auto& record : pieces) raw.open(record);
    state.SetIterationTime(stopwatch.seconds());
  }
  report(state, shape.plaintext * kBatch);
}

void expand_key(benchmark::State& state) {
  tls::KeyPool keys(1);
  const std::array<std::byte, 16> raw{};
  for (auto _ : state) {
    tls::KeyPool::Claim claim;  // never found: each expansion evicts the one before
    benchmark::DoNotOptimize(keys.expanded(claim, tls::AeadAlgorithm::aes128_gcm, raw));
  }
}
BENCHMARK(expand_key)->Name("ExpandKey/AES128_GCM");

const bool kRegistered = [] {
  for (const Suite& suite : kSuites) {
    for (const Shape& shape : kShapes) {
      const std::string what = std::string("/") + suite.name + "/" + shape.name;
      const auto add = [&](const char* verb, auto* function) {
        return benchmark::RegisterBenchmark(
            (verb + what).c_str(), [=](benchmark::State& state) { function(state, suite, shape); });
      };
      add("RawSeal", &raw_seal);
      add("Seal", &seal);
      add("RawOpen", &raw_open)->UseManualTime();
      add("Open", &open)->UseManualTime();
    }
  }
  return true;
}();

}  // namespace
}  // namespace sluice
