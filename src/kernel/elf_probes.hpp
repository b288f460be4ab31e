// SPDX-License-Identifier: MIT
// Places of an ELF file that can be probed: functions by symbol, and SDT probes.
#pragma once

#include "base/result.hpp"
#include "kernel/sdt_arguments.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::kernel {

/// A function of the file.
struct ElfFunction {
  std::string name;               ///< as it stands in the file: C++ names are mangled
  std::uint64_t file_offset = 0;  ///< what a uprobe is attached to
  std::uint64_t size_bytes = 0;   ///< 0: unknown
};

/// An SDT probe: one place of the program. A probe that is inlined several times is several of these.
struct SdtProbe {
  std::string provider, name;
  std::uint64_t file_offset = 0;
  /// Where its semaphore is: 16 bits to be raised while somebody listens. 0: it has none.
  std::uint64_t semaphore_file_offset = 0;
  std::string argument_text;  ///< as in the note, for parse_sdt_arguments()
};

/// What an ELF file has to be probed.
class ElfProbes {
 public:
  /// Reads symbols and notes.
  ///
  /// Errors: kNotFound, kPermission  it cannot be opened.
  ///         kUnsupported            it is no ELF file of 64 bits, or of a machine that is not known.
  ///         kCorrupt                what it says of itself cannot be.
  /// Cost:   20 ms for libc.
  [[nodiscard]] static Result<ElfProbes> load(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Machine machine() const { return machine_; }
  /// Sorted by name; those that are defined in this file and have code.
  [[nodiscard]] const std::vector<ElfFunction>& functions() const { return functions_; }
  /// In the file's order.
  [[nodiscard]] const std::vector<SdtProbe>& sdt_probes() const { return sdt_probes_; }

  /// The file offset of "SYMBOL" or "SYMBOL+OFFSET" (0x for hexadecimal).
  ///
  /// Errors: kNotFound         no such function; says what to do if the file is stripped.
  ///         kInvalidArgument  the offset is no number or behind the function's end.
  [[nodiscard]] Result<std::uint64_t> file_offset(std::string_view place) const;

  /// All places of an SDT probe.
  ///
  /// Errors: kNotFound  names the probes of that provider, or the providers.
  [[nodiscard]] Result<std::vector<SdtProbe>> find_sdt(std::string_view provider,
                                                       std::string_view name) const;

 private:
  ElfProbes() = default;

  std::string path_;
  Machine machine_ = Machine::kX86;
  std::vector<ElfFunction> functions_;
  std::vector<SdtProbe> sdt_probes_;
};

}  // namespace sillage::kernel
