// The shared object as packetdrill sees it: loaded, its one symbol looked up, its functions called
// in the order of a script, packets built and read by hand.
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "dataplane/wire/ipv4.hpp"
#include "dataplane/wire/tcp.hpp"
#include "tests/packetdrill/interface.hpp"
#include "tests/support/frames.hpp"

namespace sluice::packetdrill {
namespace {

using test::ByteVector;
using wire::SeqNumber;
using wire::TcpHeader;

const auto kLocal = base::Ipv4Address::of(192, 168, 0, 2);
const auto kRemote = base::Ipv4Address::of(192, 0, 2, 1);
constexpr std::uint16_t kPort = 8080;
constexpr std::uint16_t kPeerPort = 40'000;
constexpr SeqNumber kPeerIss{7'000};

sockaddr_in address_of(base::Ipv4Address ip, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(ip.value);
  address.sin_port = htons(port);
  return address;
}

// As packetdrill finds out whether a call has blocked: the state behind the thread's name.
bool is_asleep(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  return name_end != std::string::npos && line.substr(name_end, 3) == ") S";
}

class PacketdrillLibrary : public ::testing::Test {
 protected:
  void SetUp() override {
    library_ = dlopen(SLUICE_PACKETDRILL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library_, nullptr) << dlerror();
    const auto init =
        reinterpret_cast<InitFunction*>(dlsym(library_, "packetdrill_interface_init"));
    ASSERT_NE(init, nullptr);
    init(nullptr, &stack_);
  }
  void TearDown() override {
    if (stack_.free != nullptr) stack_.free(stack_.self);
    if (library_ != nullptr) dlclose(library_);
  }

  // --- the script's side ---
  int stream_socket() { return stack_.socket(self(), AF_INET, SOCK_STREAM, IPPROTO_TCP); }
  int listening() {
    const int fd = stream_socket();
    const sockaddr_in local = address_of(kLocal, kPort);
    EXPECT_EQ(stack_.bind(self(), fd, reinterpret_cast<const sockaddr*>(&local), sizeof(local)), 0);
    EXPECT_EQ(stack_.listen(self(), fd, 1), 0);
    return fd;
  }
  int connect_to_peer(int fd) {
    const sockaddr_in remote = address_of(kRemote, kPeerPort);
    return stack_.connect(self(), fd, reinterpret_cast<const sockaddr*>(&remote), sizeof(remote));
  }
  int accept(int fd) { return stack_.accept(self(), fd, nullptr, nullptr); }
  ssize_t write(int fd, std::string_view text, int flags = 0) {
    return stack_.send(self(), fd, text.data(), text.size(), flags);
  }
  // What one read() returns; nothing when it fails.
  std::optional<std::string> read(int fd) {
    std::string text(1000, '\0');
    const ssize_t size = stack_.read(self(), fd, text.data(), text.size());
    if (size < 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(size));
    return text;
  }
  void make_nonblocking(int fd) {
    EXPECT_EQ(stack_.fcntl(self(), fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
  }
  long long now_us() {
    timeval time{};
    EXPECT_EQ(stack_.gettimeofday(self(), &time, nullptr), 0);
    return time.tv_sec * 1'000'000LL + time.tv_usec;
  }

  // --- the peer's side ---
  void arrives(TcpHeader header, std::string_view text = {}) {
    header.source_port = kPeerPort;
    header.destination_port = local_port_;
    header.window = 32'000;
    const ByteVector packet = test::ipv4_packet(
        {.source = kRemote, .destination = kLocal, .protocol = wire::IpProtocol::kTcp},
        test::tcp_segment(kRemote, kLocal, header, base::bytes_of(text)));
    EXPECT_EQ(stack_.netdev_send(self(), packet.data(), packet.size()), 0);
  }
  void acknowledges(SeqNumber ours, std::string_view text = {}) {
    TcpHeader header;
    header.flags.ack = true;
    header.sequence = theirs_;
    header.acknowledgement = ours;
    arrives(header, text);
    theirs_ = theirs_ + static_cast<std::uint32_t>(text.size());
  }
  struct Sent {
    TcpHeader header;
    std::string text;
    long long at_us = 0;
  };
  // The next packet of the stack, waited for in virtual time.
  Sent sent() {
    std::vector<std::byte> buffer(65'536);
    std::size_t size = buffer.size();
    Sent result;
    EXPECT_EQ(stack_.netdev_receive(self(), buffer.data(), &size, &result.at_us), 0);
    EXPECT_GT(size, 0U);
    const base::Bytes packet = base::Bytes(buffer).first(size);
    const auto ip = wire::parse_ipv4(packet, wire::HeaderChecksum::kVerify);
    if (!ip) {
      ADD_FAILURE() << "not an IPv4 packet";
      return result;
    }
    const auto segment = packet.first(ip->total_size).subspan(ip->size);
    const auto tcp = wire::parse_tcp(segment);
    EXPECT_TRUE(tcp);
    result.header = tcp->header;
    result.text = base::text_of(segment.subspan(tcp->size));
    return result;
  }

  // A connection that the peer opened; iss_ is ours.
  int established(int listener) {
    TcpHeader syn;
    syn.flags.syn = true;
    syn.sequence = kPeerIss;
    syn.options.mss = 1000;
    arrives(syn);
    const Sent answer = sent();
    EXPECT_TRUE(answer.header.flags.syn && answer.header.flags.ack);
    iss_ = answer.header.sequence;
    theirs_ = kPeerIss + 1;
    acknowledges(iss_ + 1);
    return accept(listener);
  }

  void* self() { return stack_.self; }

  void* library_ = nullptr;
  Interface stack_{};
  std::uint16_t local_port_ = kPort;
  SeqNumber iss_;
  SeqNumber theirs_;
};

TEST_F(PacketdrillLibrary, AcceptedConnectionCarriesBytesBothWays) {
  const int fd = established(listening());
  ASSERT_GE(fd, 0);
  acknowledges(iss_ + 1, "ping");
  EXPECT_EQ(read(fd), "ping");
  EXPECT_EQ(write(fd, "pong"), 4);
  Sent data = sent();
  while (data.text.empty()) data = sent();  // the acknowledgment of "ping" may go before
  EXPECT_EQ(data.text, "pong");
  EXPECT_EQ(data.header.sequence, iss_ + 1);
}

TEST_F(PacketdrillLibrary, PeersFinIsTheEndAndCloseAnswersWithOurs) {
  const int fd = established(listening());
  TcpHeader fin;
  fin.flags.fin = fin.flags.ack = true;
  fin.sequence = theirs_;
  fin.acknowledgement = iss_ + 1;
  arrives(fin);
  EXPECT_EQ(sent().header.acknowledgement, theirs_ + 1);
  EXPECT_EQ(read(fd), "");
  EXPECT_EQ(stack_.close(self(), fd), 0);
  EXPECT_TRUE(sent().header.flags.fin);
  EXPECT_EQ(read(fd), std::nullopt);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(PacketdrillLibrary, ShutdownForWritingSendsFinAndWritesFail) {
  const int fd = established(listening());
  EXPECT_EQ(stack_.shutdown(self(), fd, SHUT_WR), 0);
  EXPECT_TRUE(sent().header.flags.fin);
  EXPECT_EQ(write(fd, "late"), -1);
  EXPECT_EQ(errno, EPIPE);
}

TEST_F(PacketdrillLibrary, NonblockingCallsSayThatTheyWouldWait) {
  const int listener = listening();
  make_nonblocking(listener);
  EXPECT_EQ(accept(listener), -1);
  EXPECT_EQ(errno, EAGAIN);
  const int fd = established(listener);
  make_nonblocking(fd);
  EXPECT_EQ(read(fd), std::nullopt);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(PacketdrillLibrary, NonblockingConnectIsInProgressUntilItIsRefused) {
  const int fd = stream_socket();
  make_nonblocking(fd);
  EXPECT_EQ(connect_to_peer(fd), -1);
  EXPECT_EQ(errno, EINPROGRESS);
  const Sent syn = sent();
  EXPECT_TRUE(syn.header.flags.syn);
  local_port_ = syn.header.source_port;
  TcpHeader reset;
  reset.flags.rst = reset.flags.ack = true;
  reset.acknowledgement = syn.header.sequence + 1;
  arrives(reset);
  int error = 0;
  socklen_t size = sizeof(error);
  EXPECT_EQ(stack_.getsockopt(self(), fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
  EXPECT_EQ(error, ECONNREFUSED);
}

TEST_F(PacketdrillLibrary, BlockedReaderReturnsAtTheVirtualTimeOfItsBytes) {
  const int fd = established(listening());
  const long long start = now_us();
  std::promise<pid_t> entered;
  auto reading = std::async(std::launch::async, [&] {
    entered.set_value(gettid());
    const auto text = read(fd);
    return std::pair(text, now_us());
  });
  const pid_t reader = entered.get_future().get();
  while (!is_asleep(reader)) std::this_thread::yield();
  EXPECT_EQ(stack_.usleep(self(), 250'000), 0);
  acknowledges(iss_ + 1, "at last");
  EXPECT_EQ(stack_.usleep(self(), 5'000'000), 0);
  const auto [text, at_us] = reading.get();
  EXPECT_EQ(text, "at last");
  EXPECT_GE(at_us - start, 250'000);
  EXPECT_LT(at_us - start, 251'000);
}

TEST_F(PacketdrillLibrary, UnansweredSynIsRepeatedAfterASecondOfVirtualTime) {
  const int fd = stream_socket();
  make_nonblocking(fd);
  EXPECT_EQ(connect_to_peer(fd), -1);
  const Sent first = sent();
  const Sent second = sent();
  EXPECT_EQ(second.header.sequence, first.header.sequence);
  EXPECT_EQ((second.at_us - first.at_us + 50'000) / 100'000, 10);  // RFC 6298 2.1
}

TEST_F(PacketdrillLibrary, CorkedBytesLeaveWhenTheCorkIsPulled) {
  const int fd = established(listening());
  int on = 1;
  EXPECT_EQ(stack_.setsockopt(self(), fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)), 0);
  EXPECT_EQ(write(fd, "one"), 3);
  EXPECT_EQ(write(fd, "two"), 3);
  on = 0;
  EXPECT_EQ(stack_.setsockopt(self(), fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)), 0);
  EXPECT_EQ(sent().text, "onetwo");
}

TEST_F(PacketdrillLibrary, BytesThatAreToBeFollowedByMoreWaitNoLongerThanTheirTime) {
  const int fd = established(listening());
  const long long start = now_us();
  EXPECT_EQ(write(fd, "more", MSG_MORE), 4);
  const Sent data = sent();
  EXPECT_EQ(data.text, "more");
  EXPECT_NEAR(static_cast<double>(data.at_us - start), 200'000, 1'000);
}

TEST_F(PacketdrillLibrary, PollReportsWhatIsThereAndGivesUpInVirtualTime) {
  const int fd = established(listening());
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  EXPECT_EQ(stack_.poll(self(), &entry, 1, 0), 0);
  acknowledges(iss_ + 1, "x");
  EXPECT_EQ(stack_.poll(self(), &entry, 1, 0), 1);
  EXPECT_EQ(entry.revents, POLLIN);
  EXPECT_EQ(read(fd), "x");
  auto polling = std::async(std::launch::async, [&] {
    pollfd none{.fd = fd, .events = POLLIN, .revents = 0};
    return stack_.poll(self(), &none, 1, 10);
  });
  while (polling.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
    EXPECT_EQ(stack_.usleep(self(), 10'000), 0);
  }
  EXPECT_EQ(polling.get(), 0);
}

TEST_F(PacketdrillLibrary, OptionsThatTheStackDoesNotHaveAreRefused) {
  const int fd = stream_socket();
  int value = 1;
  EXPECT_EQ(stack_.setsockopt(self(), fd, IPPROTO_TCP, TCP_MAXSEG, &value, sizeof(value)), -1);
  EXPECT_EQ(errno, ENOPROTOOPT);
  std::array<std::byte, 256> info;
  socklen_t size = info.size();
  EXPECT_EQ(stack_.getsockopt(self(), fd, IPPROTO_TCP, TCP_INFO, info.data(), &size), -1);
  EXPECT_EQ(errno, ENOPROTOOPT);
  EXPECT_EQ(stack_.epoll_create(self(), 1), -1);
  EXPECT_EQ(errno, ENOSYS);
}

TEST_F(PacketdrillLibrary, PacketLargerThanIpAllowsIsNotDelivered) {
  const std::vector<std::byte> packet(65'536);
  EXPECT_EQ(stack_.netdev_send(self(), packet.data(), packet.size()), -1);
}

}  // namespace
}  // namespace sluice::packetdrill
