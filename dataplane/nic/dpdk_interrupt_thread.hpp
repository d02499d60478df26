// Work on EAL's interrupt thread, in step with the drivers' own interrupt handlers.
#pragma once

namespace sluice::nic {

// Runs `task(argument)` there and waits for it; on this thread where EAL takes no more interrupts.
// Precondition: called from another thread, after EAL has been started.
void run_on_interrupt_thread(void (*task)(void*), void* argument);

}  // namespace sluice::nic
