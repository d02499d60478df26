// DPDK's environment abstraction layer, which a process starts once: memory, lcores, drivers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace sluice::run {

class Eal {
 public:
  // Error: one sentence. EAL cannot be started a second time in a process, not even after a
  // failure.
  static base::Result<std::unique_ptr<Eal>, std::string> start(std::vector<std::string> arguments);
  // Everything that was made on top of EAL is gone by now.
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  // What EAL or a driver complained about last, to explain an error with; empty for nothing.
  [[nodiscard]] static std::string last_complaint();

 private:
  Eal() = default;
};

}  // namespace sluice::run
