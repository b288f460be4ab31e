// SPDX-License-Identifier: MIT
// What functions of the C++ interfaces return; part of <sillage/trace.hpp> and <sillage/control.hpp>.
#pragma once

#include <stdexcept>
#include <utility>
#include <variant>

namespace sillage::detail {

/// A value, or why there is none: of type `E`, whose text() says it in a sentence.
template <class T, class E>
class ValueOrError {
 public:
  ValueOrError(T value) : held_(std::move(value)) {}  // NOLINT: a value is a result
  ValueOrError(E error) : held_(std::move(error)) {}  // NOLINT: so is an error

  [[nodiscard]] explicit operator bool() const { return held_.index() == 0; }
  [[nodiscard]] T& operator*() { return std::get<0>(held_); }
  [[nodiscard]] T* operator->() { return &std::get<0>(held_); }
  [[nodiscard]] const E& error() const { return std::get<1>(held_); }

  /// For who wants exceptions: std::runtime_error with the error's text.
  T value_or_throw() && {
    if (!*this) throw std::runtime_error(error().text());
    return std::move(**this);
  }

 private:
  std::variant<T, E> held_;
};

}  // namespace sillage::detail
