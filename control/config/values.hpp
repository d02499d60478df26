// The scalar types of the configuration as text: durations ("200us", "5s", "12h"), sizes ("64K",
// "1M"), rates ("0.03", "3%"), counts. Parsing takes the whole text or nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace sluice::control {

// A whole number and one of ns, us, ms, s, m, h, d; a bare 0 needs no unit. At most 100 years.
[[nodiscard]] std::optional<base::Duration> parse_duration(std::string_view text);
// With the largest unit that leaves a whole number.
[[nodiscard]] std::string format_duration(base::Duration duration);

// Bytes: a whole number, and K, M or G for 1024 and its powers. At most 2^50.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::string format_size(std::uint64_t bytes);

// A probability from 0 to 1, or from 0% to 100%.
[[nodiscard]] std::optional<double> parse_rate(std::string_view text);

// Decimal digits only.
[[nodiscard]] std::optional<std::uint64_t> parse_count(std::string_view text);

}  // namespace sluice::control
