// From a checked configuration and its certificates to what the data plane serves.
#pragma once

#include <optional>

#include "control/certificates/certificate_store.hpp"
#include "control/config/configuration.hpp"
#include "control/config/problem.hpp"
#include "dataplane/run/snapshot.hpp"

namespace sluice::control {

// Nothing, and problems, when the configuration names certificates that do not exist.
// Precondition: the store holds a certificate.
[[nodiscard]] std::optional<run::Snapshot> build_snapshot(const Configuration& configuration,
                                                          const CertificateStore& store,
                                                          Problems& problems);

}  // namespace sluice::control
