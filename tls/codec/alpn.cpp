// See alpn.hpp.
#include "tls/codec/alpn.hpp"

namespace sluice::tls {

base::Result<ProtocolNameList, TlsError> ProtocolNameList::parse(base::Bytes body) {
  base::Reader reader(body);
  const base::Bytes names = reader.vector<base::U16>();
  if (!reader.finished() || names.empty()) return base::Unexpected{TlsError::kMalformedExtension};
  // RFC 7301 3.1: empty strings MUST NOT be included.
  base::Reader walk(names);
  while (!walk.empty()) {
    if (walk.vector<base::U8>().empty()) return base::Unexpected{TlsError::kMalformedExtension};
  }
  return ProtocolNameList(names);
}

std::optional<std::string_view> ProtocolNameList::next() {
  if (rest_.empty()) return std::nullopt;
  return base::text_of(rest_.vector<base::U8>());
}

bool ProtocolNameList::contains(std::string_view name) const {
  ProtocolNameList walk = *this;
  while (const auto offered = walk.next()) {
    if (*offered == name) return true;
  }
  return false;
}

void write_protocol_names(base::Writer& writer, std::span<const std::string_view> names) {
  writer.sub<base::U16>([&] {
    for (const std::string_view name : names) {
      writer.sub<base::U8>([&] { writer.bytes(base::bytes_of(name)); });
    }
  });
}

}  // namespace sluice::tls
