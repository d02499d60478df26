// A value or an error: the subset of std::expected (C++23) that the data path needs, which has no
// exceptions. TRY and TRY_ASSIGN are the project's only macros.
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

namespace sluice::base {

template <typename E>
struct Unexpected {
  E error;
};

template <typename E>
Unexpected(E) -> Unexpected<E>;

template <typename T, typename E>
class [[nodiscard]] Result {
  using Stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

 public:
  using value_type = T;
  using error_type = E;

  Result() requires std::is_void_v<T> : held_(std::in_place_index<0>) {}
  // NOLINTBEGIN(bugprone-forwarding-reference-overload): the check does not read constraints
  template <typename U = Stored>
  requires(!std::is_void_v<T> && std::is_convertible_v<U&&, Stored> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result>) Result(U&& value)
      : held_(std::in_place_index<0>, std::forward<U>(value)) {}
  // NOLINTEND(bugprone-forwarding-reference-overload)
  template <typename G>
  requires std::is_convertible_v<G, E> Result(Unexpected<G> unexpected)
      : held_(std::in_place_index<1>, std::move(unexpected.error)) {}

  [[nodiscard]] bool has_value() const { return held_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // Precondition: has_value().
  [[nodiscard]] Stored& value() & { return *std::get_if<0>(&held_); }
  [[nodiscard]] const Stored& value() const& { return *std::get_if<0>(&held_); }
  [[nodiscard]] Stored&& value() && { return std::move(*std::get_if<0>(&held_)); }
  [[nodiscard]] Stored& operator*() & { return value(); }
  [[nodiscard]] const Stored& operator*() const& { return value(); }
  [[nodiscard]] Stored&& operator*() && { return std::move(*this).value(); }
  [[nodiscard]] Stored* operator->() { return std::get_if<0>(&held_); }
  [[nodiscard]] const Stored* operator->() const { return std::get_if<0>(&held_); }

  // Precondition: !has_value().
  [[nodiscard]] E& error() { return *std::get_if<1>(&held_); }
  [[nodiscard]] const E& error() const { return *std::get_if<1>(&held_); }

 private:
  std::variant<Stored, E> held_;
};

}  // namespace sluice::base

// Leaves the function with the expression's error, if it has one.
#define TRY(expression)                                                  \
  do {                                                                   \
    auto try_result_ = (expression);                                     \
    if (!try_result_) {                                                  \
      return ::sluice::base::Unexpected{std::move(try_result_.error())}; \
    }                                                                    \
  } while (false)

// TRY_ASSIGN(auto x, expression): as TRY, and names the value.
#define TRY_ASSIGN(target, expression) \
  SLUICE_TRY_ASSIGN_(target, expression, SLUICE_CONCAT_(try_assign_, __LINE__))
// NOLINTBEGIN(bugprone-macro-parentheses): names are declared, and take none
#define SLUICE_CONCAT_INNER_(a, b) a##b
#define SLUICE_CONCAT_(a, b) SLUICE_CONCAT_INNER_(a, b)
#define SLUICE_TRY_ASSIGN_(target, expression, name)            \
  auto name = (expression);                                     \
  if (!name) {                                                  \
    return ::sluice::base::Unexpected{std::move(name.error())}; \
  }                                                             \
  target = std::move(*name)
// NOLINTEND(bugprone-macro-parentheses)
