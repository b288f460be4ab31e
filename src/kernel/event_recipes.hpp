// SPDX-License-Identifier: MIT
// Events whose fields are expressions over a tracepoint's arguments: events.txt, and what it means on
// the running kernel.
//
//   # a comment
//   event NAME [ = TRACEPOINT ]          TRACEPOINT: the kernel's name, if it is another
//     [when EXPRESSION]                  the event is only recorded where this is not 0; of iterators
//     [optional] TYPE NAME = EXPRESSION  optional: left out where the kernel does not have it
//     ...
//
//   TYPE: u8 u16 u32 u64 s8 s16 s32 s64  an integer
//         x8 x16 x32 x64, o8 ...         the same, unsigned, shown in hexadecimal, octal
//         be16 be32                      unsigned, in network byte order in kernel and trace
//         u32{NAME}                      an integer with the labels of the kernel's `enum NAME`
//         u8{A=0,B=1}                    an integer with these labels
//         TYPE[N]                        an array of these, from memory
//         text[N]                        N characters from memory, NUL behind a shorter text
//         string                         characters up to NUL where the pointer points; also of an array
//         TYPE[] ... = PLACE, COUNT       as many of these as COUNT says, 32 at most, each the first bytes of
//                                        one of the elements that follow each other from PLACE on
//         headers                        those of the packet at that address, of IPv4 or IPv6 as the u8 field
//                                        in front says: network_headers.hpp
//         path                           the name of the file whose `struct path` it is; of iterators
//
// Lines `event` right behind each other have the same fields. Several blocks with one NAME are
// alternatives: the first that resolves is used. Expressions: expression.hpp.
#pragma once

#include "base/result.hpp"
#include "kernel/btf.hpp"
#include "kernel/expression.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::kernel {

/// What a field is in the trace.
struct FieldType {
  enum class Kind : std::uint8_t { kInteger, kArray, kSequence, kText, kString, kPath, kHeaders };
  enum class Shown : std::uint8_t { kDecimal, kHexadecimal, kOctal };

  Kind kind = Kind::kInteger;
  std::uint32_t element_bytes = 4;  ///< of an integer or of each of an array's
  bool is_signed = false;
  bool is_network_order = false;  ///< big endian in the trace; the value holds these bytes already
  Shown shown = Shown::kDecimal;
  std::uint32_t count = 1;    ///< elements of an array, characters of a text
  std::string enumeration{};  ///< tag of the kernel's, whose labels an integer has; "" = none
  std::vector<Enumerator> labels{};  ///< of an integer, if the recipe has them itself

  [[nodiscard]] std::uint32_t size_bytes() const { return element_bytes * count; }
};

/// A field of an event, as its recipe says.
struct FieldRecipe {
  std::string name;
  FieldType type{};
  bool is_optional = false;
  SyntaxRef value;
  SyntaxRef count{};  ///< of a sequence
};

struct EventRecipe {
  std::string name;        ///< LTTng's
  std::string tracepoint;  ///< the kernel's; of a state dump its iterator
  SyntaxRef condition{};   ///< null: none
  std::vector<FieldRecipe> fields;
};

/// A field of an event on this kernel.
///
/// Of an integer `value` is a value; its low bytes are stored. Of an array and a text it is a kPlace of
/// at least size_bytes() (or a pointer to that many bytes); of a string a pointer or a kPlace; of a path a kPlace
/// behind an argument. Of a sequence it is the first element, of `stride` bytes.
struct ResolvedField {
  std::string name;
  FieldType type{};
  /// Of an integer; none if it is a plain one, or this kernel does not have the enumeration.
  std::vector<Enumerator> labels{};
  Node value;
  Node count{};
  std::uint32_t stride = 0;
};

struct ResolvedEvent {
  std::string name;
  std::string tracepoint;
  TypeRef attach_to{};  ///< `btf_trace_TRACEPOINT`
  std::uint32_t argument_count = 0;
  bool needs_raw_arguments = false;  ///< only for raw tracepoint programs; see Node::is_refused
  std::optional<Node> condition{};
  std::vector<ResolvedField> fields;
};

/// Reads recipes; `file` names them in errors.
///
/// Errors: kInvalidArgument  a line that is no recipe; location is "FILE:LINE".
[[nodiscard]] Result<std::vector<EventRecipe>> parse_recipes(std::string_view text,
                                                             std::string_view file);

/// The recipes that Sillage comes with: events.txt.
[[nodiscard]] Result<std::vector<EventRecipe>> built_in_recipes();

/// One recipe on the running kernel.
///
/// Errors: kNotFound         the tracepoint, or something a field that is not optional needs.
///         kInvalidArgument  a value does not fit its field.
[[nodiscard]] Result<ResolvedEvent> resolve(const EventRecipe& recipe, const Btf& btf,
                                            const VariableFinder& variable);

/// A recipe over what an iterator (`bpf_iter_NAME` in BTF) goes through. `tracepoint` is NAME then.
///
/// Errors: kNotFound         this kernel does not have the iterator, or something a field needs;
///         kInvalidArgument  a value does not fit its field, or is computed in a way that iterators cannot.
[[nodiscard]] Result<ResolvedEvent> resolve_iterator(const EventRecipe& recipe, const Btf& btf);

}  // namespace sillage::kernel
