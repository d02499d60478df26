// A port as it came out when the data plane started, for those who report on it: plain values.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::run {

// Work that a device may take off the processor, and who does it.
struct OffloadSummary {
  std::string_view name;  // a constant, such as "tx_tcp_checksum"
  bool by_device = false;
  std::string_view why_not;  // a constant; empty where the device does it
};

struct PortSummary {
  std::string name;
  std::size_t queues = 0;
  bool scales = false;  // the device spreads flows by itself
  std::vector<OffloadSummary> offloads;
};

}  // namespace sluice::run
