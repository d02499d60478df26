#include "dataplane/net/tcp/prr.hpp"

#include <algorithm>

namespace sluice::net::tcp {

// RFC 6937 3.
std::uint32_t Prr::on_ack(const AckSample& ack, std::uint32_t ssthresh) {
  delivered_ += ack.delivered;
  const auto beyond = [](std::uint64_t a, std::uint32_t b) {
    return a > b ? static_cast<std::uint32_t>(a - b) : 0U;
  };
  std::uint32_t allowed = 0;  // sndcnt
  if (ack.pipe > ssthresh) {
    const std::uint64_t whole = std::max(recover_fs_, 1U);
    allowed = beyond((std::uint64_t{delivered_} * ssthresh + whole - 1) / whole, out_);
  } else {
    // PRR-CRB, packet conservation; PRR-SSRB adds a segment where SND.UNA moves and nothing more is
    // lost: then the network is not overloaded any longer.
    allowed = std::max(beyond(delivered_, out_), ack.delivered);
    if (ack.safe) allowed += ack.mss;
    allowed = std::min(allowed, ssthresh - ack.pipe);
  }
  if (out_ == 0) allowed = std::max(allowed, ack.mss);  // the first retransmission does not wait
  return ack.pipe + allowed;
}

}  // namespace sluice::net::tcp
