// How a refused peer is to be refused: the one error, its counter, its alert, and nothing left
// over.
#pragma once

#include <gtest/gtest.h>

#include "tests/tls/server/scripted_client.hpp"
#include "tls/counters.hpp"
#include "tls/error.hpp"

namespace sluice::test {

// Everything but the alert.
inline void expect_ended(Server& server, tls::TlsError error) {
  ASSERT_EQ(server.error(), error) << (server.error() ? tls::describe(*server.error()) : "no error")
                                   << ", expected " << tls::describe(error);
  EXPECT_EQ(server.count(*tls::counter_for(error)), 1);
  EXPECT_FALSE(server.connection().handshake_done());
  EXPECT_FALSE(server.connection().waiting_for_job());
  EXPECT_EQ(server.context.handshakes(), 0);
  // Further calls fail and say nothing more.
  ByteVector more = record(tls::ContentType::handshake, bytes("again"));
  const base::MutableBytes spans[] = {more};
  const auto again = server.connection().receive(spans, server.output);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), tls::TlsError::kAlreadyFailed);
  EXPECT_TRUE(server.connection().close(server.output));
  server.connection().fail(tls::AlertDescription::internal_error, server.output);
  EXPECT_TRUE(server.output.take().empty());
}

// Before there are keys.
inline void expect_refused(Server& server, tls::TlsError error, tls::AlertDescription alert) {
  EXPECT_EQ(plain_alert(server.output.take()), alert);
  expect_ended(server, error);
}

// Under the keys that `client` shares with the server.
inline void expect_refused(Server& server, ScriptedClient& client, tls::TlsError error,
                           tls::AlertDescription alert) {
  EXPECT_EQ(client.alert(server.output.take()), alert);
  expect_ended(server, error);
}

}  // namespace sluice::test
