// The ClientHello after a HelloRetryRequest (RFC 8446 section 4.1.2): the same message again, but
// for the share that was asked for and a few named extensions.
#pragma once

#include "base/result.hpp"
#include "tls/codec/client_hello.hpp"
#include "tls/crypto/hash.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

// A hash of everything that may not change between the two. Extensions that we do not know are left
// out: what they allow themselves is not ours to judge (Encrypted Client Hello changes, for one).
[[nodiscard]] Digest unchanging_part(const ClientHello& hello);

// The share of `group`, a view of the message. Errors: kSecondHelloDiffers, kIllegalKeyShare,
// kMissingExtension.
[[nodiscard]] base::Result<base::Bytes, TlsError> check_second_hello(const ClientHello& second,
                                                                     const Digest& first,
                                                                     NamedGroup group);

}  // namespace sluice::tls
