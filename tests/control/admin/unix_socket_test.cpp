#include "control/admin/unix_socket.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/control/support/scratch.hpp"

namespace sluice::control {
namespace {

using testing::Scratch;

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

TEST(UnixListener, TheSocketIsForOwnerAndGroupWhateverTheUmask) {
  const Scratch scratch;
  for (const mode_t umask : {mode_t{0}, mode_t{022}, mode_t{077}}) {
    const mode_t before = ::umask(umask);
    const auto listener = UnixListener::open(scratch / "s");
    ::umask(before);
    ASSERT_TRUE(listener) << listener.error();
    EXPECT_EQ(mode_of(scratch / "s"), 0660U);
  }
}

TEST(UnixListener, AMissingDirectoryIsMadeAndRemovedAgain) {
  const Scratch scratch;
  {
    const auto listener = UnixListener::open(scratch / "run" / "s");
    ASSERT_TRUE(listener) << listener.error();
    EXPECT_TRUE(connect_unix(scratch / "run" / "s"));
  }
  EXPECT_FALSE(std::filesystem::exists(scratch / "run"));
}

TEST(UnixListener, ADirectoryThatWasThereStays) {
  const Scratch scratch;
  std::filesystem::create_directory(scratch / "run");
  ASSERT_TRUE(UnixListener::open(scratch / "run" / "s"));
  EXPECT_TRUE(std::filesystem::exists(scratch / "run"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "run" / "s"));
}

TEST(UnixListener, ASocketThatACrashLeftBehindIsReplaced) {
  const Scratch scratch;
  {
    auto crashed = UnixListener::open(scratch / "s");
    ASSERT_TRUE(crashed);
    // What a killed process leaves: the file without a listener.
    std::filesystem::create_hard_link(scratch / "s", scratch / "kept");
  }
  std::filesystem::rename(scratch / "kept", scratch / "s");
  ASSERT_FALSE(connect_unix(scratch / "s"));
  EXPECT_TRUE(UnixListener::open(scratch / "s"));
}

TEST(UnixListener, AFileThatIsNoSocketIsLeftAlone) {
  const Scratch scratch;
  const auto path = scratch.write("s", "precious");
  const auto listener = UnixListener::open(path);
  ASSERT_FALSE(listener);
  EXPECT_EQ(listener.error(), path.string() + ": exists and is not a socket");
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(UnixListener, AnothersSocketIsNotRemovedAtTheEnd) {
  const Scratch scratch;
  {
    const auto first = UnixListener::open(scratch / "s");
    ASSERT_TRUE(first);
    std::filesystem::rename(scratch / "s", scratch / "moved");
    scratch.write("s", "someone else's");
  }
  EXPECT_TRUE(std::filesystem::exists(scratch / "s"));
}

TEST(UnixListener, AnImpossiblePathIsOneClearLine) {
  const Scratch scratch;
  const auto nested = UnixListener::open(scratch / "a" / "b" / "s");
  ASSERT_FALSE(nested);
  EXPECT_EQ(nested.error(), (scratch / "a" / "b" / "s").string() + ": No such file or directory");
  EXPECT_FALSE(UnixListener::open(scratch / std::string(200, 'x')));
}

TEST(UnixSocket, ConnectingToNothingSaysThatTheDaemonIsNotRunning) {
  const Scratch scratch;
  const auto socket = connect_unix(scratch / "s");
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error(), (scratch / "s").string() + ": sluice is not running there");
}

}  // namespace
}  // namespace sluice::control
