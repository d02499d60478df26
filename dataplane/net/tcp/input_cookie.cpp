// Handshakes under pressure: what SYN cookies (syn_cookies.hpp, RFC 4987 3.6) replace of RFC 9293
// 3.10.7.2.
#include "dataplane/net/tcp/input.hpp"

namespace sluice::net::tcp {

// Three quarters of the half-open connections that are allowed leave room for those that must be
// remembered: a SYN that ends TIME-WAIT, whose answer depends on what was there before.
bool Input::under_pressure() const {
  const std::size_t most = core_.settings.max_half_open;
  return core_.half_open() >= most - most / 4 ||
         core_.connections.size() == core_.connections.capacity();
}

void Input::answer_with_cookie(Arrival& arrival) {
  if (!cookie_answers_.permits(core_.now)) return core_.count(NetCounter::kTcpSynCookiesWithheld);
  const std::uint32_t clock = milliseconds(core_.now) + core_.hash.timestamp_offset(arrival.flow);
  wire::TcpHeader& syn = arrival.header;
  if (core_.settings.ecn == EcnUse::kOff) syn.flags.ece = false;
  const SynCookies::Answer cookie = cookies_.issue(core_.now, arrival.flow, syn, clock);
  if (emitter_.send_syn_cookie(arrival.flow, syn, cookie, std::move(arrival.spare))) {
    core_.count(NetCounter::kTcpSynCookiesSent);
  }
}

// An acknowledgment in LISTEN. One that returns a cookie finds the SYN-RECEIVED that the SYN would
// have left behind, and goes through it like any other.
void Input::on_cookie(Arrival& arrival, ListenerId listener) {
  if (!cookies_.outstanding(core_.now)) return refuse(arrival, NetCounter::kTcpNotSynchronized);
  const auto offered = cookies_.redeem(core_.now, arrival.flow, arrival.header);
  if (!offered) return refuse(arrival, NetCounter::kTcpSynCookiesRejected);
  // Without room, no answer: the peer's text, which returns the cookie as well, comes again.
  Connection* created = core_.create(arrival.flow, arrival.hash);
  if (created == nullptr) return;
  core_.count(NetCounter::kTcpSynCookiesAccepted);
  Connection& c = *created;
  c.passive = true;
  c.by_cookie = true;
  c.listener = listener;
  wire::TcpHeader syn = arrival.header;
  syn.sequence = arrival.header.sequence - 1;
  syn.flags = {.syn = true, .ece = offered->ecn, .cwr = offered->ecn};
  syn.options = offered->options;
  take_syn(syn, c);
  c.rcv.edge = c.rcv.nxt + emitter_.window().initial();
  c.snd.una = arrival.header.acknowledgement - 1;
  c.snd.nxt = arrival.header.acknowledgement;
  core_.set_state(c, State::kSynReceived);
  process(arrival, c);
}

}  // namespace sluice::net::tcp
