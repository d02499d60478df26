#include "tests/tls/server/libssl_client.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <stdexcept>

namespace sluice::test {
namespace {

void require(bool ok) {
  if (!ok) throw std::runtime_error("libssl refused a setting");
}

void offer_protocols(SSL* ssl, const std::vector<std::string>& names) {
  std::vector<unsigned char> wire;
  for (const std::string& name : names) {
    wire.push_back(static_cast<unsigned char>(name.size()));
    wire.insert(wire.end(), name.begin(), name.end());
  }
  require(SSL_set_alpn_protos(ssl, wire.data(), static_cast<unsigned>(wire.size())) == 0);
}

}  // namespace

LibsslClient::LibsslClient(const Options& options)
    : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free), ssl_(nullptr, &SSL_free) {
  SSL_CTX* context = context_.get();
  if (options.tls12_only) {
    require(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION) == 1);
  } else {
    require(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1);
    require(SSL_CTX_set_ciphersuites(context, options.suites.c_str()) == 1);
    require(SSL_CTX_set1_groups_list(context, options.groups.c_str()) == 1);
  }
  if (!options.signature_algorithms.empty()) {
    require(SSL_CTX_set1_sigalgs_list(context, options.signature_algorithms.c_str()) == 1);
  }
  if (!options.middlebox_compatibility) {
    SSL_CTX_clear_options(context, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  }
  ssl_.reset(SSL_new(context));
  SSL* ssl = ssl_.get();
  SSL_set_app_data(ssl, this);
  SSL_set_info_callback(ssl, &LibsslClient::on_info);
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  if (!options.server_name.empty()) {
    // SSL_set_tlsext_host_name(), which is a macro with a C cast in it.
    std::string name = options.server_name;
    require(SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) ==
            1);
  }
  if (!options.alpn.empty()) offer_protocols(ssl, options.alpn);
  SSL_set_connect_state(ssl);
}

LibsslClient::~LibsslClient() = default;

void LibsslClient::on_info(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_READ_ALERT) != SSL_CB_READ_ALERT) return;
  static_cast<LibsslClient*>(SSL_get_app_data(ssl))->alert_ = SSL_alert_desc_string_long(value);
}

void LibsslClient::feed(base::Bytes stream) {
  SSL* ssl = ssl_.get();
  if (!stream.empty()) {
    BIO_write(SSL_get_rbio(ssl), stream.data(), static_cast<int>(stream.size()));
  }
  std::array<char, 4096> buffer;
  int done = 1;
  while (done > 0) {
    if (!connected()) {
      done = SSL_do_handshake(ssl);
    } else {
      done = SSL_read(ssl, buffer.data(), buffer.size());
      if (done > 0) received_.append(buffer.data(), static_cast<std::size_t>(done));
    }
  }
  const int reason = SSL_get_error(ssl, done);
  if (reason == SSL_ERROR_SSL || reason == SSL_ERROR_SYSCALL) failed_ = true;
}

ByteVector LibsslClient::take_output() {
  BIO* bio = SSL_get_wbio(ssl_.get());
  ByteVector out(BIO_ctrl_pending(bio));
  if (!out.empty()) BIO_read(bio, out.data(), static_cast<int>(out.size()));
  return out;
}

void LibsslClient::write(std::string_view text) {
  require(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) ==
          static_cast<int>(text.size()));
}

void LibsslClient::key_update(bool request_answer) {
  require(SSL_key_update(ssl_.get(), request_answer ? SSL_KEY_UPDATE_REQUESTED
                                                    : SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
}

void LibsslClient::shutdown() {
  SSL_shutdown(ssl_.get());
}

bool LibsslClient::connected() const {
  return SSL_is_init_finished(ssl_.get()) == 1;
}

bool LibsslClient::saw_close_notify() const {
  return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

std::string LibsslClient::suite() const {
  return SSL_get_cipher_name(ssl_.get());
}

std::string LibsslClient::group() const {
  switch (SSL_get_negotiated_group(ssl_.get())) {
    case NID_X25519:
      return "X25519";
    case NID_X9_62_prime256v1:
      return "P-256";
    default:
      return "another";
  }
}

std::string LibsslClient::peer_signature() const {
  int type = 0;
  require(SSL_get_peer_signature_type_nid(ssl_.get(), &type) == 1);
  return type == EVP_PKEY_EC ? "ECDSA" : type == EVP_PKEY_RSA_PSS ? "RSA-PSS" : "another";
}

std::string LibsslClient::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string LibsslClient::peer_common_name() const {
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(ssl_.get())),
                            NID_commonName, name.data(), name.size());
  return name.data();
}

void converse(LibsslClient& client, Server& server) {
  while (true) {
    const ByteVector up = client.take_output();
    if (!up.empty()) server.feed(up);
    const ByteVector down = server.output.take();
    if (!down.empty()) client.feed(down);
    if (up.empty() && down.empty()) return;
  }
}

}  // namespace sluice::test
