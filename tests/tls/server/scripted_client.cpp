#include "tests/tls/server/scripted_client.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "tls/codec/extension.hpp"
#include "tls/codec/finished.hpp"
#include "tls/codec/handshake.hpp"
#include "tls/crypto/key_agreement.hpp"

namespace sluice::test {

using base::Bytes;
using base::MutableBytes;
using tls::ContentType;

namespace {

constexpr std::size_t kX25519Size = 32;

// X25519 with this client's private key, which never changes.
tls::KeyAgreementJob agree(Bytes peer_share) {
  std::array<std::byte, kX25519Size> private_key;
  private_key.fill(std::byte{0x41});
  tls::KeyAgreementJob job;
  job.group = tls::NamedGroup::x25519;
  base::copy(job.peer_share, peer_share);
  job.peer_share_size = peer_share.size();
  tls::KeyAgreement agreement;
  if (agreement.run_with(private_key, job) != tls::JobOutcome::kDone) {
    throw std::runtime_error("X25519 refused a share");
  }
  return job;
}

}  // namespace

Hello::Hello() : session_id(32, std::byte{0x51}) {
  shares = {{tls::NamedGroup::x25519, ScriptedClient::share()}};
}

ByteVector Hello::message() const {
  const ByteVector random(tls::kRandomSize, std::byte{0x52});
  std::vector<tls::KeyShareEntry> entries;
  if (shares) {
    for (const Share& share : *shares) entries.push_back({share.group, share.key_exchange});
  }
  tls::ClientHelloFields fields;
  fields.legacy_version = legacy_version;
  fields.random = random;
  fields.legacy_session_id = session_id;
  fields.cipher_suites = suites;
  fields.supported_versions = versions;
  fields.server_name = server_name;
  fields.supported_groups = groups;
  fields.signature_algorithms = schemes;
  if (shares) fields.key_shares = entries;
  fields.alpn = alpn;
  fields.early_data = early_data;
  fields.more_extensions = more_extensions;
  return written([&](base::Writer& writer) { tls::write_client_hello(writer, fields); });
}

ByteVector Hello::record() const {
  const ByteVector whole = message();
  ByteVector records;
  for (Bytes rest = whole; !rest.empty();) {
    const Bytes fragment = rest.first(std::min(rest.size(), tls::kMaxPlaintextFragment));
    append(records, test::record(ContentType::handshake, fragment));
    rest = rest.subspan(fragment.size());
  }
  return records;
}

ByteVector extension(tls::ExtensionType type, Bytes body) {
  return written([&](base::Writer& writer) {
    tls::write_extension(writer, type, [&] { writer.bytes(body); });
  });
}

ByteVector resumption_offer() {
  ByteVector offer = extension(tls::ExtensionType::psk_key_exchange_modes, unhex("0101"));
  const ByteVector psk = written([](base::Writer& writer) {
    writer.sub<base::U16>([&] {
      writer.sub<base::U16>([&] { writer.bytes(base::bytes_of("a ticket")); });
      writer.u32(1234);
    });
    writer.sub<base::U16>(
        [&] { writer.sub<base::U8>([&] { writer.bytes(ByteVector(32, std::byte{9})); }); });
  });
  append(offer, extension(tls::ExtensionType::pre_shared_key, psk));
  return offer;
}

ByteVector ScriptedClient::share() {
  std::array<std::byte, kX25519Size> base_point{std::byte{9}};
  const tls::KeyAgreementJob job = agree(base_point);
  const Bytes own = Bytes(job.own_share).first(job.own_share_size);
  return {own.begin(), own.end()};
}

void ScriptedClient::greet(Server& server, const Hello& hello) {
  suite_ = hello.suites.front();
  transcript_.emplace(tls::hash_of(suite_));
  transcript_->add(hello.message());
  server.feed(hello.record());
  answer(server);
}

void ScriptedClient::greet_again(Server& server, const Hello& first, Bytes retry,
                                 const Hello& second) {
  suite_ = first.suites.front();
  transcript_.emplace(tls::hash_of(suite_));
  transcript_->add(first.message());
  transcript_->retry();
  transcript_->add(retry);
  transcript_->add(second.message());
  server.feed(second.record());
  answer(server);
}

void ScriptedClient::shake_hands(Server& server, const Hello& hello) {
  greet(server, hello);
  server.feed(seal(ContentType::handshake, finished()));
  use_application_keys();
  if (!server.connection().handshake_done()) throw std::runtime_error("handshake refused");
}

void ScriptedClient::answer(Server& server) {
  const std::vector<ByteVector> records = records_of(server.output.take());
  if (server.error() || records.empty()) throw std::runtime_error("hello refused");
  on_server_hello(Bytes(records.front()).subspan(tls::kRecordHeaderSize));
  ByteVector messages;
  for (std::size_t i = 1; i < records.size(); ++i) {
    if (records[i][0] == static_cast<std::byte>(ContentType::change_cipher_spec)) continue;
    for (const Opened& opened : open(records[i])) append(messages, opened.content);
  }
  on_flight(messages);
}

void ScriptedClient::on_server_hello(Bytes message) {
  const auto hello = tls::ServerHello::parse(message.subspan(tls::kHandshakeHeaderSize));
  if (!hello || !hello->key_share) throw std::runtime_error("no ServerHello");
  transcript_->add(message);
  const tls::KeyAgreementJob job = agree(hello->key_share->key_exchange);
  handshake_secret_ = tls::EarlySecret(tls::hash_of(suite_)).handshake(job.shared_secret.bytes());
  handshake_ = handshake_secret_->traffic(transcript_->digest().view());
  read_.install(keys_, suite_, handshake_.server.bytes());
  write_.install(keys_, suite_, handshake_.client.bytes());
}

void ScriptedClient::on_flight(Bytes messages) {
  transcript_->add(messages);
  base::Reader reader(messages);
  while (!reader.empty()) {
    const Bytes header = reader.bytes(1);
    const Bytes body = reader.vector<base::U24>();
    ByteVector message(header.begin(), header.end());
    append(message, body);
    flight_.push_back(std::move(message));
  }
  application_ = std::move(*handshake_secret_).master().traffic(transcript_->digest().view());
  read_.install(keys_, suite_, application_.server.bytes());
}

ByteVector ScriptedClient::finished() const {
  const tls::HashSecret verify_data = tls::finished_verify_data(
      transcript_->algorithm(), handshake_.client.bytes(), transcript_->digest().view());
  return written([&](base::Writer& writer) { tls::write_finished(writer, verify_data.bytes()); });
}

void ScriptedClient::use_application_keys() {
  write_.install(keys_, suite_, application_.client.bytes());
}

ByteVector ScriptedClient::seal(ContentType type, Bytes content) {
  Output output;
  const Bytes plaintext[] = {content};
  if (!write_.seal(keys_, type, plaintext, output)) throw std::runtime_error("cannot seal");
  return output.take();
}

std::vector<ScriptedClient::Opened> ScriptedClient::open(Bytes stream) {
  std::vector<Opened> all;
  for (ByteVector& sealed : records_of(stream)) {
    const MutableBytes spans[] = {sealed};
    const auto opened = read_.open(keys_, spans);
    if (!opened) throw std::runtime_error("the server's record does not open");
    const Bytes content = Bytes(sealed).subspan(opened->offset, opened->size);
    all.push_back({opened->type, {content.begin(), content.end()}});
  }
  return all;
}

std::optional<tls::AlertDescription> ScriptedClient::alert(Bytes stream) {
  const std::vector<Opened> opened = open(stream);
  if (opened.empty() || opened.back().type != ContentType::alert) return std::nullopt;
  return static_cast<tls::AlertDescription>(opened.back().content.at(1));
}

void ScriptedClient::update_write_keys() {
  application_.client = tls::next_traffic_secret(tls::hash_of(suite_), application_.client.bytes());
  write_.install(keys_, suite_, application_.client.bytes());
}

void ScriptedClient::update_read_keys() {
  application_.server = tls::next_traffic_secret(tls::hash_of(suite_), application_.server.bytes());
  read_.install(keys_, suite_, application_.server.bytes());
}

}  // namespace sluice::test
