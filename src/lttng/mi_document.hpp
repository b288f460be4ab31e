// SPDX-License-Identifier: MIT
#pragma once

#include "lttng/xml_writer.hpp"

#include <string>
#include <string_view>

namespace sillage::lttng {

/// Writes an answer of LTTng's machine interface: XML of schema 4.3.
///
/// Shape: what is left open, finish() closes.
class MiDocument : public XmlWriter {
 public:
  /// Begins the answer of a verb, up to its <output>.
  explicit MiDocument(std::string_view verb);

  /// Ends the answer.
  [[nodiscard]] std::string finish(bool success);
};

}  // namespace sillage::lttng
