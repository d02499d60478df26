// A first-in, first-out list of connections, linked through a member of the control block.
#pragma once

#include <cstdint>

#include "base/pool.hpp"
#include "dataplane/net/tcp/connection.hpp"

namespace sluice::net::tcp {

template <Connection::Link Connection::*kLink>
class ConnectionList {
 public:
  explicit ConnectionList(base::Pool<Connection>& pool) : pool_(pool) {}

  // Does nothing when it is in the list already.
  void push_back(Connection& connection) {
    Connection::Link& link = connection.*kLink;
    if (link.linked()) return;
    const std::uint32_t self = pool_.handle_of(connection).index + 1;
    link = {.previous = tail_, .next = 0};
    (tail_ != 0 ? at(tail_).next : head_) = self;
    tail_ = self;
  }
  // Does nothing when it is not in the list.
  void remove(Connection& connection) {
    Connection::Link& link = connection.*kLink;
    if (!link.linked()) return;
    (link.previous != 0 ? at(link.previous).next : head_) = link.next;
    (link.next != 0 ? at(link.next).previous : tail_) = link.previous;
    link = {};
  }
  // Null when empty.
  [[nodiscard]] Connection* pop_front() {
    if (head_ == 0) return nullptr;
    Connection& connection = pool_.at(head_ - 1);
    remove(connection);
    return &connection;
  }
  [[nodiscard]] bool empty() const { return head_ == 0; }

 private:
  Connection::Link& at(std::uint32_t entry) { return pool_.at(entry - 1).*kLink; }

  base::Pool<Connection>& pool_;
  std::uint32_t head_ = 0;
  std::uint32_t tail_ = 0;
};

}  // namespace sluice::net::tcp
