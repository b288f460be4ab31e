// SPDX-License-Identifier: MIT
// Bound expressions into eBPF instructions.
#pragma once

#include "base/result.hpp"
#include "bpf/assembler.hpp"
#include "filter/tree.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace sillage::filter {

/// Emits how a program gets at the fields of its record.
///
/// What is emitted may use r0 to r5 and keeps r6 to r9.
class FieldCode {
 public:
  virtual ~FieldCode() = default;
  /// r1 = the integer of a slot, extended to 64 bits by its sign.
  virtual void load_integer(std::uint32_t slot) = 0;
  /// The text of a slot and a NUL, CompileOptions::text_bytes at most, to [r9 + offset].
  virtual void load_text(std::uint32_t slot, std::int32_t offset) = 0;
  /// r0 = 0 if the integer r1 is in none of these, which are more than kFewValues and ascend.
  ///
  /// Errors: kUnsupported  the machine has no sets.
  [[nodiscard]] virtual Status look_up(const std::vector<std::int64_t>& values);
  static constexpr std::size_t kFewValues = 24;  ///< up to so many are compared one by one
  /// Whether check_present() is needed in front of a slot's loads.
  [[nodiscard]] virtual bool can_be_missing(std::uint32_t /*slot*/) const { return false; }
  /// Goes to `missing` if the record does not have the slot.
  virtual void check_present(std::uint32_t /*slot*/, bpf::Label /*missing*/) {}
};

/// Emits what interpreted programs have and those of the kernel have not: numbers with a fraction, and calls that do a
/// text's work at once.
///
/// What is emitted may use r0 to r5. A number with a fraction is the bits of its binary64 in a register.
class HelperCode {
 public:
  virtual ~HelperCode() = default;
  /// r1 = the number of a slot of type kReal.
  virtual void load_real(std::uint32_t slot) = 0;
  /// r1 = the integer r1 as a number with a fraction.
  virtual void make_real() = 0;
  /// r1 = r1 OPERATION r2, of numbers with a fraction; of comparisons 1 or 0.
  virtual void compute_real(Operator operation) = 0;
  /// r0 = less than, equal to or more than 0 as one text is less than, equal to or more than another.
  virtual void order_fields(std::uint32_t left, std::uint32_t right) = 0;
  virtual void order_field(std::uint32_t slot, std::string_view literal) = 0;
  /// r0 = 1 if a text is like a pattern, else 0.
  virtual void match_field(std::uint32_t slot, const Text& pattern) = 0;
};

/// What a compiled expression may use beside r0 to r5 and r8.
struct CompileOptions {
  std::int32_t stack_top = 0;  ///< offset from r10; downwards from there
  std::uint32_t stack_bytes = 0;
  /// Room for a text with its NUL: what is longer counts as cut there. A multiple of 8.
  std::uint32_t text_bytes = 256;
  /// Of an interpreter; none: a program of the kernel. With it texts are not copied: r9 is not used, nor text_bytes.
  HelperCode* helpers = nullptr;
};

/// What an expression asks of its fields.
struct TextNeeds {
  std::uint32_t buffers =
      0;  ///< areas of text_bytes behind r9: 0, 1, or 2 if two fields are compared
};
[[nodiscard]] TextNeeds text_needs(const Tree& tree);

/// Emits the choice between two labels: `match` if the record is what a bound expression describes, else `no_match`.
/// It means what matches() means, with texts cut at text_bytes - 1.
///
/// Patterns are matched character by character, all their ways at once, one bit each (Shift-And), in a loop
/// without other branches than its end, so that the verifier's work is linear.
/// Errors: kInvalidArgument  without helpers: fields with a fraction, and comparisons of numbers with a fraction that more than one
///                           integer decides (real_ranges.hpp); location is "column N".
///         kLimit            more of the stack is needed than there is; without helpers: a pattern of more than 63
///                           characters behind its first star.
[[nodiscard]] Status compile(const Tree& tree, FieldCode& fields, const CompileOptions& options,
                             bpf::Assembler& assembler, bpf::Label match, bpf::Label no_match);

/// The errors of compile() without helpers, without compiling.
[[nodiscard]] Status check_compilable(const Tree& tree);

}  // namespace sillage::filter
