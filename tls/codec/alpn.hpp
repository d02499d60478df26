// The application_layer_protocol_negotiation extension (RFC 7301 section 3.1).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/cursor.hpp"
#include "base/result.hpp"
#include "tls/error.hpp"

namespace sluice::tls {

// A ProtocolNameList that has been checked, as a view; next() walks it.
class ProtocolNameList {
 public:
  ProtocolNameList() : rest_(base::Bytes{}) {}
  static base::Result<ProtocolNameList, TlsError> parse(base::Bytes body);

  // The next name, none at the end. Copy the list to walk it again.
  [[nodiscard]] std::optional<std::string_view> next();
  [[nodiscard]] bool contains(std::string_view name) const;

 private:
  explicit ProtocolNameList(base::Bytes names) : rest_(names) {}
  base::Reader rest_;
};

void write_protocol_names(base::Writer& writer, std::span<const std::string_view> names);

}  // namespace sluice::tls
