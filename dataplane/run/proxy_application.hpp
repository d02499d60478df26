// The proxy as a worker's application.
#pragma once

#include <memory>

#include "dataplane/run/application.hpp"
#include "dataplane/run/snapshot.hpp"

namespace sluice::run {

// Builds each worker's proxy from the snapshot and lets it listen.
[[nodiscard]] ApplicationFactory proxy_factory(const DataplaneSettings& dataplane,
                                               std::shared_ptr<const Snapshot> snapshot);

}  // namespace sluice::run
