// Throw-away certificates for tests, made with libcrypto when they are needed.
#pragma once

#include <string>
#include <vector>

namespace sluice::test {

enum class KeyKind { kEcdsaP256, kEcdsaP384, kRsa2048 };

struct TestCertificate {
  std::string chain_pem;
  std::string key_pem;
};

// Self-signed, valid for a day around now, for the given DNS names.
[[nodiscard]] TestCertificate make_certificate(KeyKind kind, const std::vector<std::string>& names);

}  // namespace sluice::test
