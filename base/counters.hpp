// Named counters. Each layer has one enumeration and one table that gives every counter a name, a
// severity and a text; a worker owns one Counters<E> per layer and is its only writer and reader.
// The control side sees copies, which it asks for through the worker's mailbox.
//
// A layer declares:   enum class NetCounter : std::uint16_t { kArpMalformed, ..., kCount };
//                     template <> struct CounterTable<NetCounter> { static constexpr CounterInfo
//                     kInfos[] = {{"arp_malformed", Severity::kNotice, "ARP packets ..."}, ...}; };
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::base {

enum class Severity : std::uint8_t {
  kInfo,     // what the program is for
  kNotice,   // a peer misbehaved or a bound did its work
  kWarning,  // an operator should look
};

struct CounterInfo {
  std::string_view name;  // snake_case, unique within its layer
  Severity severity;
  std::string_view text;  // one sentence
};

template <typename E>
struct CounterTable;

template <typename E>
class Counters {
 public:
  static constexpr std::size_t kSize = static_cast<std::size_t>(E::kCount);
  static_assert(std::size(CounterTable<E>::kInfos) == kSize, "one text per counter");

  void add(E counter, std::uint64_t n = 1) { values_[static_cast<std::size_t>(counter)] += n; }
  [[nodiscard]] std::uint64_t operator[](E counter) const {
    return values_[static_cast<std::size_t>(counter)];
  }
  [[nodiscard]] std::span<const std::uint64_t> values() const { return values_; }
  static std::span<const CounterInfo> infos() { return CounterTable<E>::kInfos; }

 private:
  std::array<std::uint64_t, kSize> values_{};
};

}  // namespace sluice::base
