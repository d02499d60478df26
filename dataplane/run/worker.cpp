#include "dataplane/run/worker.hpp"

#include <algorithm>
#include <utility>

namespace sluice::run {
namespace {

// Frames that wait for a device, or another worker, which takes none. What goes beyond is dropped,
// the oldest first: TCP has sent it again by then.
constexpr std::size_t kMaxTransmitBacklog = 4096;

// What one turn offers to a device; the rest goes with the next turn, so that what arrives, timers
// and the control thread need not wait for all of it.
constexpr std::size_t kMaxTransmitBursts = kMaxTransmitBacklog / base::limits::kBurst;

// Turns take microseconds; what is this slow is felt by every connection and by who asks for a
// report.
constexpr base::Duration kSlowTurn = base::Duration::milliseconds(100);

// Parcels taken from each other worker per turn.
constexpr std::size_t kMaxParcels = base::limits::kBurst;

}  // namespace

Worker::Worker(const Options& options, const TscClock& clock, base::PacketPool& pool,
               Exchange& exchange, Mailbox& mailbox)
    : worker_(options.worker),
      core_(options.core),
      clock_(clock),
      pool_(pool),
      exchange_(exchange),
      mailbox_(mailbox),
      steering_(options.worker, exchange, pool, counters_),
      stack_(options.stack, pool, clock.now()),
      idle_sleep_(options.idle_sleep),
      stop_patience_(options.stop_patience),
      idle_(options.idle_sleep) {}

Worker::~Worker() = default;

void Worker::add_port(PortQueue queue) {
  steering_.add_port(queue.hashes, queue.interface.addresses);
  ports_.push_back({.interface = stack_.add_interface(queue.interface),
                    .device = std::move(queue.device),
                    .transmitter = queue.transmitter});
}

base::Result<void, std::string> Worker::start_application(const ApplicationFactory& factory) {
  TRY_ASSIGN(application_,
             factory({.worker = worker_, .stack = stack_, .pool = pool_}, clock_.now()));
  return {};
}

void Worker::turn() {
  const base::Instant now = clock_.now();
  watch_pace(now);
  bool busy = take_commands(now);
  busy |= receive(now);
  busy |= take_parcels(now);
  stack_.advance(now);
  application_->run(now);
  stack_.flush(now);
  busy |= transmit(now);
  exchange_.ring_doorbells(worker_);
  end_what_is_due(now);

  counters_.add(RunCounter::kIterations);
  if (busy) counters_.add(RunCounter::kBusyIterations);
  rest(now, busy);
}

// One turn's beginning is the last one's end, unless there was a sleep between them.
void Worker::watch_pace(base::Instant now) {
  if (turn_began_ != base::Instant::never() && now - turn_began_ > kSlowTurn) {
    counters_.add(RunCounter::kSlowIterations);
  }
  turn_began_ = now;
}

bool Worker::receive(base::Instant now) {
  bool any = false;
  for (std::uint8_t number = 0; number < ports_.size(); ++number) {
    Port& port = ports_[number];
    if (port.device == nullptr) continue;
    const std::size_t received = port.device->receive(now, burst_);
    if (received == 0) continue;
    any = true;
    const std::size_t own = steering_.steer(number, std::span(burst_).first(received));
    if (own > 0) stack_.receive(now, port.interface, std::span(burst_).first(own));
  }
  return any;
}

// What other workers received for this one, or want transmitted by it.
bool Worker::take_parcels(base::Instant now) {
  bool any = false;
  for (unsigned from = 0; from < exchange_.workers(); ++from) {
    if (from == worker_) continue;
    for (std::size_t i = 0; i < kMaxParcels; ++i) {
      const std::optional<Parcel> parcel = exchange_.take(from, worker_);
      if (!parcel) break;
      any = true;
      const net::InterfaceId interface = ports_[parcel->port].interface;
      if (parcel->kind == Parcel::Kind::kReceived) {
        counters_.add(RunCounter::kForwardedIn);
        stack_.receive(now, interface, std::span(&parcel->packet, 1));
      } else {
        counters_.add(RunCounter::kHandedIn);
        stack_.outgoing(interface).push_back(base::PacketPtr(parcel->packet));
      }
    }
  }
  return any;
}

bool Worker::transmit(base::Instant now) {
  bool any = false;
  for (std::uint8_t number = 0; number < ports_.size(); ++number) {
    Port& port = ports_[number];
    base::PacketQueue& frames = stack_.outgoing(port.interface);
    if (frames.empty()) {
      // A device may still hold delayed frames back.
      if (port.device != nullptr && port.device->next_deadline() <= now) {
        (void)port.device->transmit(now, {});
      }
      continue;
    }
    any |=
        port.device != nullptr ? transmit_own(now, port, frames) : hand_over(number, port, frames);
  }
  return any;
}

// What the device does not take stays for the next turn.
bool Worker::transmit_own(base::Instant now, Port& port, base::PacketQueue& frames) {
  bool any = false;
  for (std::size_t bursts = 0; bursts < kMaxTransmitBursts && !frames.empty(); ++bursts) {
    std::size_t offered = 0;
    while (offered < burst_.size() && !frames.empty()) {
      burst_[offered++] = frames.pop_front().release();
    }
    const std::size_t taken = port.device->transmit(now, std::span(burst_).first(offered));
    any |= taken > 0;
    for (std::size_t i = offered; i > taken; --i) {
      frames.push_front(base::PacketPtr(burst_[i - 1]));
    }
    if (taken == 0) break;
  }
  shed(frames, RunCounter::kTransmitDrops);
  return any;
}

void Worker::shed(base::PacketQueue& frames, RunCounter counter) {
  while (frames.packets() > kMaxTransmitBacklog) {
    (void)frames.pop_front();
    counters_.add(counter);
  }
}

// To the worker whose queue transmits for this one; what its ring does not take stays for the next
// turn. What TCP keeps for retransmission goes along with a reference of its own: while that is
// held, TCP edits neither the packet nor its bytes.
bool Worker::hand_over(std::uint8_t number, Port& port, base::PacketQueue& frames) {
  bool any = false;
  while (base::PacketPtr frame = frames.pop_front()) {
    const Parcel parcel{.packet = frame.get(), .kind = Parcel::Kind::kTransmit, .port = number};
    if (!exchange_.send(worker_, port.transmitter, parcel)) {
      frames.push_front(std::move(frame));
      break;
    }
    (void)frame.release();
    counters_.add(RunCounter::kHandedOut);
    any = true;
  }
  shed(frames, RunCounter::kHandDrops);
  return any;
}

}  // namespace sluice::run
