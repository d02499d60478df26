// From the control side's snapshot to what one worker's proxy is told.
#pragma once

#include "dataplane/proxy/settings.hpp"
#include "dataplane/run/snapshot.hpp"

namespace sluice::run {

[[nodiscard]] proxy::ProxySettings proxy_settings(const DataplaneSettings& dataplane,
                                                  const Snapshot& snapshot);

}  // namespace sluice::run
