// The tables of errors and counters: complete, and distinct where they say so.
#include "tls/error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tls/counters.hpp"

namespace sluice::test {
namespace {

using tls::TlsCounter;
using tls::TlsError;

constexpr int kErrors = static_cast<int>(TlsError::kAlreadyFailed) + 1;

TEST(TlsErrors, EachHasATextAndACounterOfItsOwn) {
  std::set<std::string_view> texts;
  std::set<TlsCounter> counters;
  for (int i = 0; i < kErrors; ++i) {
    const auto error = static_cast<TlsError>(i);
    EXPECT_TRUE(texts.insert(tls::describe(error)).second) << tls::describe(error);
    const auto counter = tls::counter_for(error);
    if (error == TlsError::kAlreadyFailed) {
      EXPECT_FALSE(counter);
    } else {
      ASSERT_TRUE(counter) << tls::describe(error);
      EXPECT_TRUE(counters.insert(*counter).second) << tls::describe(error);
    }
  }
}

TEST(TlsErrors, OnlyThoseWithoutAListenerHaveNoAlert) {
  const std::set<TlsError> silent = {TlsError::kPeerAlert, TlsError::kLocalAlert,
                                     TlsError::kAlreadyFailed};
  for (int i = 0; i < kErrors; ++i) {
    const auto error = static_cast<TlsError>(i);
    EXPECT_EQ(!tls::alert_for(error), silent.contains(error)) << tls::describe(error);
  }
}

TEST(TlsCounters, NamesAreUnique) {
  std::set<std::string_view> names;
  for (const base::CounterInfo& info : base::Counters<TlsCounter>::infos()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.text.empty());
  }
}

// The enumeration and the table are two lists in one order: spot checks from each group.
TEST(TlsCounters, NamesBelongToTheirCounters) {
  const auto name = [](TlsCounter counter) {
    return base::Counters<TlsCounter>::infos()[static_cast<std::size_t>(counter)].name;
  };
  EXPECT_EQ(name(TlsCounter::kHandshakesStarted), "handshakes_started");
  EXPECT_EQ(name(TlsCounter::kEarlyDataRecordsSkipped), "early_data_records_skipped");
  EXPECT_EQ(name(TlsCounter::kCloseNotifySent), "close_notify_sent");
  EXPECT_EQ(name(TlsCounter::kPlainHttp), "plain_http");
  EXPECT_EQ(name(TlsCounter::kTooMuchEarlyData), "too_much_early_data");
  EXPECT_EQ(name(TlsCounter::kTooManyKeyUpdates), "too_many_key_updates");
  EXPECT_EQ(name(TlsCounter::kNoCertificate), "no_certificate");
  EXPECT_EQ(name(TlsCounter::kPeerClosedEarly), "peer_closed_early");
  EXPECT_EQ(name(TlsCounter::kLocalAlert), "local_alert");
}

}  // namespace
}  // namespace sluice::test
