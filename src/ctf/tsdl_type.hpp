// SPDX-License-Identifier: MIT
// TSDL types as they are written: before it is known where they will stand in a trace, so before
// their references to other fields, reserved names and clocks mean something.
#pragma once

#include "ctf/model.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sillage::ctf {

struct TsdlType;
/// Immutable, so that all uses of an alias share it. Never null.
using TsdlTypeRef = std::shared_ptr<const TsdlType>;

/// The name of another field, as it is written: "len", "stream.event.header.id".
struct TsdlReference {
  std::vector<std::string> path{};
  std::size_t offset = 0;  ///< in the metadata text
};

struct TsdlInteger {
  FieldClassRef field_class{};         ///< an Integer without roles
  bool is_text = false;                ///< has an encoding: arrays of it are strings
  std::optional<std::size_t> clock{};  ///< index of the clock it is mapped to
};
/// A number with a fraction or a string: what it will be wherever it stands.
struct TsdlLeaf {
  FieldClassRef field_class{};
};
struct TsdlArray {
  TsdlTypeRef element{};
  std::variant<std::uint64_t, TsdlReference> length{};
};
/// A member or option. Its name keeps the underscore that readers take off.
struct TsdlNamedType {
  std::string name{};
  TsdlTypeRef type{};
  std::size_t offset = 0;  ///< in the metadata text
};
struct TsdlStructure {
  std::vector<TsdlNamedType> members{};
  std::uint32_t minimum_alignment_bits = 1;
};
struct TsdlVariant {
  std::optional<TsdlReference> selector{};  ///< none in `variant v { }`, whose uses name one
  std::vector<TsdlNamedType> options{};
};

struct TsdlType {
  std::variant<TsdlInteger, TsdlLeaf, TsdlArray, TsdlStructure, TsdlVariant> kind;
  std::uint32_t nesting = 1;  ///< types inside each other, this one included
  std::uint64_t fields = 1;   ///< this one and all inside, arrays counted once

  template <class T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&kind);
  }
};

/// `name = value;` or `name := type;` in a block.
struct TsdlAttribute {
  enum class Kind : std::uint8_t { kInteger, kNegativeInteger, kText, kPath, kType };

  std::string name{};  ///< dots included: "packet.header"
  Kind kind = Kind::kText;
  std::uint64_t number = 0;  ///< of a negative integer its two's complement
  std::string text{};        ///< of a string its value, of a path its words with dots
  TsdlTypeRef type{};        ///< of `:=`
  std::size_t offset = 0;    ///< of the name
  std::size_t value_offset = 0;
};

/// `trace { ... };` and its kind.
struct TsdlBlock {
  std::string keyword{};
  std::vector<TsdlAttribute> attributes{};
  std::size_t offset = 0;
};

}  // namespace sillage::ctf
