// A whole Sluice worker without DPDK: three TCP/IP stacks on one in-memory Ethernet, OpenSSL's
// libssl as the client, a scripted backend, and virtual time. Everything is deterministic.
#pragma once

#include <openssl/ssl.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/memory_packet_pool.hpp"
#include "dataplane/net/stack.hpp"
#include "dataplane/proxy/proxy.hpp"

namespace sluice::proxy::test {

inline constexpr std::size_t kHostPackets = 8192;

// A pool that can be made to run dry for senders, as one does whose last packets belong to the
// device.
class HostPool final : public base::PacketPool {
 public:
  explicit HostPool(std::size_t packets) : packets_(packets) {}

  [[nodiscard]] base::Packet* allocate() override {
    return allocatable() > 0 ? packets_.allocate() : nullptr;
  }
  [[nodiscard]] base::Packet* allocate_for_device() { return packets_.allocate(); }
  void release(base::Packet* packet) override { packets_.release(packet); }
  [[nodiscard]] std::size_t capacity() const override { return packets_.capacity(); }
  [[nodiscard]] std::size_t available() const override { return packets_.available(); }
  [[nodiscard]] std::size_t allocatable() const override {
    const std::size_t all = available();
    return all > reserve ? all - reserve : 0;
  }

  std::size_t reserve = 0;

 private:
  base::MemoryPacketPool packets_;
};

// One host on the Ethernet.
struct Host {
  Host(base::Ipv4Address address, const net::TcpSettings& tcp, base::Instant start,
       std::size_t packets);

  base::Ipv4Address address;
  base::MacAddress mac;
  HostPool pool;
  net::Stack stack;
  net::InterfaceId interface;
};

// Frames between hosts, each taking `latency`, some lost if asked for.
class Ethernet {
 public:
  void attach(Host& host) { hosts_.push_back(&host); }
  void collect(base::Instant now);
  void deliver(base::Instant now);
  [[nodiscard]] base::Instant next_arrival() const;

  base::Duration latency = base::Duration::microseconds(50);
  double loss = 0;
  std::mt19937 random{1};

 private:
  struct Frame {
    base::Instant arrives;
    std::vector<std::byte> bytes;
    const Host* sender;
  };
  std::vector<Host*> hosts_;
  std::deque<Frame> frames_;
};

class World;

// A TCP client that speaks TLS 1.3 with libssl, or raw bytes.
class Client {
 public:
  struct Options {
    std::string server_name = "demo.sluice.example";
    std::string ciphersuites = "TLS_AES_128_GCM_SHA256";
    std::string groups = "X25519";
    std::string alpn;  // one protocol, empty for none
    int max_version = TLS1_3_VERSION;
    std::size_t segment_bytes = 0;  // cut what is sent into pieces of so many bytes; 0: do not
  };
  Client(World& world, Options options);
  ~Client();

  void write(std::string_view text) { to_write_ += text; }
  void shutdown() { shutdown_wanted_ = true; }  // close_notify after what is to be written
  void finish() { finish_wanted_ = true; }      // FIN, after that
  void abort();
  void send_raw(std::string_view bytes);  // past TLS
  void stop_reading(bool stop) { reading_ = !stop; }

  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] bool handshake_done() const { return SSL_is_init_finished(ssl_) == 1; }
  [[nodiscard]] bool got_close_notify() const { return got_close_notify_; }
  [[nodiscard]] bool got_fin() const { return got_fin_; }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] std::optional<int> alert() const { return alert_; }
  [[nodiscard]] SSL* ssl() { return ssl_; }
  [[nodiscard]] net::ConnectionHandle connection() const { return connection_; }

  void on_event(base::Instant now, const net::Event& event);
  void pump(base::Instant now);

 private:
  static void on_info(const SSL* ssl, int where, int value);
  void flush_output(base::Instant now);
  void take_input(base::Instant now);
  void send_bytes(base::Instant now, std::string_view bytes);

  World& world_;
  Options options_;
  SSL_CTX* context_;
  SSL* ssl_;
  BIO* in_;
  BIO* out_;
  net::ConnectionHandle connection_;
  std::string to_write_;
  std::string received_;
  std::string raw_;
  std::optional<int> alert_;
  bool opened_ = false;
  bool got_close_notify_ = false;
  bool got_fin_ = false;
  bool closed_ = false;
  bool reading_ = true;
  bool shutdown_wanted_ = false;
  bool finish_wanted_ = false;
  bool finished_ = false;
  bool failed_ = false;
};

// What the backend does with a connection; called whenever something may have changed.
struct BackendConnection {
  net::ConnectionHandle handle;
  std::string received;
  std::string to_send;
  bool opened = false;
  bool got_fin = false;
  bool closed = false;  // gone, with the reason
  net::CloseReason reason = net::CloseReason::kNone;
  bool finish = false;  // wants a FIN after to_send
  bool finished = false;
  bool reading = true;
};

class World {
 public:
  struct Options {
    std::vector<Route> routes;  // default: one that matches everything
    std::vector<std::uint16_t> backend_ports = {8080};
    net::TcpSettings tcp;
    base::Duration handshake_timeout = base::Duration::seconds(5);
    base::Duration idle_timeout = base::Duration::seconds(300);
    double loss = 0;
    std::size_t packets = kHostPackets;  // Sluice's
    std::size_t peer_packets = kHostPackets;
  };
  explicit World(Options options);
  World() : World(Options{}) {}
  ~World();

  // Lets the world go on until `done`, at most for so long; true when it became so.
  bool run_until(const std::function<bool()>& done,
                 base::Duration at_most = base::Duration::seconds(60));
  void run_for(base::Duration time) {
    run_until([] { return false; }, time);
  }
  // Every connection is gone and every packet back in its pool.
  [[nodiscard]] bool is_clean();

  Client& add_client(Client::Options options = {});

  base::Instant now = base::Instant::from_nanoseconds(1'000'000'000);
  Ethernet ethernet;
  std::unique_ptr<Host> client_host;
  std::unique_ptr<Host> sluice_host;
  std::unique_ptr<Host> backend_host;
  std::unique_ptr<Proxy> proxy;
  std::vector<std::unique_ptr<Client>> clients;
  // By order of acceptance. The default behaviour reads and answers nothing.
  std::deque<BackendConnection> backends;
  std::function<void(BackendConnection&)> backend_behaviour = [](BackendConnection&) {};
  bool backend_listens = true;

 private:
  void step();
  void run_clients();
  void run_backend();
  [[nodiscard]] base::Instant next_moment() const;
};

inline constexpr base::Ipv4Address kClientAddress = base::Ipv4Address::of(198, 18, 0, 1);
inline constexpr base::Ipv4Address kSluiceAddress = base::Ipv4Address::of(198, 18, 0, 2);
inline constexpr base::Ipv4Address kBackendAddress = base::Ipv4Address::of(198, 18, 0, 3);

// A route with a certificate for `names` (exact or wildcard) and these match names.
Route make_route(const std::vector<std::string>& certificate_names,
                 const std::vector<std::string>& match = {});

// Text of which no part looks like another.
std::string pattern(std::size_t size);
// Answers every request with as many bytes as it had, and closes when the client has.
void echo(BackendConnection& connection);
// Connections are gone soon after they are closed.
World::Options short_time_wait();
// Waits until the world is clean; says what is left where it is not.
void expect_clean(World& world);

}  // namespace sluice::proxy::test
