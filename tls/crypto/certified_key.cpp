#include "tls/crypto/certified_key.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "tls/codec/certificate.hpp"
#include "tls/crypto/signer.hpp"

namespace sluice::tls {

using base::Result;
using base::Unexpected;

namespace {

template <auto kFree>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BioPointer = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using X509Pointer = std::unique_ptr<X509, FreeWith<X509_free>>;
using PkeyPointer = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using NamesPointer = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;

// One block of a PEM text, decoded. It may hold a private key and is wiped.
class PemBlock {
 public:
  PemBlock() = default;
  ~PemBlock() { free(); }
  PemBlock(const PemBlock&) = delete;
  PemBlock& operator=(const PemBlock&) = delete;

  enum class Read { kBlock, kEnd, kMalformed };
  Read next(BIO* text) {
    free();
    if (PEM_read_bio(text, &label_, &header_, &data_, &size_) == 1) return Read::kBlock;
    const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return end ? Read::kEnd : Read::kMalformed;
  }

  [[nodiscard]] std::string_view label() const { return label_; }
  // RFC 1421 headers: what a traditional encrypted key has.
  [[nodiscard]] bool has_header() const { return *header_ != '\0'; }
  [[nodiscard]] const unsigned char* data() const { return data_; }
  [[nodiscard]] long size() const { return size_; }

 private:
  void free() {
    OPENSSL_free(label_);
    OPENSSL_free(header_);
    OPENSSL_clear_free(data_, static_cast<std::size_t>(size_));
    label_ = nullptr;
    header_ = nullptr;
    data_ = nullptr;
    size_ = 0;
  }

  char* label_ = nullptr;
  char* header_ = nullptr;
  unsigned char* data_ = nullptr;
  long size_ = 0;
};

BioPointer reader_of(std::string_view text) {
  constexpr std::size_t kMaxText = std::numeric_limits<int>::max();
  return BioPointer(
      BIO_new_mem_buf(text.data(), static_cast<int>(std::min(text.size(), kMaxText))));
}

struct Chain {
  std::vector<std::vector<std::byte>> der;
  X509Pointer leaf;
};

Result<Chain, CertificateError> read_chain(std::string_view pem) {
  const BioPointer text = reader_of(pem);
  if (!text) return Unexpected{CertificateError::kBadCertificate};
  Chain chain;
  PemBlock block;
  for (auto read = block.next(text.get()); read != PemBlock::Read::kEnd;
       read = block.next(text.get())) {
    if (read == PemBlock::Read::kMalformed) return Unexpected{CertificateError::kBadCertificate};
    if (block.label() != PEM_STRING_X509 && block.label() != PEM_STRING_X509_OLD) continue;
    const unsigned char* at = block.data();
    X509Pointer certificate(d2i_X509(nullptr, &at, block.size()));
    if (!certificate || at != block.data() + block.size()) {
      ERR_clear_error();
      return Unexpected{CertificateError::kBadCertificate};
    }
    const auto* der = reinterpret_cast<const std::byte*>(block.data());
    chain.der.emplace_back(der, der + block.size());
    if (!chain.leaf) chain.leaf = std::move(certificate);
  }
  if (!chain.leaf) return Unexpected{CertificateError::kNotPem};
  if (certificate_message_size(chain.der) > kMaxCertificateMessage) {
    return Unexpected{CertificateError::kChainTooLong};
  }
  return chain;
}

Result<PkeyPointer, CertificateError> read_key(std::string_view pem) {
  const BioPointer text = reader_of(pem);
  if (!text) return Unexpected{CertificateError::kBadKey};
  PemBlock block;
  for (auto read = block.next(text.get()); read != PemBlock::Read::kEnd;
       read = block.next(text.get())) {
    if (read == PemBlock::Read::kMalformed) return Unexpected{CertificateError::kBadKey};
    // "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"; "ENCRYPTED PRIVATE KEY" fails to parse.
    if (!block.label().ends_with("PRIVATE KEY")) continue;
    if (block.has_header() || block.label() == PEM_STRING_PKCS8) {
      return Unexpected{CertificateError::kBadKey};
    }
    const unsigned char* at = block.data();
    PkeyPointer key(d2i_AutoPrivateKey(nullptr, &at, block.size()));
    ERR_clear_error();
    if (!key) return Unexpected{CertificateError::kBadKey};
    return key;
  }
  return Unexpected{CertificateError::kNoKey};
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// A name with anything but host name characters matches nothing; an embedded zero is an old trick.
bool is_dns_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '*';
  });
}

