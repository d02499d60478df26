// Transcript hashes against RFC 8448 section 3, and the rule for HelloRetryRequest.
#include "tls/transcript.hpp"

#include <gtest/gtest.h>

#include "tests/tls/support/bytes.hpp"
#include "tests/tls/support/rfc8448.hpp"
#include "tls/key_schedule.hpp"

namespace sluice::test {
namespace {

using tls::HashAlgorithm;
using tls::Transcript;

TEST(Transcript, HashesAreTheTraces) {
  Transcript transcript(HashAlgorithm::sha256);
  transcript.add(unhex(rfc8448::kClientHello));
  transcript.add(unhex(rfc8448::kServerHello));
  EXPECT_EQ(hex(transcript.digest().view()), rfc8448::kHashToServerHello);
  transcript.add(unhex(rfc8448::kEncryptedExtensions));
  transcript.add(unhex(rfc8448::kCertificate));
  transcript.add(unhex(rfc8448::kCertificateVerify));

  // The server's Finished is over everything before it.
  const tls::HashSecret verify_data = tls::finished_verify_data(
      HashAlgorithm::sha256, unhex(rfc8448::kServerHandshakeTraffic), transcript.digest().view());
  EXPECT_EQ("14000020" + hex(verify_data.bytes()), rfc8448::kServerFinished);

  transcript.add(unhex(rfc8448::kServerFinished));
  EXPECT_EQ(hex(transcript.digest().view()), rfc8448::kHashToServerFinished);
  transcript.add(unhex(rfc8448::kClientFinished));
  EXPECT_EQ(hex(transcript.digest().view()), rfc8448::kHashToClientFinished);
}

// RFC 8446 4.4.1: Hash(message_hash || 00 00 Hash.length || Hash(ClientHello1) || ...).
TEST(Transcript, AfterRetryTheFirstHelloIsReplacedByItsHash) {
  for (const auto& [algorithm, header] : {std::pair(HashAlgorithm::sha256, "fe000020"),
                                          std::pair(HashAlgorithm::sha384, "fe000030")}) {
    const ByteVector hello = unhex(rfc8448::kClientHello);
    const ByteVector retry = bytes("a HelloRetryRequest");
    Transcript transcript(algorithm);
    transcript.add(hello);
    transcript.retry();
    transcript.add(retry);

    ByteVector expected = unhex(header);
    append(expected, tls::hash(algorithm, hello).view());
    append(expected, retry);
    EXPECT_EQ(hex(transcript.digest().view()), hex(tls::hash(algorithm, expected).view()));
  }
}

}  // namespace
}  // namespace sluice::test
