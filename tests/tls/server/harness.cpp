#include "tests/tls/server/harness.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "base/cursor.hpp"

namespace sluice::test {

using base::Bytes;
using base::MutableBytes;

std::shared_ptr<const tls::CertifiedKey> certificate(KeyKind kind, const std::string& name) {
  static std::map<std::pair<KeyKind, std::string>, std::shared_ptr<const tls::CertifiedKey>> made;
  auto& slot = made[{kind, name}];
  if (!slot) {
    const TestCertificate pem = make_certificate(kind, {name});
    auto parsed = tls::CertifiedKey::from_pem(pem.chain_pem, pem.key_pem);
    if (!parsed) throw std::runtime_error("test certificate");
    slot = *parsed;
  }
  return slot;
}

Routes::Routes() : policy(std::make_shared<tls::ServerPolicy>()) {
  policy->certificates = {certificate(KeyKind::kEcdsaP256, "server.example")};
}

base::Result<tls::PolicySource::Choice, tls::RouteRefusal> Routes::choose(
    const tls::ClientHelloFacts& hello) const {
  Asked& last = asked.emplace_back();
  if (hello.server_name) last.server_name = std::string(*hello.server_name);
  last.alpn.assign(hello.alpn.begin(), hello.alpn.end());
  last.peer = hello.peer;
  last.listener = hello.listener;
  if (refusal) return base::Unexpected{*refusal};
  if (!only_name.empty() && hello.server_name != only_name) {
    return base::Unexpected{tls::RouteRefusal::kUnrecognizedName};
  }
  return Choice{policy, kRoute};
}

std::span<const MutableBytes> Output::allocate(std::size_t size) {
  constexpr std::size_t kPiece = 300;
  spans_.clear();
  if (room_ == 0) return {};
  --room_;
  for (; size > 0; size -= blocks_.back().size()) {
    spans_.emplace_back(blocks_.emplace_back(std::min(size, kPiece)));
  }
  return spans_;
}

ByteVector Output::take() {
  ByteVector all;
  for (const ByteVector& block : blocks_) append(all, block);
  blocks_.clear();
  return all;
}

Server::Server(const tls::ServerContext::Options& options) : context(options, routes) {
  connect();
}

void Server::connect() {
  constexpr std::uint32_t kListener = 3;
  stream_.clear();
  received_.clear();
  kinds_.clear();
  error_.reset();
  const base::SocketAddress peer{base::Ipv4Address::of(198, 18, 0, 9), 4321};
  connection_.emplace(context, peer, kListener);
}

void Server::feed(Bytes stream) {
  append(stream_, stream);
  while (!stream_.empty() && !error_ && !connection_->waiting_for_job()) {
    const auto frame = tls::frame_record(stream_);
    if (!frame) {
      error_ = frame.error();
      connection_->reject(*error_, output);
      return;
    }
    if (!frame->header_complete || frame->size > stream_.size()) return;
    const ByteVector record(stream_.begin(),
                            stream_.begin() + static_cast<std::ptrdiff_t>(frame->size));
    stream_.erase(stream_.begin(), stream_.begin() + static_cast<std::ptrdiff_t>(frame->size));
    take_record(record);
    if (!hold_jobs_) run_jobs();
  }
}

void Server::take_record(Bytes whole) {
  // Every span is a block of its own, so that the sanitizers see who leaves it.
  std::vector<ByteVector> blocks;
  for (Bytes rest = whole; !rest.empty(); rest = rest.subspan(blocks.back().size())) {
    const Bytes piece = rest.first(std::min(rest.size(), span_size));
    blocks.emplace_back(piece.begin(), piece.end());
  }
  std::vector<MutableBytes> spans(blocks.begin(), blocks.end());
  const auto result = connection_->receive(spans, output);
  if (!result) {
    error_ = result.error();
    return;
  }
  kinds_.push_back(result->kind);
  if (result->kind != Kind::kApplicationData) return;
  ByteVector opened;
  for (const ByteVector& block : blocks) append(opened, block);
  received_ +=
      base::text_of(Bytes(opened).subspan(result->plaintext_offset, result->plaintext_size));
}

void Server::run_jobs() {
  while (!error_ && connection_->waiting_for_job()) {
    tls::Job job;
    connection_->take_job(job);
    tls::Job* const jobs[] = {&job};
    runner_.run(jobs);
    const auto finished = connection_->finish_job(job, output);
    if (!finished) error_ = finished.error();
  }
}

void Server::seal(std::string_view text) {
  const Bytes plaintext[] = {base::bytes_of(text)};
  const auto sealed = connection_->seal(plaintext, output);
  if (!sealed) error_ = sealed.error();
}

bool Server::saw(Kind kind) const {
  return std::find(kinds_.begin(), kinds_.end(), kind) != kinds_.end();
}

std::vector<ByteVector> records_of(Bytes stream) {
  std::vector<ByteVector> records;
  while (!stream.empty()) {
    const auto frame = tls::frame_record(stream);
    if (!frame || !frame->header_complete || frame->size > stream.size()) {
      throw std::runtime_error("not a whole number of records");
    }
    const Bytes one = stream.first(frame->size);
    records.emplace_back(one.begin(), one.end());
    stream = stream.subspan(frame->size);
  }
  return records;
}

ByteVector record(tls::ContentType type, Bytes fragment) {
  ByteVector out(tls::kRecordHeaderSize + fragment.size());
  base::Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u16(0x0301);
  writer.sub<base::U16>([&] { writer.bytes(fragment); });
  return out;
}

std::optional<tls::AlertDescription> plain_alert(Bytes stream) {
  const std::vector<ByteVector> records = records_of(stream);
  if (records.empty()) return std::nullopt;
  const ByteVector& last = records.back();
  if (last.size() != tls::kRecordHeaderSize + 2 ||
      last[0] != static_cast<std::byte>(tls::ContentType::alert)) {
    return std::nullopt;
  }
  return static_cast<tls::AlertDescription>(last.back());
}

}  // namespace sluice::test
