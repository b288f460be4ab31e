// SPDX-License-Identifier: MIT
#include "lttng/mi_document.hpp"

namespace sillage::lttng {

std::string escape_xml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      default:
        // XML 1.0 has no way to write the other control characters.
        escaped +=
            static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\n' && c != '\r' ? '?' : c;
    }
  }
  return escaped;
}

MiDocument::MiDocument(std::string_view verb) {
  text_ = R"(<?xml version="1.0" encoding="UTF-8"?>)"
          "\n"
          R"(<command xmlns="https://lttng.org/xml/ns/lttng-mi" )"
          R"(xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" )"
          R"(xsi:schemaLocation="https://lttng.org/xml/ns/lttng-mi )"
          R"(https://lttng.org/xml/schemas/lttng-mi/4/lttng-mi-4.3.xsd" schemaVersion="4.3">)";
  text("name", verb);
  open("output");
}

void MiDocument::open(std::string_view element) {
  text_ += "<" + std::string(element) + ">";
  open_.emplace_back(element);
}

void MiDocument::close() {
  text_ += "</" + open_.back() + ">";
  open_.pop_back();
}

void MiDocument::text(std::string_view element, std::string_view value) {
  text_ += "<" + std::string(element) + ">" + escape_xml(value) + "</" + std::string(element) + ">";
}

void MiDocument::number(std::string_view element, std::uint64_t value) {
  text(element, std::to_string(value));
}

void MiDocument::boolean(std::string_view element, bool value) {
  text(element, value ? "true" : "false");
}

void MiDocument::empty(std::string_view element) { text_ += "<" + std::string(element) + "/>"; }

std::string MiDocument::finish(bool success) {
  while (!open_.empty()) close();
  boolean("success", success);
  return text_ + "</command>\n";
}

}  // namespace sillage::lttng
