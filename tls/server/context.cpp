// See context.hpp.
#include "tls/server/context.hpp"

namespace sluice::tls {

ServerContext::Parts::Parts(const Options& options, const PolicySource& source)
    : policies(source),
      records_per_key(options.records_per_key),
      handshakes(options.max_handshakes),
      keys(options.expanded_keys) {
  facts.alpn.reserve(kMaxProtocolsShown);
}

ServerContext::ServerContext(const Options& options, const PolicySource& policies)
    : parts_(std::make_unique<Parts>(options, policies)) {}

ServerContext::~ServerContext() = default;

base::Counters<TlsCounter>& ServerContext::counters() {
  return parts_->counters;
}

std::size_t ServerContext::handshakes() const {
  return parts_->handshakes.size();
}

}  // namespace sluice::tls
