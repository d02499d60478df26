// What a connection holds, and that it gives it back, whenever and however it ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "tests/tls/server/refusal.hpp"
#include "tls/server/context.hpp"

namespace sluice::test {
namespace {

using tls::AlertDescription;
using tls::ContentType;
using tls::Job;
using tls::JobOutcome;
using tls::TlsCounter;
using tls::TlsError;

std::size_t expanded_keys(Server& server) {
  return server.context.parts().keys.size();
}

TEST(Resources, OfWhoOnlyConnectsAreNone) {
  Server server;
  EXPECT_EQ(server.context.handshakes(), 0);
  server.disconnect();
  EXPECT_EQ(server.count(TlsCounter::kHandshakesAbandoned), 0);
}

TEST(Resources, ComeBackWhenTheHandshakeIsDone) {
  Server server;
  ScriptedClient client;
  client.greet(server);
  EXPECT_EQ(server.context.handshakes(), 1);
  server.feed(client.seal(ContentType::handshake, client.finished()));
  EXPECT_EQ(server.context.handshakes(), 0);
  client.use_application_keys();
  server.feed(client.seal(ContentType::application_data, bytes("x")));
  server.seal("y");
  EXPECT_GT(expanded_keys(server), 0);
  server.disconnect();
  EXPECT_EQ(expanded_keys(server), 0);
}

bool holds(const tls::ServerConnection& connection, base::Bytes secret) {
  const base::Bytes all = std::as_bytes(std::span(&connection, 1));
  return std::ranges::search(all, secret).begin() != all.end();
}

TEST(Secrets, OfADirectionAreWipedWhenItIsClosed) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  const base::Bytes theirs = client.application_secrets().client.bytes();
  const base::Bytes ours = client.application_secrets().server.bytes();
  ASSERT_TRUE(holds(server.connection(), theirs));
  ASSERT_TRUE(holds(server.connection(), ours));
  EXPECT_TRUE(server.connection().close(server.output));
  EXPECT_TRUE(holds(server.connection(), theirs));
  EXPECT_FALSE(holds(server.connection(), ours));
  server.feed(client.seal(ContentType::alert, unhex("0100")));
  ASSERT_TRUE(server.saw(Server::Kind::kCloseNotify));
  EXPECT_FALSE(holds(server.connection(), theirs));
}

TEST(Secrets, AreWipedWhenTheConnectionFails) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  server.connection().fail(AlertDescription::internal_error, server.output);
  EXPECT_FALSE(holds(server.connection(), client.application_secrets().client.bytes()));
  EXPECT_FALSE(holds(server.connection(), client.application_secrets().server.bytes()));
}

TEST(Resources, ComeBackWhenThePeerVanishesInAnyState) {
  Server server;
  const ByteVector hello = Hello().record();
  Hello no_share;
  no_share.shares.emplace();

  server.feed(base::Bytes(hello).first(3));  // not a record yet
  server.disconnect();
  EXPECT_EQ(server.count(TlsCounter::kHandshakesAbandoned), 0);

  std::uint64_t abandoned = 0;
  const auto vanish = [&] {
    server.disconnect();
    EXPECT_EQ(server.context.handshakes(), 0);
    EXPECT_EQ(expanded_keys(server), 0);
    EXPECT_EQ(server.count(TlsCounter::kHandshakesAbandoned), ++abandoned);
    server.connect();
  };
  server.connect();
  server.feed(record(ContentType::handshake, base::Bytes(hello).subspan(5, 20)));
  vanish();  // half a ClientHello
  server.feed(no_share.record());
  vanish();  // after a HelloRetryRequest
  ScriptedClient client;
  (void)server.output.take();
  client.greet(server);
  vanish();  // before Finished
}

// The jobs of a connection that has died meanwhile are run and dropped.
TEST(Resources, ComeBackWhenTheConnectionDiesWhileItsJobWaits) {
  Server server;
  server.hold_jobs();
  tls::JobRunner runner;
  Job agreement;
  Job signature;
  server.feed(Hello().record());
  ASSERT_TRUE(server.connection().waiting_for_job());
  server.connection().take_job(agreement);
  Job* const first[] = {&agreement};
  runner.run(first);
  ASSERT_TRUE(server.connection().finish_job(agreement, server.output));
  ASSERT_TRUE(server.connection().waiting_for_job());
  server.connection().take_job(signature);
  server.disconnect();
  EXPECT_EQ(server.context.handshakes(), 0);
  EXPECT_EQ(expanded_keys(server), 0);
  server.routes.policy.reset();  // the job keeps what it needs
  Job* const second[] = {&signature};
  runner.run(second);
  EXPECT_EQ(signature.outcome, JobOutcome::kDone);
}

TEST(Resources, ComeBackWhenItIsClosedWhileItsJobWaits) {
  Server server;
  server.hold_jobs();
  server.feed(Hello().record());
  Job job;
  server.connection().take_job(job);
  EXPECT_TRUE(server.connection().close(server.output));
  EXPECT_EQ(plain_alert(server.output.take()), AlertDescription::close_notify);
  EXPECT_EQ(server.context.handshakes(), 0);
  EXPECT_FALSE(server.connection().waiting_for_job());
  const auto finished = server.connection().finish_job(job, server.output);
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error(), TlsError::kAlreadyFailed);
  EXPECT_TRUE(server.output.take().empty());
}

