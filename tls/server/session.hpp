// What a handshake decides that outlives it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"
#include "tls/server/policy.hpp"

namespace sluice::tls {

class Session {
 public:
  std::uint32_t route = 0;

  [[nodiscard]] std::string_view alpn() const { return {alpn_.data(), alpn_size_}; }
  // Copied: the policy that names the protocol does not outlive the handshake. Precondition:
  // name.size() <= kMaxAlpnSize.
  void set_alpn(std::string_view name) {
    alpn_size_ = static_cast<std::uint8_t>(name.copy(alpn_.data(), alpn_.size()));
  }

 private:
  std::uint8_t alpn_size_ = 0;
  std::array<char, kMaxAlpnSize> alpn_{};
};

}  // namespace sluice::tls
