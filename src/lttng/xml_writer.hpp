// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::lttng {

/// Writes XML, element by element.
///
/// Shape: open() and close() in pairs.
class XmlWriter {
 public:
  enum class Layout : std::uint8_t {
    kOneLine,
    kIndented,  ///< an element a line, with tabs, as LTTng's files of sessions
  };
  explicit XmlWriter(Layout layout) : layout_(layout) {}

  void open(std::string_view element);
  void close();
  void text(std::string_view element, std::string_view value);
  void number(std::string_view element, std::uint64_t value);
  void boolean(std::string_view element, bool value);
  void empty(std::string_view element);

  /// How many elements are open.
  [[nodiscard]] std::size_t depth() const { return open_.size(); }
  [[nodiscard]] const std::string& written() const { return text_; }

 protected:
  /// Appends what is no element, as it is.
  void raw(std::string_view text) { text_ += text; }

 private:
  void begin_line();
  void end_line();

  Layout layout_;
  std::string text_;
  std::vector<std::string> open_;
};

/// `text` with what means something in XML, and what cannot stand there, written in another way.
[[nodiscard]] std::string escape_xml(std::string_view text);

}  // namespace sillage::lttng
