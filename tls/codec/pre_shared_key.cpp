// See pre_shared_key.hpp.
#include "tls/codec/pre_shared_key.hpp"

namespace sluice::tls {

namespace {
constexpr std::size_t kMinBinder = 32;  // opaque PskBinderEntry<32..255>
}

base::Result<void, TlsError> check_offered_psks(base::Bytes body) {
  base::Reader reader(body);
  base::Reader identities = reader.sub<base::U16>();
  base::Reader binders = reader.sub<base::U16>();
  std::size_t offered = 0;
  for (; !identities.empty(); ++offered) {
    if (identities.vector<base::U16>().empty()) identities.fail();
    identities.skip(4);  // obfuscated_ticket_age
  }
  std::size_t bound = 0;
  for (; !binders.empty(); ++bound) {
    if (binders.vector<base::U8>().size() < kMinBinder) binders.fail();
  }
  if (!identities.ok() || !binders.ok() || !reader.finished() || offered == 0 || offered != bound) {
    return base::Unexpected{TlsError::kMalformedExtension};
  }
  return {};
}

}  // namespace sluice::tls
