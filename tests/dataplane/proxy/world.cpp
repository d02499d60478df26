#include "tests/dataplane/proxy/world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "tests/support/certificates.hpp"

namespace sluice::proxy::test {
namespace {

using base::Duration;
using base::Instant;
using base::PacketPtr;
using base::PacketQueue;

constexpr std::size_t kFrameTypeEnd = 14;

std::string take_text(PacketQueue& queue) {
  std::string text;
  while (const PacketPtr packet = queue.pop_front()) text += base::text_of(packet->bytes());
  return text;
}

// As many bytes from the front of `text` as the connection has room for.
void send_text(Host& host, Instant now, net::ConnectionHandle connection, std::string& text) {
  const std::size_t room = host.stack.send_room(connection);
  const std::size_t segment = host.stack.segment_size(connection);
  std::size_t done = 0;
  PacketQueue queue;
  while (done < std::min(room, text.size())) {
    const std::size_t take = std::min({segment, text.size() - done, room - done});
    PacketPtr packet(host.pool.allocate());
    if (!packet) break;
    base::copy(packet->append(take), base::bytes_of(text).subspan(done, take));
    queue.push_back(std::move(packet));
    done += take;
  }
  text.erase(0, done);
  if (!queue.empty()) host.stack.send(now, connection, std::move(queue));
}

}  // namespace

Host::Host(base::Ipv4Address host_address, const net::TcpSettings& tcp, Instant start,
           std::size_t packets)
    : address(host_address), pool(packets), stack({.tcp = tcp}, pool, start) {
  mac.octets[0] = std::byte{0x02};
  mac.octets[5] = static_cast<std::byte>(address.value);
  interface = stack.add_interface({.mac = mac, .addresses = {{address, 24}}});
}

void Ethernet::collect(Instant now) {
  for (Host* host : hosts_) {
    PacketQueue& outgoing = host->stack.outgoing(host->interface);
    while (const PacketPtr packet = outgoing.pop_front()) {
      if (std::uniform_real_distribution<>(0, 1)(random) < loss) continue;
      frames_.push_back({now + latency, {packet->bytes().begin(), packet->bytes().end()}, host});
    }
  }
}

void Ethernet::deliver(Instant now) {
  while (!frames_.empty() && frames_.front().arrives <= now) {
    const Frame frame = std::move(frames_.front());
    frames_.pop_front();
    if (frame.bytes.size() < kFrameTypeEnd) continue;
    base::MacAddress destination;
    std::copy_n(frame.bytes.begin(), destination.octets.size(), destination.octets.begin());
    for (Host* host : hosts_) {
      if (host == frame.sender) continue;
      if (!destination.is_multicast() && destination != host->mac) continue;
      base::Packet* packet = host->pool.allocate_for_device();
      if (packet == nullptr) continue;
      base::copy(packet->append(frame.bytes.size()), frame.bytes);
      host->stack.receive(now, host->interface, {&packet, 1});
    }
  }
}

Instant Ethernet::next_arrival() const {
  return frames_.empty() ? Instant::never() : frames_.front().arrives;
}

// --- the client ---

Client::Client(World& world, Options options) : world_(world), options_(std::move(options)) {
  context_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context_, options_.max_version);
  SSL_CTX_set_ciphersuites(context_, options_.ciphersuites.c_str());
  SSL_CTX_set1_groups_list(context_, options_.groups.c_str());
  ssl_ = SSL_new(context_);
  in_ = BIO_new(BIO_s_mem());
  out_ = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl_, in_, out_);
  SSL_set_connect_state(ssl_);
  SSL_set_app_data(ssl_, this);
  SSL_set_info_callback(ssl_, &Client::on_info);
  if (!options_.server_name.empty()) {
    SSL_ctrl(ssl_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             options_.server_name.data());
  }
  if (!options_.alpn.empty()) {
    std::string wire(1, static_cast<char>(options_.alpn.size()));
    wire += options_.alpn;
    SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned>(wire.size()));
  }
  const auto opened = world_.client_host->stack.connect(
      world_.now, {.source = kClientAddress,
                   .remote = {kSluiceAddress, 443},
                   .timeout = Duration::seconds(20),
                   .context = reinterpret_cast<std::uint64_t>(this)});
  if (!opened) throw std::runtime_error("the test client found no port");
  connection_ = *opened;
}

Client::~Client() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

void Client::on_info(const SSL* ssl, int where, int value) {
  auto* self = static_cast<Client*>(SSL_get_app_data(ssl));
  if ((where & SSL_CB_READ_ALERT) != SSL_CB_READ_ALERT) return;
  const int description = value & 0xff;
  if (description == 0) {  // SSL_get_shutdown() would not tell it from a fatal alert
    self->got_close_notify_ = true;
  } else {
    self->alert_ = description;
  }
}

