// SPDX-License-Identifier: MIT
#pragma once

#include "abi/catalog.h"
#include "apps/limits.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sillage::apps {

/// A named range of an enumeration's values, both ends included; unsigned fields: read them as uint64_t.
struct Label {
  std::int64_t begin = 0, end = 0;
  std::string name;
};

/// One field of a tracepoint, every value checked.
struct Field {
  sillage_field_kind kind = SILLAGE_KIND_INTEGER;
  std::uint8_t size = 0;   ///< bytes of the integer, float or element: 1, 2, 4 or 8
  std::uint8_t flags = 0;  ///< of enum sillage_field_flags
  std::uint8_t base = 10;  ///< 2, 8, 10 or 16
  std::uint32_t count = 0;
  std::string name;
  std::string media_type;
  std::vector<Label> labels;
};

/// One tracepoint site.
struct Site {
  std::string provider, name, file, emf_uri;
  std::uint32_t line = 0;
  std::uint8_t log_level = 0;
  std::vector<Field> fields;
  /// Equal for sites whose records look the same: all but the place in the source.
  std::string identity;

  /// "provider:name", as rules and traces have it.
  [[nodiscard]] std::string full_name() const { return provider + ":" + name; }
};

/// What an image says about itself, validated. Its gates are ImageControl's.
struct ImageCatalog {
  std::string path;  ///< of the object, as the program says; not to be opened
  std::uint32_t word_bits = 64;
  std::uint64_t base_address = 0;
  std::uint64_t gates_offset = 0;
  std::vector<Site> sites;
};

/// Reads a private copy of an image's bytes.
///
/// Errors: kCorrupt      what cannot be, with "image@OFFSET" as location.
///         kLimit        more than `limits` allow.
///         kUnsupported  another major version of the layout.
/// Source: src/abi/catalog.h.
[[nodiscard]] Result<ImageCatalog> parse_image(std::span<const std::byte> bytes_untrusted,
                                               const Limits& limits);

/// A short description of a field's type for people, such as "uint32 (hex)" or "string".
[[nodiscard]] std::string field_type_text(const Field& field);

}  // namespace sillage::apps
