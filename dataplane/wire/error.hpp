// Why bytes from the wire were not what they claimed to be. A parser returns one of these and
// nothing else; whoever called it drops the packet and counts it.
#pragma once

#include <cstdint>

namespace sluice::wire {

enum class WireError : std::uint8_t {
  kTruncated,    // shorter than the fixed header, or than a length field promises
  kBadLength,    // a length field contradicts itself: a header shorter than its minimum
  kBadVersion,   // not the protocol's version, hardware type or address size
  kBadChecksum,  // of the header that was parsed, or of the whole ICMP message
  kUnsupported,  // well formed, and of a kind that this parser does not represent
};

}  // namespace sluice::wire
