#include "control/config/configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/control/support/configurations.hpp"

namespace sluice::control {
namespace {

using base::Duration;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::options;
using testing::with;

Configuration parse(std::string_view text, const ConfigurationOptions& chosen = options()) {
  Problems problems("sluice.yaml");
  auto parsed = parse_configuration(text, chosen, problems);
  EXPECT_THAT(problems.lines(), IsEmpty());
  return parsed.value_or(Configuration{});
}

base::SocketAddress endpoint(std::string_view text) {
  return base::SocketAddress::parse(text).value();
}

TEST(Configuration, WhatIsLeftOutHasItsDefault) {
  const Configuration parsed = parse(with(""));
  EXPECT_THAT(parsed.dataplane.worker_cores, ElementsAre(0U, 1U, 2U, 3U));
  EXPECT_EQ(parsed.dataplane.memory.packets_per_worker, 32768U);
  EXPECT_TRUE(parsed.dataplane.memory.huge_pages);
  EXPECT_EQ(parsed.dataplane.max_connections, 65536U);
  EXPECT_EQ(parsed.dataplane.time_wait, Duration::seconds(60));
  EXPECT_EQ(parsed.dataplane.idle_sleep, Duration::microseconds(200));
  ASSERT_EQ(parsed.dataplane.ports.size(), 1U);
  EXPECT_EQ(parsed.dataplane.ports[0].mtu, 1500);
  EXPECT_FALSE(parsed.dataplane.ports[0].queues);
  EXPECT_FALSE(parsed.dataplane.ports[0].faults);
  EXPECT_EQ(parsed.dataplane.ports[0].offloads.tso, run::OffloadChoice::kAuto);
  ASSERT_EQ(parsed.backends.size(), 1U);
  EXPECT_EQ(parsed.backends[0].connect_timeout, Duration::seconds(3));
  EXPECT_THAT(parsed.backends[0].source_addresses,
              ElementsAre(base::IpAddress::parse("198.18.0.2").value()));
  ASSERT_EQ(parsed.listeners.size(), 1U);
  ASSERT_EQ(parsed.listeners[0].routes.size(), 1U);
  const RouteConfiguration& route = parsed.listeners[0].routes[0];
  EXPECT_THAT(route.server_names, IsEmpty());
  EXPECT_THAT(route.suites, ElementsAre(tls::CipherSuite::TLS_AES_128_GCM_SHA256,
                                        tls::CipherSuite::TLS_AES_256_GCM_SHA384,
                                        tls::CipherSuite::TLS_CHACHA20_POLY1305_SHA256));
  EXPECT_EQ(route.handshake_timeout, Duration::seconds(5));
  EXPECT_EQ(route.idle_timeout, Duration::seconds(300));
  EXPECT_EQ(parsed.admin.socket, "/run/sluice/admin.sock");
  EXPECT_FALSE(parsed.admin.metrics);
}

TEST(Configuration, WorkersAreANumberOrAListInWhichACoreMayRepeat) {
  const std::string ports(
      std::string(testing::kSections[0]).substr(std::string("dataplane:\n").size()));
  EXPECT_THAT(parse(with("dataplane:\n  workers: 2\n" + ports)).dataplane.worker_cores,
              ElementsAre(0U, 1U));
  EXPECT_THAT(parse(with("dataplane:\n  workers: [3, 0, 3]\n" + ports)).dataplane.worker_cores,
              ElementsAre(3U, 0U, 3U));
}

TEST(Configuration, EveryKeyOfDataplaneIsRead) {
  ConfigurationOptions allowing = options();
  allowing.allow_faults = true;
  const Configuration parsed = parse(with(R"(dataplane:
  workers: [1]
  idle_sleep: 0
  memory: {packets_per_worker: 8192, huge_pages: false}
  limits: {max_connections: 1000, time_wait: 500ms, receive_buffer: 128K, send_buffer: 1M}
  tcp:
    congestion: bbr
    keepalive: {idle: 10m, interval: 30s, probes: 4}
    user_timeout: 100s
    orphan_timeout: 5m
    memory: {receive: 16M, send: 8M}
  ports:
    - name: edge
      device: memif:m.sock
      role: server
      addresses: [198.18.0.2/24, 198.18.0.3/24]
      gateway: 198.18.0.1
      mtu: 9000
      queues: 2
      offloads: {tso: on, rx_coalescing: off}
      capture: edge.pcap
      faults: {loss: 3%, duplication: 0.01, reordering: 0.03, corruption: 0.5%, delay: 2ms,
               jitter: 1ms, seed: 7}
)"),
                                     allowing);
  const run::DataplaneSettings& dataplane = parsed.dataplane;
  EXPECT_EQ(dataplane.idle_sleep, Duration{});
  EXPECT_EQ(dataplane.memory.packets_per_worker, 8192U);
  EXPECT_FALSE(dataplane.memory.huge_pages);
  EXPECT_EQ(dataplane.max_connections, 1000U);
  EXPECT_EQ(dataplane.time_wait, Duration::milliseconds(500));
  EXPECT_EQ(dataplane.receive_buffer, 128U * 1024);
  EXPECT_EQ(dataplane.send_buffer, 1024U * 1024);
  EXPECT_EQ(dataplane.tcp.congestion, run::CongestionControl::kBbr);
  EXPECT_EQ(dataplane.tcp.keepalive_idle, Duration::seconds(600));
  EXPECT_EQ(dataplane.tcp.keepalive_interval, Duration::seconds(30));
  EXPECT_EQ(dataplane.tcp.keepalive_probes, 4U);
  EXPECT_EQ(dataplane.tcp.user_timeout, Duration::seconds(100));
  EXPECT_EQ(dataplane.tcp.orphan_timeout, Duration::seconds(300));
  EXPECT_EQ(dataplane.tcp.receive_memory, 16U << 20);
  EXPECT_EQ(dataplane.tcp.send_memory, 8U << 20);
  ASSERT_EQ(dataplane.ports.size(), 1U);
  const run::PortSettings& port = dataplane.ports[0];
  EXPECT_EQ(port.name, "edge");
  EXPECT_EQ(port.kind, run::DeviceKind::kMemif);
  EXPECT_EQ(port.target, "/etc/sluice/m.sock");
  EXPECT_TRUE(port.memif_server);
  EXPECT_EQ(port.addresses.size(), 2U);
  EXPECT_EQ(port.gateway, base::IpAddress::parse("198.18.0.1"));
  EXPECT_EQ(port.mtu, 9000);
  EXPECT_EQ(port.queues, 2);
  EXPECT_EQ(port.offloads.tso, run::OffloadChoice::kOn);
  EXPECT_EQ(port.offloads.rx_coalescing, run::OffloadChoice::kOff);
  EXPECT_EQ(port.capture, "/etc/sluice/edge.pcap");
  ASSERT_TRUE(port.faults);
  EXPECT_DOUBLE_EQ(port.faults->loss, 0.03);
  EXPECT_DOUBLE_EQ(port.faults->duplication, 0.01);
  EXPECT_DOUBLE_EQ(port.faults->reordering, 0.03);
  EXPECT_DOUBLE_EQ(port.faults->corruption, 0.005);
  EXPECT_EQ(port.faults->delay, Duration::milliseconds(2));
  EXPECT_EQ(port.faults->delay_jitter, Duration::milliseconds(1));
  EXPECT_EQ(port.faults->seed, 7U);
}

TEST(Configuration, AShortPciAddressGetsItsDomain) {
  const Configuration parsed = parse(
      with("dataplane: {ports: [{name: a, device: \"pci:3b:00.0\", addresses: [198.18.0.2/24]}]}"));
  ASSERT_EQ(parsed.dataplane.ports.size(), 1U);
  EXPECT_EQ(parsed.dataplane.ports[0].kind, run::DeviceKind::kPci);
  EXPECT_EQ(parsed.dataplane.ports[0].target, "0000:3b:00.0");
}

TEST(Configuration, EveryKeyOfABackendIsRead) {
  const Configuration parsed = parse(with(R"(backends:
  shop:
    servers: [198.18.0.1:8080, 198.18.0.9:8081]
    source_addresses: [198.18.0.2]
    balance: round_robin
    connect_timeout: 200ms
    retry_after: 10s
)"));
  ASSERT_EQ(parsed.backends.size(), 1U);
  EXPECT_THAT(parsed.backends[0].servers,
              ElementsAre(endpoint("198.18.0.1:8080"), endpoint("198.18.0.9:8081")));
  EXPECT_EQ(parsed.backends[0].connect_timeout, Duration::milliseconds(200));
  EXPECT_EQ(parsed.backends[0].retry_after, Duration::seconds(10));
}

TEST(Configuration, TheSourceAddressIsTheOneNearestToTheServer) {
  const Configuration parsed = parse(R"(
dataplane:
  ports:
    - {name: edge, device: tap:a, addresses: [198.18.0.2/24], gateway: 198.18.0.1}
    - {name: core, device: tap:b, addresses: [198.19.0.2/16, 198.19.7.2/24]}
certificates: {directory: certs}
backends:
  near: {servers: [198.19.7.1:80]}
  wide: {servers: [198.19.8.1:80]}
  far: {servers: [203.0.113.1:80]}
listeners:
  - {name: https, address: 198.18.0.2:443, routes: [{mode: tcp, backend: near}]}
)");
  ASSERT_EQ(parsed.backends.size(), 3U);
  const auto source = [&](std::size_t i) {
    return parsed.backends[i].source_addresses[0].to_string();
  };
  EXPECT_EQ(source(0), "198.19.7.2");
  EXPECT_EQ(source(1), "198.19.0.2");
  EXPECT_EQ(source(2), "198.18.0.2");
}

TEST(Configuration, APortHasAGatewayForEachFamily) {
  const Configuration parsed = parse(with(R"(dataplane:
  ports:
    - name: edge
      device: tap:a
      addresses: [198.18.0.2/24, "2001:db8::2/64"]
      gateway: [fe80::1, 198.18.0.1]
      mtu: 1280
)"));
  ASSERT_EQ(parsed.dataplane.ports.size(), 1U);
  const run::PortSettings& port = parsed.dataplane.ports[0];
  EXPECT_EQ(port.gateway, base::IpAddress::parse("198.18.0.1"));
  EXPECT_EQ(port.ipv6_gateway, base::Ipv6Address::parse("fe80::1"));
  EXPECT_EQ(port.mtu, 1280);
}

TEST(Configuration, APortIsInAVlanIfItSaysSo) {
  const auto vlan_of = [](const std::string& key) {
    return parse(with("dataplane:\n  ports:\n    - {name: edge, device: tap:a, "
                      "addresses: [198.18.0.2/24]" +
                      key + "}\n"))
        .dataplane.ports.at(0)
        .vlan;
  };
  EXPECT_EQ(vlan_of(""), std::nullopt);
  EXPECT_EQ(vlan_of(", vlan: 5"), 5);
  EXPECT_EQ(vlan_of(", vlan: 4094"), 4094);
}

TEST(Configuration, APortHasRoutesOfBothFamilies) {
  const Configuration parsed = parse(with(R"(dataplane:
  ports:
    - name: edge
      device: tap:a
      addresses: [198.18.0.2/24, "2001:db8::2/64"]
      routes:
        - {to: 203.0.113.0/24, via: 198.18.0.9}
        - {to: "2001:db8:9::/48", via: "fe80::9"}
        - {to: 203.0.113.7/32, via: 198.18.0.8}
)"));
  ASSERT_EQ(parsed.dataplane.ports.size(), 1U);
  const auto& routes = parsed.dataplane.ports[0].routes;
  ASSERT_EQ(routes.size(), 3U);
  EXPECT_EQ(routes[0].to, base::AddressPrefix::parse("203.0.113.0/24"));
  EXPECT_EQ(routes[0].via, base::IpAddress::parse("198.18.0.9"));
  EXPECT_EQ(routes[1].to, base::AddressPrefix::parse("2001:db8:9::/48"));
  EXPECT_EQ(routes[1].via, base::IpAddress::parse("fe80::9"));
  EXPECT_EQ(routes[2].to, base::AddressPrefix::parse("203.0.113.7/32"));
}

// The longest prefix that holds the server decides from where it is spoken to.
TEST(Configuration, SourceAddressIsTowardsTheRouterOfTheLongestPrefix) {
  const Configuration parsed = parse(R"(
dataplane:
  ports:
    - {name: edge, device: tap:a, addresses: [198.18.0.2/24], gateway: 198.18.0.1}
    - {name: core, device: tap:b, addresses: [198.19.0.2/24, 198.19.1.2/24],
       routes: [{to: 203.0.113.0/24, via: 198.19.1.9}, {to: 198.18.0.128/25, via: 198.19.0.9}]}
certificates: {directory: certs}
backends:
  routed: {servers: [203.0.113.5:80]}
  beyond: {servers: [192.0.2.5:80]}
  near: {servers: [198.18.0.5:80]}
  narrower: {servers: [198.18.0.200:80]}
listeners:
  - {name: https, address: 198.18.0.2:443, routes: [{mode: tcp, backend: near}]}
)");
  ASSERT_EQ(parsed.backends.size(), 4U);
  const auto source = [&](std::string_view name) {
    const auto found = std::ranges::find(parsed.backends, name, &run::BackendSettings::name);
    return found->source_addresses[0].to_string();
  };
  EXPECT_EQ(source("routed"), "198.19.1.2");
  EXPECT_EQ(source("beyond"), "198.18.0.2");
  EXPECT_EQ(source("near"), "198.18.0.2");
  EXPECT_EQ(source("narrower"), "198.19.0.2");
}

TEST(Configuration, SourceAddressesAreOfTheServersFamily) {
  const Configuration parsed = parse(R"(
dataplane:
  ports:
    - {name: edge, device: tap:a, addresses: [198.18.0.2/24, "2001:db8::2/64"],
       gateway: "2001:db8::1"}
    - {name: core, device: tap:b, addresses: ["fe80::2/64", "2001:db8:1::2/64"], gateway: "fe80::1"}
certificates: {directory: certs}
backends:
  near: {servers: ["[2001:db8:1::9]:80"]}
  far: {servers: ["[2001:db8:2::9]:80"]}
  link: {servers: ["[fe80::9]:80"]}
  v4: {servers: [198.18.0.1:80]}
  said: {servers: ["[2001:db8:2::9]:80"], source_addresses: ["2001:db8:1::2"]}
listeners:
  - {name: https, address: "[2001:db8::2]:443", routes: [{mode: tcp, backend: near}]}
)");
  ASSERT_EQ(parsed.backends.size(), 5U);
  const auto source = [&](std::size_t i) {
    return parsed.backends[i].source_addresses[0].to_string();
  };
  EXPECT_EQ(source(0), "2001:db8:1::2");
  EXPECT_EQ(source(1), "2001:db8::2");
  EXPECT_EQ(source(2), "fe80::2");
  EXPECT_EQ(source(3), "198.18.0.2");
  EXPECT_EQ(source(4), "2001:db8:1::2");
  EXPECT_EQ(parsed.listeners[0].address, endpoint("[2001:db8::2]:443"));
}

TEST(Configuration, ARouteTakesTheListenersTimeoutsUnlessItHasItsOwn) {
  const Configuration parsed = parse(with(R"(listeners:
  - name: https
    address: 198.18.0.2:443
    timeouts: {handshake: 2s, idle: 10s}
    routes:
      - {match: {sni: ["Shop.Example", "*.shop.example"]}, mode: tcp, backend: shop,
         alpn: [h2, http/1.1], suites: [TLS_CHACHA20_POLY1305_SHA256], groups: [secp256r1],
         certificates: [a, b], timeouts: {idle: 1h}}
      - {mode: tcp, backend: shop}
)"));
  ASSERT_EQ(parsed.listeners.size(), 1U);
  EXPECT_EQ(parsed.listeners[0].handshake_timeout, Duration::seconds(2));
  ASSERT_EQ(parsed.listeners[0].routes.size(), 2U);
  const RouteConfiguration& named = parsed.listeners[0].routes[0];
  EXPECT_THAT(named.server_names, ElementsAre("shop.example", "*.shop.example"));
  EXPECT_THAT(named.alpn, ElementsAre("h2", "http/1.1"));
  EXPECT_THAT(named.suites, ElementsAre(tls::CipherSuite::TLS_CHACHA20_POLY1305_SHA256));
  EXPECT_THAT(named.groups, ElementsAre(tls::NamedGroup::secp256r1));
  ASSERT_EQ(named.certificates.size(), 2U);
  EXPECT_EQ(named.certificates[1].name, "b");
  EXPECT_EQ(named.handshake_timeout, Duration::seconds(2));
  EXPECT_EQ(named.idle_timeout, Duration::seconds(3600));
  EXPECT_EQ(parsed.listeners[0].routes[1].idle_timeout, Duration::seconds(10));
}

TEST(Configuration, UnknownNamesGoToTheFirstRouteOnlyWhereTheDefaultIsAskedFor) {
  const auto routes = [](const std::string& unknown_sni) {
    return parse(with("listeners:\n  - name: https\n    address: 198.18.0.2:443\n" + unknown_sni +
                      "    routes: [{match: {sni: a.example}, mode: tcp, backend: shop}]\n"))
        .listeners.at(0)
        .routes;
  };
  EXPECT_EQ(routes("").size(), 1U);
  EXPECT_EQ(routes("    unknown_sni: refuse\n").size(), 1U);
  const auto with_default = routes("    unknown_sni: default\n");
  ASSERT_EQ(with_default.size(), 2U);
  EXPECT_THAT(with_default[1].server_names, IsEmpty());
}

TEST(Configuration, CertificatesAndAdminAreRead) {
  const Configuration parsed = parse("admin: {socket: /run/s.sock, metrics: 127.0.0.1:9464}\n" +
                                     with("certificates: {directory: /certs, default: shop}\n"));
  EXPECT_EQ(parsed.certificates.directory, "/certs");
  ASSERT_TRUE(parsed.certificates.default_certificate);
  EXPECT_EQ(parsed.certificates.default_certificate->name, "shop");
  EXPECT_EQ(parsed.admin.socket, "/run/s.sock");
  EXPECT_EQ(parsed.admin.metrics, endpoint("127.0.0.1:9464"));
}

TEST(Configuration, RelativePathsStartFromTheFilesDirectory) {
  EXPECT_EQ(parse(with("")).certificates.directory, "/etc/sluice/certs");
}

TEST(Configuration, TheMachineHasACpuForUs) {
  EXPECT_THAT(available_cpus(), ::testing::Not(IsEmpty()));
}

}  // namespace
}  // namespace sluice::control
