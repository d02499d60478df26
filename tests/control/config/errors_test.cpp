// Every way in which a configuration can be wrong that we know of, with the line that names it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/control/support/configurations.hpp"

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using testing::options;
using testing::problems_of;
using testing::with;

struct WrongConfiguration {
  std::string name;
  std::string text;      // replaces a section of the smallest valid configuration
  std::string expected;  // "line:column: message"
};

std::string name_of_case(const ::testing::TestParamInfo<WrongConfiguration>& each) {
  return each.param.name;
}

// For the report of a failing case.
void PrintTo(const WrongConfiguration& wrong, std::ostream* to) {
  *to << wrong.text;
}

class WrongConfigurationTest : public ::testing::TestWithParam<WrongConfiguration> {};

TEST_P(WrongConfigurationTest, IsNamedWithItsPlace) {
  EXPECT_THAT(problems_of(with(GetParam().text)),
              ElementsAre("sluice.yaml:" + GetParam().expected));
}

std::string port(const std::string& keys) {
  return "dataplane:\n  ports:\n    - {name: edge, " + keys + "}\n";
}
std::string backend(const std::string& keys) {
  return "backends:\n  shop: {" + keys + "}\n";
}
// A list's items.
std::string repeated(const std::string& item, int count) {
  std::string list = item;
  while (--count > 0) list += ", " + item;
  return list;
}
// So many, to stand in a list.
std::string servers(int count) {
  std::string list;
  for (int i = 0; i < count; ++i) {
    list += (i == 0 ? "198.18.0.1:" : ", 198.18.0.1:") + std::to_string(8000 + i);
  }
  return list;
}
std::string route(const std::string& keys) {
  return "listeners:\n  - name: https\n    address: 198.18.0.2:443\n    routes:\n      - {" + keys +
         "}\n";
}
std::string dataplane(const std::string& line) {
  return "dataplane:\n  " + line + "\n" +
         std::string(testing::kSections[0]).substr(std::string("dataplane:\n").size());
}

constexpr const char* kTapAndAddress = "device: tap:s, addresses: [198.18.0.2/24]";
constexpr const char* kTapAndIpv6 = "device: tap:s, addresses: [\"2001:db8::2/64\"]";

