// Where packets for a network go: to a router on the link.
#pragma once

#include "base/address.hpp"

namespace sluice::base {

// Both of one family.
struct StaticRoute {
  AddressPrefix to;
  IpAddress via;
  auto operator<=>(const StaticRoute&) const = default;
};

}  // namespace sluice::base
