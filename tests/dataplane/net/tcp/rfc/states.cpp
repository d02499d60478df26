#include "tests/dataplane/net/tcp/rfc/states.hpp"

#include <gtest/gtest.h>

namespace sluice::net::tcp::test {

const char* name_of(Reached state) {
  switch (state) {
    case Reached::kEstablished:
      return "ESTABLISHED";
    case Reached::kFinWait1:
      return "FIN-WAIT-1";
    case Reached::kFinWait2:
      return "FIN-WAIT-2";
    case Reached::kCloseWait:
      return "CLOSE-WAIT";
    case Reached::kClosing:
      return "CLOSING";
    case Reached::kLastAck:
      return "LAST-ACK";
  }
  return "";
}

Standing bring_to(Script& host, Reached state) {
  const ConnectionHandle c = host.established();
  std::uint32_t ours = 0;
  std::uint32_t theirs = 0;
  const auto we_finish = [&] {
    host.finish(c);
    ours = 1;
  };
  const auto they_finish = [&] {
    host.arrives(bare(host.theirs(0)).ack(host.ours(0)).fin());
    theirs = 1;
  };
  switch (state) {
    case Reached::kEstablished:
      break;
    case Reached::kFinWait1:
      we_finish();
      break;
    case Reached::kFinWait2:
      we_finish();
      host.arrives(bare(host.theirs(0)).ack(host.ours(1)));
      break;
    case Reached::kCloseWait:
      they_finish();
      break;
    case Reached::kClosing:
      we_finish();
      they_finish();
      break;
    case Reached::kLastAck:
      they_finish();
      we_finish();
      break;
  }
  host.forget_sent();
  (void)host.engine.next_event();
  return {.connection = c, .snd_nxt = host.ours(ours), .rcv_nxt = host.theirs(theirs)};
}

void expect_bare_ack(Script& host, const Standing& at) {
  const Segment answer = host.sent();
  EXPECT_EQ(answer.header.sequence, at.snd_nxt);
  EXPECT_EQ(answer.header.acknowledgement, at.rcv_nxt);
  EXPECT_EQ(answer.header.flags, wire::TcpFlags{.ack = true});
  EXPECT_TRUE(answer.text.empty());
  EXPECT_TRUE(host.silent());
}

}  // namespace sluice::net::tcp::test
