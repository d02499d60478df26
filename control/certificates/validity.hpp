// The period in which a certificate is valid (RFC 5280 4.1.2.5).
#pragma once

#include <ctime>
#include <optional>

#include "base/bytes.hpp"

namespace sluice::control {

struct Validity {
  std::time_t not_before = 0;
  std::time_t not_after = 0;
};

// Of a certificate in DER; nothing when it cannot be read.
[[nodiscard]] std::optional<Validity> validity_of(base::Bytes certificate);

}  // namespace sluice::control
