// Alert (RFC 8446 section 6): not a handshake message, but the content of a record of its own.
#pragma once

#include <array>
#include <cstddef>

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/codec/registry.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

inline constexpr std::size_t kAlertSize = 2;

struct Alert {
  AlertLevel level{};  // RFC 8446 6: carries no meaning any more
  AlertDescription description{};

  // RFC 8446 5.1: one whole alert per record.
  static base::Result<Alert, TlsError> parse(base::Bytes record) {
    if (record.size() != kAlertSize) return base::Unexpected{TlsError::kMalformedAlert};
    return Alert{static_cast<AlertLevel>(record[0]), static_cast<AlertDescription>(record[1])};
  }
  // RFC 8446 6: close_notify and user_canceled are warnings, all others are fatal.
  static Alert of(AlertDescription description) {
    const bool closes = description == AlertDescription::close_notify ||
                        description == AlertDescription::user_canceled;
    return {closes ? AlertLevel::warning : AlertLevel::fatal, description};
  }
  [[nodiscard]] std::array<std::byte, kAlertSize> serialize() const {
    return {static_cast<std::byte>(level), static_cast<std::byte>(description)};
  }
};

}  // namespace sluice::tls
