// Capture files: classic pcap with nanosecond timestamps, Ethernet frames
// (draft-ietf-opsawg-pcap). Written in big-endian order, which the magic number tells readers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::nic {

class PcapWriter {
 public:
  struct Options {
    std::string path;  // created, readable by its owner only, or truncated
    std::size_t max_bytes = std::size_t{1} << 30;  // of the file; then writing ends
    // Wall-clock time at Instant zero, since the Unix epoch.
    base::Duration epoch;
  };
  static base::Result<std::unique_ptr<PcapWriter>, std::error_code> open(const Options& options);
  ~PcapWriter();
  PcapWriter(const PcapWriter&) = delete;
  PcapWriter& operator=(const PcapWriter&) = delete;

  // False when the file is full or could not be written; nothing is written then or ever after.
  [[nodiscard]] bool write(base::Instant now, base::Bytes frame);
  // Hands buffered frames to the kernel.
  void flush();

 private:
  PcapWriter(int file, const Options& options);
  // Room in the buffer for the next `size` bytes.
  base::MutableBytes space(std::size_t size);

  const int file_;
  const base::Duration epoch_;
  std::size_t bytes_left_;
  bool failed_ = false;
  std::vector<std::byte> buffer_;
  std::size_t buffered_ = 0;
};

struct PcapFrame {
  std::int64_t nanoseconds = 0;  // since the Unix epoch
  std::vector<std::byte> bytes;
};

// All frames of a file that PcapWriter could have written; nothing when it is not one.
[[nodiscard]] std::optional<std::vector<PcapFrame>> read_pcap(base::Bytes file);

}  // namespace sluice::nic
