// What the devices of one worker count: frames in and out, and every way in which one got lost.
#pragma once

#include <cstdint>

#include "base/counters.hpp"

namespace sluice::nic {

enum class NicCounter : std::uint16_t {
  kReceivedFrames,
  kReceivedBytes,
  kReceiveSegmented,
  kReceiveShed,
  kSentFrames,
  kSentBytes,
  kSentTrains,
  kTransmitPartial,
  kTransmitOversize,
  kTransmitLinkDown,
  // Devices for tests and diagnosis.
  kFaultLost,
  kFaultDuplicated,
  kFaultReordered,
  kFaultCorrupted,
  kFaultOverflow,
  kCapturedFrames,
  kCaptureDropped,
  kCount,
};

}  // namespace sluice::nic

template <>
struct sluice::base::CounterTable<sluice::nic::NicCounter> {
  static constexpr CounterInfo kInfos[] = {
      {"received_frames", Severity::kInfo, "Frames received from devices."},
      {"received_bytes", Severity::kInfo, "Bytes of the frames received."},
      {"receive_segmented", Severity::kWarning,
       "Frames dropped because the device spread them over several buffers, and not as it does "
       "with coalesced TCP segments."},
      {"receive_shed", Severity::kWarning,
       "Large frames dropped because packets were running out."},
      {"sent_frames", Severity::kInfo, "Frames that devices took for transmission."},
      {"sent_bytes", Severity::kInfo, "Bytes of the frames sent."},
      {"sent_trains", Severity::kInfo,
       "Frames among them that devices cut into segments themselves."},
      {"transmit_partial", Severity::kNotice, "Transmit bursts that a device took only in part."},
      {"transmit_oversize", Severity::kWarning,
       "Frames dropped because they were longer than the device's MTU allows."},
      {"transmit_link_down", Severity::kNotice, "Frames dropped because the link was down."},
      {"fault_lost", Severity::kNotice, "Frames lost on purpose."},
      {"fault_duplicated", Severity::kNotice, "Frames duplicated on purpose."},
      {"fault_reordered", Severity::kNotice, "Frames put behind later ones on purpose."},
      {"fault_corrupted", Severity::kNotice, "Frames with a bit flipped on purpose."},
      {"fault_overflow", Severity::kWarning,
       "Frames dropped because the fault device held too many, or no packet was left to copy to."},
      {"captured_frames", Severity::kInfo, "Frames written to capture files."},
      {"capture_dropped", Severity::kNotice,
       "Frames not written: the capture file is full or cannot be written."},
  };
};
