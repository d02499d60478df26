// A Status as a table for people: what is served, then levels and counters with a column per
// worker, the most severe first.
#pragma once

#include <string>

#include "control/admin/status.hpp"

namespace sluice::control {

struct StatusTableOptions {
  bool all = false;                  // counters that are zero, too
  bool explain = false;              // what each counter means
  const Status* previous = nullptr;  // an earlier look, for a column of rates
  double seconds = 0;                // between the two looks
};

[[nodiscard]] std::string format_status(const Status& status, const StatusTableOptions& options);

}  // namespace sluice::control
