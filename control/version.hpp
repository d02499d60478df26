// The version of the programs, as the build names it.
#pragma once

#include <string_view>

namespace sluice::control {

[[nodiscard]] std::string_view version();

}  // namespace sluice::control
