// SPDX-License-Identifier: MIT
// The system calls of the running kernel: names, numbers, arguments.
#pragma once

#include "base/result.hpp"
#include "kernel/btf.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::kernel {

/// By which interface a program calls the kernel: each has its own numbers.
enum class Abi : std::uint8_t {
  kNative,  ///< the kernel's own word size
  kCompat,  ///< 32-bit programs on a 64-bit kernel: LTTng's events `compat_syscall_*`
};

struct SystemCallArgument {
  std::string name;
  std::string type;  ///< as C writes it: "const char *"
};

struct SystemCall {
  Abi abi = Abi::kNative;
  std::uint32_t number = 0;
  std::string name;       ///< the kernel function's, which events are called by: "newfstat"
  std::string user_name;  ///< what it is called in C libraries: "fstat"
  /// False: nothing says which arguments it has, so all six registers are taken for arguments.
  bool has_types = false;
  std::vector<SystemCallArgument> arguments{};

  /// LTTng's name of its events: "syscall_entry_newfstat", "compat_syscall_exit_read".
  [[nodiscard]] std::string entry_event() const;
  [[nodiscard]] std::string exit_event() const;
};

/// All system calls that have a number.
class SystemCalls {
 public:
  /// Names and numbers come from a table of Sillage's, as no kernel says them where programs can read it and
  /// they never change; names and types of the arguments from the running kernel: tracefs, else its types.
  /// `btf` may be null.
  ///
  /// Cost: 60 ms, of which tracefs takes most.
  [[nodiscard]] static Result<SystemCalls> load(const std::string& tracefs, const Btf* btf);

  /// Sorted by interface, then by number.
  [[nodiscard]] const std::vector<SystemCall>& all() const { return all_; }
  /// The call with that number; nullptr if there is none. No search: an index.
  [[nodiscard]] const SystemCall* find(Abi abi, std::uint32_t number) const;
  /// Calls that the running kernel has and the table does not: too new for this Sillage. They are recorded
  /// as `syscall_entry_unknown`.
  [[nodiscard]] const std::vector<std::string>& without_number() const { return without_number_; }

 private:
  std::vector<SystemCall> all_;
  std::vector<std::uint32_t> native_, compat_;  // by number: index into all_, or kNone
  std::vector<std::string> without_number_;
};

/// Reads such a table: syscalls_x86.txt. No arguments yet.
///
/// Errors: kCorrupt  a line that is none; says which.
[[nodiscard]] Result<std::vector<SystemCall>> parse_system_call_table(std::string_view text);

}  // namespace sillage::kernel
