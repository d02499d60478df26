// An interrupt of our own that goes off once. EAL's alarms would run on the same thread, but once
// used they leave an interrupt source behind that rte_eal_cleanup() frees under the thread's feet.
#include "dataplane/nic/dpdk_interrupt_thread.hpp"

#include <rte_interrupts.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <semaphore>

namespace sluice::nic {
namespace {

struct FreeHandle {
  void operator()(rte_intr_handle* handle) const { rte_intr_instance_free(handle); }
};

class Errand {
 public:
  Errand(void (*task)(void*), void* argument)
      : task_(task),
        argument_(argument),
        event_(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)),
        handle_(rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE)) {}
  ~Errand() {
    if (event_ >= 0) ::close(event_);
  }
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;

  // False when EAL does not take the interrupt.
  bool run_there() {
    if (event_ < 0 || handle_ == nullptr) return false;
    if (rte_intr_fd_set(handle_.get(), event_) != 0 ||
        rte_intr_type_set(handle_.get(), RTE_INTR_HANDLE_EXT) != 0 ||
        rte_intr_callback_register(handle_.get(), &on_interrupt, this) != 0) {
      return false;
    }
    done_.acquire();
    (void)rte_intr_callback_unregister_sync(handle_.get(), &on_interrupt, this);
    return true;
  }

 private:
  static void on_interrupt(void* context) {
    auto& errand = *static_cast<Errand*>(context);
    eventfd_t count = 0;
    if (::eventfd_read(errand.event_, &count) != 0) return;  // has gone off
    errand.task_(errand.argument_);
    errand.done_.release();
  }

  void (*const task_)(void*);
  void* const argument_;
  const int event_;
  const std::unique_ptr<rte_intr_handle, FreeHandle> handle_;
  std::binary_semaphore done_{0};
};

}  // namespace

void run_on_interrupt_thread(void (*task)(void*), void* argument) {
  if (!Errand(task, argument).run_there()) task(argument);
}

}  // namespace sluice::nic
