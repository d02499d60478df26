// How large a connection's segments may be on their way. Routers report those that were too big
// (RFC 1191, RFC 8201), and everything that TCP sends forbids them to cut it instead; nothing is
// believed that does not quote a segment in flight (RFC 5927 7), and no report makes segments
// larger. Where the reports do not arrive (RFC 2923 2.1), repeated timeouts of full segments make
// them smaller. A connection that has become smaller probes for more with its own text (RFC 4821).
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
  // Reports that one connection believes between two probes that succeed: whoever can see its
  // numbers must not make it send everything again for every byte less.
  static constexpr std::uint8_t kMaxReports = 16;
  // Timeouts in a row that cast suspicion on the size of what timed out.
  static constexpr unsigned kSuspiciousTimeouts = 2;
  // From the suspicion to the first probe: it may have been an outage of any other kind.
  static constexpr base::Duration kFirstProbe = base::Duration::seconds(15);
  // RFC 1191 6.3, RFC 8201 4: from a report to the first probe, and the most between two probes.
  static constexpr base::Duration kProbeInterval = PathMtuCache::kLifetime;

  PathMtuDiscovery(Core& core, HashKey hash_key) : core_(core), cache_(hash_key) {}

  // The peer's SYN has said what it takes: what is known of the path may be less.
  void begin(Connection& c);
  // A router had to drop a segment.
  void too_big(const base::FourTuple& flow, const TooBig& report);
  // The retransmission timer ran out; all in flight is lost.
  void on_timeout(Connection& c);

  // Text of the largest segment that may be queued now, a probe included.
  [[nodiscard]] std::uint16_t segment_size(const Connection& c) const {
    return c.path_search == 0 ? c.snd.mss : probe_size(c);
  }

  // --- of a connection that searches: c.path_search is not 0 ---
  // How much of what comes next goes into one segment.
  [[nodiscard]] std::uint16_t next_size(const Connection& c, const SendSegment& next) const;
  void on_sent(Connection& c, SendSegment& segment);
  void on_lost(Connection& c, const SendSegment& segment);
  void on_acknowledged(Connection& c);

 private:
  [[nodiscard]] std::uint16_t probe_size(const Connection& c) const;
  [[nodiscard]] PathSearch& search_of(const Connection& c) const;
  void search(Connection& c, std::uint16_t most, const PathSearch& how);
  void lower(Connection& c, std::uint16_t mss, const PathSearch& search);

  Core& core_;
  PathMtuCache cache_;
};

}  // namespace sluice::net::tcp
