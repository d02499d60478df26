// What a worker's run loop counts about itself: how busy it was, and what passed between workers.
#pragma once

#include <cstdint>

#include "base/counters.hpp"

namespace sluice::run {

enum class RunCounter : std::uint16_t {
  kIterations,
  kBusyIterations,
  kSlowIterations,
  kSleeps,
  kSleptMicroseconds,
  kCommands,
  kForwardedOut,
  kForwardedIn,
  kForwardDrops,
  kCopiedOut,
  kCopyDrops,
  kHandedOut,
  kHandedIn,
  kHandDrops,
  kTransmitDrops,
  kPredictedOpens,
  kMispredictedOpens,
  kSteeringSwitches,
  kCount,
};

}  // namespace sluice::run

template <>
struct sluice::base::CounterTable<sluice::run::RunCounter> {
  static constexpr CounterInfo kInfos[] = {
      {"iterations", Severity::kInfo, "Turns of the run loop."},
      {"busy_iterations", Severity::kInfo, "Turns that found something to do."},
      {"slow_iterations", Severity::kNotice,
       "Turns that took more than 100 ms: others have the core, too, or too much was due at once."},
      {"sleeps", Severity::kInfo, "Times the worker slept because nothing arrived."},
      {"slept_microseconds", Severity::kInfo, "How long it slept in all."},
      {"commands", Severity::kInfo, "Commands from the control thread."},
      {"forwarded_out", Severity::kInfo, "Frames passed on to the worker that owns their flow."},
      {"forwarded_in", Severity::kInfo, "Frames taken over from the workers that received them."},
      {"forward_drops", Severity::kWarning, "Frames dropped because their owner's ring was full."},
      {"copied_out", Severity::kInfo, "Copies of ARP frames given to other workers."},
      {"copy_drops", Severity::kNotice,
       "Copies that were not made because a ring was full or no packet was free."},
      {"handed_out", Severity::kInfo,
       "Frames handed to the worker whose queue transmits for this one."},
      {"handed_in", Severity::kInfo, "Frames transmitted for workers without a queue."},
      {"hand_drops", Severity::kWarning,
       "Frames dropped because the transmitting worker took none for too long."},
      {"transmit_drops", Severity::kWarning,
       "Frames dropped because a device took none for too long."},
      {"predicted_opens", Severity::kInfo,
       "Active opens whose answer arrived on their own worker's queue."},
      {"mispredicted_opens", Severity::kNotice,
       "Active opens whose answer arrived on another worker's queue and was passed on."},
      {"steering_switches", Severity::kWarning,
       "Ports whose hash was not believed any more because it named wrong owners."},
  };
};
