#include "control/config/values.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <ranges>
#include <utility>

namespace sluice::control {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t size;
};

constexpr std::array<Unit, 7> kDurationUnits = {{{"ns", 1},
                                                 {"us", 1'000},
                                                 {"ms", 1'000'000},
                                                 {"s", 1'000'000'000},
                                                 {"m", 60'000'000'000},
                                                 {"h", 3'600'000'000'000},
                                                 {"d", 86'400'000'000'000}}};
constexpr std::array<Unit, 4> kSizeUnits = {
    {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}}};

constexpr std::int64_t kMaxDuration = 36'525 * kDurationUnits.back().size;
constexpr std::int64_t kMaxSize = std::int64_t{1} << 50;

template <typename Units>
std::optional<std::int64_t> parse_with_unit(std::string_view text, const Units& units,
                                            std::int64_t maximum) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_count(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const auto& [name, size] : units) {
    if (text.substr(digits) != name) continue;
    if (*number > static_cast<std::uint64_t>(maximum / size)) return std::nullopt;
    return static_cast<std::int64_t>(*number) * size;
  }
  return std::nullopt;
}

template <typename Units>
std::string format_with_unit(std::int64_t value, const Units& units) {
  std::string text = fmt::format("{}{}", value, units.front().name);
  for (const auto& [name, size] : units) {
    if (value % size == 0 && value >= size) text = fmt::format("{}{}", value / size, name);
  }
  return text;
}

}  // namespace

std::optional<base::Duration> parse_duration(std::string_view text) {
  if (text == "0") return base::Duration{};
  const auto parsed = parse_with_unit(text, kDurationUnits, kMaxDuration);
  if (!parsed) return std::nullopt;
  return base::Duration::nanoseconds(*parsed);
}

std::string format_duration(base::Duration duration) {
  if (duration == base::Duration{}) return "0";
  return format_with_unit(duration.nanoseconds(), kDurationUnits);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto parsed = parse_with_unit(text, kSizeUnits, kMaxSize);
  if (!parsed) return std::nullopt;
  return static_cast<std::uint64_t>(*parsed);
}

std::string format_size(std::uint64_t bytes) {
  return format_with_unit(static_cast<std::int64_t>(bytes), kSizeUnits);
}

std::optional<double> parse_rate(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  double rate = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), rate, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (percent) rate /= 100;
  // Also refuses "nan", which from_chars takes.
  if (!(rate >= 0 && rate <= 1)) return std::nullopt;
  return rate;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return count;
}

}  // namespace sluice::control
