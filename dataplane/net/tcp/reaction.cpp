#include "dataplane/net/tcp/reaction.hpp"

namespace sluice::net::tcp {

void react(Core& core, Connection& c, const AckOutcome& outcome, const FlightBefore& before,
           bool probe_repaired) {
  Outbox& outbox = *c.outbox;
  if (outcome.spurious) {
    core.count(NetCounter::kTcpSpuriousRecoveries);
    outbox.congestion.on_spurious();
  }
  if (outcome.entered) outbox.tail_probe.on_recovery();
  if (outcome.entered || probe_repaired) {
    core.count(NetCounter::kTcpFastRecoveries);
    outbox.congestion.on_loss(
        {.now = core.now, .flight = before.flight, .pipe = before.pipe, .mss = c.snd.mss});
  }
  if (outcome.delivered == 0 && outcome.acked == 0 && outcome.lost == 0) return;
  outbox.congestion.on_ack(
      {.now = core.now,
       .acked = outcome.unreported,
       .delivered = outcome.delivered,
       .lost = outcome.lost,
       .lost_segments = outcome.lost_segments,
       .flight_before = before.flight,
       .pipe_before = before.pipe,
       .pipe = outbox.recovery.pipe(c.snd.mss),
       .mss = c.snd.mss,
       .srtt = c.rtt.smoothed(),
       .min_rtt = c.rtt.minimum(),
       .rtt = outcome.rtt.value_or(base::Duration{}),
       .newest = outcome.newest,
       .newest_lost = outcome.newest_lost,
       .safe = outcome.acked > 0 && outcome.lost == 0,
       .fast_recovery = outbox.recovery.phase() == Recovery::Phase::kFastRecovery,
       .after_timeout = outbox.recovery.phase() == Recovery::Phase::kTimeout,
       .sees_each_loss = c.sack});
}

}  // namespace sluice::net::tcp
