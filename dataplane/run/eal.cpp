#include "dataplane/run/eal.hpp"

#include <fcntl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <mutex>
#include <system_error>

namespace sluice::run {
namespace {

namespace fs = std::filesystem;

// EAL's log: only its last line is kept, to be told where something fails. Written to by whatever
// thread of DPDK's has something to say.
class ComplaintLog {
 public:
  static ComplaintLog& instance() {
    static ComplaintLog log;
    return log;
  }

  void open() {
    if (stream_ != nullptr) return;
    stream_ = ::fopencookie(this, "w",
                            {.read = nullptr, .write = &write, .seek = nullptr, .close = nullptr});
    if (stream_ == nullptr) return;
    (void)std::setvbuf(stream_, nullptr, _IOLBF, 0);
    (void)rte_openlog_stream(stream_);
  }

  std::string last() {
    const std::scoped_lock lock(mutex_);
    return last_;
  }

 private:
  static constexpr std::size_t kMaxLine = 256;

  static ssize_t write(void* cookie, const char* text, std::size_t size) {
    static_cast<ComplaintLog*>(cookie)->keep({text, size});
    return static_cast<ssize_t>(size);
  }
  void keep(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
    if (text.empty()) return;
    if (const auto line = text.rfind('\n'); line != std::string_view::npos) {
      text.remove_prefix(line + 1);
    }
    const std::scoped_lock lock(mutex_);
    last_ = text.substr(0, kMaxLine);
  }

  std::mutex mutex_;
  std::string last_;
  std::FILE* stream_ = nullptr;
};

// EAL prints some failures straight to the standard streams, beside its log.
class SilencedStreams {
 public:
  SilencedStreams() {
    std::fflush(stdout);
    std::fflush(stderr);
    const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null < 0) return;
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
      saved_[fd] = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
      (void)::dup2(null, fd);
    }
    ::close(null);
  }
  ~SilencedStreams() {
    std::fflush(stdout);
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
      if (saved_[fd] < 0) continue;
      (void)::dup2(saved_[fd], fd);
      ::close(saved_[fd]);
    }
  }
  SilencedStreams(const SilencedStreams&) = delete;
  SilencedStreams& operator=(const SilencedStreams&) = delete;

 private:
  int saved_[STDERR_FILENO + 1] = {-1, -1, -1};
};

// EAL makes a directory of its own even where it shares nothing, and leaves it behind. It is
// removed as soon as EAL has started, so that not even a killed process leaves it; its parent is
// DPDK's and stays unless it is empty.
void remove_runtime_directory() {
  const char* directory = rte_eal_get_runtime_dir();
  if (directory == nullptr || *directory == '\0') return;
  std::error_code ignored;
  fs::remove(directory, ignored);
  fs::remove(fs::path(directory).parent_path(), ignored);
}

}  // namespace

base::Result<std::unique_ptr<Eal>, std::string> Eal::start(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  ComplaintLog::instance().open();
  int parsed = 0;
  {
    const SilencedStreams silenced;
    parsed = rte_eal_init(static_cast<int>(arguments.size()), argv.data());
  }
  remove_runtime_directory();
  if (parsed < 0) {
    const std::string complaint = last_complaint();
    return base::Unexpected{"DPDK does not start: " +
                            (complaint.empty() ? rte_strerror(rte_errno) : complaint)};
  }
  return std::unique_ptr<Eal>(new Eal);
}

Eal::~Eal() {
  (void)rte_eal_cleanup();
}

std::string Eal::last_complaint() {
  return ComplaintLog::instance().last();
}

}  // namespace sluice::run
