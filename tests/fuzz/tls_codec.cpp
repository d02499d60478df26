// The parsers of handshake messages. The input's first byte chooses the message, the rest is its
// body. What parses is walked to its end, and what is written from it parses again.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/fuzz/require.hpp"
#include "tls/codec/certificate.hpp"
#include "tls/codec/certificate_verify.hpp"
#include "tls/codec/client_hello.hpp"
#include "tls/codec/encrypted_extensions.hpp"
#include "tls/codec/key_update.hpp"
#include "tls/codec/server_hello.hpp"
#include "tls/codec/server_name.hpp"
#include "tls/server/second_hello.hpp"

namespace {

using namespace sluice;
using fuzz::require;

bool lies_in(base::Bytes part, base::Bytes whole) {
  if (part.empty()) return true;
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void client_hello(base::Bytes body) {
  const auto hello = tls::ClientHello::parse(body);
  if (!hello) return;
  require(hello->random.size() == tls::kRandomSize, "a random has its size");
  require(hello->legacy_session_id.size() <= tls::kMaxSessionId, "a session id has a limit");
  require(lies_in(hello->legacy_session_id, body), "the session id is a view of the message");
  require(!hello->cipher_suites.empty(), "there is a suite");
  if (hello->server_name) {
    require(tls::is_host_name(*hello->server_name), "a server name is a host name");
    require(lies_in(base::bytes_of(*hello->server_name), body), "it is a view of the message");
    (void)tls::LowerCaseName(*hello->server_name);
  }
  if (hello->key_shares) {
    tls::KeyShareList shares = *hello->key_shares;
    while (const auto share = shares.next()) {
      require(!share->key_exchange.empty(), "a share has bytes");
      require(lies_in(share->key_exchange, body), "it is a view of the message");
    }
  }
  if (hello->alpn) {
    tls::ProtocolNameList names = *hello->alpn;
    while (const auto name = names.next()) require(!name->empty(), "a protocol has a name");
  }
  const tls::Digest same = tls::unchanging_part(*hello);
  require(base::equal(same.view(), tls::unchanging_part(*hello).view()), "a hello equals itself");
}

void server_hello(base::Bytes body) {
  const auto hello = tls::ServerHello::parse(body);
  if (!hello) return;
  std::vector<std::byte> again(2 * body.size() + 64);
  base::Writer writer(again);
  tls::write_server_hello(writer, *hello);
  require(!writer.overflow(), "what was read fits when it is written");
  require(tls::ServerHello::parse(writer.written().subspan(4)).has_value(), "and parses again");
}

void certificate(base::Bytes body) {
  auto chain = tls::CertificateChain::parse(body);
  if (!chain) return;
  while (const auto one = chain->next()) {
    require(!one->empty() && lies_in(*one, body), "a certificate is a view of the message");
  }
}

void encrypted_extensions(base::Bytes body) {
  const auto extensions = tls::EncryptedExtensions::parse(body);
  if (extensions && extensions->alpn) require(!extensions->alpn->empty(), "a protocol has a name");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const base::Bytes body = std::as_bytes(std::span(data, size)).subspan(1);
  switch (data[0] % 6) {
    case 0:
      client_hello(body);
      break;
    case 1:
      server_hello(body);
      break;
    case 2:
      encrypted_extensions(body);
      break;
    case 3:
      certificate(body);
      break;
    case 4:
      (void)tls::CertificateVerify::parse(body);
      break;
    default:
      (void)tls::parse_key_update(body);
      break;
  }
  return 0;
}
