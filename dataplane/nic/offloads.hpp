// The work that a device may take off the processor: who does it on a port and, where the stack
// does it, why. For the report of what is in use.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::nic {

enum class Offload : std::uint8_t {
  kReceiveIpv4Checksum,
  kReceiveTcpChecksum,
  kTransmitIpv4Checksum,
  kTransmitTcpChecksum,
  kSegmentation,  // of trains of TCP segments (TSO)
  kCoalescing,    // of TCP segments that arrive in a row (LRO)
  kScaling,       // spreading flows over the queues (RSS)
  kCount,
};

inline constexpr std::size_t kOffloads = static_cast<std::size_t>(Offload::kCount);

[[nodiscard]] constexpr std::string_view name_of(Offload offload) {
  constexpr std::array<std::string_view, kOffloads> kNames = {
      "rx_ipv4_checksum",
      "rx_tcp_checksum",
      "tx_ipv4_checksum",
      "tx_tcp_checksum",
      "tso",
      "rx_coalescing",
      "rss",
  };
  return kNames[static_cast<std::size_t>(offload)];
}

struct OffloadUse {
  bool by_device = false;
  std::string_view why_not;  // a constant, where it is not the device's
};

// One for each Offload.
class Offloads {
 public:
  [[nodiscard]] OffloadUse& operator[](Offload offload) {
    return uses_[static_cast<std::size_t>(offload)];
  }
  [[nodiscard]] const OffloadUse& operator[](Offload offload) const {
    return uses_[static_cast<std::size_t>(offload)];
  }

  // What the device was asked for and must not do after all.
  void take_over(Offload offload, std::string_view why) {
    OffloadUse& use = (*this)[offload];
    if (use.by_device) use = {.by_device = false, .why_not = why};
  }

 private:
  std::array<OffloadUse, kOffloads> uses_{};
};

}  // namespace sluice::nic
