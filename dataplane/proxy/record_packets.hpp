// Outgoing packets as the record layer's output: records are sealed straight into packets that each
// hold one full segment, so the sealed packet is also what is transmitted and retransmitted.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/packet.hpp"
#include "tls/record/output.hpp"

namespace sluice::proxy {

class RecordPackets final : public tls::RecordOutput {
 public:
  explicit RecordPackets(base::PacketPool& pool);

  // Begins a new run of records for a connection whose segments hold `segment_size` bytes.
  // Precondition: the last run was taken.
  void begin(std::size_t segment_size) { segment_size_ = segment_size; }
  [[nodiscard]] std::span<const base::MutableBytes> allocate(std::size_t size) override;
  // The packets of this run, all full but the last.
  [[nodiscard]] base::PacketQueue take() { return std::move(packets_); }
  [[nodiscard]] bool empty() const { return packets_.empty(); }

 private:
  base::PacketPool& pool_;
  std::size_t segment_size_ = 0;
  base::PacketQueue packets_;
  std::vector<base::MutableBytes> spans_;
};

}  // namespace sluice::proxy
