// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sillage::lttng {

/// An element of a document, with what is in it.
struct XmlElement {
  std::string name;  ///< without its prefix
  std::string text;  ///< of its own; of an element with others in it, white space
  unsigned line = 0;
  std::vector<XmlElement> children;
};

/// Reads a document; attributes, comments and processing instructions are left out.
///
/// Shape:  at most 16 MiB, 32 elements in each other, no document type: so there are no entities but XML's own five,
///         nothing is loaded from elsewhere, and what is read is no bigger than what is written.
/// Errors: kInvalidArgument, "FILE:LINE: why"; `file` is for that message.
/// Cost:   one pass.
[[nodiscard]] Result<XmlElement> read_xml(std::string_view document, const std::string& file);

}  // namespace sillage::lttng