void Client::abort() {
  world_.client_host->stack.abort(world_.now, connection_);
}

void Client::send_raw(std::string_view bytes) {
  raw_ += bytes;
}

void Client::on_event(Instant now, const net::Event& event) {
  if (event.what.opened) opened_ = true;
  if (event.what.closed) closed_ = true;
  pump(now);
}

void Client::take_input(Instant now) {
  net::Stack& stack = world_.client_host->stack;
  PacketQueue* input = stack.input(connection_);
  if (input == nullptr || !reading_) return;
  const std::string text = take_text(*input);
  stack.consumed(now, connection_);
  if (!text.empty()) BIO_write(in_, text.data(), static_cast<int>(text.size()));
  if (stack.input_finished(connection_)) got_fin_ = true;
}

void Client::pump(Instant now) {
  if (!opened_ || closed_) return;
  take_input(now);
  if (!failed_ && !SSL_is_init_finished(ssl_)) {
    const int result = SSL_do_handshake(ssl_);
    if (result != 1 && SSL_get_error(ssl_, result) == SSL_ERROR_SSL) failed_ = true;
  }
  if (SSL_is_init_finished(ssl_)) {
    if (!to_write_.empty()) {
      const int written = SSL_write(ssl_, to_write_.data(), static_cast<int>(to_write_.size()));
      if (written > 0) to_write_.erase(0, static_cast<std::size_t>(written));
    }
    char buffer[16384];
    for (int n = 0; (n = SSL_read(ssl_, buffer, sizeof buffer)) > 0;) {
      received_.append(buffer, static_cast<std::size_t>(n));
    }
    if (shutdown_wanted_ && to_write_.empty()) {
      SSL_shutdown(ssl_);
      shutdown_wanted_ = false;
    }
  }
  flush_output(now);
}

void Client::flush_output(Instant now) {
  char buffer[4096];
  for (int n = 0; (n = BIO_read(out_, buffer, sizeof buffer)) > 0;) {
    raw_.append(buffer, static_cast<std::size_t>(n));
  }
  Host& host = *world_.client_host;
  if (options_.segment_bytes == 0) {
    send_text(host, now, connection_, raw_);
  } else if (!raw_.empty() && host.stack.unacknowledged(connection_) == 0) {
    std::string piece = raw_.substr(0, options_.segment_bytes);
    raw_.erase(0, piece.size());
    send_text(host, now, connection_, piece);
  }
  if (finish_wanted_ && raw_.empty() && to_write_.empty() && !shutdown_wanted_) {
    host.stack.finish(now, connection_);
    finish_wanted_ = false;
    finished_ = true;
  }
  if (finished_ && got_fin_) {
    host.stack.close(now, connection_);
    closed_ = true;
  }
}

// --- the world ---

Route make_route(const std::vector<std::string>& certificate_names,
                 const std::vector<std::string>& match) {
  const auto pem =
      sluice::test::make_certificate(sluice::test::KeyKind::kEcdsaP256, certificate_names);
  auto certificate = tls::CertifiedKey::from_pem(pem.chain_pem, pem.key_pem);
  if (!certificate) throw std::runtime_error("the test certificate was refused");
  auto policy = std::make_shared<tls::ServerPolicy>();
  policy->certificates = {*certificate};
  policy->alpn = {"http/1.1"};
  Route route;
  route.server_names = match;
  route.policy = policy;
  return route;
}

World::World(Options options) {
  client_host = std::make_unique<Host>(kClientAddress, options.tcp, now, options.peer_packets);
  sluice_host = std::make_unique<Host>(kSluiceAddress, options.tcp, now, options.packets);
  backend_host = std::make_unique<Host>(kBackendAddress, options.tcp, now, options.peer_packets);
  for (Host* host : {client_host.get(), sluice_host.get(), backend_host.get()}) {
    ethernet.attach(*host);
  }
  ethernet.loss = options.loss;
  if (options.routes.empty()) options.routes = {make_route({"demo.sluice.example"})};
  ProxySettings settings;
  Backend backend;
  for (const std::uint16_t port : options.backend_ports) {
    backend.servers.push_back({kBackendAddress, port});
  }
  backend.source_addresses = {kSluiceAddress};
  settings.backends = {backend};
  for (Route& route : options.routes) {
    route.idle_timeout = options.idle_timeout;
    route.handshake_timeout = options.handshake_timeout;
  }
  settings.listeners = {{.address = {kSluiceAddress, 443},
                         .handshake_timeout = options.handshake_timeout,
                         .routes = options.routes}};
  settings.max_sessions = 4096;
  settings.max_handshakes = 512;
  proxy = std::make_unique<Proxy>(settings, sluice_host->stack, sluice_host->pool, now);
  if (!proxy->listen()) throw std::runtime_error("the proxy could not listen");
  if (!backend_host->stack.listen({kBackendAddress, 8080})) throw std::runtime_error("no backend");
}

