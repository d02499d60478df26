#include "control/certificates/validity.hpp"

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include <memory>

namespace sluice::control {
namespace {

std::optional<std::time_t> seconds_of(const ASN1_TIME* time) {
  std::tm broken_down{};
  if (ASN1_TIME_to_tm(time, &broken_down) != 1) return std::nullopt;
  return ::timegm(&broken_down);
}

}  // namespace

std::optional<Validity> validity_of(base::Bytes certificate) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(certificate.data());
  const std::unique_ptr<X509, decltype(&X509_free)> parsed(
      d2i_X509(nullptr, &bytes, static_cast<long>(certificate.size())), &X509_free);
  if (parsed == nullptr) return std::nullopt;
  const auto not_before = seconds_of(X509_get0_notBefore(parsed.get()));
  const auto not_after = seconds_of(X509_get0_notAfter(parsed.get()));
  if (!not_before || !not_after) return std::nullopt;
  return Validity{*not_before, *not_after};
}

}  // namespace sluice::control
