// See key_share.hpp.
#include "tls/codec/key_share.hpp"

namespace sluice::tls {

KeyShareEntry read_key_share_entry(base::Reader& reader) {
  KeyShareEntry entry;
  entry.group = static_cast<NamedGroup>(reader.u16());
  entry.key_exchange = reader.vector<base::U16>();
  if (entry.key_exchange.empty()) reader.fail();  // opaque key_exchange<1..2^16-1>
  return entry;
}

void write_key_share_entry(base::Writer& writer, const KeyShareEntry& entry) {
  writer.u16(static_cast<std::uint16_t>(entry.group));
  writer.sub<base::U16>([&] { writer.bytes(entry.key_exchange); });
}

base::Result<KeyShareList, TlsError> KeyShareList::parse(base::Bytes body) {
  base::Reader reader(body);
  const base::Bytes entries = reader.vector<base::U16>();
  base::Reader walk(entries);
  while (!walk.empty()) (void)read_key_share_entry(walk);
  if (!walk.ok() || !reader.finished()) return base::Unexpected{TlsError::kMalformedExtension};
  return KeyShareList(entries);
}

std::optional<KeyShareEntry> KeyShareList::next() {
  if (rest_.empty()) return std::nullopt;
  return read_key_share_entry(rest_);
}

}  // namespace sluice::tls
