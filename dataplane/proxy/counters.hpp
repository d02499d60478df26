// What the proxy counts: sessions and how they ended, backends and how they failed.
#pragma once

#include <cstdint>

#include "base/counters.hpp"

namespace sluice::proxy {

enum class ProxyCounter : std::uint16_t {
  kSessionsOpened,
  kSessionsClosed,
  kSessionsRefused,
  kBytesToBackend,
  kBytesToClient,
  kRecordsShared,
  kHandshakeTimeouts,
  kIdleTimeouts,
  kClientResets,
  kClientTimeouts,
  kClientTruncated,
  kClientFinWithoutCloseNotify,
  kClientGoneInHandshake,
  kJobsRun,
  kJobsDropped,
  kBackendConnects,
  kBackendConnectFailures,
  kBackendSkipped,
  kBackendUnavailable,
  kBackendResets,
  kBackendNoPort,
  kStarvedOfPackets,
  kCount,
};

}  // namespace sluice::proxy

template <>
struct sluice::base::CounterTable<sluice::proxy::ProxyCounter> {
  static constexpr CounterInfo kInfos[] = {
      {"sessions_opened", Severity::kInfo, "Client connections accepted."},
      {"sessions_closed", Severity::kInfo, "Client connections ended, in whatever way."},
      {"sessions_refused", Severity::kWarning, "Client connections refused: session pool full."},
      {"bytes_to_backend", Severity::kInfo, "Plaintext bytes passed from clients to backends."},
      {"bytes_to_client", Severity::kInfo, "Plaintext bytes passed from backends to clients."},
      {"records_shared", Severity::kInfo,
       "Plaintext pieces copied because another record shares their packet."},
      {"handshake_timeouts", Severity::kNotice,
       "Clients that did not finish the handshake in time."},
      {"idle_timeouts", Severity::kInfo, "Sessions closed after their idle time."},
      {"client_resets", Severity::kNotice, "Sessions ended by a reset from the client."},
      {"client_timeouts", Severity::kNotice, "Sessions ended because the client vanished."},
      {"client_truncated", Severity::kNotice,
       "Clients that ended their stream without close_notify in mid-record or before the answer's "
       "end."},
      {"client_fin_without_close_notify", Severity::kInfo,
       "Clients that skipped close_notify after everything had been sent to them."},
      {"client_gone_in_handshake", Severity::kNotice,
       "Clients that left before the handshake's end."},
      {"jobs_run", Severity::kInfo, "Public-key operations done for handshakes."},
      {"jobs_dropped", Severity::kNotice, "Results dropped because their connection had died."},
      {"backend_connects", Severity::kInfo, "Connections opened to backend servers."},
      {"backend_connect_failures", Severity::kWarning,
       "Attempts to connect to a backend server that were refused, timed out or unreachable."},
      {"backend_skipped", Severity::kNotice, "Choices that passed over a server known to be dead."},
      {"backend_unavailable", Severity::kWarning, "Sessions ended because no server took them."},
      {"backend_resets", Severity::kWarning, "Sessions ended by a reset from the backend."},
      {"backend_no_port", Severity::kWarning,
       "Attempts that found no free source port; add source_addresses."},
      {"starved_of_packets", Severity::kWarning, "Times sealing had to wait for free packets."},
  };
};
