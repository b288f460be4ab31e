// SPDX-License-Identifier: MIT
// Arguments of SDT probes (USDT): where the compiler left them.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::kernel {

/// One argument of a probe, as its note describes it.
///
///   kConstant   `value`
///   kRegister   the register `base`
///   kMemory     what is at `base` + `index` * `scale` + `value`; `index` may be empty
struct SdtArgument {
  enum class Kind : std::uint8_t { kConstant, kRegister, kMemory };

  Kind kind = Kind::kConstant;
  std::uint32_t size_bytes = 8;  ///< 1, 2, 4 or 8
  bool is_signed = false;
  bool is_float = false;  ///< in a floating point register or memory
  std::int64_t value = 0;
  std::string base{};  ///< members of struct pt_regs: "di", "r8", "ip"; on arm64 "regs[3]", "sp"
  std::string index{};
  std::uint32_t scale = 1;
};

enum class Machine : std::uint8_t { kX86, kArm64 };

/// Reads the arguments of one probe: "-4@%eax 8@-8(%rbp) 4@$5", "8@x0 -4@[sp, 12]".
///
/// Registers of less than 8 bytes become the whole ones, with the argument's size: "%eax" is "ax".
///
/// Errors: kUnsupported  a form or register that programs cannot read; names it.
/// Source: sourceware.org/systemtap/wiki/UserSpaceProbeImplementation; operands as GNU as writes them.
[[nodiscard]] Result<std::vector<SdtArgument>> parse_sdt_arguments(std::string_view text,
                                                                   Machine machine);

}  // namespace sillage::kernel
