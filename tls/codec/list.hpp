// A vector of two-byte code points (cipher_suites, named_group_list, ...) as a view of the message
// that it stands in. Unknown code points stay in it and match nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "base/cursor.hpp"

namespace sluice::tls {

template <typename E>
class CodePointList {
 public:
  CodePointList() = default;
  // `bytes` has an even number of bytes.
  explicit CodePointList(base::Bytes bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t size() const { return bytes_.size() / 2; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] E operator[](std::size_t i) const {
    return static_cast<E>(base::load_be<std::uint16_t>(bytes_.data() + 2 * i));
  }
  [[nodiscard]] bool contains(E wanted) const {
    for (std::size_t i = 0; i < size(); ++i) {
      if ((*this)[i] == wanted) return true;
    }
    return false;
  }
  [[nodiscard]] base::Bytes bytes() const { return bytes_; }

 private:
  base::Bytes bytes_;
};

// A list of at least one code point behind a length prefix; fails the reader otherwise.
template <typename E, typename Prefix>
[[nodiscard]] CodePointList<E> read_list(base::Reader& reader) {
  const base::Bytes bytes = reader.vector<Prefix>();
  if (bytes.empty() || bytes.size() % 2 != 0) {
    reader.fail();
    return {};
  }
  return CodePointList<E>(bytes);
}

template <typename Prefix, typename E>
void write_list(base::Writer& writer, std::span<const E> values) {
  writer.sub<Prefix>([&] {
    for (const E value : values) writer.u16(static_cast<std::uint16_t>(value));
  });
}

}  // namespace sluice::tls
