// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/data_stream.hpp"

#include <string_view>

namespace sillage::report {

/// Turns events into text, in one of the formats of `sillage read`.
class EventPrinter {
 public:
  virtual ~EventPrinter() = default;
  /// Appends the event that `stream.next()` read last.
  virtual void print(const ctf::DataStream& stream) = 0;
  /// Appends that event records or packets were lost, in formats that say so among the events.
  virtual void print(const ctf::Discarded& /*discarded*/) {}
  /// What was appended since the last clear().
  [[nodiscard]] virtual std::string_view text() const = 0;
  virtual void clear() = 0;
};

}  // namespace sillage::report
