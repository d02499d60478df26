// Reading a block of extensions. See extension.hpp.
#include "tls/codec/extension.hpp"

namespace sluice::tls {

base::Result<Extension, TlsError> ExtensionReader::next() {
  Extension extension;
  const std::uint16_t code_point = rest_.u16();
  extension.type = static_cast<ExtensionType>(code_point);
  extension.body = rest_.vector<base::U16>();
  extension.last = rest_.empty();
  if (!rest_.ok()) return base::Unexpected{TlsError::kMalformedHandshake};

  // RFC 8446 4.2: there MUST NOT be more than one extension of the same type in a block.
  if (seen_.test(code_point)) return base::Unexpected{TlsError::kDuplicateExtension};
  seen_.set(code_point);
  // RFC 8446 4.2: one that is recognised and not specified for the message is illegal_parameter.
  const ExtensionRule* rule = rule_of(extension.type);
  if (rule != nullptr && !rule->allows(place_)) {
    return base::Unexpected{TlsError::kForbiddenExtension};
  }
  return extension;
}

}  // namespace sluice::tls
