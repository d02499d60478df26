#include "dataplane/nic/dpdk_rss.hpp"

#include <rte_ethdev.h>

#include <algorithm>

namespace sluice::nic {
namespace {

// The largest indirection table that drivers have.
constexpr std::size_t kMaxIndirection = RTE_ETH_RSS_RETA_SIZE_512;

// A device that does not know one of them delivers its frames to the first queue.
constexpr std::uint64_t kScaledFlows = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;

}  // namespace

bool can_scale(const rte_eth_dev_info& device, const DpdkPortSettings& settings) {
  return (device.flow_type_rss_offloads & RTE_ETH_RSS_NONFRAG_IPV4_TCP) != 0 &&
         device.hash_key_size >= settings.rss_key.size() &&
         device.hash_key_size <= std::tuple_size_v<RssKey> && device.reta_size != 0 &&
         device.reta_size <= kMaxIndirection && device.reta_size % settings.rss_entries == 0;
}

void request_scaling(const rte_eth_dev_info& device, const DpdkPortSettings& settings, RssKey& key,
                     rte_eth_conf& conf) {
  // IPv6's 36 bytes of input never reach beyond the key's first 40: a longer key is padded.
  key.fill(0);
  std::ranges::copy(settings.rss_key, key.begin());
  conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
  conf.rxmode.offloads |= device.rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH;
  conf.rx_adv_conf.rss_conf = {.rss_key = key.data(),
                               .rss_key_len = device.hash_key_size,
                               .rss_hf = device.flow_type_rss_offloads & kScaledFlows};
}

bool fill_indirection(std::uint16_t port, std::uint16_t queues, std::size_t entries) {
  rte_eth_dev_info device{};
  (void)rte_eth_dev_info_get(port, &device);
  std::array<rte_eth_rss_reta_entry64, kMaxIndirection / RTE_ETH_RETA_GROUP_SIZE> table{};
  for (std::size_t i = 0; i < device.reta_size; ++i) {
    auto& group = table[i / RTE_ETH_RETA_GROUP_SIZE];
    group.mask = ~std::uint64_t{0};
    group.reta[i % RTE_ETH_RETA_GROUP_SIZE] = static_cast<std::uint16_t>(i % entries % queues);
  }
  return rte_eth_dev_rss_reta_update(port, table.data(), device.reta_size) == 0;
}

}  // namespace sluice::nic
