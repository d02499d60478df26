// The end of a data plane, in two steps: no worker leaves while another still has frames that only
// the first one's queue can transmit.
#pragma once

#include <span>

#include "dataplane/run/mailbox.hpp"

namespace sluice::run {

// Has every worker end its sessions and waits until all have; then tells them to leave their loops.
// Other replies that come meanwhile are dropped. Precondition: the workers run.
void stop_workers(std::span<Mailbox* const> mailboxes);

}  // namespace sluice::run
