#include "dataplane/net/tcp/reaction.hpp"

namespace sluice::net::tcp {

namespace {

void slow_down(Core& core, Connection& c, const FlightBefore& before, bool marked) {
  core.count(marked ? NetCounter::kTcpCongestionReductions : NetCounter::kTcpFastRecoveries);
  c.snd.ecn.on_reduction();
  c.outbox->congestion.on_loss({.now = core.now,
                                .flight = before.flight,
                                .pipe = before.pipe,
                                .mss = c.snd.mss,
                                .marked = marked});
}

}  // namespace

void count_work(Core& core, const AckOutcome& outcome) {
  if (outcome.steps > 0) core.count(NetCounter::kTcpSackSteps, outcome.steps);
  if (outcome.bad_blocks > 0) core.count(NetCounter::kTcpSackBlocksInvalid, outcome.bad_blocks);
  if (outcome.late_blocks > 0) core.count(NetCounter::kTcpSackBlocksLate, outcome.late_blocks);
}

void react(Core& core, Connection& c, const AckOutcome& outcome, const FlightBefore& before,
           Congested congested) {
  Outbox& outbox = *c.outbox;
  if (outcome.spurious) {
    core.count(NetCounter::kTcpSpuriousRecoveries);
    outbox.congestion.on_spurious();
  }
  if (outcome.entered) {
    outbox.tail_probe.on_recovery();
    slow_down(core, c, before, false);
  } else if ((congested.probe_repaired || congested.echoed) &&
             outbox.recovery.begin_reduction(c.snd.una, c.snd.nxt)) {
    slow_down(core, c, before, congested.echoed);
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
       .newest = outcome.newest ? &*outcome.newest : nullptr,
       .newest_lost = outcome.newest_lost ? &*outcome.newest_lost : nullptr,
       .window_limited = outbox.window_limited,
       .safe = outcome.acked > 0 && outcome.lost == 0,
       .fast_recovery = outbox.recovery.phase() == Recovery::Phase::kFastRecovery ||
                        outbox.recovery.phase() == Recovery::Phase::kReduction,
       .after_timeout = outbox.recovery.phase() == Recovery::Phase::kTimeout,
       .sees_each_loss = c.sack,
       .echoed = congested.echoed});
}

}  // namespace sluice::net::tcp