void add_name(std::vector<std::string>& names, const ASN1_STRING* string) {
  const std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                              static_cast<std::size_t>(ASN1_STRING_length(string)));
  if (is_dns_name(text)) names.push_back(lower_case(text));
}

// RFC 6125 6.4.4: the common name counts only where there is no DNS name.
std::vector<std::string> names_of(const X509* leaf) {
  std::vector<std::string> names;
  const NamesPointer alternatives(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; alternatives && i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) add_name(names, name->d.dNSName);
  }
  if (!names.empty()) return names;
  const X509_NAME* subject = X509_get_subject_name(leaf);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) add_name(names, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  return names;
}

// RFC 6125 6.4.3: "*" as the whole left-most label stands for exactly one label. Both lower case.
bool matches(std::string_view name, std::string_view host) {
  if (name == host) return true;
  if (!name.starts_with("*.")) return false;
  const std::size_t dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && host.substr(dot) == name.substr(1);
}

}  // namespace

std::string_view describe(CertificateError error) {
  switch (error) {
    case CertificateError::kNotPem:
      return "no PEM certificate found";
    case CertificateError::kBadCertificate:
      return "a certificate that does not parse";
    case CertificateError::kChainTooLong:
      return "the chain is longer than the 64 KB that a handshake has room for";
    case CertificateError::kNoKey:
      return "no PEM private key found";
    case CertificateError::kBadKey:
      return "a private key that does not parse or is encrypted";
    case CertificateError::kMismatch:
      return "the private key does not belong to the certificate";
    case CertificateError::kUnsupportedKey:
      return "the key is neither ECDSA P-256 nor RSA of 2048 to 4096 bits";
  }
  return "unknown error";
}

Result<std::shared_ptr<const CertifiedKey>, CertificateError> CertifiedKey::from_pem(
    std::string_view chain_pem, std::string_view key_pem) {
  TRY_ASSIGN(Chain chain, read_chain(chain_pem));
  TRY_ASSIGN(PkeyPointer key, read_key(key_pem));
  const bool match = X509_check_private_key(chain.leaf.get(), key.get()) == 1;
  ERR_clear_error();
  if (!match) return Unexpected{CertificateError::kMismatch};
  std::unique_ptr<const SigningKey> signing_key = SigningKey::adopt(key.release());
  if (!signing_key) return Unexpected{CertificateError::kUnsupportedKey};
  return std::make_shared<const CertifiedKey>(std::move(chain.der), names_of(chain.leaf.get()),
                                              std::move(signing_key));
}

CertifiedKey::CertifiedKey(std::vector<std::vector<std::byte>> chain,
                           std::vector<std::string> names, std::unique_ptr<const SigningKey> key)
    : chain_(std::move(chain)), names_(std::move(names)), key_(std::move(key)) {}

CertifiedKey::~CertifiedKey() = default;

bool CertifiedKey::covers(std::string_view host) const {
  const std::string lower = lower_case(host);
  return std::ranges::any_of(names_, [&](const std::string& name) { return matches(name, lower); });
}

std::vector<SignatureScheme> CertifiedKey::schemes() const {
  const auto schemes = key_->schemes();
  return {schemes.begin(), schemes.end()};
}

}  // namespace sluice::tls
