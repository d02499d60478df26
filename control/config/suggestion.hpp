// "Did you mean ...?": the known name closest to a misspelt one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice::control {

// "; did you mean \"addresses\"?", or an empty text when no candidate is close.
[[nodiscard]] std::string did_you_mean(std::string_view misspelt,
                                       std::span<const std::string_view> candidates);

}  // namespace sluice::control
