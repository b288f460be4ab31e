// SPDX-License-Identifier: MIT
#include "lttng/xml_writer.hpp"

namespace sillage::lttng {

std::string escape_xml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      // A reader makes a line feed of a bare one.
      case '\r': escaped += "&#13;"; break;
      default:
        // XML 1.0 has no way to write the other control characters.
        escaped += static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\n' ? '?' : c;
    }
  }
  return escaped;
}

void XmlWriter::begin_line() {
  if (layout_ == Layout::kIndented) text_.append(open_.size(), '\t');
}

void XmlWriter::end_line() {
  if (layout_ == Layout::kIndented) text_ += '\n';
}

void XmlWriter::open(std::string_view element) {
  begin_line();
  text_ += "<" + std::string(element) + ">";
  end_line();
  open_.emplace_back(element);
}

void XmlWriter::close() {
  const std::string element = std::move(open_.back());
  open_.pop_back();
  begin_line();
  text_ += "</" + element + ">";
  end_line();
}

void XmlWriter::text(std::string_view element, std::string_view value) {
  begin_line();
  text_ += "<" + std::string(element) + ">" + escape_xml(value) + "</" + std::string(element) + ">";
  end_line();
}

void XmlWriter::number(std::string_view element, std::uint64_t value) {
  text(element, std::to_string(value));
}

void XmlWriter::boolean(std::string_view element, bool value) {
  text(element, value ? "true" : "false");
}

void XmlWriter::empty(std::string_view element) {
  begin_line();
  text_ += "<" + std::string(element) + "/>";
  end_line();
}

}  // namespace sillage::lttng
