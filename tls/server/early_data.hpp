// Refused early data (RFC 8446 section 4.2.10): how much of it a handshake skips before it refuses
// the client.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "tls/record/protection.hpp"
#include "tls/server/limits.hpp"

namespace sluice::tls {

class EarlyData {
 public:
  // None was offered.
  EarlyData() = default;
  [[nodiscard]] static EarlyData offered() {
    EarlyData data;
    data.bytes_left_ = kMaxSkippedEarlyData;
    data.records_left_ = kMaxSkippedEarlyRecords;
    data.under_way_ = true;
    return data;
  }

  // Whether a record that cannot be opened may be early data.
  [[nodiscard]] bool under_way() const { return under_way_; }
  void end() { under_way_ = false; }

  // Charges a record's fragment; false when it is more than is skipped. RFC 8446 4.2.10: payload
  // counts, not what protection adds to it; padding does, since without the keys we cannot tell.
  // Precondition: under_way().
  [[nodiscard]] bool skip(std::size_t fragment_size) {
    constexpr std::size_t kExpansion = kRecordOverhead - kRecordHeaderSize;
    const std::size_t payload = fragment_size - std::min(fragment_size, kExpansion);
    if (records_left_ == 0 || payload > bytes_left_) return false;
    --records_left_;
    bytes_left_ -= payload;
    return true;
  }

 private:
  std::size_t bytes_left_ = 0;
  std::uint16_t records_left_ = 0;
  bool under_way_ = false;
};

}  // namespace sluice::tls
