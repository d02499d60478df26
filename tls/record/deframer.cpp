#include "tls/record/deframer.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice::tls {

using base::Bytes;
using base::Result;
using base::Unexpected;

namespace {

// The first five bytes of HTTP/1's request methods (RFC 9110 9.3, RFC 5789) and of HTTP/2's
// preface.
constexpr std::array<std::string_view, 10> kHttpBeginnings{
    "GET /", "HEAD ", "POST ", "PUT /", "DELET", "CONNE", "OPTIO", "TRACE", "PATCH", "PRI *"};
static_assert(std::ranges::all_of(kHttpBeginnings,
                                  [](auto text) { return text.size() == kRecordHeaderSize; }));

bool may_be_http(Bytes header) {
  return std::ranges::any_of(kHttpBeginnings, [&](std::string_view text) {
    return base::equal(header, base::bytes_of(text.substr(0, header.size())));
  });
}

bool is_tls(ContentType type) {
  return type >= ContentType::change_cipher_spec && type <= ContentType::application_data;
}

// RFC 8446 5.1: legacy_record_version MUST be ignored. Its first byte is 3 in every version since
// SSL 3.0 nevertheless, which is what tells TLS from noise; that much is not a version check.
constexpr std::byte kMajorVersion{3};

}  // namespace

Result<Frame, TlsError> frame_record(Bytes stream) {
  const Bytes header = stream.first(std::min(stream.size(), kRecordHeaderSize));
  if (header.empty()) return Frame{};

  const auto type = static_cast<ContentType>(header[0]);
  if (!is_tls(type)) {
    if (!may_be_http(header)) return Unexpected{TlsError::kNotTls};
    if (header.size() == kRecordHeaderSize) return Unexpected{TlsError::kPlainHttp};
    return Frame{};  // the bytes still to come name the error
  }
  if (header.size() > 1 && header[1] != kMajorVersion) return Unexpected{TlsError::kNotTls};
  if (header.size() < kRecordHeaderSize) return Frame{};

  const std::size_t fragment = base::load_be<std::uint16_t>(&header[3]);
  // RFC 8446 5.1, 5.2: longer records MUST end the connection with record_overflow.
  if (fragment > kMaxRecordFragment) return Unexpected{TlsError::kRecordOverflow};
  return Frame{.size = kRecordHeaderSize + fragment, .type = type, .header_complete = true};
}

}  // namespace sluice::tls
