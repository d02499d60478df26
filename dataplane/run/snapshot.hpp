// What the control side tells the data plane to be: plain values, checked by the configuration,
// from which every worker builds its own tables. Immutable once published.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/static_route.hpp"
#include "base/time.hpp"
#include "tls/server/policy.hpp"

namespace sluice::run {

// Rates are probabilities per packet, 0 to 1, applied to each direction on its own.
struct FaultSettings {
  double loss = 0;
  double duplication = 0;
  double reordering = 0;
  double corruption = 0;
  base::Duration delay;         // added to every packet
  base::Duration delay_jitter;  // uniformly up to this much more
  std::uint64_t seed = 1;
};

enum class DeviceKind : std::uint8_t { kPci, kTap, kAfXdp, kAfPacket, kMemif };

// Whether a device may do what the stack can do as well.
enum class OffloadChoice : std::uint8_t {
  kAuto,  // where it spares the processor the work
  kOn,    // also where its driver does the work on the processor
  kOff,
};

struct OffloadSettings {
  OffloadChoice tso = OffloadChoice::kAuto;
  OffloadChoice rx_coalescing = OffloadChoice::kAuto;  // never kOn
};

struct PortSettings {
  std::string name;
  DeviceKind kind = DeviceKind::kTap;
  std::string target;  // PCI address, interface name or socket path
  bool memif_server = false;
  std::vector<base::AddressPrefix> addresses;
  std::optional<base::IpAddress> gateway;  // for IPv4
  std::optional<base::Ipv6Address> ipv6_gateway;
  std::vector<base::StaticRoute> routes;
  std::optional<std::uint16_t> vlan;
  std::uint16_t mtu = 1500;
  std::optional<std::uint16_t> queues;  // at most; default: as many as workers and device allow
  OffloadSettings offloads;
  std::optional<FaultSettings> faults;
  std::string capture;  // pcap file to write; empty for none
};

struct MemorySettings {
  std::size_t packets_per_worker = 32768;
  bool huge_pages = true;  // used where there are some
};

enum class CongestionControl : std::uint8_t { kCubic, kBbr };

// What a listener's or a backend's peer is given; net::TcpSettings has the same and more.
struct TcpSettings {
  CongestionControl congestion = CongestionControl::kCubic;
  base::Duration keepalive_idle = base::Duration::seconds(7200);  // 0: no keep-alive
  base::Duration keepalive_interval = base::Duration::seconds(75);
  std::uint64_t keepalive_probes = 9;
  base::Duration user_timeout = base::Duration::seconds(120);
  base::Duration orphan_timeout = base::Duration::seconds(900);
  // Bytes that all connections of a worker may hold; 0: as much as its packets make sensible.
  std::size_t receive_memory = 0;
  std::size_t send_memory = 0;
};

struct DataplaneSettings {
  std::vector<unsigned> worker_cores;  // the CPU of each worker; one may stand several times
  std::vector<PortSettings> ports;
  MemorySettings memory;
  std::size_t max_connections = 65536;  // per worker, both legs
  base::Duration time_wait = base::Duration::seconds(60);
  // Of a connection at most.
  std::size_t receive_buffer = 4 * 1024 * 1024;
  std::size_t send_buffer = 4 * 1024 * 1024;
  TcpSettings tcp;
  // The longest sleep of a worker with nothing to do and a device that cannot wake it; 0: it never
  // sleeps, whatever the device.
  base::Duration idle_sleep = base::Duration::microseconds(200);
};

enum class Balance : std::uint8_t { kRoundRobin };

struct BackendSettings {
  std::string name;
  std::vector<base::SocketAddress> servers;
  std::vector<base::IpAddress> source_addresses;
  Balance balance = Balance::kRoundRobin;
  base::Duration connect_timeout = base::Duration::seconds(3);
  // How long a server that failed to connect is passed over.
  base::Duration retry_after = base::Duration::seconds(2);
};

struct RouteSettings {
  std::vector<std::string> server_names;  // exact or "*.name"; empty matches everything
  std::shared_ptr<const tls::ServerPolicy> policy;
  std::size_t backend = 0;  // index into Snapshot::backends
  base::Duration handshake_timeout = base::Duration::seconds(5);
  base::Duration idle_timeout = base::Duration::seconds(300);
};

struct ListenerSettings {
  std::string name;
  base::SocketAddress address;
  base::Duration handshake_timeout = base::Duration::seconds(5);  // until a route is known
  std::vector<RouteSettings> routes;  // tried in order: exact names, then wildcards, then match-all
};

struct Snapshot {
  std::vector<ListenerSettings> listeners;
  std::vector<BackendSettings> backends;
};

}  // namespace sluice::run
