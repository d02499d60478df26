// The local addresses that accept connections. Consulted for a SYN that no connection claims; there
// are few of them, so they are a list.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "base/address.hpp"
#include "base/result.hpp"
#include "dataplane/net/stack.hpp"

namespace sluice::net::tcp {

class Listeners {
 public:
  static constexpr std::size_t kMax = 256;

  // An unspecified address stands for every one of its family.
  base::Result<ListenerId, ListenError> add(const base::SocketAddress& local);
  void remove(ListenerId listener);
  // An exact address goes before an unspecified one.
  [[nodiscard]] std::optional<ListenerId> find(const base::SocketAddress& local) const;

 private:
  [[nodiscard]] std::optional<ListenerId> find_exact(const base::SocketAddress& local) const;

  std::array<std::optional<base::SocketAddress>, kMax> slots_;
  std::size_t used_ = 0;  // slots that were ever taken
};

// 0.0.0.0 or ::, by family.
[[nodiscard]] base::IpAddress unspecified(base::AddressFamily family);

}  // namespace sluice::net::tcp
