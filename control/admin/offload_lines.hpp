// Who does what devices might take off the processor, for people: a line for the device, and one
// for each reason why the stack does the rest.
#pragma once

#include <string>
#include <vector>

#include "control/admin/status.hpp"

namespace sluice::control {

// Such as "by the device: rx_tcp_checksum" and "in software (the device has none): tso, rss".
[[nodiscard]] std::vector<std::string> offload_lines(const PortStatus& port);

}  // namespace sluice::control
