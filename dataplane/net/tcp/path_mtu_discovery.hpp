// How large a connection's segments may be on their way (RFC 1191, RFC 8201): routers report those
// that were too big, and everything that TCP sends forbids them to cut it instead. Nothing is
// believed that does not quote a segment in flight (RFC 5927 7), and nothing makes segments larger.
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "dataplane/net/tcp/core.hpp"
#include "dataplane/net/tcp/engine.hpp"
#include "dataplane/net/tcp/path_mtu_cache.hpp"

namespace sluice::net::tcp {

// What a report of less is taken for: with IPv4 a path of 552 bytes still takes 512 of text, and
// smaller ones make us busy with headers. RFC 8200 5: with IPv6 every link takes 1280.
inline constexpr std::uint16_t kLeastPathMtuIpv4 = 552;
inline constexpr std::uint16_t kLeastPathMtuIpv6 = 1280;

class PathMtuDiscovery {
 public:
  PathMtuDiscovery(Core& core, HashKey hash_key) : core_(core), cache_(hash_key) {}

  // The peer's SYN has said what it takes: what is known of the path may be less.
  void begin(Connection& c);
  // A router had to drop a segment.
  void too_big(const base::FourTuple& flow, const TooBig& report);

 private:
  void lower(Connection& c, std::uint16_t mss);

  Core& core_;
  PathMtuCache cache_;
};

}  // namespace sluice::net::tcp
