#include "dataplane/nic/pcap.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/cursor.hpp"

namespace sluice::nic {
namespace {

constexpr std::uint32_t kNanosecondMagic = 0xa1b23c4d;
constexpr std::uint16_t kMajorVersion = 2;
constexpr std::uint16_t kMinorVersion = 4;
constexpr std::uint32_t kLinkTypeEthernet = 1;
constexpr std::uint32_t kSnapLength = 65535;
constexpr std::size_t kFileHeaderSize = 24;
constexpr std::size_t kFrameHeaderSize = 16;
constexpr std::size_t kBufferSize = std::size_t{256} * 1024;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

}  // namespace

base::Result<std::unique_ptr<PcapWriter>, std::error_code> PcapWriter::open(
    const Options& options) {
  const int file =
      ::open(options.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return base::Unexpected{std::error_code(errno, std::generic_category())};
  return std::unique_ptr<PcapWriter>(new PcapWriter(file, options));
}

PcapWriter::PcapWriter(int file, const Options& options)
    : file_(file), epoch_(options.epoch), bytes_left_(options.max_bytes), buffer_(kBufferSize) {
  if (bytes_left_ < kFileHeaderSize) {
    failed_ = true;
    return;
  }
  base::Writer header(space(kFileHeaderSize));
  header.u32(kNanosecondMagic);
  header.u16(kMajorVersion);
  header.u16(kMinorVersion);
  header.u64(0);  // reserved
  header.u32(kSnapLength);
  header.u32(kLinkTypeEthernet);
}

PcapWriter::~PcapWriter() {
  flush();
  ::close(file_);
}

bool PcapWriter::write(base::Instant now, base::Bytes frame) {
  const std::size_t size = kFrameHeaderSize + frame.size();
  if (failed_ || size > bytes_left_ || frame.size() > kSnapLength) {
    bytes_left_ = 0;
    return false;
  }
  const std::int64_t time = epoch_.nanoseconds() + now.nanoseconds();
  base::Writer writer(space(size));
  writer.u32(static_cast<std::uint32_t>(time / kNanosecondsPerSecond));
  writer.u32(static_cast<std::uint32_t>(time % kNanosecondsPerSecond));
  writer.u32(static_cast<std::uint32_t>(frame.size()));
  writer.u32(static_cast<std::uint32_t>(frame.size()));
  writer.bytes(frame);
  return !failed_;
}

void PcapWriter::flush() {
  std::size_t written = 0;
  while (written < buffered_ && !failed_) {
    const ssize_t n = ::write(file_, buffer_.data() + written, buffered_ - written);
    if (n > 0) {
      written += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      failed_ = true;
    }
  }
  buffered_ = 0;
}

base::MutableBytes PcapWriter::space(std::size_t size) {
  if (buffered_ + size > buffer_.size()) flush();
  bytes_left_ -= size;
  buffered_ += size;
  return base::MutableBytes(buffer_).subspan(buffered_ - size, size);
}

std::optional<std::vector<PcapFrame>> read_pcap(base::Bytes file) {
  base::Reader reader(file);
  const bool known = reader.u32() == kNanosecondMagic && reader.u16() == kMajorVersion;
  reader.skip(2 + 8 + 4);  // minor version, reserved, snap length
  if (!known || reader.u32() != kLinkTypeEthernet) return std::nullopt;
  std::vector<PcapFrame> frames;
  while (reader.ok() && !reader.empty()) {
    const std::int64_t seconds = reader.u32();
    const std::int64_t nanoseconds = reader.u32();
    const std::uint32_t captured = reader.u32();
    reader.skip(4);  // original length
    const base::Bytes bytes = reader.bytes(captured);
    frames.push_back({.nanoseconds = seconds * kNanosecondsPerSecond + nanoseconds,
                      .bytes = {bytes.begin(), bytes.end()}});
  }
  if (!reader.finished()) return std::nullopt;
  return frames;
}

}  // namespace sluice::nic