World::~World() {
  clients.clear();
  proxy.reset();
}

Client& World::add_client(Client::Options options) {
  return *clients.emplace_back(std::make_unique<Client>(*this, std::move(options)));
}

void World::run_clients() {
  while (const auto event = client_host->stack.next_event()) {
    auto* client = reinterpret_cast<Client*>(event->context);
    if (client != nullptr) client->on_event(now, *event);
  }
  for (const auto& client : clients) client->pump(now);
}

void World::run_backend() {
  net::Stack& stack = backend_host->stack;
  while (const auto event = stack.next_event()) {
    if (event->accepted && event->what.opened) {
      backends.push_back({.handle = event->connection});
      stack.set_context(event->connection, backends.size());
    }
    const std::uint64_t number =
        event->accepted && event->what.opened ? backends.size() : event->context;
    if (number == 0) continue;
    BackendConnection& connection = backends[number - 1];
    if (event->what.opened) connection.opened = true;
    if (event->what.closed) {
      connection.closed = true;
      connection.reason = event->reason;
      if (event->reason == net::CloseReason::kNone) connection.got_fin = true;
    }
  }
  for (BackendConnection& connection : backends) {
    if (connection.closed) continue;
    if (PacketQueue* input = stack.input(connection.handle);
        input != nullptr && connection.reading) {
      connection.received += take_text(*input);
      stack.consumed(now, connection.handle);
      connection.got_fin = stack.input_finished(connection.handle);
    }
    backend_behaviour(connection);
    send_text(*backend_host, now, connection.handle, connection.to_send);
    if (connection.finish && connection.to_send.empty() && !connection.finished) {
      stack.finish(now, connection.handle);
      connection.finished = true;
    }
    if (connection.finished && connection.got_fin) {
      stack.close(now, connection.handle);
      connection.closed = true;
    }
  }
}

Instant World::next_moment() const {
  Instant next = ethernet.next_arrival();
  for (const Host* host : {client_host.get(), sluice_host.get(), backend_host.get()}) {
    next = std::min(next, host->stack.next_deadline());
  }
  return std::min(next, proxy->next_deadline());
}

void World::step() {
  ethernet.deliver(now);
  for (Host* host : {client_host.get(), sluice_host.get(), backend_host.get()}) {
    host->stack.advance(now);
  }
  run_clients();
  proxy->run(now);
  run_backend();
  for (Host* host : {client_host.get(), sluice_host.get(), backend_host.get()}) {
    host->stack.flush(now);
  }
  ethernet.collect(now);
}

bool World::run_until(const std::function<bool()>& done, Duration at_most) {
  const Instant end = now + at_most;
  for (;;) {
    step();
    if (done()) return true;
    if (now >= end) return false;
    now = std::min(std::max(next_moment(), now + Duration::microseconds(10)), end);
  }
}

bool World::is_clean() {
  for (Host* host : {client_host.get(), sluice_host.get(), backend_host.get()}) {
    const net::StackUsage usage = host->stack.usage();
    if (usage.connections != 0 || usage.half_open != 0 || usage.time_wait != 0) return false;
    if (host->pool.available() < host->pool.capacity() - (host == sluice_host.get() ? 1 : 0)) {
      return false;
    }
  }
  return proxy->sessions() == 0 && proxy->handshakes() == 0;
}

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  return text;
}

void echo(BackendConnection& connection) {
  connection.to_send += connection.received;
  connection.received.clear();
  if (connection.got_fin) connection.finish = true;
}

World::Options short_time_wait() {
  World::Options options;
  options.tcp.time_wait = Duration::milliseconds(500);
  return options;
}

void expect_clean(World& world) {
  EXPECT_TRUE(world.run_until([&] { return world.is_clean(); }, Duration::seconds(200)))
      << "sessions " << world.proxy->sessions() << ", handshakes " << world.proxy->handshakes()
      << ", packets " << world.client_host->pool.available() << ' '
      << world.sluice_host->pool.available() << ' ' << world.backend_host->pool.available()
      << ", connections " << world.sluice_host->stack.usage().connections;
}

}  // namespace sluice::proxy::test
