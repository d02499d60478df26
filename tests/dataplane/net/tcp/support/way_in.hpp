// How a segment gets to the engine in tests: as net::Stack hands it on, what is plain by the short
// way and everything else through Engine::receive(). With SLUICE_WAY_IN=layers in the environment
// all of it takes the long way, so that each test can show that the two are the same.
#pragma once

#include "base/packet.hpp"
#include "base/time.hpp"
#include "dataplane/net/tcp/engine.hpp"

namespace sluice::net::tcp::test {

// The packet's bytes are the segment; it has headroom for what goes in front of it on a wire.
void hand_in(Engine& engine, base::Instant now, const base::IpAddress& source,
             const base::IpAddress& destination, base::PacketPtr segment);

}  // namespace sluice::net::tcp::test
