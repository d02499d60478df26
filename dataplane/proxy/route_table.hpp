// Which route a ClientHello takes: for each listener an exact name first, then the wildcard that
// covers the name, then the route that matches everything. Looking up allocates nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/proxy/settings.hpp"
#include "tls/server/policy.hpp"

namespace sluice::proxy {

class RouteTable final : public tls::PolicySource {
 public:
  explicit RouteTable(const std::vector<Listener>& listeners);

  // RFC 6066 section 3: a name that no route matches is unrecognized_name.
  [[nodiscard]] base::Result<Choice, tls::RouteRefusal> choose(
      const tls::ClientHelloFacts& hello) const override;

  // The route that a Choice named.
  [[nodiscard]] const Route& route(std::uint32_t id) const { return routes_[id]; }

 private:
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>{}(name);
    }
  };
  using NameMap = std::unordered_map<std::string, std::uint32_t, NameHash, std::equal_to<>>;
  struct Names {
    NameMap exact;
    NameMap wildcard;  // keyed by what follows the "*."
    std::optional<std::uint32_t> any;
  };
  [[nodiscard]] static std::optional<std::uint32_t> find(
      const Names& names, std::optional<std::string_view> server_name);

  std::vector<Route> routes_;
  std::vector<Names> listeners_;
};

}  // namespace sluice::proxy
