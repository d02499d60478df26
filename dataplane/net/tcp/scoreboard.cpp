#include "dataplane/net/tcp/scoreboard.hpp"

#include <cstdlib>

namespace sluice::net::tcp {

using wire::SeqNumber;

namespace {

bool is_reported(const SendSegment* segment) {
  return segment != nullptr && segment->fate == Fate::kSacked;
}

// Of the run that the segment is an end of.
SendSegment& first_of_run(SendSegment& segment) {
  return segment.run_end->seq < segment.seq ? *segment.run_end : segment;
}
SendSegment& last_of_run(SendSegment& segment) {
  return segment.run_end->seq > segment.seq ? *segment.run_end : segment;
}

}  // namespace

SendSegment* Scoreboard::behind_run(SendSegment& segment) {
  return last_of_run(segment).next;
}

SendSegment* Scoreboard::nearest(const SendQueue& queue, SeqNumber seq) const {
  SendSegment* best = queue.front();
  for (SendSegment* other : {finger_, queue.last_sent()}) {
    if (other != nullptr && std::abs(other->seq - seq) < std::abs(best->seq - seq)) best = other;
  }
  return best;
}

Scoreboard::Found Scoreboard::find(const SendQueue& queue, SeqNumber seq, std::uint32_t& steps) {
  SendSegment* segment = nearest(queue, seq);
  while (segment != nullptr && segment != queue.unsent() && segment->seq < seq) {
    if (++steps > kMostSteps) {
      finger_ = segment;
      return {.gave_up = true};
    }
    segment = is_reported(segment) ? behind_run(*segment) : segment->next;
  }
  if (segment == nullptr || segment == queue.unsent()) return {};
  // And back, over everything that does not begin in front of it.
  SendSegment* before = segment;
  while (before != nullptr && before->seq >= seq) {
    segment = before;
    if (++steps > kMostSteps) {
      finger_ = segment;
      return {.gave_up = true};
    }
    SendSegment& first = is_reported(segment) ? first_of_run(*segment) : *segment;
    if (first.seq < seq) break;
    segment = &first;
    before = queue.before(first);
  }
  return {.segment = segment};
}

void Scoreboard::mark(const SendQueue& queue, SendSegment& segment) {
  SendSegment* const before = queue.before(segment);
  SendSegment& first = is_reported(before) ? first_of_run(*before) : segment;
  SendSegment& last = is_reported(segment.next) ? last_of_run(*segment.next) : segment;
  segment.fate = Fate::kSacked;
  first.run_end = &last;
  last.run_end = &first;
  finger_ = &first;
}

void Scoreboard::on_first_leaves(const SendSegment& first) {
  if (first.run_end == &first) return;
  first.next->run_end = first.run_end;
  first.run_end->run_end = first.next;
}

void Scoreboard::on_split(SendSegment& segment) {
  SendSegment& rest = *segment.next;
  SendSegment& first = first_of_run(segment);
  if (&last_of_run(segment) != &segment) return;
  first.run_end = &rest;
  rest.run_end = &first;
}

}  // namespace sluice::net::tcp
