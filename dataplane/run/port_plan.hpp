// From a configured port to what DPDK has to be told about it, and whether the machine has what the
// port needs: so that a mistake is one clear sentence instead of a driver's.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.hpp"
#include "dataplane/nic/dpdk_port.hpp"
#include "dataplane/run/host.hpp"
#include "dataplane/run/snapshot.hpp"

namespace sluice::run {

struct PortPlan {
  nic::DpdkPortSettings device;
  std::size_t data_room = 0;  // bytes that a packet needs behind its headroom for this port
};

struct PortPosition {
  std::size_t index = 0;  // among the ports
  std::size_t workers = 1;
};

// Pure. Error: one sentence, without the port's name.
[[nodiscard]] base::Result<PortPlan, std::string> plan_port(const PortSettings& port,
                                                            const PortPosition& position);

// Whether the machine has the device and lets this process use it. Error: as above.
[[nodiscard]] base::Result<void, std::string> check_port(const PortSettings& port,
                                                         const Host& host);

}  // namespace sluice::run
