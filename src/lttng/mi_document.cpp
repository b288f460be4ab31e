// SPDX-License-Identifier: MIT
#include "lttng/mi_document.hpp"

namespace sillage::lttng {

MiDocument::MiDocument(std::string_view verb) : XmlWriter(Layout::kOneLine) {
  raw(R"(<?xml version="1.0" encoding="UTF-8"?>)"
      "\n"
      R"(<command xmlns="https://lttng.org/xml/ns/lttng-mi" )"
      R"(xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" )"
      R"(xsi:schemaLocation="https://lttng.org/xml/ns/lttng-mi )"
      R"(https://lttng.org/xml/schemas/lttng-mi/4/lttng-mi-4.3.xsd" schemaVersion="4.3">)");
  text("name", verb);
  open("output");
}

std::string MiDocument::finish(bool success) {
  while (depth() != 0) close();
  boolean("success", success);
  raw("</command>\n");
  return written();
}

}  // namespace sillage::lttng
