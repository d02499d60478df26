// Receive-side scaling on a DPDK port: the device spreads TCP flows over its queues by the hash
// that the settings give it, which is the one that workers steer by.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/nic/dpdk_port.hpp"

struct rte_eth_conf;
struct rte_eth_dev_info;

namespace sluice::nic {

// The longest hash key that drivers have; a port's must live until it is configured.
using RssKey = std::array<std::uint8_t, 64>;

[[nodiscard]] bool can_scale(const rte_eth_dev_info& device, const DpdkPortSettings& settings);

// Before the port is configured. `key` is filled in.
void request_scaling(const rte_eth_dev_info& device, const DpdkPortSettings& settings, RssKey& key,
                     rte_eth_conf& conf);

// After the port has started; false where the device does not take the table.
[[nodiscard]] bool fill_indirection(std::uint16_t port, std::uint16_t queues, std::size_t entries);

}  // namespace sluice::nic
