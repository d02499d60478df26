#include "control/config/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::control {

void Problems::add(Location where, std::string message) {
  ++count_;
  if (problems_.size() < kMax) problems_.push_back({where, std::move(message)});
}

std::vector<std::string> Problems::lines() const {
  auto sorted = problems_;
  std::ranges::stable_sort(sorted, {}, &Problem::where);
  std::vector<std::string> lines;
  for (const auto& [where, message] : sorted) {
    lines.push_back(where.line == 0
                        ? fmt::format("{}: {}", file_, message)
                        : fmt::format("{}:{}:{}: {}", file_, where.line, where.column, message));
  }
  if (count_ > sorted.size()) {
    lines.push_back(fmt::format("{}: {} more problems", file_, count_ - sorted.size()));
  }
  return lines;
}

}  // namespace sluice::control
