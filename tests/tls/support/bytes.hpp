// Byte strings for the TLS tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/cursor.hpp"

namespace sluice::test {

using ByteVector = std::vector<std::byte>;

void append(ByteVector& to, base::Bytes from);
[[nodiscard]] ByteVector bytes(std::string_view text);
[[nodiscard]] ByteVector unhex(std::string_view text);
[[nodiscard]] std::string hex(base::Bytes from);

// What `write(writer)` writes; nothing when it is more than 64 KB.
template <typename Write>
[[nodiscard]] ByteVector written(Write&& write) {
  ByteVector buffer(65536);
  base::Writer writer(buffer);
  write(writer);
  buffer.resize(writer.overflow() ? 0 : writer.size());
  return buffer;
}

}  // namespace sluice::test
