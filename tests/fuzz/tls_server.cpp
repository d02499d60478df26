// A whole server connection. The input is a script: a byte says what happens next (a message that
// fits, bytes that need not, an answer that finds no room, an end), the bytes after it how.
// Whatever happened, the connection gives back all it held, and after an error nothing more is
// said.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>

#include "tests/fuzz/require.hpp"
#include "tests/tls/server/scripted_client.hpp"
#include "tls/server/context.hpp"

namespace {

using namespace sluice;
using fuzz::require;
using test::ByteVector;
using test::Hello;
using test::ScriptedClient;
using test::Server;
using tls::ContentType;

class Script {
 public:
  explicit Script(base::Bytes input, Server& server) : input_(input), server_(server) {}

  void run() {
    while (!input_.empty()) {
      step();
      if (!server_.error()) continue;
      require(!server_.connection().handshake_done(), "an error ends the connection");
      require(!server_.connection().waiting_for_job(), "and what it waited for");
      (void)server_.output.take();
      server_.seal("x");
      require(bool(server_.connection().close(server_.output)), "what has ended is closed");
      require(server_.output.take().empty(), "nothing is said after an error");
      return;
    }
  }

 private:
  enum class Step : std::uint8_t {
    kStream,
    kPlainRecord,
    kProtectedRecord,
    kHello,
    kShareLessHello,
    kFinished,
    kData,
    kRoom,
    kClose,
    kCount,
  };

  void step() {
    const unsigned choice = input_.u8() % static_cast<unsigned>(Step::kCount);
    switch (static_cast<Step>(choice)) {
      case Step::kStream:
        return server_.feed(chunk());
      case Step::kPlainRecord:
        return server_.feed(test::record(type(), chunk()));
      case Step::kProtectedRecord:
        if (shook_) server_.feed(client_.seal(type(), chunk()));
        return;
      case Step::kHello:
        return greet();
      case Step::kShareLessHello: {
        Hello hello = with_options();
        hello.shares.emplace();
        return server_.feed(hello.record());
      }
      case Step::kFinished:
        if (!shook_) return;
        server_.feed(client_.seal(ContentType::handshake, client_.finished()));
        return client_.use_application_keys();
      case Step::kData:
        if (closed_ || !server_.connection().handshake_done()) return;
        server_.seal("data");
        // No room is no error of the connection.
        if (server_.error() == tls::TlsError::kOutputFull) server_.forget_error();
        return;
      case Step::kRoom:
        return server_.output.allow(input_.u8());
      case Step::kClose:
        // Without room it is as open as before.
        if (server_.connection().close(server_.output)) closed_ = true;
        return;
      case Step::kCount:
        return;
    }
  }

  // Only a first hello can be carried on by the scripted client; others are fed as they are.
  void greet() {
    const Hello hello = with_options();
    if (greeted_) return server_.feed(hello.record());
    greeted_ = true;
    (void)server_.output.take();
    try {
      client_.greet(server_, hello);
      shook_ = true;
    } catch (const std::runtime_error&) {
      // Refused: the connection says why.
    }
  }

  Hello with_options() {
    Hello hello;
    const unsigned options = input_.u8();
    if ((options & 1) != 0) hello.suites = {tls::CipherSuite::TLS_CHACHA20_POLY1305_SHA256};
    if ((options & 2) != 0) hello.suites = {tls::CipherSuite::TLS_AES_256_GCM_SHA384};
    if ((options & 4) != 0) hello.session_id.clear();
    if ((options & 8) != 0) hello.early_data = true;
    if ((options & 16) != 0) hello.alpn = {"h2"};
    if ((options & 32) != 0) hello.more_extensions = chunk();
    return hello;
  }

  ContentType type() { return static_cast<ContentType>(20 + input_.u8() % 5); }

  ByteVector chunk() {
    const std::size_t wanted = input_.u8();
    const base::Bytes taken = input_.bytes(std::min(wanted, input_.remaining()));
    return {taken.begin(), taken.end()};
  }

  base::Reader input_;
  Server& server_;
  ScriptedClient client_;
  bool greeted_ = false;
  bool shook_ = false;
  bool closed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Server server;
  server.routes.asked.clear();
  server.output.allow(64);
  server.connect();
  Script(std::as_bytes(std::span(data, size)), server).run();
  server.disconnect();
  (void)server.output.take();
  require(server.context.handshakes() == 0, "no handshake is left over");
  require(server.context.parts().keys.size() == 0, "no key is left over");
  return 0;
}
