#include "dataplane/run/dataplane.hpp"

#include <rte_launch.h>
#include <rte_lcore.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <utility>

#include "dataplane/nic/dpdk_packet_pool.hpp"
#include "dataplane/nic/dpdk_port.hpp"
#include "dataplane/nic/fault_device.hpp"
#include "dataplane/nic/pcap_device.hpp"
#include "dataplane/run/clock.hpp"
#include "dataplane/run/eal.hpp"
#include "dataplane/run/eal_arguments.hpp"
#include "dataplane/run/exchange.hpp"
#include "dataplane/run/host.hpp"
#include "dataplane/run/port_plan.hpp"
#include "dataplane/run/steering.hpp"
#include "dataplane/run/stop_workers.hpp"
#include "dataplane/run/worker.hpp"
#include "dataplane/wire/flow.hpp"

namespace sluice::run {
namespace {

struct OpenPort {
  PortSettings settings;
  std::unique_ptr<nic::DpdkPort> port;
};

base::Unexpected<std::string> port_error(const PortSettings& port, const std::string& error) {
  return {"port " + port.name + ": " + error};
}

PortSummary summarise(const OpenPort& open) {
  PortSummary summary{.name = open.settings.name,
                      .queues = open.port->queues(),
                      .scales = open.port->scales(),
                      .offloads = {}};
  const nic::Offloads& offloads = open.port->offloads();
  for (std::size_t i = 0; i < nic::kOffloads; ++i) {
    const auto offload = static_cast<nic::Offload>(i);
    summary.offloads.push_back({.name = nic::name_of(offload),
                                .by_device = offloads[offload].by_device,
                                .why_not = offloads[offload].why_not});
  }
  return summary;
}

int run_worker(void* worker) {
  static_cast<Worker*>(worker)->run();
  return 0;
}

// The queues of a port get different misfortunes from one seed.
nic::FaultDevice::Options fault_options(const FaultSettings& faults, std::uint16_t queue) {
  const nic::FaultRates rates{.loss = faults.loss,
                              .duplication = faults.duplication,
                              .reordering = faults.reordering,
                              .corruption = faults.corruption,
                              .delay = faults.delay,
                              .delay_jitter = faults.delay_jitter};
  return {.receive = rates, .transmit = rates, .seed = faults.seed + queue};
}

// Each queue writes a file of its own: the first one the configured one, the others with a number.
nic::PcapWriter::Options capture_options(const PortSettings& port, std::uint16_t queue,
                                         const TscClock& clock) {
  timespec wall{};
  (void)::clock_gettime(CLOCK_REALTIME, &wall);
  const base::Duration since_epoch =
      base::Duration::seconds(wall.tv_sec) + base::Duration::nanoseconds(wall.tv_nsec);
  return {.path = queue == 0 ? port.capture : port.capture + "." + std::to_string(queue),
          .epoch = since_epoch - (clock.now() - base::Instant())};
}

net::CongestionControl congestion_of(CongestionControl chosen) {
  switch (chosen) {
    case CongestionControl::kCubic:
      break;
    case CongestionControl::kBbr:
      return net::CongestionControl::kBbr;
  }
  return net::CongestionControl::kCubic;
}

}  // namespace

// In the order in which things are made; they go in the reverse order.
struct DataPlane::Parts {
  DataplaneSettings settings;
  std::unique_ptr<Eal> eal;
  std::vector<std::unique_ptr<nic::DpdkPacketPool>> pools;  // one per worker
  std::vector<nic::DpdkPacketPool*> pool_pointers;
  std::vector<OpenPort> ports;
  std::unique_ptr<TscClock> clock;
  std::unique_ptr<Exchange> exchange;
  std::vector<std::unique_ptr<Mailbox>> mailboxes;
  std::vector<Mailbox*> mailbox_pointers;
  std::vector<std::unique_ptr<Worker>> workers;
  unsigned running = 0;  // workers that run

  base::Result<void, std::string> start(const ApplicationFactory& application);
  base::Result<std::vector<PortPlan>, std::string> plan(const Host& host) const;
  base::Result<void, std::string> make_pools(std::size_t data_room);
  base::Result<void, std::string> open_ports(const std::vector<PortPlan>& plans);
  base::Result<void, std::string> make_workers(const ApplicationFactory& application);
  [[nodiscard]] Worker::Options worker_options(unsigned worker) const;
  base::Result<Worker::PortQueue, std::string> port_queue(
      const OpenPort& open, unsigned index, base::Counters<nic::NicCounter>& counters) const;
  base::Result<void, std::string> launch();
  void stop();

