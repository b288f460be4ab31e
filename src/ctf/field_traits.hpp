// SPDX-License-Identifier: MIT
// What several readers and writers ask of a field class.
#pragma once

#include "ctf/model.hpp"

#include <cstddef>
#include <variant>

namespace sillage::ctf {

/// How the bits of a field of fixed length lie; nullptr for other kinds.
[[nodiscard]] inline const BitLayout* layout_of(const FieldClass& field_class) {
  return std::visit(
      [](const auto& kind) -> const BitLayout* {
        if constexpr (requires { kind.layout; }) {
          return &kind.layout;
        } else {
          return nullptr;
        }
      },
      field_class.kind);
}

/// Bytes of a code unit of the encoding.
[[nodiscard]] inline std::size_t unit_bytes(Encoding encoding) {
  switch (encoding) {
    case Encoding::kUtf16Be:
    case Encoding::kUtf16Le: return 2;
    case Encoding::kUtf32Be:
    case Encoding::kUtf32Le: return 4;
    case Encoding::kUtf8: break;
  }
  return 1;
}

}  // namespace sillage::ctf
