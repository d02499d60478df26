// A network namespace for the test process alone: what is made in it goes with the process. Nothing
// here forks, which a process that has started EAL must not do.
#pragma once

#include <string>

#include "base/address.hpp"

namespace sluice::test {

// False, with errno set, when the process may not have one. Before any other thread is started.
[[nodiscard]] bool enter_network_namespace();

// Gives the kernel's interface an IPv4 address and brings it up. False with errno set.
[[nodiscard]] bool configure_interface(const std::string& name, const base::AddressPrefix& address);

}  // namespace sluice::test
