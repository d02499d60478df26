// Bytes cut at arbitrary places, as packets cut them: for both sides of the record layer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "tests/tls/crypto/vectors.hpp"
#include "tls/record/output.hpp"

namespace sluice::test {

// The lengths of consecutive spans; the last one repeats for as long as there are bytes.
using Cuts = std::vector<std::size_t>;

// Spans of `bytes`, cut to these lengths. Empty spans appear where a length is 0.
template <typename Span>
std::vector<Span> cut(Span bytes, const Cuts& cuts) {
  std::vector<Span> spans;
  for (std::size_t i = 0; !bytes.empty(); ++i) {
    const std::size_t length = i < cuts.size() ? cuts[i] : std::max<std::size_t>(cuts.back(), 1);
    spans.push_back(bytes.first(std::min(length, bytes.size())));
    bytes = bytes.subspan(spans.back().size());
  }
  return spans;
}

// Short lengths as often as long ones, now and then 0.
inline Cuts random_cuts(std::mt19937_64& random, std::size_t total) {
  Cuts cuts;
  for (std::size_t at = 0; at <= total; at += cuts.back()) {
    cuts.push_back(random() % (random() % 2 == 0 ? 24 : 1500));
  }
  return cuts;
}

inline ByteVector random_bytes(std::mt19937_64& random, std::size_t size) {
  ByteVector bytes(size);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

// Keeps the last record, in one piece to look at and in many to be written. Each span is a block of
// memory of its own, so that a write beyond one is an error the sanitizers see.
class ScatteredOutput final : public tls::RecordOutput {
 public:
  explicit ScatteredOutput(Cuts cuts = {1 << 20}) : cuts_(std::move(cuts)) {}

  std::span<const base::MutableBytes> allocate(std::size_t size) override {
    ++allocations_;
    if (full_) return {};
    blocks_.clear();
    spans_.clear();
    for (std::size_t i = 0; size > 0; ++i) {
      const std::size_t length =
          i < cuts_.size() ? cuts_[i] : std::max<std::size_t>(cuts_.back(), 1);
      blocks_.emplace_back(std::min(length, size), std::byte{0xee});
      size -= blocks_.back().size();
    }
    for (ByteVector& block : blocks_) spans_.emplace_back(block);
    return spans_;
  }

  void fill_up() { full_ = true; }
  [[nodiscard]] int allocations() const { return allocations_; }
  [[nodiscard]] ByteVector record() const {
    ByteVector whole;
    for (const ByteVector& block : blocks_) whole.insert(whole.end(), block.begin(), block.end());
    return whole;
  }

 private:
  Cuts cuts_;
  bool full_ = false;
  int allocations_ = 0;
  std::vector<ByteVector> blocks_;
  std::vector<base::MutableBytes> spans_;
};

}  // namespace sluice::test
