#include "dataplane/proxy/route_table.hpp"

#include <array>

namespace sluice::proxy {
namespace {

constexpr std::size_t kMaxHostName = 255;  // RFC 1035 2.3.4

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

RouteTable::RouteTable(const std::vector<Listener>& listeners) {
  for (const Listener& listener : listeners) {
    Names& names = listeners_.emplace_back();
    for (const Route& route : listener.routes) {
      const auto id = static_cast<std::uint32_t>(routes_.size());
      routes_.push_back(route);
      if (route.server_names.empty() && !names.any) names.any = id;
      for (const std::string& name : route.server_names) {
        if (name.starts_with("*.")) {
          names.wildcard.emplace(name.substr(2), id);
        } else {
          names.exact.emplace(name, id);
        }
      }
    }
  }
}

std::optional<std::uint32_t> RouteTable::find(const Names& names,
                                              std::optional<std::string_view> server_name) {
  if (server_name && server_name->size() <= kMaxHostName) {
    std::array<char, kMaxHostName> buffer;
    for (std::size_t i = 0; i < server_name->size(); ++i) buffer[i] = lower((*server_name)[i]);
    const std::string_view name(buffer.data(), server_name->size());
    if (const auto it = names.exact.find(name); it != names.exact.end()) return it->second;
    // RFC 6125 6.4.3: the wildcard stands for exactly one label.
    const std::size_t dot = name.find('.');
    if (dot != std::string_view::npos && dot > 0) {
      const auto it = names.wildcard.find(name.substr(dot + 1));
      if (it != names.wildcard.end()) return it->second;
    }
  }
  return names.any;
}

base::Result<tls::PolicySource::Choice, tls::RouteRefusal> RouteTable::choose(
    const tls::ClientHelloFacts& hello) const {
  const auto id = find(listeners_[hello.listener], hello.server_name);
  if (!id) return base::Unexpected{tls::RouteRefusal::kUnrecognizedName};
  return Choice{.policy = routes_[*id].policy, .route = *id};
}

}  // namespace sluice::proxy
