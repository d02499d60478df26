// What is wrong with a configuration, and where. All problems of a file are collected, so that an
// operator mends them in one go; each is printed as "file:line:column: what is wrong; what was
// expected".
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::control {

// Counted from 1, as editors do. Line 0 stands for the file as a whole.
struct Location {
  int line = 0;
  int column = 0;
  auto operator<=>(const Location&) const = default;
};

struct Problem {
  Location where;
  std::string message;
};

class Problems {
 public:
  // Beyond this many the rest are only counted.
  static constexpr std::size_t kMax = 100;

  explicit Problems(std::string file) : file_(std::move(file)) {}

  void add(Location where, std::string message);
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::size_t count() const { return count_; }
  // In the order of the file.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  std::string file_;
  std::vector<Problem> problems_;
  std::size_t count_ = 0;
};

}  // namespace sluice::control
