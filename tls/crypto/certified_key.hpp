// A certificate chain with its private key, as the handshake uses it: the chain already serialised,
// the names already extracted, the key behind a handle that only the signing code opens.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "tls/codec/registry.hpp"

namespace sluice::tls {

class SigningKey;  // wraps libcrypto's EVP_PKEY; see signer.hpp

enum class CertificateError : std::uint8_t {
  kNotPem,          // no certificate found
  kBadCertificate,  // a PEM block that does not parse
  kChainTooLong,    // for a Certificate message
  kNoKey,           // no private key found
  kBadKey,          // a key that does not parse, or is encrypted
  kMismatch,        // the key is not the leaf certificate's
  kUnsupportedKey,  // neither ECDSA P-256 nor RSA of 2048 to 4096 bits
};
[[nodiscard]] std::string_view describe(CertificateError error);

class CertifiedKey {
 public:
  // Reads the chain (leaf first) and the private key from PEM text. Both may be the same text.
  static base::Result<std::shared_ptr<const CertifiedKey>, CertificateError> from_pem(
      std::string_view chain, std::string_view key);

  CertifiedKey(std::vector<std::vector<std::byte>> chain, std::vector<std::string> names,
               std::unique_ptr<const SigningKey> key);
  ~CertifiedKey();

  // DER, leaf first.
  [[nodiscard]] const std::vector<std::vector<std::byte>>& chain() const { return chain_; }
  // The leaf's DNS names (subjectAltName, else the common name), lower case.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  // RFC 6125 6.4.3: exact, or a wildcard that stands for exactly one left-most label.
  [[nodiscard]] bool covers(std::string_view host) const;
  // What the key can sign with in TLS 1.3, best first.
  [[nodiscard]] std::vector<SignatureScheme> schemes() const;
  [[nodiscard]] const SigningKey& key() const { return *key_; }

 private:
  std::vector<std::vector<std::byte>> chain_;
  std::vector<std::string> names_;
  std::unique_ptr<const SigningKey> key_;
};

}  // namespace sluice::tls