  [[nodiscard]] unsigned worker_count() const {
    return static_cast<unsigned>(settings.worker_cores.size());
  }
};

base::Result<std::unique_ptr<DataPlane>, std::string> DataPlane::start(
    const DataplaneSettings& settings, const ApplicationFactory& application) {
  auto parts = std::make_unique<Parts>();
  parts->settings = settings;
  std::unique_ptr<DataPlane> plane(new DataPlane(std::move(parts)));
  TRY(plane->parts_->start(application));
  return plane;
}

DataPlane::DataPlane(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

DataPlane::~DataPlane() {
  stop();
}

const std::vector<Mailbox*>& DataPlane::mailboxes() const {
  return parts_->mailbox_pointers;
}

std::vector<PortSummary> DataPlane::ports() const {
  std::vector<PortSummary> summaries;
  for (const OpenPort& open : parts_->ports) summaries.push_back(summarise(open));
  return summaries;
}

void DataPlane::stop() {
  parts_->stop();
}

base::Result<void, std::string> DataPlane::Parts::start(const ApplicationFactory& application) {
  const Host host = inspect_host();
  TRY_ASSIGN(const std::vector<PortPlan> plans, plan(host));
  std::size_t data_room = 0;
  for (const PortPlan& each : plans) data_room = std::max(data_room, each.data_room);
  const std::size_t pool_bytes =
      worker_count() *
      nic::DpdkPacketPool::footprint(
          {.name = {}, .packets = settings.memory.packets_per_worker, .data_room = data_room});
  TRY_ASSIGN(std::vector<std::string> arguments,
             eal_arguments(settings, host,
                           {.pool_bytes = pool_bytes,
                            .file_prefix = "sluice-" + std::to_string(::getpid())}));
  TRY_ASSIGN(eal, Eal::start(std::move(arguments)));
  TRY(make_pools(data_room));
  TRY(open_ports(plans));
  TRY(make_workers(application));
  return launch();
}

// Everything that can be found wrong before EAL, which starts only once, is found here.
base::Result<std::vector<PortPlan>, std::string> DataPlane::Parts::plan(const Host& host) const {
  const std::size_t least =
      base::limits::kLeastPackets + base::limits::kHoardedPackets * worker_count();
  if (settings.memory.packets_per_worker < least) {
    return base::Unexpected{std::to_string(settings.memory.packets_per_worker) +
                            " packets per worker are too few: " + std::to_string(worker_count()) +
                            " workers need " + std::to_string(least) + " each"};
  }
  if (settings.ports.size() > base::limits::kMaxPorts) {
    return base::Unexpected{std::to_string(settings.ports.size()) + " ports are more than the " +
                            std::to_string(base::limits::kMaxPorts) + " that one process serves"};
  }
  std::vector<PortPlan> plans;
  for (const PortSettings& port : settings.ports) {
    auto planned = plan_port(port, {.index = plans.size(), .workers = worker_count()});
    if (!planned) return port_error(port, planned.error());
    if (auto usable = check_port(port, host); !usable) return port_error(port, usable.error());
    plans.push_back(*std::move(planned));
  }
  return plans;
}

base::Result<void, std::string> DataPlane::Parts::make_pools(std::size_t data_room) {
  for (unsigned worker = 0; worker < worker_count(); ++worker) {
    TRY_ASSIGN(auto pool,
               nic::DpdkPacketPool::create({.name = "worker-" + std::to_string(worker),
                                            .packets = settings.memory.packets_per_worker,
                                            .data_room = data_room}));
    pool_pointers.push_back(pool.get());
    pools.push_back(std::move(pool));
  }
  return {};
}

base::Result<void, std::string> DataPlane::Parts::open_ports(const std::vector<PortPlan>& plans) {
  for (std::size_t i = 0; i < plans.size(); ++i) {
    auto port = nic::DpdkPort::open(plans[i].device, pool_pointers);
    if (!port) {
      const std::string complaint = Eal::last_complaint();
      return port_error(settings.ports[i],
                        port.error() + (complaint.empty() ? "" : " (" + complaint + ")"));
    }
    ports.push_back({.settings = settings.ports[i], .port = *std::move(port)});
  }
  return {};
}

base::Result<void, std::string> DataPlane::Parts::make_workers(
    const ApplicationFactory& application) {
  clock = std::make_unique<TscClock>();
  exchange = std::make_unique<Exchange>(worker_count());
  std::array<std::byte, 16> hash_key{};
  if (::getrandom(hash_key.data(), hash_key.size(), 0) != static_cast<ssize_t>(hash_key.size())) {
    return base::Unexpected{std::string("the kernel has no random numbers")};
  }
  for (unsigned index = 0; index < worker_count(); ++index) {
    mailboxes.push_back(std::make_unique<Mailbox>());
    mailbox_pointers.push_back(mailboxes.back().get());
    Worker::Options options = worker_options(index);
    options.stack.hash_key = hash_key;
    auto worker =
        std::make_unique<Worker>(options, *clock, *pools[index], *exchange, *mailboxes.back());
    for (const OpenPort& open : ports) {
      auto queue = port_queue(open, index, worker->nic_counters());
      if (!queue) return port_error(open.settings, queue.error());
      worker->add_port(*std::move(queue));
    }
    TRY(worker->start_application(application));
    workers.push_back(std::move(worker));
  }
  return {};
}

Worker::Options DataPlane::Parts::worker_options(unsigned worker) const {
  Worker::Options options{.worker = worker,
                          .core = settings.worker_cores[worker],
                          .idle_sleep = settings.idle_sleep,
                          .stack = {}};
  net::TcpSettings& tcp = options.stack.tcp;
  tcp.max_connections = settings.max_connections;
  tcp.max_half_open = std::min(tcp.max_half_open, settings.max_connections);
  tcp.time_wait = settings.time_wait;
  tcp.receive_buffer = settings.receive_buffer;
  tcp.send_buffer = settings.send_buffer;
  tcp.congestion = congestion_of(settings.tcp.congestion);
  tcp.receive_memory = settings.tcp.receive_memory;
  tcp.send_memory = settings.tcp.send_memory;
  tcp.user_timeout = settings.tcp.user_timeout;
  tcp.orphan_timeout = settings.tcp.orphan_timeout;
  tcp.keepalive_idle = settings.tcp.keepalive_idle;
  tcp.keepalive_interval = settings.tcp.keepalive_interval;
  tcp.keepalive_probes = static_cast<std::uint8_t>(settings.tcp.keepalive_probes);
  if (worker_count() > 1) {
    options.stack.owns_flow = [worker, workers = worker_count()](const base::FourTuple& flow) {
      const auto key = wire::flow_of(flow);
      return key && wire::flow_owner(*key, workers) == worker;
    };
  }
  return options;
}

base::Result<Worker::PortQueue, std::string> DataPlane::Parts::port_queue(
    const OpenPort& open, unsigned index, base::Counters<nic::NicCounter>& counters) const {
  const nic::DeviceInfo& info = open.port->info();
  Worker::PortQueue queue;
  queue.interface = {.mac = info.mac,
                     .addresses = open.settings.addresses,
                     .gateway = open.settings.gateway,
                     .ipv6_gateway = open.settings.ipv6_gateway,
                     .routes = open.settings.routes,
                     .vlan = open.settings.vlan,
                     .mtu = info.mtu,
                     .device_verifies_checksums = info.verifies_checksums,
                     .device_computes_checksums = info.computes_checksums,
                     .train_packets = info.train_packets,
                     .answers_arp = index == Steering::kAnsweringWorker,
                     .probes_ipv4 = true};
  queue.transmitter = index % open.port->queues();
  queue.hashes = open.port->scales();
  if (index >= open.port->queues()) return queue;

  const auto number = static_cast<std::uint16_t>(index);
  queue.device = open.port->device(number, counters);
  if (open.settings.faults) {
    queue.device = std::make_unique<nic::FaultDevice>(std::move(queue.device),
                                                      fault_options(*open.settings.faults, number),
                                                      *pools[index], counters);
  }
  if (!open.settings.capture.empty()) {
    auto file = nic::PcapWriter::open(capture_options(open.settings, number, *clock));
    if (!file) {
      return base::Unexpected{"cannot write the capture " + open.settings.capture + ": " +
                              file.error().message()};
    }
    queue.device =
        std::make_unique<nic::PcapDevice>(std::move(queue.device), *std::move(file), counters);
  }
  return queue;
}

base::Result<void, std::string> DataPlane::Parts::launch() {
  for (; running < worker_count(); ++running) {
    if (rte_eal_remote_launch(run_worker, workers[running].get(), lcore_of(running)) != 0) {
      return base::Unexpected{"worker " + std::to_string(running) + " does not start"};
    }
  }
  return {};
}

void DataPlane::Parts::stop() {
  const unsigned count = std::exchange(running, 0);
  stop_workers(std::span(mailbox_pointers).first(count));
  for (unsigned worker = 0; worker < count; ++worker) (void)rte_eal_wait_lcore(lcore_of(worker));
}

}  // namespace sluice::run
