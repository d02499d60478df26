// The second ClientHello (RFC 8446 sections 4.1.2 and 4.1.4): what it must repeat and what not.
#include <gtest/gtest.h>

#include <functional>

#include "tests/tls/server/refusal.hpp"

namespace sluice::test {
namespace {

using tls::AlertDescription;
using tls::ContentType;
using tls::ExtensionType;
using tls::NamedGroup;
using tls::TlsCounter;
using tls::TlsError;

// Without a share, it asks to be asked.
Hello first_hello() {
  Hello hello;
  hello.shares.emplace();
  hello.alpn = {"h2"};
  return hello;
}

ByteVector retry_of(Server& server) {
  const auto records = records_of(server.output.take());
  const base::Bytes message = base::Bytes(records.at(0)).subspan(tls::kRecordHeaderSize);
  return {message.begin(), message.end()};
}

TEST(SecondHello, WithTheShareThatWasAskedForConnects) {
  Server server;
  ScriptedClient client;
  const Hello first = first_hello();
  server.feed(first.record());
  const ByteVector retry = retry_of(server);
  const auto parsed = tls::ServerHello::parse(base::Bytes(retry).subspan(4));
  ASSERT_TRUE(parsed && parsed->is_hello_retry_request());
  EXPECT_EQ(parsed->selected_group, NamedGroup::x25519);

  Hello second = first;
  second.shares = Hello().shares;
  server.feed(record(ContentType::change_cipher_spec, unhex("01")));
  client.greet_again(server, first, retry, second);
  server.feed(client.seal(ContentType::handshake, client.finished()));
  EXPECT_TRUE(server.connection().handshake_done());
  EXPECT_EQ(server.count(TlsCounter::kHelloRetryRequests), 1);
  EXPECT_EQ(server.routes.asked.size(), 1);  // the route does not change between the two
}

TEST(SecondHello, MayAddPaddingAndChangeWhatWeDoNotKnow) {
  Server server;
  ScriptedClient client;
  Hello first = first_hello();
  first.more_extensions = extension(static_cast<ExtensionType>(0xfe0d), unhex("0011"));
  server.feed(first.record());
  const ByteVector retry = retry_of(server);
  Hello second = first;
  second.shares = Hello().shares;
  second.more_extensions = extension(static_cast<ExtensionType>(0xfe0d), unhex("2233"));
  append(second.more_extensions, extension(ExtensionType::padding, unhex("000000")));
  client.greet_again(server, first, retry, second);
  EXPECT_EQ(server.error(), std::nullopt);
}

struct Difference {
  const char* name;
  TlsError error;
  AlertDescription alert;
  std::function<void(Hello&)> spoil;
};
class SpoiledSecondHello : public testing::TestWithParam<Difference> {};

TEST_P(SpoiledSecondHello, IsRefused) {
  Server server;
  Hello first = first_hello();
  server.feed(first.record());
  (void)server.output.take();
  Hello second = first;
  second.shares = Hello().shares;
  GetParam().spoil(second);
  server.feed(second.record());
  expect_refused(server, GetParam().error, GetParam().alert);
}

const Difference kDifferences[] = {
    {"OtherName", TlsError::kSecondHelloDiffers, AlertDescription::illegal_parameter,
     [](Hello& hello) { hello.server_name = "other.example"; }},
    {"OtherSuites", TlsError::kSecondHelloDiffers, AlertDescription::illegal_parameter,
     [](Hello& hello) { hello.suites.push_back(tls::CipherSuite::TLS_AES_256_GCM_SHA384); }},
    {"OtherProtocols", TlsError::kSecondHelloDiffers, AlertDescription::illegal_parameter,
     [](Hello& hello) { hello.alpn = {"http/1.1"}; }},
    {"OtherSessionId", TlsError::kSecondHelloDiffers, AlertDescription::illegal_parameter,
     [](Hello& hello) { hello.session_id[0] ^= std::byte{1}; }},
    {"OtherGroups", TlsError::kSecondHelloDiffers, AlertDescription::illegal_parameter,
     [](Hello& hello) { hello.groups.pop_back(); }},
    {"NoMoreSignatureAlgorithms", TlsError::kSecondHelloDiffers,
     AlertDescription::illegal_parameter, [](Hello& hello) { hello.schemes.clear(); }},
    {"EarlyData", TlsError::kSecondHelloDiffers, AlertDescription::illegal_parameter,
     [](Hello& hello) { hello.early_data = true; }},
    {"NoKeyShare", TlsError::kMissingExtension, AlertDescription::missing_extension,
     [](Hello& hello) { hello.shares.reset(); }},
    {"StillNoShare", TlsError::kIllegalKeyShare, AlertDescription::illegal_parameter,
     [](Hello& hello) { hello.shares.emplace(); }},
    {"ShareOfAnotherGroup", TlsError::kIllegalKeyShare, AlertDescription::illegal_parameter,
     [](Hello& hello) {
       hello.shares = {{NamedGroup::secp256r1, ByteVector(65, std::byte{4})}};
     }},
    {"OneShareTooMany", TlsError::kIllegalKeyShare, AlertDescription::illegal_parameter,
     [](Hello& hello) {
       hello.shares->push_back({NamedGroup::secp256r1, ByteVector(65, std::byte{4})});
     }},
};
INSTANTIATE_TEST_SUITE_P(Each, SpoiledSecondHello, testing::ValuesIn(kDifferences),
                         [](const auto& difference) { return std::string(difference.param.name); });

}  // namespace
}  // namespace sluice::test
