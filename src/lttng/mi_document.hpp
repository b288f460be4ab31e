// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::lttng {

/// Writes an answer of LTTng's machine interface: XML of schema 4.3.
///
/// Shape: open() and close() in pairs; what is left open, finish() closes.
class MiDocument {
 public:
  /// Begins the answer of a verb, up to its <output>.
  explicit MiDocument(std::string_view verb);

  void open(std::string_view element);
  void close();
  void text(std::string_view element, std::string_view value);
  void number(std::string_view element, std::uint64_t value);
  void boolean(std::string_view element, bool value);
  void empty(std::string_view element);

  /// Ends the answer.
  [[nodiscard]] std::string finish(bool success);

 private:
  std::string text_;
  std::vector<std::string> open_;
};

/// `text` with what means something in XML, and what cannot stand there, written in another way.
[[nodiscard]] std::string escape_xml(std::string_view text);

}  // namespace sillage::lttng
