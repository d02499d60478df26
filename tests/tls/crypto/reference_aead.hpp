// The AEADs as libcrypto computes them: the second opinion in differential tests.
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "tests/tls/crypto/vectors.hpp"
#include "tls/crypto/aead.hpp"

namespace sluice::test {

// Ciphertext followed by the tag.
[[nodiscard]] ByteVector reference_seal(tls::AeadAlgorithm algorithm, base::Bytes key,
                                        base::Bytes nonce, base::Bytes aad, base::Bytes plaintext);
// The plaintext, or none when the tag does not match.
[[nodiscard]] std::optional<ByteVector> reference_open(tls::AeadAlgorithm algorithm,
                                                       base::Bytes key, base::Bytes nonce,
                                                       base::Bytes aad, base::Bytes sealed);

}  // namespace sluice::test
