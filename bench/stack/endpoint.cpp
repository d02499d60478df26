#include "bench/stack/endpoint.hpp"

#include <algorithm>
#include <utility>

#include "bench/stack/bed.hpp"

namespace sluice::bench {

using base::Instant;
using base::PacketPtr;
using base::PacketQueue;

namespace {

net::StackSettings settings(const net::TcpSettings& tcp) {
  net::StackSettings settings;
  settings.tcp = tcp;
  settings.hash_key = {std::byte{7}, std::byte{1}};
  return settings;
}

}  // namespace

Endpoint::Endpoint(const Options& options)
    : pool_(options.packets),
      stack_(settings(options.tcp), pool_, options.start),
      interface_(
          stack_.add_interface({.mac = {{std::byte{2}, {}, {}, {}, {}, std::byte{options.host}}},
                                .addresses = {{.address = address_of(options.host), .length = 24}},
                                .gateway = std::nullopt})),
      address_(address_of(options.host)) {}

bool Endpoint::listen() {
  return static_cast<bool>(stack_.listen({.address = address_, .port = kPort}));
}

bool Endpoint::connect(Instant now, std::uint8_t to) {
  const auto connection = stack_.connect(now, {.source = address_,
                                               .remote = {.address = address_of(to), .port = kPort},
                                               .timeout = base::Duration::seconds(60)});
  if (!connection) return false;
  connection_ = *connection;
  return true;
}

void Endpoint::receive(Instant now, Path& incoming) {
  Burst burst;
  while (!burst.full()) {
    PacketPtr frame = incoming.arrived(now);
    if (!frame) break;
    burst.push_back(std::move(frame));
  }
  stack_.receive(now, interface_, burst.take());
  stack_.advance(now);
}

std::optional<net::Event> Endpoint::next_event() {
  const auto event = stack_.next_event();
  if (!event) return event;
  if (event->what.opened) {
    connection_ = event->connection;
    open_ = true;
  }
  if (event->what.closed) closed_ = true;
  return event;
}

void Endpoint::write(Instant now, std::size_t piece) {
  // Before that the peer's MSS is not known, and what is written in advance is in small segments.
  if (!open_ || closed_) return;
  const std::size_t segment = stack_.segment_size(connection_);
  while (stack_.send_room(connection_) >= piece) {
    PacketQueue payload;
    while (payload.bytes() < piece && pool_.available() > pool_.capacity() / 4) {
      PacketPtr packet(pool_.allocate());
      std::ranges::fill(packet->append(segment), std::byte{'b'});
      payload.push_back(std::move(packet));
    }
    if (payload.empty()) return;
    stack_.send(now, connection_, std::move(payload));
  }
}

std::size_t Endpoint::read(Instant now, net::ConnectionHandle connection) {
  PacketQueue* input = stack_.input(connection);
  if (input == nullptr || input->empty()) return 0;
  const std::size_t size = input->bytes();
  input->clear();
  stack_.consumed(now, connection);
  return size;
}

}  // namespace sluice::bench
