// dataplane.ports.routes: networks that are reached by other routers than the gateway.
#include <fmt/format.h>

#include <algorithm>

#include "control/config/host_address.hpp"
#include "control/config/reading.hpp"

namespace sluice::control {
namespace {

constexpr KnownName kRouteKeys[] = {{"to"}, {"via"}};
constexpr std::size_t kMaxRoutes = 64;  // per port: a packet looks through them
constexpr std::string_view kToExpected = "a network such as 203.0.113.0/24";
constexpr std::string_view kViaExpected = "a router's address such as 198.18.0.9";

// The network that holds the address.
base::AddressPrefix network_of(const base::AddressPrefix& prefix) {
  if (prefix.address.is_ipv4()) {
    const std::uint32_t mask = prefix.length == 0 ? 0 : ~std::uint32_t{0} << (32U - prefix.length);
    return {.address = base::Ipv4Address{prefix.address.ipv4().value & mask},
            .length = prefix.length};
  }
  base::Ipv6Address network = prefix.address.ipv6();
  for (std::size_t bit = prefix.length; bit < 8 * network.octets.size(); ++bit) {
    network.octets[bit / 8] &= ~(std::byte{0x80} >> (bit % 8));
  }
  return {.address = network, .length = prefix.length};
}

bool holds_hosts(const base::AddressPrefix& network) {
  static constexpr std::string_view kOthers[] = {"0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3",
                                                 "::/127",    "ff00::/8",    "fe80::/10"};
  return std::ranges::none_of(kOthers, [&](std::string_view other) {
    return base::AddressPrefix::parse(other)->contains(network.address);
  });
}

// What is wrong with a route's network; empty when nothing is.
std::string check_network(const base::AddressPrefix& to, const run::PortSettings& port) {
  if (to.length == 0) {
    return fmt::format("{} is everything, which the gateway is for; expected {}", to.to_string(),
                       kToExpected);
  }
  if (const base::AddressPrefix network = network_of(to); network != to) {
    return fmt::format("{} is an address in a network; expected {}", to.to_string(),
                       network.to_string());
  }
  if (!holds_hosts(to)) {
    return fmt::format("{} holds no hosts that a router leads to; expected {}", to.to_string(),
                       kToExpected);
  }
  if (std::ranges::find(port.routes, to, &base::StaticRoute::to) != port.routes.end()) {
    return fmt::format("there is already a route to {}; expected another network", to.to_string());
  }
  return {};
}

void read_route(const Node& item, Reading& reading, run::PortSettings& port) {
  const Section section(item, "a route", kRouteKeys, reading.problems);
  const Node* to_node = section.require("to", kToExpected);
  const Node* via_node = section.require("via", kViaExpected);
  if (to_node == nullptr || via_node == nullptr) return;
  const auto to = read_prefix(*to_node, "to", reading.problems);
  const auto via = read_address(*via_node, "via", reading.problems);
  if (!to || !via) return;
  if (const std::string wrong = check_network(*to, port); !wrong.empty()) {
    reading.problems.add(to_node->where, "to: " + wrong);
  } else if (via->family() != to->address.family()) {
    reading.problems.add(via_node->where,
                         fmt::format("via: {} is {} and the network is not; expected a router of "
                                     "the network's family",
                                     via->to_string(), family_name(*via)));
  } else if (const std::string lost = check_router(*via, port); !lost.empty()) {
    reading.problems.add(via_node->where, "via: " + lost);
  } else {
    port.routes.push_back({.to = *to, .via = *via});
  }
}

}  // namespace

void read_routes(const Section& port_section, Reading& reading, run::PortSettings& port) {
  port_section.list("routes", kMaxRoutes, "routes such as [{to: 203.0.113.0/24, via: 198.18.0.9}]",
                    [&](const Node& item) { read_route(item, reading, port); });
}

}  // namespace sluice::control
