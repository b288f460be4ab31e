// SPDX-License-Identifier: MIT
// Expressions of the event recipes: text -> syntax -> a tree that programs are made of.
//
//   alternatives = choice { "|?" choice }          the first that this kernel has
//   choice       = binary [ "?" alternatives ":" choice ]
//   binary       = unary { operator unary }        C's operators and precedence:
//                                                  || && | ^ & == != < <= > >= << >> + - * / %
//   unary        = ( "-" | "~" | "!" | "*" | "&" ) unary | "(" type ")" unary | postfix
//   postfix      = primary { "->" name | "." name | "[" alternatives "]" }
//   primary      = number | name | function "(" [ alternatives { "," alternatives } ] ")"
//                | "$" name | name "::" name | "sizeof" "(" type ")" | "(" alternatives ")"
//   type         = [ "struct" | "union" ] name { "*" }
//
// A name is an argument of the tracepoint, as the kernel's source names it, or `current`, the running
// task. id_in(MAP, ID) is the user or group ID of the kernel's namespace in the one whose uid_map or gid_map that is;
// of the map its first three ranges. $NAME is the variable of 8 bytes with that name in the kernel, TAG::NAME an enumerator of `enum TAG`.
// Functions: `Function` below.
#pragma once

#include "base/result.hpp"
#include "kernel/btf.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::kernel {

/// Functions that the program builder knows.
enum class Function : std::uint8_t {
  kHighestBit,  ///< highest_bit(x): the highest bit set of x, alone; 0 of 0. x is below 2^32
  kSwap16,      ///< swap16(x): the low 16 bits with their bytes in the other order; network to host
  kSwap32,      ///< swap32(x)
  kJiffies,     ///< jiffies(): the kernel's tick counter
  kCpu,         ///< cpu(): number of this CPU
  kInterruptible,  ///< interruptible(): 1 if interrupts were enabled where the event happened, else 0; -1 = not
  ///< known. `index` and `constant` are the kernel's functions that disable and enable
  ///< them, 0 = it lets programs call none
  kOwnPreemption,  ///< own_preemption(): how much of preempt_count() is the tracer's own
  kCounter,  ///< the counter of this CPU in the map whose descriptor is `index`; 0 if there is none
  kProbedFunction,  ///< address of the function at whose entry or return a kprobe's program runs; 0 elsewhere
};

/// Operations on 64-bit values. Comparisons and logic give 0 or 1.
enum class Operation : std::uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,     ///< unsigned
  kRemainder,  ///< unsigned
  kAnd,
  kOr,
  kXor,
  kShiftLeft,
  kShiftRight,  ///< arithmetic if the node is signed
  kEqual,
  kNotEqual,
  kLess,  ///< signed if both operands are; the other three as well
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kLogicalAnd,  ///< the right operand is not looked at if the left decides
  kLogicalOr,
  kNegate,  ///< one operand, as the two below
  kComplement,
  kNot,
};

/// One node of a resolved expression: a value of 64 bits, or a place in memory.
///
///   kind        operands             what it is
///   kArgument   -                    argument number `index` of the tracepoint: 8 bytes of the context; cut to
///                                    `size_bytes` and extended by `is_signed`
///   kCurrent    -                    struct task_struct* of the running task, known to the verifier
///   kVariable   -                    8 bytes at the kernel address `constant`
///   kConstant   -                    `constant`
///   kLoad       base                 `load_bytes` bytes at base + offset; of a bit field `bit_count` bits from
///                                    `bit_shift` up; extended by `is_signed`
///   kPlace      base                 base + offset: `size_bytes` bytes of memory (an array or a structure), or,
///                                    with is_pointer, its address as a value. With is_known the memory can be
///                                    loaded 8 bytes at a time, the rest by 4, 2 and 1
///   kOperation  left [right]         `operation`
///   kChoice     condition, yes, no   only one of the two is looked at
///   kCall       arguments            `function`
struct Node {
  enum class Kind : std::uint8_t {
    kArgument,
    kCurrent,
    kVariable,
    kConstant,
    kLoad,
    kPlace,
    kOperation,
    kChoice,
    kCall,
  };

  Kind kind = Kind::kConstant;
  std::uint32_t size_bytes = 8;  ///< of the value: 1, 2, 4 or 8; of memory: any
  bool is_signed = false;
  bool is_pointer = false;
  /// A pointer that the verifier follows by itself: loads through it are plain instructions. Other
  /// pointers go through bpf_probe_read_kernel(). May be null in both cases; null reads as 0.
  bool is_known = false;
  /// Not for tp_btf programs: the verifier refuses arguments that point to what is neither a structure,
  /// an integer nor void, and to calculate with pointers that it knows. Raw tracepoint programs can.
  bool is_refused = false;
  bool is_user = false;  ///< kLoad: from the running process's memory; what cannot be read is 0
  TypeRef type{};        ///< of memory and integers: what it is; of pointers: what it points to

  std::uint32_t index = 0;
  std::uint64_t constant = 0;
  std::int32_t offset = 0;
  std::uint32_t load_bytes = 0;
  std::uint32_t bit_shift = 0, bit_count = 0;
  Operation operation = Operation::kAdd;
  Function function = Function::kHighestBit;
  std::vector<Node> operands{};
};

/// A parsed expression, of no kernel yet.
struct Syntax;
using SyntaxRef = std::shared_ptr<const Syntax>;

/// Errors: kInvalidArgument  not in the grammar above; says where.
///         kLimit            nested deeper than 64, or longer than 4096 characters.
[[nodiscard]] Result<SyntaxRef> parse_expression(std::string_view text);

/// The address of a variable of the kernel by its name; none if it is not to be had.
using VariableFinder = std::function<std::optional<std::uint64_t>(std::string_view)>;

/// What an expression may speak of.
struct Scope {
  const Btf* btf = nullptr;
  const std::vector<Parameter>* arguments = nullptr;
  VariableFinder variable{};  ///< none: there are no variables
};

/// Looks everything up in the running kernel's types.
///
/// Errors: kNotFound         an argument, member, type or variable that this kernel does not have; names it
///                           and the kernel.
///         kInvalidArgument  types do not fit: a member of an integer, arithmetic with a structure.
///         Of alternatives the error is the first one's.
[[nodiscard]] Result<Node> resolve(const Syntax& syntax, const Scope& scope);

/// Whether a node or one below it is `is_refused`.
[[nodiscard]] bool needs_raw_arguments(const Node& node);

/// Makes an expression one for programs whose arguments are numbers (raw tracepoints): the verifier knows
/// nothing that is reached through them.
void forget_argument_types(Node* node);

}  // namespace sillage::kernel