INSTANTIATE_TEST_SUITE_P(
    Root, WrongConfigurationTest,
    ::testing::Values(
        WrongConfiguration{"Misspelt", "listners: []\n",
                           "1:1: unknown key \"listners\" in the configuration; did you mean "
                           "\"listeners\"?"},
        WrongConfiguration{"Unknown", "frobnication: yes\n",
                           "1:1: unknown key \"frobnication\" in the configuration; expected "
                           "dataplane, certificates, backends, listeners or admin"},
        WrongConfiguration{"Later", "tickets: {rotate: 12h}\n",
                           "1:1: \"tickets\" is not supported by this version; expected it to be "
                           "left out"},
        WrongConfiguration{"NoValue", "admin:\n",
                           "1:1: admin has no value; expected one, or no such key"},
        WrongConfiguration{"NotAMap", "admin: [x]\n",
                           "1:8: admin is a list; expected a map with socket or metrics"},
        WrongConfiguration{"NoDirectory", "certificates: {default: shop}\n",
                           "1:15: certificates has no directory; expected a directory such as "
                           "/etc/sluice/certs"},
        WrongConfiguration{"LongSocket", "admin: {socket: /" + std::string(107, 'x') + "}\n",
                           "1:17: socket: a path of 108 bytes; expected at most 107"},
        WrongConfiguration{"Metrics", "admin: {metrics: localhost:9464}\n",
                           "1:18: metrics: \"localhost:9464\" is not an address with a port; "
                           "expected an address and a port from 1 to 65535, such as "
                           "198.18.0.2:443 or [2001:db8::2]:443"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    Dataplane, WrongConfigurationTest,
    ::testing::Values(
        WrongConfiguration{"NoSuchCore", dataplane("workers: [0, 1, 4]"),
                           "2:19: workers: there is no core \"4\"; expected one of 0, 1, 2, 3"},
        WrongConfiguration{"TooManyWorkers", dataplane("workers: 5"),
                           "2:12: workers: 5 workers are not possible; expected 1 to 4, or a list "
                           "of cores in which a core may stand several times"},
        WrongConfiguration{"NoWorkers", dataplane("workers: 0"),
                           "2:12: workers: 0 workers are not possible; expected 1 to 4, or a list "
                           "of cores in which a core may stand several times"},
        WrongConfiguration{"EmptyWorkers", dataplane("workers: []"),
                           "2:12: workers has 0 items; expected 1 to 64"},
        WrongConfiguration{"Workers", dataplane("workers: many"),
                           "2:12: workers: \"many\" is not possible; expected auto, a number of "
                           "workers, or a list of cores such as [0, 1]"},
        WrongConfiguration{"Duration", dataplane("idle_sleep: 5 parsecs"),
                           "2:15: idle_sleep: \"5 parsecs\" is not possible; expected a duration "
                           "from 0 to 10ms, such as 200us, 5s, 5m or 12h"},
        WrongConfiguration{"DurationBound", dataplane("limits: {time_wait: 5m}"),
                           "2:23: time_wait: \"5m\" is not possible; expected a duration from 1ms "
                           "to 4m, such as 200us, 5s, 5m or 12h"},
        WrongConfiguration{"SizeBound", dataplane("limits: {send_buffer: 1K}"),
                           "2:25: send_buffer: \"1K\" is not possible; expected a size in bytes "
                           "from 16K to 64M, such as 256K or 1M"},
        WrongConfiguration{"FewPacketsForManyWorkers",
                           "dataplane:\n  workers: [" + repeated("0", 11) +
                               "]\n  memory: {packets_per_worker: 4159}\n  ports:\n"
                               "    - {name: edge, device: tap:s, addresses: [198.18.0.2/24]}\n",
                           "3:32: packets_per_worker: 4159 are too few for 11 workers; expected "
                           "at least 4160"},
        WrongConfiguration{"ReceiveBufferWithoutRoomForARecord",
                           dataplane("limits: {receive_buffer: 63K}"),
                           "2:28: receive_buffer: \"63K\" is not possible; expected a size in "
                           "bytes from 64K to 64M, such as 256K or 1M"},
        WrongConfiguration{"ReceiveBufferTooSmallForJumboFrames",
                           "dataplane:\n  limits: {receive_buffer: 127K}\n  ports:\n"
                           "    - {name: edge, device: memif:m, mtu: 1501, "
                           "addresses: [198.18.0.2/24]}\n",
                           "2:28: receive_buffer: 127K is too little where a port's mtu is above "
                           "1500; expected at least 128K"},
        WrongConfiguration{"Congestion", dataplane("tcp: {congestion: reno}"),
                           "2:21: congestion: unknown value \"reno\"; expected cubic or bbr"},
        WrongConfiguration{"KeepaliveIdle", dataplane("tcp: {keepalive: {idle: 10ms}}"),
                           "2:27: idle: 10ms is too short; expected at least 1s, or 0 for no "
                           "keep-alive"},
        WrongConfiguration{"KeepaliveInterval", dataplane("tcp: {keepalive: {interval: 0}}"),
                           "2:31: interval: \"0\" is not possible; expected a duration from 1s to "
                           "1h, such as 200us, 5s, 5m or 12h"},
        WrongConfiguration{"KeepaliveProbes", dataplane("tcp: {keepalive: {probes: 101}}"),
                           "2:29: probes: \"101\" is not possible; expected a whole number from 1 "
                           "to 100"},
        WrongConfiguration{"UserTimeout", dataplane("tcp: {user_timeout: 2d}"),
                           "2:23: user_timeout: \"2d\" is not possible; expected a duration from "
                           "1s to 1d, such as 200us, 5s, 5m or 12h"},
        WrongConfiguration{"OrphanTimeout", dataplane("tcp: {orphan_timeout: 0}"),
                           "2:25: orphan_timeout: \"0\" is not possible; expected a duration from "
                           "1s to 1d, such as 200us, 5s, 5m or 12h"},
        WrongConfiguration{"UnknownKeyOfTcp", dataplane("tcp: {keep_alive: {}}"),
                           "2:9: unknown key \"keep_alive\" in tcp; did you mean \"keepalive\"?"},
        WrongConfiguration{"ReceiveMemoryOfOneConnection",
                           dataplane("tcp: {memory: {receive: 3M}}"),
                           "2:27: receive: 3M is less than the limits.receive_buffer of one "
                           "connection; expected at least 4M"},
        WrongConfiguration{"SendMemoryOfOneConnection",
                           dataplane("limits: {send_buffer: 8M}\n  tcp: {memory: {send: 4M}}"),
                           "3:24: send: 4M is less than the limits.send_buffer of one connection; "
                           "expected at least 8M"},
        WrongConfiguration{"CountBound", dataplane("limits: {max_connections: -1}"),
                           "2:29: max_connections: \"-1\" is not possible; expected a whole number "
                           "from 2 to 2097152"},
        WrongConfiguration{"PacketsBound", dataplane("memory: {packets_per_worker: 12}"),
                           "2:32: packets_per_worker: \"12\" is not possible; expected a whole "
                           "number from 4096 to 4194304"},
        WrongConfiguration{"Flag", dataplane("memory: {huge_pages: maybe}"),
                           "2:24: huge_pages: \"maybe\" is not possible; expected true or false"},
        WrongConfiguration{"NoPorts", "dataplane: {workers: auto}\n",
                           "1:12: dataplane has no ports; expected at least one port with name, "
                           "device and addresses"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    Port, WrongConfigurationTest,
    ::testing::Values(
        WrongConfiguration{
            "Device", port("device: eth0, addresses: [198.18.0.2/24]"),
            "3:28: device: \"eth0\" is not a device; expected tap:NAME, pci:ADDRESS, "
            "af_xdp:INTERFACE, af_packet:INTERFACE or memif:PATH"},
        WrongConfiguration{
            "InterfaceName", port("device: tap:a-name-of-16-chr, addresses: [198.18.0.2/24]"),
            "3:28: device: \"a-name-of-16-chr\" is not an interface's name; expected "
            "1 to 15 characters"},
        WrongConfiguration{"PciAddress", port("device: \"pci:3b:00\", addresses: [198.18.0.2/24]"),
                           "3:28: device: \"3b:00\" is not a PCI address; expected one such as "
                           "0000:3b:00.0"},
        WrongConfiguration{"Ipv6NetworkAddress",
                           port("device: tap:s, addresses: [\"2001:db8::/64\"]"),
                           "3:47: addresses: 2001:db8::/64 is not a host's address; expected an "
                           "address within its network, such as 2001:db8::2/64"},
        WrongConfiguration{"Ipv6Multicast", port("device: tap:s, addresses: [\"ff02::2/64\"]"),
                           "3:47: addresses: ff02::2/64 is not a host's address; expected an "
                           "address within its network, such as 2001:db8::2/64"},
        WrongConfiguration{"Ipv6Loopback", port("device: tap:s, addresses: [\"::1/128\"]"),
                           "3:47: addresses: ::1/128 is not a host's address; expected an "
                           "address within its network, such as 2001:db8::2/64"},
        WrongConfiguration{
            "MappedIpv4", port("device: tap:s, addresses: [\"::ffff:198.18.0.2/120\"]"),
            "3:47: addresses: \"::ffff:198.18.0.2/120\" is not an address with a length; "
            "expected an address with its network's length, such as "
            "198.18.0.2/24 or 2001:db8::2/64"},
        WrongConfiguration{
            "Ipv6AddressTwice",
            port("device: tap:s, addresses: [\"2001:db8::2/64\", "
                 "\"2001:db8:0::2/48\"]"),
            "3:65: addresses: 2001:db8::2 already belongs to port \"edge\"; expected "
            "another"},
        WrongConfiguration{"FarIpv6Gateway",
                           port(std::string(kTapAndIpv6) + ", gateway: \"2001:db8:1::1\""),
                           "3:75: gateway: 2001:db8:1::1 is in none of the port's networks; "
                           "expected an address in 2001:db8::2/64"},
        WrongConfiguration{"OwnIpv6Gateway",
                           port(std::string(kTapAndIpv6) + ", gateway: \"2001:db8::2\""),
                           "3:75: gateway: 2001:db8::2 is the port's own address; expected another "
                           "host's"},
        WrongConfiguration{"GroupAsGateway",
                           port(std::string(kTapAndIpv6) + ", gateway: \"ff02::2\""),
                           "3:75: gateway: ff02::2 is not a host's address; expected another "
                           "host's"},
        WrongConfiguration{"Ipv6GatewayWithoutAnAddress",
                           port(std::string(kTapAndAddress) + ", gateway: \"fe80::1\""),
                           "3:72: gateway: fe80::1 is IPv6, of which the port has no address; "
                           "expected one of its addresses' family"},
        WrongConfiguration{"TwoGatewaysOfAFamily",
                           port(std::string(kTapAndIpv6) + ", gateway: [\"fe80::1\", \"fe80::2\"]"),
                           "3:87: gateway: fe80::2 is the second one of IPv6; expected one of each "
                           "family"},
        WrongConfiguration{"ThreeGateways", port(std::string(kTapAndIpv6) + ", gateway: [a, b, c]"),
                           "3:75: gateway has 3 items; expected 1 to 2"},
        WrongConfiguration{"SmallMtuForIpv6", port(std::string(kTapAndIpv6) + ", mtu: 1279"),
                           "3:71: mtu: 1279 is too little for IPv6; expected at least 1280"},
        WrongConfiguration{"NoLength", port("device: tap:s, addresses: [198.18.0.2]"),
                           "3:47: addresses: \"198.18.0.2\" is not an address with a length; "
                           "expected an address with its network's length, such as "
                           "198.18.0.2/24 or 2001:db8::2/64"},
        WrongConfiguration{"NetworkAddress", port("device: tap:s, addresses: [198.18.0.0/24]"),
                           "3:47: addresses: 198.18.0.0/24 is not a host's address; expected an "
                           "address within its network, such as 198.18.0.2/24"},
        WrongConfiguration{"Broadcast", port("device: tap:s, addresses: [198.18.0.255/24]"),
                           "3:47: addresses: 198.18.0.255/24 is not a host's address; expected an "
                           "address within its network, such as 198.18.0.2/24"},
        WrongConfiguration{"AddressTwice",
                           port("device: tap:s, addresses: [198.18.0.2/24, 198.18.0.2/16]"),
                           "3:62: addresses: 198.18.0.2 already belongs to port \"edge\"; expected "
                           "another"},
        WrongConfiguration{"FarGateway", port(std::string(kTapAndAddress) + ", gateway: 10.0.0.1"),
                           "3:72: gateway: 10.0.0.1 is in none of the port's networks; expected an "
                           "address in 198.18.0.2/24"},
        WrongConfiguration{"OwnGateway",
                           port(std::string(kTapAndAddress) + ", gateway: 198.18.0.2"),
                           "3:72: gateway: 198.18.0.2 is the port's own address; expected another "
                           "host's"},
        WrongConfiguration{
            "VlanThatIsNone", port(std::string(kTapAndAddress) + ", vlan: 0"),
            "3:69: vlan: \"0\" is not possible; expected a whole number from 1 to 4094"},
        WrongConfiguration{
            "VlanOfAllOnes", port(std::string(kTapAndAddress) + ", vlan: 4095"),
            "3:69: vlan: \"4095\" is not possible; expected a whole number from 1 to 4094"},
        WrongConfiguration{"RouteWithoutRouter",
                           port(std::string(kTapAndAddress) + ", routes: [{to: 203.0.113.0/24}]"),
                           "3:72: a route has no via; expected a router's address such as "
                           "198.18.0.9"},
        WrongConfiguration{
            "RouteToAHostInANetwork",
            port(std::string(kTapAndAddress) + ", routes: [{to: 203.0.113.9/24, via: 198.18.0.9}]"),
            "3:77: to: 203.0.113.9/24 is an address in a network; expected "
            "203.0.113.0/24"},
        WrongConfiguration{
            "RouteToEverything",
            port(std::string(kTapAndAddress) + ", routes: [{to: 0.0.0.0/0, via: 198.18.0.9}]"),
            "3:77: to: 0.0.0.0/0 is everything, which the gateway is for; expected "
            "a network such as 203.0.113.0/24"},
        WrongConfiguration{
            "RouteToGroups",
            port(std::string(kTapAndAddress) + ", routes: [{to: 224.0.0.0/4, via: 198.18.0.9}]"),
            "3:77: to: 224.0.0.0/4 holds no hosts that a router leads to; expected "
            "a network such as 203.0.113.0/24"},
        WrongConfiguration{
            "RouteTwice",
            port(std::string(kTapAndAddress) + ", routes: [{to: 203.0.113.0/24, via: 198.18.0.9}, "
                                               "{to: 203.0.113.0/24, via: 198.18.0.8}]"),
            "3:116: to: there is already a route to 203.0.113.0/24; expected "
            "another network"},
        WrongConfiguration{"RouteOfTwoFamilies",
                           port(std::string(kTapAndIpv6) +
                                ", routes: [{to: \"2001:db8:9::/48\", via: 198.18.0.9}]"),
                           "3:104: via: 198.18.0.9 is IPv4 and the network is not; expected a "
                           "router of the network's family"},
        WrongConfiguration{
            "RouteByAFarRouter",
            port(std::string(kTapAndAddress) + ", routes: [{to: 203.0.113.0/24, via: 10.0.0.1}]"),
            "3:98: via: 10.0.0.1 is in none of the port's networks; expected an "
            "address in 198.18.0.2/24"},
        WrongConfiguration{
            "RouteByOurselves",
            port(std::string(kTapAndAddress) + ", routes: [{to: 203.0.113.0/24, via: 198.18.0.2}]"),
            "3:98: via: 198.18.0.2 is the port's own address; expected another "
            "host's"},
        WrongConfiguration{"JumboTap", port(std::string(kTapAndAddress) + ", mtu: 9000"),
                           "3:68: mtu: a tap device takes no frames of 9000; expected at most "
                           "1500"},
        WrongConfiguration{"Role", port(std::string(kTapAndAddress) + ", role: server"),
                           "3:69: role: only a memif device has one; expected none"},
        WrongConfiguration{
            "Queues", port(std::string(kTapAndAddress) + ", queues: 65"),
            "3:71: queues: \"65\" is not possible; expected a whole number from 1 to "
            "64"},
        WrongConfiguration{"Tso", port(std::string(kTapAndAddress) + ", offloads: {tso: yes}"),
                           "3:79: tso: unknown value \"yes\"; expected auto, on or off"},
        WrongConfiguration{"Coalescing",
                           port(std::string(kTapAndAddress) + ", offloads: {rx_coalescing: on}"),
                           "3:89: rx_coalescing: unknown value \"on\"; expected auto or off"},
        WrongConfiguration{"Faults", port(std::string(kTapAndAddress) + ", faults: {loss: 0.03}"),
                           "3:71: faults: this port would damage traffic on purpose; expected "
                           "--allow-faults on the command line, or no faults"},
        WrongConfiguration{"SameName",
                           "dataplane:\n  ports:\n"
                           "    - {name: edge, device: tap:a, addresses: [198.18.0.2/24]}\n"
                           "    - {name: edge, device: tap:b, addresses: [198.18.1.2/24]}\n",
                           "4:14: name: there is already a port \"edge\"; expected another name"},
        WrongConfiguration{"SameDevice",
                           "dataplane:\n  ports:\n"
                           "    - {name: edge, device: tap:a, addresses: [198.18.0.2/24]}\n"
                           "    - {name: core, device: tap:a, addresses: [198.18.1.2/24]}\n",
                           "4:28: device: port \"edge\" already uses it; expected another device"},
        WrongConfiguration{"Name",
                           "dataplane:\n  ports:\n"
                           "    - {name: my port, device: tap:a, addresses: [198.18.0.2/24]}\n",
                           "3:14: name: \"my port\" is not a name; expected 1 to 32 letters, "
                           "digits, '-', '_' or '.', the first a letter or a digit"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    Backend, WrongConfigurationTest,
    ::testing::Values(
        WrongConfiguration{"NoServers", backend("balance: round_robin"),
                           "2:9: a backend has no servers; expected servers such as "
                           "[198.18.0.1:8080]"},
        WrongConfiguration{"EmptyServers", backend("servers: []"),
                           "2:19: servers has 0 items; expected 1 to 64"},
        WrongConfiguration{"TooManyServers", backend("servers: [" + servers(65) + "]"),
                           "2:19: servers has 65 items; expected 1 to 64"},
        WrongConfiguration{"HostName", backend("servers: [shop.example:80]"),
                           "2:20: servers: \"shop.example:80\" is not an address with a port; "
                           "expected an address and a port from 1 to 65535, such as "
                           "198.18.0.2:443 or [2001:db8::2]:443"},
        WrongConfiguration{
            "PortZero", backend("servers: [198.18.0.1:0]"),
            "2:20: servers: \"198.18.0.1:0\" is not an address with a port; expected "
            "an address and a port from 1 to 65535, such as 198.18.0.2:443 or "
            "[2001:db8::2]:443"},
        WrongConfiguration{"ServerTwice", backend("servers: [198.18.0.1:80, 198.18.0.1:80]"),
                           "2:35: servers: 198.18.0.1:80 stands in the list twice; expected it "
                           "once"},
        WrongConfiguration{"OwnAddress", backend("servers: [198.18.0.2:80]"),
                           "2:20: servers: 198.18.0.2:80 is an address of port \"edge\" itself; "
                           "expected another host's"},
        WrongConfiguration{"Source",
                           backend("servers: [198.18.0.1:80], source_addresses: [198.18.0.9]"),
                           "2:55: source_addresses: no port has the address 198.18.0.9; expected "
                           "one of a port's addresses"},
        WrongConfiguration{"SourceOfTheOtherFamily",
                           backend("servers: [198.18.0.1:80], source_addresses: "
                                   "[\"2001:db8::2\"]"),
                           "2:55: source_addresses: 2001:db8::2 is IPv6 and the servers are not; "
                           "expected an address of their family"},
        WrongConfiguration{"ServersOfBothFamilies",
                           backend("servers: [198.18.0.1:80, \"[2001:db8::1]:80\"]"),
                           "2:35: servers: [2001:db8::1]:80 is IPv6 and the first server is not; "
                           "expected servers of one family"},
        WrongConfiguration{"UnreachableIpv6Server", backend("servers: [\"[2001:db8::1]:80\"]"),
                           "2:20: servers: no port leads to [2001:db8::1]:80; expected an address "
                           "in a port's network, or a port with a route or a gateway"},
        WrongConfiguration{"LaterBalance",
                           backend("servers: [198.18.0.1:80], balance: least_connections"),
                           "2:45: balance: \"least_connections\" is not supported by this version; "
                           "expected round_robin"},
        WrongConfiguration{
            "Balance", backend("servers: [198.18.0.1:80], balance: round-robin"),
            "2:45: balance: unknown value \"round-robin\"; expected round_robin; did "
            "you mean \"round_robin\"?"},
        WrongConfiguration{"Health", backend("servers: [198.18.0.1:80], health: {tcp: {}}"),
                           "2:36: \"health\" is not supported by this version; expected it to be "
                           "left out"},
        WrongConfiguration{"ProxyProtocol", backend("servers: [198.18.0.1:80], proxy_protocol: v2"),
                           "2:36: \"proxy_protocol\" is not supported by this version; expected it "
                           "to be left out"},
        WrongConfiguration{"Servers", backend("servers: 198.18.0.1:80"),
                           "2:19: servers is a single value; expected a list: servers such as "
                           "[198.18.0.1:8080]"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    Listener, WrongConfigurationTest,
    ::testing::Values(
        WrongConfiguration{"ForeignAddress",
                           "listeners:\n  - name: https\n    address: 198.18.0.3:443\n"
                           "    routes: [{mode: tcp, backend: shop}]\n",
                           "3:14: address: no port has the address 198.18.0.3; expected one of a "
                           "port's addresses"},
        WrongConfiguration{"ForeignIpv6Address",
                           "listeners:\n  - name: https\n    address: \"[2001:db8::2]:443\"\n"
                           "    routes: [{mode: tcp, backend: shop}]\n",
                           "3:14: address: no port has the address 2001:db8::2; expected one of a "
                           "port's addresses"},
        WrongConfiguration{"Ipv6AddressWithoutBrackets",
                           "listeners:\n  - name: https\n    address: \"2001:db8::2:443\"\n"
                           "    routes: [{mode: tcp, backend: shop}]\n",
                           "3:14: address: \"2001:db8::2:443\" is not an address with a port; "
                           "expected an address and a port from 1 to 65535, such as 198.18.0.2:443 "
                           "or [2001:db8::2]:443"},
        WrongConfiguration{"NoRoutes", "listeners:\n  - {name: a, address: 198.18.0.2:443}\n",
                           "2:5: a listener has no routes; expected at least one route with mode "
                           "and backend"},
        WrongConfiguration{"SameAddress",
                           "listeners:\n"
                           "  - {name: a, address: 198.18.0.2:443, routes: [{mode: tcp, backend: "
                           "shop}]}\n"
                           "  - {name: b, address: 198.18.0.2:443, routes: [{mode: tcp, backend: "
                           "shop}]}\n",
                           "3:24: address: listener \"a\" already has 198.18.0.2:443; expected "
                           "another"},
        WrongConfiguration{"SameName",
                           "listeners:\n"
                           "  - {name: a, address: 198.18.0.2:443, routes: [{mode: tcp, backend: "
                           "shop}]}\n"
                           "  - {name: a, address: 198.18.0.2:444, routes: [{mode: tcp, backend: "
                           "shop}]}\n",
                           "3:12: name: there is already a listener \"a\"; expected another name"},
        WrongConfiguration{
            "HandshakeTimeout",
            "listeners:\n  - name: https\n    address: 198.18.0.2:443\n"
            "    timeouts: {handshake: 0s}\n"
            "    routes: [{mode: tcp, backend: shop}]\n",
            "4:27: handshake: \"0s\" is not possible; expected a duration from 100ms "
            "to 5m, such as 200us, 5s, 5m or 12h"},
        WrongConfiguration{"RequestTimeout",
                           "listeners:\n  - name: https\n    address: 198.18.0.2:443\n"
                           "    timeouts: {request: 10m}\n"
                           "    routes: [{mode: tcp, backend: shop}]\n",
                           "4:16: \"request\" is not supported by this version; expected it to be "
                           "left out"},
        WrongConfiguration{
            "UnknownSni",
            "listeners:\n  - name: https\n    address: 198.18.0.2:443\n"
            "    unknown_sni: refuse\n"
            "    routes: [{mode: tcp, backend: shop}]\n",
            "4:18: unknown_sni: a route without match takes every name, so that none "
            "can be refused; expected default, or a match in every route"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    Route, WrongConfigurationTest,
    ::testing::Values(
        WrongConfiguration{"NoBackend", route("mode: tcp"),
                           "5:9: a route has no backend; expected the name of one of the backends"},
        WrongConfiguration{"MisspeltBackend", route("mode: tcp, backend: shpo"),
                           "5:30: backend: there is no backend \"shpo\"; expected the name of one "
                           "of the backends; did you mean \"shop\"?"},
        WrongConfiguration{"NoMode", route("backend: shop"),
                           "5:9: a route has no mode; expected mode: tcp"},
        WrongConfiguration{"HttpMode", route("mode: http, backend: shop"),
                           "5:16: mode: \"http\" is not supported by this version; expected tcp"},
        WrongConfiguration{"PassthroughMode", route("mode: passthrough, backend: shop"),
                           "5:16: mode: \"passthrough\" is not supported by this version; expected "
                           "tcp"},
        WrongConfiguration{"EarlyData", route("mode: tcp, backend: shop, early_data: hold"),
                           "5:36: \"early_data\" is not supported by this version; expected it to "
                           "be left out"},
        WrongConfiguration{"Paths", route("mode: tcp, backend: shop, paths: [{prefix: /x}]"),
                           "5:36: \"paths\" is not supported by this version; expected it to be "
                           "left out"},
        WrongConfiguration{
            "InnerWildcard", route("match: {sni: www.*.example}, mode: tcp, backend: shop"),
            "5:23: sni: \"www.*.example\" is not a server name; expected a host name "
            "such as www.shop.example, in which a \"*\" may stand for the left-most "
            "label"},
        WrongConfiguration{"AddressAsName",
                           route("match: {sni: 198.18.0.2}, mode: tcp, backend: shop"),
                           "5:23: sni: \"198.18.0.2\" is not a server name; expected a host name "
                           "such as www.shop.example, in which a \"*\" may stand for the left-most "
                           "label"},
        WrongConfiguration{"NameTwice",
                           route("match: {sni: [a.example, A.example]}, mode: tcp, backend: shop"),
                           "5:35: sni: \"a.example\" is already matched on line 5; expected a name "
                           "that no other route has"},
        WrongConfiguration{
            "TwoWithoutMatch",
            route("mode: tcp, backend: shop") + "      - {mode: tcp, backend: shop}\n",
            "6:9: a route without match takes what no other route does, and there "
            "already is one on line 5; expected a match"},
        WrongConfiguration{"EmptyMatch", route("match: {}, mode: tcp, backend: shop"),
                           "5:17: match has no sni; expected a server name, or a list of them"},
        WrongConfiguration{
            "Suite", route("mode: tcp, backend: shop, suites: [TLS_AES_128_GCM_SHA265]"),
            "5:45: suites: unknown value \"TLS_AES_128_GCM_SHA265\"; expected "
            "TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384 or "
            "TLS_CHACHA20_POLY1305_SHA256; did you mean \"TLS_AES_128_GCM_SHA256\"?"},
        WrongConfiguration{"LaterGroup", route("mode: tcp, backend: shop, groups: [secp384r1]"),
                           "5:45: groups: \"secp384r1\" is not supported by this version; expected "
                           "x25519 or secp256r1"},
        WrongConfiguration{"GroupTwice",
                           route("mode: tcp, backend: shop, groups: [x25519, x25519]"),
                           "5:53: groups: x25519 stands in the list twice; expected it once"},
        WrongConfiguration{"Alpn", route("mode: tcp, backend: shop, alpn: [\"\"]"),
                           "5:43: alpn is empty; expected a protocol of 1 to 32 bytes, such as "
                           "http/1.1"}),
    name_of_case);

TEST(ConfigurationErrors, AllProblemsOfAFileAreReportedInItsOrder) {
  EXPECT_THAT(
      problems_of("dataplane: {workers: 9, speed: high}\n"
                  "certificates: {}\n"
                  "backends: {}\n"
                  "listeners: {}\n"),
      ElementsAre("sluice.yaml:1:12: dataplane has no ports; expected at least one port with "
                  "name, device and addresses",
                  "sluice.yaml:1:22: workers: 9 workers are not possible; expected 1 to 4, "
                  "or a list of cores in which a core may stand several times",
                  "sluice.yaml:1:25: unknown key \"speed\" in dataplane; expected workers, "
                  "ports, memory, limits, tcp or idle_sleep",
                  "sluice.yaml:2:15: certificates has no directory; expected a directory "
                  "such as /etc/sluice/certs",
                  "sluice.yaml:3:11: backends is 0 backends; expected a map of 1 to 256 "
                  "backends by name",
                  "sluice.yaml:4:12: listeners is a map; expected a list: at least one "
                  "listener with name, address and routes"));
}

TEST(ConfigurationErrors, AReferenceIntoABrokenPartIsNoProblemOfItsOwn) {
  EXPECT_THAT(problems_of(with(port("device: tap:s, addresses: [198.18.0.300/24]"))),
              ElementsAre(::testing::StartsWith("sluice.yaml:3:47: addresses: ")));
}

TEST(ConfigurationErrors, AnUnreachableServerIsRefused) {
  const std::string text = "dataplane:\n  ports:\n    - {name: edge, " +
                           std::string(kTapAndAddress) + "}\n" +
                           "backends: {shop: {servers: [198.19.0.1:80]}}\n" +
                           std::string(testing::kSections[1]) + std::string(testing::kSections[3]);
  EXPECT_THAT(problems_of(text),
              ElementsAre("sluice.yaml:4:29: servers: no port leads to 198.19.0.1:80; expected an "
                          "address in a port's network, or a port with a route or a gateway"));
}

TEST(ConfigurationErrors, AllowedFaultsAreCheckedToo) {
  ConfigurationOptions allowing = options();
  allowing.allow_faults = true;
  const std::string text =
      with(port(std::string(kTapAndAddress) +
                ", faults: {loss: 101%, duplication: nan, delay: 1m, sede: 1}"));
  EXPECT_THAT(
      problems_of(text, allowing),
      ElementsAre("sluice.yaml:3:78: loss: \"101%\" is not possible; expected a rate from 0 "
                  "to 1, or from 0% to 100%",
                  "sluice.yaml:3:97: duplication: \"nan\" is not possible; expected a rate "
                  "from 0 to 1, or from 0% to 100%",
                  "sluice.yaml:3:109: delay: \"1m\" is not possible; expected a duration "
                  "from 0 to 10s, such as 200us, 5s, 5m or 12h",
                  "sluice.yaml:3:113: unknown key \"sede\" in faults; did you mean "
                  "\"seed\"?"));
}

TEST(ConfigurationErrors, ManyProblemsAreCountedBeyondABound) {
  std::string text;
  for (int i = 0; i < 150; ++i) text += "k" + std::to_string(1000 + i) + ": 1\n";
  const auto lines = problems_of(with(text));
  ASSERT_EQ(lines.size(), Problems::kMax + 1);
  EXPECT_EQ(lines.back(), "sluice.yaml: 50 more problems");
}

}  // namespace
}  // namespace sluice::control
