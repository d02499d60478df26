// A peer that says what suits it: sits between an honest engine, which sends and receives data as
// any, and its link, and bends what the engine says of the other side's data. What it lies about
// are the fields that loss recovery and the sender's pace hang on.
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/wire/tcp.hpp"
#include "tests/dataplane/net/tcp/support/simulation.hpp"

namespace sluice::net::tcp::test {

// How likely each lie is told in a segment, 0 to 1.
struct Lies {
  double sack = 0;        // invents blocks over what the victim has sent
  double duplicate = 0;   // reports (RFC 2883) and repeats acknowledgments without a cause
  double division = 0;    // acknowledges byte ranges in pieces
  double shrinking = 0;   // takes its window back, by a part or wholly
  double timestamps = 0;  // echoes a time that is not the victim's
  double optimism = 0;    // acknowledges what has not arrived

  [[nodiscard]] std::string describe() const;
};

class Adversary {
 public:
  Adversary(Simulation& world, const Host& liar, const Lies& lies)
      : world_(world), liar_(liar), lies_(lies) {}

  // For Simulation::bend.
  [[nodiscard]] Simulation::Segments bend(const Host& from, base::Bytes segment);

 private:
  void watch(const wire::TcpHeader& header, std::size_t text);
  void invent_blocks(wire::TcpHeader& header);
  [[nodiscard]] Simulation::Segments divided(const wire::TcpHeader& header, base::Bytes text);

  Simulation& world_;
  const Host& liar_;
  const Lies lies_;
  wire::SeqNumber victim_end_;  // one past all that the victim has sent
  wire::SeqNumber said_;        // the liar's latest acknowledgment
  bool begun_ = false;
};

}  // namespace sluice::net::tcp::test
