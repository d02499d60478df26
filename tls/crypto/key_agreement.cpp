#include "tls/crypto/key_agreement.hpp"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rand.h>

#include <memory>
#include <stdexcept>

#include "base/secret.hpp"

namespace sluice::tls {

using base::Bytes;
using base::MutableBytes;

namespace {

constexpr std::size_t kX25519Size = 32;     // private key, share and secret alike
constexpr std::size_t kP256FieldSize = 32;  // private key and secret
constexpr std::size_t kP256PointSize = 65;  // RFC 8446 4.2.8.2: 0x04, X, Y
constexpr std::byte kUncompressed{0x04};

template <auto kFree>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using PkeyPointer = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using PkeyContextPointer = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using GroupPointer = std::unique_ptr<EC_GROUP, FreeWith<EC_GROUP_free>>;
using PointPointer = std::unique_ptr<EC_POINT, FreeWith<EC_POINT_clear_free>>;
using BignumPointer = std::unique_ptr<BIGNUM, FreeWith<BN_clear_free>>;
using BignumContextPointer = std::unique_ptr<BN_CTX, FreeWith<BN_CTX_free>>;

const unsigned char* u8(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* u8(MutableBytes bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

Bytes peer_share(const KeyAgreementJob& job) {
  return Bytes(job.peer_share).first(job.peer_share_size);
}

// RFC 8446 7.4.2 and RFC 7748 6.1: a secret of all zeros comes from a point of small order. Looked
// at without a branch on any of its bytes.
bool all_zero(Bytes secret) {
  const std::array<std::byte, kX25519Size> zeros{};
  return base::constant_time_equal(secret, zeros);
}

JobOutcome agree_x25519(Bytes private_key, KeyAgreementJob& job) {
  // RFC 8446 4.2.8.2, RFC 7748 6: a share is 32 bytes, any 32 bytes.
  if (job.peer_share_size != kX25519Size) return JobOutcome::kBadPeerShare;
  const Bytes peer_bytes = peer_share(job);
  const PkeyPointer own(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, u8(private_key), private_key.size()));
  const PkeyPointer peer(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, u8(peer_bytes), peer_bytes.size()));
  std::size_t size = job.own_share.size();
  if (!own || !peer ||
      EVP_PKEY_get_raw_public_key(own.get(), u8(MutableBytes(job.own_share)), &size) != 1) {
    return JobOutcome::kFailed;
  }
  job.own_share_size = size;
  const PkeyContextPointer context(EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr));
  if (!context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer_ex(context.get(), peer.get(), 0) != 1) {
    return JobOutcome::kFailed;
  }
  size = kX25519Size;
  const MutableBytes secret = job.shared_secret.resize(size);
  // libcrypto refuses the all-zero secret itself and has no other reason to fail here.
  if (EVP_PKEY_derive(context.get(), u8(secret), &size) != 1 || all_zero(secret)) {
    return JobOutcome::kBadPeerShare;
  }
  return JobOutcome::kDone;
}

}  // namespace

// P-256 on libcrypto's EC_GROUP and EC_POINT, which need no key objects and no look-ups.
class KeyAgreement::P256 {
 public:
  P256() : group_(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)), scratch_(BN_CTX_new()) {
    if (!group_ || !scratch_) throw std::runtime_error("libcrypto has no P-256");
  }

  // A scalar from 1 to n-1.
  bool draw_private_key(base::Secret<kP256FieldSize>& key) {
    const BignumPointer scalar(BN_new());
    if (!scalar) return false;
    do {
      if (BN_priv_rand_range_ex(scalar.get(), EC_GROUP_get0_order(group_.get()), 0,
                                scratch_.get()) != 1) {
        return false;
      }
    } while (BN_is_zero(scalar.get()));
    return BN_bn2binpad(scalar.get(), u8(key.resize(kP256FieldSize)), kP256FieldSize) > 0;
  }

  JobOutcome agree(Bytes private_key, KeyAgreementJob& job) {
    const PointPointer peer(EC_POINT_new(group_.get()));
    const PointPointer product(EC_POINT_new(group_.get()));
    const BignumPointer scalar(BN_bin2bn(u8(private_key), kP256FieldSize, nullptr));
    const BignumPointer x(BN_new());
    if (!peer || !product || !scalar || !x) return JobOutcome::kFailed;
    BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);

    // RFC 8446 4.2.8.2: uncompressed points only, and they MUST be validated: libcrypto checks the
    // coordinates' range and the curve's equation, the form excludes infinity, the cofactor is 1.
    const Bytes share = peer_share(job);
    if (share.size() != kP256PointSize || share[0] != kUncompressed ||
        EC_POINT_oct2point(group_.get(), peer.get(), u8(share), share.size(), scratch_.get()) !=
            1) {
      return JobOutcome::kBadPeerShare;
    }
    // One product for our share, one for the secret.
    if (EC_POINT_mul(group_.get(), product.get(), scalar.get(), nullptr, nullptr, scratch_.get()) !=
        1) {
      return JobOutcome::kFailed;
    }
    job.own_share_size =
        EC_POINT_point2oct(group_.get(), product.get(), POINT_CONVERSION_UNCOMPRESSED,
                           u8(MutableBytes(job.own_share)), job.own_share.size(), scratch_.get());
    // RFC 8446 7.4.2: the secret is the x coordinate, leading zeros kept.
    if (job.own_share_size != kP256PointSize ||
        EC_POINT_mul(group_.get(), product.get(), nullptr, peer.get(), scalar.get(),
                     scratch_.get()) != 1 ||
        EC_POINT_get_affine_coordinates(group_.get(), product.get(), x.get(), nullptr,
                                        scratch_.get()) != 1 ||
        BN_bn2binpad(x.get(), u8(job.shared_secret.resize(kP256FieldSize)), kP256FieldSize) < 0) {
      return JobOutcome::kFailed;
    }
    return JobOutcome::kDone;
  }

 private:
  GroupPointer group_;
  BignumContextPointer scratch_;
};

KeyAgreement::KeyAgreement() : p256_(std::make_unique<P256>()) {}
KeyAgreement::~KeyAgreement() = default;

JobOutcome KeyAgreement::run(KeyAgreementJob& job) {
  base::Secret<32> private_key;
  switch (job.group) {
    case NamedGroup::x25519:
      if (RAND_priv_bytes(u8(private_key.resize(kX25519Size)), kX25519Size) != 1) {
        return JobOutcome::kFailed;
      }
      break;
    case NamedGroup::secp256r1:
      if (!p256_->draw_private_key(private_key)) return JobOutcome::kFailed;
      break;
    default:
      return JobOutcome::kFailed;
  }
  return run_with(private_key.bytes(), job);
}

JobOutcome KeyAgreement::run_with(Bytes private_key, KeyAgreementJob& job) {
  JobOutcome outcome = JobOutcome::kFailed;
  job.own_share_size = 0;
  job.shared_secret.wipe();
  if (job.group == NamedGroup::x25519) outcome = agree_x25519(private_key, job);
  if (job.group == NamedGroup::secp256r1) outcome = p256_->agree(private_key, job);
  if (outcome != JobOutcome::kDone) {
    job.own_share_size = 0;
    job.shared_secret.wipe();
    ERR_clear_error();
  }
  return outcome;
}

}  // namespace sluice::tls
