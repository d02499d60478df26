// The local addresses that accept connections, in a hash table: they are consulted for each segment
// that no connection claims, and anybody can send those.
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

  Listeners() { places_.fill(kFree); }

  // An unspecified address stands for every one of its family.
  base::Result<ListenerId, ListenError> add(const base::SocketAddress& local);
  void remove(ListenerId listener);
  // An exact address goes before an unspecified one.
  [[nodiscard]] std::optional<ListenerId> find(const base::SocketAddress& local) const;

 private:
  // A power of two. At most a quarter are taken, so that few searches go beyond their first place.
  static constexpr std::size_t kPlaces = 4 * kMax;
  static constexpr ListenerId kFree = kMax;

  [[nodiscard]] static std::size_t first_place(const base::SocketAddress& local);
  [[nodiscard]] std::optional<ListenerId> find_exact(const base::SocketAddress& local) const;
  void enter(ListenerId listener);

  std::array<std::optional<base::SocketAddress>, kMax> slots_;
  std::array<ListenerId, kPlaces> places_;  // each listener at its first place or soon behind it
};

// 0.0.0.0 or ::, by family.
[[nodiscard]] base::IpAddress unspecified(base::AddressFamily family);

}  // namespace sluice::net::tcp
