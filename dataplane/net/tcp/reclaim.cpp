#include "dataplane/net/tcp/reclaim.hpp"

namespace sluice::net::tcp {
namespace {

constexpr std::uint32_t kBoxesPerCall = 32;
constexpr std::size_t kEntriesPerCall = 64;

// Whoever pauses for less may just be slow.
constexpr std::uint32_t kPatienceMs = 10'000;

// Less than a full segment may go out, or what is out there already is refused.
bool is_shut(const Connection& c) {
  if (c.outbox == nullptr || c.outbox->queue.empty()) return false;
  if (c.snd.wnd == 0) return true;
  const std::int32_t usable = (c.snd.una + c.snd.wnd) - c.snd.nxt;
  return c.snd.flight() < c.snd.mss && usable < std::int32_t{c.snd.mss};
}

}  // namespace

void drop_out_of_order(Core& core) {
  for (std::uint32_t i = 0; i < kBoxesPerCall; ++i) {
    Inbox* inbox = core.inboxes.find_next(core.next_inbox_to_reclaim);
    if (inbox == nullptr) return;
    if (inbox->reassembly.empty()) continue;
    inbox->reassembly.clear();
    core.settle(*inbox);
    core.count(NetCounter::kTcpReassemblyReclaimed);
  }
}

void reset_unread(Core& core, Emitter& emitter) {
  const MemoryBudget& memory = core.receive_memory;
  for (std::uint32_t i = 0; i < kBoxesPerCall; ++i) {
    if (!memory.is_exhausted(ReceiveWindow::kLeastBuffer)) return;
    const Inbox* inbox = core.inboxes.find_next(core.next_inbox_to_reclaim);
    if (inbox == nullptr) return;
    if (inbox->text.empty() || milliseconds(core.now) - inbox->unread_ms < kPatienceMs) continue;
    Connection& c = core.connections.at(inbox->connection);
    if (!c.synchronized()) continue;  // it is over, and takes no more
    core.count(NetCounter::kTcpUnreadResets);
    (void)emitter.send_reset(c);
    core.end(c, CloseReason::kNoMemory);
  }
}

void note_shut_window(Core& core, Connection& c) {
  if (c.outbox == nullptr || c.outbox->window_noted) return;
  c.outbox->window_noted = core.shut_windows.push(
      {.connection = core.handle_of(c), .una = c.snd.una, .since_ms = milliseconds(core.now)});
}

void reset_shut_windows(Core& core, Emitter& emitter) {
  ShutWindows& waiting = core.shut_windows;
  for (std::size_t i = 0; i < kEntriesPerCall && waiting.size() > 0; ++i) {
    if (!core.send_memory.is_exhausted()) return;
    const ShutWindows::Entry entry = waiting.front();
    Connection* c = core.connections.find(entry.connection);
    const bool noted = c != nullptr && c->outbox != nullptr && c->outbox->window_noted;
    if (noted && milliseconds(core.now) - entry.since_ms < kPatienceMs) return;
    waiting.pop();
    if (!noted) continue;
    c->outbox->window_noted = false;
    if (!is_shut(*c)) continue;
    if (c->snd.una - entry.una >= std::int32_t{c->snd.mss}) {
      note_shut_window(core, *c);
      continue;
    }
    core.count(NetCounter::kTcpShutWindowResets);
    (void)emitter.send_reset(*c);
    core.end(*c, CloseReason::kNoMemory);
  }
}

}  // namespace sluice::net::tcp
