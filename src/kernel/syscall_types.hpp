// SPDX-License-Identifier: MIT
// What the types and formats of syscall_rules.txt are in a trace and in memory.
#pragma once

#include "base/result.hpp"
#include "ctf/layout.hpp"
#include "ctf/model.hpp"
#include "kernel/btf.hpp"
#include "kernel/program_plan.hpp"
#include "kernel/syscall_rules.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace sillage::kernel {

/// A number as it is stored.
struct SyscallNumber {
  ctf::FieldClassRef field_class;
  std::uint32_t bytes = 4;
};

/// What is at an address, and what of it is recorded.
struct SyscallMemory {
  ctf::FieldClassRef field_class;
  std::vector<MemoryPiece> pieces;
  std::uint32_t size_bytes = 0;
};

/// Looks types up in the rules and in the kernel's types.
///
/// Lifetime: keeps references to both.
class SyscallTypes {
 public:
  SyscallTypes(const Btf& btf, const SyscallRules& rules, const SystemCall& call)
      : btf_(btf),
        rules_(rules),
        abi_(call.abi),
        has_short_times_(call.abi == Abi::kCompat && call.name.ends_with("time32")) {}

  /// Bytes of a `long` and of a pointer of the calling program.
  [[nodiscard]] std::uint32_t word_bytes() const { return abi_ == Abi::kNative ? 8 : 4; }

  /// An integer type as C writes it, "const" or not; nothing if it is no integer.
  [[nodiscard]] std::optional<TypeRef> find_scalar(std::string_view c_type) const;

  /// A C type that is no pointer, as a register or an address has it.
  [[nodiscard]] ctf::IntegerFormat integer(std::string_view c_type) const;

  /// A number whose own type is `own` under a format ("" = decimal). Flags give the whole number: their bits
  /// are bits().
  [[nodiscard]] SyscallNumber number(std::string_view format, ctf::IntegerFormat own) const;

  /// The bits of flags as a structure; nothing if the name is not one of flags.
  [[nodiscard]] std::optional<SyscallNumber> bits(std::string_view name) const;

  /// A TYPE in memory; nothing if this kernel does not have it, or 32-bit programs have another that
  /// the kernel does not name.
  [[nodiscard]] std::optional<SyscallMemory> memory(std::string_view type) const;
  [[nodiscard]] std::optional<SyscallMemory> structure(const SyscallStructure& structure) const;

  /// Where a member of a structure's memory is.
  [[nodiscard]] std::optional<MemoryPiece> member(std::string_view type,
                                                  std::string_view path) const;

  [[nodiscard]] std::vector<ctf::EnumerationLabel> labels(std::string_view enumeration) const;

 private:
  [[nodiscard]] std::optional<TypeRef> find_structure(const SyscallStructure& structure) const;
  [[nodiscard]] bool is_portable(TypeRef type) const;
  [[nodiscard]] std::optional<TypeRef> find_short_time(std::string_view tag) const;

  const Btf& btf_;
  const SyscallRules& rules_;
  const Abi abi_;
  const bool has_short_times_;  // the call is for programs whose times end in 2038
};

}  // namespace sillage::kernel
