#include "control/admin/offload_lines.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::control {
namespace {

struct Line {
  std::string who;
  std::vector<std::string> offloads;
};

std::string who_does(const OffloadStatus& offload) {
  return offload.by_device ? "by the device" : fmt::format("in software ({})", offload.why_not);
}

}  // namespace

std::vector<std::string> offload_lines(const PortStatus& port) {
  std::vector<Line> lines;
  for (const bool by_device : {true, false}) {
    for (const OffloadStatus& offload : port.offloads) {
      if (offload.by_device != by_device) continue;
      const std::string who = who_does(offload);
      auto line = std::ranges::find(lines, who, &Line::who);
      if (line == lines.end()) line = lines.insert(line, {.who = who, .offloads = {}});
      line->offloads.push_back(offload.name);
    }
  }
  std::vector<std::string> texts;
  for (const Line& line : lines) {
    texts.push_back(fmt::format("{}: {}", line.who, fmt::join(line.offloads, ", ")));
  }
  return texts;
}

}  // namespace sluice::control
