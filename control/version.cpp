#include "control/version.hpp"

namespace sluice::control {

std::string_view version() {
  return SLUICE_VERSION;
}

}  // namespace sluice::control
