// SPDX-License-Identifier: MIT
// What no kernel tells about its system calls, and how they are recorded: syscall_rules.txt.
//
//   # a comment; a line that begins with a blank goes on with the one above
//   enum NAME LABEL=VALUE...         numbers that have names
//   enum NAME btf TAG                those of the kernel's `enum TAG`
//   flags NAME ENTRY...              numbers whose bits have names. ENTRY: LABEL=BIT, or
//                                    LABEL@SHIFT:WIDTH[=ENUM], some bits that are a number
//   struct NAME TAG MEMBER...        what is recorded of the kernel's `struct TAG`. MEMBER:
//                                    PATH[>FIELD][:FORMAT]; a dot in FIELD makes a structure
//   show FORMAT CALL.ARGUMENT...     how an argument is recorded
//   in CALL.ARGUMENT...              pointers to what the kernel reads; also out, inout
//   opaque CALL.ARGUMENT...          pointers that are not followed
//   rename CALL.ARGUMENT=FIELD...
//   call CALL...                     begins fields of these calls, one a line, indented:
//     WHEN KIND ... FIELD = ...      WHEN: entry, exit or both; with @native or @compat only there
//
//   KIND  value TYPE FIELD = EXPRESSION       a number
//         at TYPE FIELD = POINTER             a number or structure in memory
//         array TYPE FIELD[/LENGTH] = POINTER # COUNT max N [where MEMBER]
//         string FIELD = POINTER
//         strings FIELD = POINTER             what argv is
//         address PORT = POINTER # LENGTH     a socket address: family (shown as CALL.family), PORT,
//                                             v4addr, v6addr, path, sa_data
//         bytes FIELD = POINTER # COUNT       recorded only if asked for
//   TYPE  u8 ... u64, s8 ..., x8 ... (hexadecimal), o8 ... (octal), the NAME of an enum or of flags
//         (of 32 bits unless a structure or an argument says), of a struct; with [N] an array
//   FORMAT  a TYPE that is a number, hex, octal, pointer, string. Flags of an argument are recorded
//           as they are, and their bits as ARGUMENT_bits.
//
// CALL may be "*", and end in one. A pointer to what is const is read by the kernel unless a rule
// says otherwise, another one written. A FIELD that is called as an argument takes its place. What
// points to a number of 4 or 8 bytes, or to a `struct TAG` that has a line (the first one), is
// followed, as ARGUMENT_value. Expressions: expression.hpp, over the arguments as numbers, and `ret`.
#pragma once

#include "base/result.hpp"
#include "kernel/expression.hpp"
#include "kernel/system_calls.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sillage::kernel {

/// A named number.
struct SyscallLabel {
  std::string name;
  std::uint64_t value = 0;
};

struct SyscallEnum {
  std::vector<SyscallLabel> labels;
  std::string tag;  ///< of the kernel's enum whose names these are; "" = `labels`
};

/// Some bits of a number, with a name.
struct SyscallBits {
  std::string name;
  std::uint32_t shift = 0, width = 1;
  std::string enumeration;  ///< what its values are called; "" = nothing
};

struct SyscallMember {
  std::string path, field, format;
};

struct SyscallStructure {
  std::string tag;
  std::vector<SyscallMember> members;
};

/// One line of a `call` block.
struct SyscallField {
  enum class Kind : std::uint8_t { kValue, kAt, kArray, kString, kStrings, kAddress, kBytes };
  Kind kind = Kind::kValue;
  bool at_entry = false, at_exit = false;
  bool in_native = true, in_compat = true;
  std::string type, name, length_name, wanted;
  SyntaxRef value, count;
  std::uint32_t max_count = 0;
};

/// What becomes of an argument.
struct ArgumentRule {
  enum class Direction : std::uint8_t { kByType, kIn, kOut, kInOut };
  Direction direction = Direction::kByType;
  bool is_opaque = false;
  std::string format;  ///< "" = by its type
  std::string field;   ///< what it is called in the trace
};

/// The rules, parsed.
///
/// Threads: reading from any.
class SyscallRules {
 public:
  /// Errors: kInvalidArgument  a line that is no rule; location is "FILE:LINE".
  [[nodiscard]] static Result<SyscallRules> parse(std::string_view text, std::string_view file);
  /// Those that Sillage comes with.
  [[nodiscard]] static Result<SyscallRules> built_in();

  [[nodiscard]] ArgumentRule argument(std::string_view call, std::string_view argument) const;
  [[nodiscard]] std::vector<const SyscallField*> fields(std::string_view call) const;

  [[nodiscard]] const SyscallEnum* find_enum(std::string_view name) const;
  [[nodiscard]] const std::vector<SyscallBits>* find_flags(std::string_view name) const;
  [[nodiscard]] const SyscallStructure* find_structure(std::string_view name) const;
  /// The first structure of the kernel's tag.
  [[nodiscard]] const SyscallStructure* structure_of_tag(std::string_view tag) const;

  /// Formats and types that nothing defines: mistakes, for tests.
  [[nodiscard]] std::vector<std::string> undefined_names() const;
  /// Calls with their arguments as rules name them, without patterns; for tests.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> named_arguments() const;

 private:
  struct Pattern {
    std::string call, argument;
    ArgumentRule rule;
  };

  Status add(const std::vector<std::string_view>& words);
  Status add_enum(const std::vector<std::string_view>& words);
  Status add_flags(const std::vector<std::string_view>& words);
  Status add_structure(const std::vector<std::string_view>& words);
  Status add_arguments(const std::vector<std::string_view>& words);
  Status add_field(std::string_view line);

  std::map<std::string, SyscallEnum, std::less<>> enums_;
  std::map<std::string, std::vector<SyscallBits>, std::less<>> flags_;
  std::vector<std::pair<std::string, SyscallStructure>> structures_;
  std::vector<Pattern> patterns_;
  std::vector<SyscallField> fields_;
  std::vector<std::pair<std::string, std::size_t>> calls_;  // pattern, index into fields_
  std::vector<std::string> open_;                           // calls of the block being read
};

/// Whether a name fits a pattern that may end in "*".
[[nodiscard]] bool fits_pattern(std::string_view pattern, std::string_view name);

}  // namespace sillage::kernel
