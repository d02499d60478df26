// Which of its offloads a DPDK device is asked for, and why not the others.
#pragma once

#include <cstdint>

#include "dataplane/nic/dpdk_port.hpp"
#include "dataplane/nic/offloads.hpp"

struct rte_eth_dev_info;
struct rte_eth_rxmode;
struct rte_eth_txmode;

namespace sluice::nic {

[[nodiscard]] Offloads choose_offloads(const rte_eth_dev_info& device,
                                       const DpdkPortSettings& settings, std::uint16_t queues);

// Packets of text in a train that the device takes, if it segments.
[[nodiscard]] std::uint16_t train_packets(const rte_eth_dev_info& device);

// Writes down what was chosen, scaling excepted, in the port's configuration.
void request_offloads(const Offloads& offloads, const rte_eth_dev_info& device,
                      rte_eth_rxmode& receive, rte_eth_txmode& transmit);

}  // namespace sluice::nic
