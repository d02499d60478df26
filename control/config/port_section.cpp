// dataplane.ports: a network device and the addresses that it answers to.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <limits>

#include "base/limits.hpp"
#include "control/config/host_address.hpp"
#include "control/config/reading.hpp"

namespace sluice::control {
namespace {

using base::Duration;
using run::DeviceKind;
namespace limits = base::limits;

constexpr KnownName kPortKeys[] = {
    {"name"}, {"device"}, {"role"},     {"addresses"}, {"gateway"}, {"routes"},
    {"mtu"},  {"queues"}, {"offloads"}, {"faults"},    {"capture"}, {"vlan"},
};
constexpr KnownName kFaultKeys[] = {
    {"loss"}, {"duplication"}, {"reordering"}, {"corruption"}, {"delay"}, {"jitter"}, {"seed"},
};
constexpr KnownName kOffloadKeys[] = {{"tso"}, {"rx_coalescing"}};
// In the order of run::OffloadChoice.
constexpr KnownName kTsoChoices[] = {{"auto"}, {"on"}, {"off"}};
constexpr KnownName kCoalescingChoices[] = {{"auto"}, {"off"}};
constexpr KnownName kRoles[] = {{"client"}, {"server"}};

constexpr std::size_t kMaxAddresses = 256;  // per port
constexpr Bounds<std::uint64_t> kMtuBounds = {576, 9000};
constexpr Bounds<std::uint64_t> kVlanBounds = {1, 4094};  // IEEE 802.1Q 9.6
constexpr std::uint64_t kEthernetMtu = 1500;
constexpr std::uint64_t kIpv6LeastMtu = 1280;  // RFC 8200 5
constexpr Bounds<Duration> kFaultDelayBounds = {Duration{}, Duration::seconds(10)};

struct Scheme {
  std::string_view prefix;
  DeviceKind kind;
  bool jumbo_frames;
};
constexpr Scheme kSchemes[] = {{"pci", DeviceKind::kPci, true},
                               {"tap", DeviceKind::kTap, false},
                               {"af_xdp", DeviceKind::kAfXdp, false},
                               {"af_packet", DeviceKind::kAfPacket, true},
                               {"memif", DeviceKind::kMemif, true}};
constexpr std::string_view kDeviceExpected =
    "tap:NAME, pci:ADDRESS, af_xdp:INTERFACE, af_packet:INTERFACE or memif:PATH";

// What the kernel takes as the name of a network interface.
bool is_interface_name(std::string_view name) {
  return !name.empty() && name.size() <= 15 && name != "." && name != ".." &&
         std::ranges::none_of(name, [](unsigned char c) {
           return c == '/' || c == ':' || c <= ' ' || c >= 0x7f || c == ',' || c == '=';
         });
}

// "0000:3b:00.0"; a leading "0000:" may be missing.
bool is_pci_address(std::string_view address) {
  static constexpr std::string_view kPattern = "hhhh:hh:hh.o";
  return address.size() == kPattern.size() &&
         std::ranges::equal(address, kPattern, [](unsigned char c, char pattern) {
           if (pattern == 'h') return std::isxdigit(c) != 0;
           if (pattern == 'o') return c >= '0' && c <= '7';
           return c == static_cast<unsigned char>(pattern);
         });
}

// Why the target is none for this kind of device; empty when it is one.
std::string check_target(DeviceKind kind, const std::string& target) {
  switch (kind) {
    case DeviceKind::kPci:
      if (is_pci_address(target)) return {};
      return fmt::format("\"{}\" is not a PCI address; expected one such as 0000:3b:00.0", target);
    case DeviceKind::kMemif:
      // The kernel's bound for a socket's path; DPDK separates device arguments by commas.
      if (!target.empty() && target.size() < 108 && target.find(',') == std::string::npos)
        return {};
      return fmt::format("\"{}\" is not a socket's path; expected 1 to 107 bytes without a comma",
                         target);
    case DeviceKind::kTap:
    case DeviceKind::kAfXdp:
    case DeviceKind::kAfPacket:
      if (is_interface_name(target)) return {};
      return fmt::format("\"{}\" is not an interface's name; expected 1 to 15 characters", target);
  }
  return {};
}

void read_device(const Section& section, Reading& reading, run::PortSettings& port) {
  const Node* node = section.require("device", kDeviceExpected);
  if (node == nullptr) return;
  const std::string* text = item_text(*node, "device", kDeviceExpected, reading.problems);
  if (text == nullptr) return;
  const std::size_t colon = std::min(text->find(':'), text->size());
  const std::string_view prefix = std::string_view(*text).substr(0, colon);
  const auto scheme = std::ranges::find(kSchemes, prefix, &Scheme::prefix);
  if (scheme == std::end(kSchemes) || colon == text->size()) {
    reading.problems.add(node->where, fmt::format("device: \"{}\" is not a device; expected {}",
                                                  *text, kDeviceExpected));
    return;
  }
  port.kind = scheme->kind;
  port.target = text->substr(colon + 1);
  if (port.kind == DeviceKind::kPci && port.target.size() == 7) port.target.insert(0, "0000:");
  if (port.kind == DeviceKind::kMemif && !port.target.empty()) {
    port.target = reading.resolve(port.target).string();
  }
  if (const std::string wrong = check_target(port.kind, port.target); !wrong.empty()) {
    reading.problems.add(node->where, "device: " + wrong);
  }
}

void read_addresses(const Section& section, Reading& reading,
                    const std::vector<run::PortSettings>& ports, run::PortSettings& port) {
  static constexpr std::string_view kExpected = "addresses such as [198.18.0.2/24, 2001:db8::2/64]";
  if (section.require("addresses", kExpected) == nullptr) return;
  section.list("addresses", kMaxAddresses, kExpected, [&](const Node& item) {
    const auto prefix = read_prefix(item, "addresses", reading.problems);
    if (!prefix) return;
    const run::PortSettings* owner = owner_of(prefix->address, ports);
    const bool is_repeated =
        std::ranges::find(port.addresses, prefix->address, &base::AddressPrefix::address) !=
        port.addresses.end();
    if (!is_host_address(*prefix)) {
      reading.problems.add(
          item.where, fmt::format("addresses: {} is not a host's address; expected an address "
                                  "within its network, such as {}",
                                  prefix->to_string(),
                                  prefix->address.is_ipv4() ? "198.18.0.2/24" : "2001:db8::2/64"));
    } else if (owner != nullptr || is_repeated) {
      reading.problems.add(
          item.where,
          fmt::format("addresses: {} already belongs to port \"{}\"; expected another",
                      prefix->address.to_string(), owner != nullptr ? owner->name : port.name));
    } else {
      port.addresses.push_back(*prefix);
    }
  });
}

// What is wrong with the port's gateway; empty when nothing is.
std::string check_gateway(const base::IpAddress& gateway, const run::PortSettings& port) {
  if (gateway.is_ipv4() ? port.gateway.has_value() : port.ipv6_gateway.has_value()) {
    return fmt::format("{} is the second one of {}; expected one of each family",
                       gateway.to_string(), family_name(gateway));
  }
  return check_router(gateway, port);
}

void read_gateway(const Node& node, Reading& reading, run::PortSettings& port) {
  const auto gateway = read_address(node, "gateway", reading.problems);
  if (!gateway) return;
  if (const std::string wrong = check_gateway(*gateway, port); !wrong.empty()) {
    reading.problems.add(node.where, "gateway: " + wrong);
  } else if (gateway->is_ipv4()) {
    port.gateway = *gateway;
  } else {
    port.ipv6_gateway = gateway->ipv6();
  }
}

// One address, or a list with one of each family.
void read_gateways(const Section& section, Reading& reading, run::PortSettings& port) {
  static constexpr std::size_t kFamilies = 2;
  const Node* node = section.find("gateway");
  if (node == nullptr) return;
  if (!node->is_sequence()) return read_gateway(*node, reading, port);
  section.list("gateway", kFamilies, "one address of each family",
               [&](const Node& item) { read_gateway(item, reading, port); });
}

void read_mtu(const Section& section, Reading& reading, run::PortSettings& port) {
  std::uint64_t mtu = port.mtu;
  section.count("mtu", kMtuBounds, mtu);
  const auto scheme = std::ranges::find(kSchemes, port.kind, &Scheme::kind);
  if (mtu > kEthernetMtu && !scheme->jumbo_frames && !port.target.empty()) {
    reading.problems.add(section.find("mtu")->where,
                         fmt::format("mtu: a {} device takes no frames of {}; expected at most {}",
                                     scheme->prefix, mtu, kEthernetMtu));
    return;
  }
  const auto is_ipv6 = [](const auto& prefix) { return !prefix.address.is_ipv4(); };
  if (mtu < kIpv6LeastMtu && std::ranges::any_of(port.addresses, is_ipv6)) {
    reading.problems.add(
        section.find("mtu")->where,
        fmt::format("mtu: {} is too little for IPv6; expected at least {}", mtu, kIpv6LeastMtu));
    return;
  }
  port.mtu = static_cast<std::uint16_t>(mtu);
}

void read_faults(const Section& section, Reading& reading, run::PortSettings& port) {
  const Node* node = section.find("faults");
  if (node == nullptr) return;
  if (!reading.options.allow_faults) {
    reading.problems.add(
        node->where,
        "faults: this port would damage traffic on purpose; expected --allow-faults "
        "on the command line, or no faults");
  }
  run::FaultSettings faults;
  const Section keys(*node, "faults", kFaultKeys, reading.problems);
  keys.rate("loss", faults.loss);
  keys.rate("duplication", faults.duplication);
  keys.rate("reordering", faults.reordering);
  keys.rate("corruption", faults.corruption);
  keys.duration("delay", kFaultDelayBounds, faults.delay);
  keys.duration("jitter", kFaultDelayBounds, faults.delay_jitter);
  keys.count("seed", {0, std::numeric_limits<std::uint64_t>::max()}, faults.seed);
  port.faults = faults;
}

void read_offloads(const Section& section, Reading& reading, run::PortSettings& port) {
  const Node* node = section.find("offloads");
  if (node == nullptr) return;
  const Section keys(*node, "offloads", kOffloadKeys, reading.problems);
  if (const Node* tso = keys.find("tso")) {
    const auto choice = read_choice(*tso, "tso", kTsoChoices, reading.problems);
    port.offloads.tso = static_cast<run::OffloadChoice>(choice.value_or(0));
  }
  if (const Node* coalescing = keys.find("rx_coalescing")) {
    const auto choice =
        read_choice(*coalescing, "rx_coalescing", kCoalescingChoices, reading.problems);
    if (choice == 1) port.offloads.rx_coalescing = run::OffloadChoice::kOff;
  }
}

void read_name(const Section& section, Reading& reading,
               const std::vector<run::PortSettings>& ports, run::PortSettings& port) {
  const Node* node = section.require("name", kNameExpected);
  if (node == nullptr) return;
  const std::string* text = item_text(*node, "name", kNameExpected, reading.problems);
  if (text == nullptr) return;
  port.name = *text;
  if (!is_legal_name(*text)) {
    reading.problems.add(
        node->where, fmt::format("name: \"{}\" is not a name; expected {}", *text, kNameExpected));
  } else if (std::ranges::find(ports, *text, &run::PortSettings::name) != ports.end()) {
    reading.problems.add(node->where, fmt::format("name: there is already a port \"{}\"; expected "
                                                  "another name",
                                                  *text));
  }
}

void check_device_is_free(const Section& section, Reading& reading,
                          const std::vector<run::PortSettings>& ports,
                          const run::PortSettings& port) {
  for (const run::PortSettings& other : ports) {
    if (port.target.empty() || other.kind != port.kind || other.target != port.target) continue;
    reading.problems.add(
        section.find("device")->where,
        fmt::format("device: port \"{}\" already uses it; expected another device", other.name));
  }
}

run::PortSettings read_port(const Node& node, Reading& reading,
                            const std::vector<run::PortSettings>& ports) {
  run::PortSettings port;
  const Section section(node, "a port", kPortKeys, reading.problems);
  read_name(section, reading, ports, port);
  read_device(section, reading, port);
  check_device_is_free(section, reading, ports, port);
  read_addresses(section, reading, ports, port);
  read_gateways(section, reading, port);
  read_routes(section, reading, port);
  read_mtu(section, reading, port);
  if (section.find("vlan") != nullptr) {
    std::uint64_t vlan = kVlanBounds.minimum;
    section.count("vlan", kVlanBounds, vlan);
    port.vlan = static_cast<std::uint16_t>(vlan);
  }
  if (section.find("queues") != nullptr) {
    std::uint64_t queues = 1;
    section.count("queues", {1, limits::kMaxWorkers}, queues);
    port.queues = static_cast<std::uint16_t>(queues);
  }
  if (const Node* role = section.find("role")) {
    const auto choice = read_choice(*role, "role", kRoles, reading.problems);
    port.memif_server = choice == 1;
    if (choice && port.kind != DeviceKind::kMemif) {
      reading.problems.add(role->where, "role: only a memif device has one; expected none");
    }
  }
  read_offloads(section, reading, port);
  read_faults(section, reading, port);
  if (const std::string* capture = section.text("capture", "a file to write, such as edge.pcap")) {
    port.capture = reading.resolve(*capture).string();
  }
  return port;
}

}  // namespace

void read_ports(const Section& dataplane, Reading& reading, std::vector<run::PortSettings>& ports) {
  static constexpr std::string_view kExpected = "at least one port with name, device and addresses";
  if (dataplane.require("ports", kExpected) == nullptr) return;
  dataplane.list("ports", limits::kMaxPorts, kExpected,
                 [&](const Node& item) { ports.push_back(read_port(item, reading, ports)); });
}

std::string describe_device(const run::PortSettings& port) {
  const auto* scheme = std::ranges::find(kSchemes, port.kind, &Scheme::kind);
  return fmt::format("{}:{}", scheme->prefix, port.target);
}

const run::PortSettings* owner_of(const base::IpAddress& address,
                                  const std::vector<run::PortSettings>& ports) {
  for (const run::PortSettings& port : ports) {
    for (const base::AddressPrefix& prefix : port.addresses) {
      if (prefix.address == address) return &port;
    }
  }
  return nullptr;
}

}  // namespace sluice::control