TEST(Resources, OfAHandshakeThatTimesOutComeBackWithAnAlert) {
  Server server;
  server.hold_jobs();
  server.feed(Hello().record());
  server.connection().fail(AlertDescription::user_canceled, server.output);
  EXPECT_EQ(plain_alert(server.output.take()), AlertDescription::user_canceled);
  EXPECT_EQ(server.context.handshakes(), 0);
  EXPECT_EQ(server.count(TlsCounter::kLocalAlert), 1);
  EXPECT_EQ(server.count(TlsCounter::kHandshakesFailed), 1);
}

TEST(Jobs, ThatFailAreInternalErrors) {
  for (const JobOutcome outcome : {JobOutcome::kFailed, JobOutcome::kPending}) {
    Server server;
    server.hold_jobs();
    server.feed(Hello().record());
    Job job;
    server.connection().take_job(job);
    job.outcome = outcome;
    const auto finished = server.connection().finish_job(job, server.output);
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error(), TlsError::kJobFailed);
    EXPECT_EQ(plain_alert(server.output.take()), AlertDescription::internal_error);
    EXPECT_EQ(server.context.handshakes(), 0);
  }
}

TEST(Jobs, OfAnotherKindAreInternalErrors) {
  Server server;
  server.hold_jobs();
  server.feed(Hello().record());
  Job job;
  job.work.emplace<tls::SignatureJob>();
  job.outcome = JobOutcome::kDone;
  const auto finished = server.connection().finish_job(job, server.output);
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error(), TlsError::kInternal);
  EXPECT_EQ(server.context.handshakes(), 0);
}

TEST(HandshakePool, WhenFullRefusesTheNextAndServesAgainAfterwards) {
  Server server({.max_handshakes = 1, .expanded_keys = 4});
  ScriptedClient client;
  client.greet(server);
  {
    Output output;
    tls::ServerConnection second(server.context, {}, 0);
    ByteVector hello = Hello().record();
    const base::MutableBytes spans[] = {hello};
    const auto refused = second.receive(spans, output);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), TlsError::kHandshakesExhausted);
    EXPECT_EQ(plain_alert(output.take()), AlertDescription::internal_error);
    EXPECT_EQ(server.count(TlsCounter::kHandshakesExhausted), 1);
  }
  server.feed(client.seal(ContentType::handshake, client.finished()));
  EXPECT_TRUE(server.connection().handshake_done());
  server.connect();
  ScriptedClient third;
  third.shake_hands(server);
  EXPECT_TRUE(server.connection().handshake_done());
}

TEST(OutputRoom, MissingAtAnyRecordOfTheHandshakeEndsItCleanly) {
  // ServerHello, change_cipher_spec, EncryptedExtensions and Certificate, the rest of the flight.
  for (std::size_t room = 0; room < 4; ++room) {
    Server server;
    server.output.allow(room);
    server.feed(Hello().record());
    EXPECT_EQ(server.error(), TlsError::kOutputFull) << room;
    EXPECT_EQ(server.context.handshakes(), 0);
    EXPECT_EQ(server.count(TlsCounter::kOutputFull), 1);
    EXPECT_EQ(server.count(TlsCounter::kHandshakesFailed), 1);
  }
}

TEST(OutputRoom, MissingForDataLeavesTheConnectionAsItWas) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  server.output.allow(0);
  const base::Bytes plaintext[] = {base::bytes_of("later")};
  const auto sealed = server.connection().seal(plaintext, server.output);
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error(), TlsError::kOutputFull);
  server.output.allow(1);
  server.seal("later");
  EXPECT_EQ(base::text_of(client.open(server.output.take()).at(0).content), "later");
}

// RFC 8446 6.1: what ends without a close_notify, the peer has to take for truncated; so one that
// was not written is not taken for sent.
TEST(OutputRoom, MissingForCloseNotifyLeavesTheConnectionAsItWas) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  server.output.allow(0);
  const auto closed = server.connection().close(server.output);
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error(), TlsError::kOutputFull);
  EXPECT_EQ(server.count(TlsCounter::kCloseNotifySent), 0);
  server.output.allow(2);
  server.seal("one more thing");
  EXPECT_EQ(base::text_of(client.open(server.output.take()).at(0).content), "one more thing");
  ASSERT_TRUE(server.connection().close(server.output));
  EXPECT_EQ(client.alert(server.output.take()), AlertDescription::close_notify);
  EXPECT_EQ(server.count(TlsCounter::kCloseNotifySent), 1);
}

TEST(OutputRoom, MissingForCloseNotifyLeavesTheHandshakeAsItWas) {
  Server server;
  server.hold_jobs();
  server.feed(Hello().record());
  server.output.allow(0);
  EXPECT_FALSE(server.connection().close(server.output));
  EXPECT_TRUE(server.connection().waiting_for_job());
  EXPECT_EQ(server.count(TlsCounter::kHandshakesAbandoned), 0);
  server.output.allow(1);
  EXPECT_TRUE(server.connection().close(server.output));
  EXPECT_EQ(plain_alert(server.output.take()), AlertDescription::close_notify);
  EXPECT_EQ(server.count(TlsCounter::kHandshakesAbandoned), 1);
}

// A fatal alert is a courtesy: without room for it the connection fails all the same.
TEST(OutputRoom, MissingForAFatalAlertIsNoReasonToGoOn) {
  Server server;
  ScriptedClient client;
  client.shake_hands(server);
  server.output.allow(0);
  server.connection().fail(AlertDescription::internal_error, server.output);
  EXPECT_FALSE(server.connection().handshake_done());
  EXPECT_EQ(server.count(TlsCounter::kAlertsSent), 0);
  EXPECT_EQ(expanded_keys(server), 0);
}

}  // namespace
}  // namespace sluice::test
