// SPDX-License-Identifier: MIT
// What a program has to do, before there are instructions: where it runs and which bytes it records.
#pragma once

#include "base/result.hpp"
#include "ctf/model.hpp"
#include "kernel/btf.hpp"
#include "kernel/event_recipes.hpp"
#include "kernel/expression.hpp"
#include "tracefs/event_format.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sillage::kernel {

/// One field of a record: where its bytes come from.
struct FieldPlan {
  enum class Kind : std::uint8_t {
    kInteger,         ///< `bytes` low bytes of `value`
    kMemory,          ///< `bytes` bytes where `value` points
    kKernelString,    ///< up to NUL, where `value` points in the kernel
    kUserString,      ///< the same in the running process
    kRecordBytes,     ///< `bytes` bytes at `offset` of the tracefs record
    kRecordString,    ///< a string of that record, whose place is the u32 at `offset`
    kRecordSequence,  ///< u32 count, then the elements whose place is the u32 at `offset`
  };

  Kind kind = Kind::kInteger;
  std::string name;
  std::uint32_t bytes = 0;        ///< of what is fixed; of an element of a sequence
  bool is_signed = false;         ///< integers, for filters
  bool is_text = false;           ///< kMemory, kRecordBytes: characters
  bool is_network_order = false;  ///< integers: big endian, for filters
  Node value{};
  std::uint32_t offset = 0;
  bool is_relative = false;  ///< places in the record count from behind the u32

  [[nodiscard]] bool is_fixed() const {
    return kind == Kind::kInteger || kind == Kind::kMemory || kind == Kind::kRecordBytes;
  }
};

/// A function of the kernel or of a file, to be probed.
struct ProbePlace {
  std::string path;          ///< of the ELF file; empty: a symbol of the kernel
  std::string symbol;        ///< of the kernel
  std::uint64_t offset = 0;  ///< behind the symbol, or in the file
  bool at_return = false;
  std::uint64_t semaphore_offset = 0;  ///< in the file, of an SDT probe's semaphore; 0 = none
};

/// Where a program runs.
struct AttachPlan {
  enum class Kind : std::uint8_t {
    kTypedTracepoint,  ///< arguments the verifier knows: `target` is the tracepoint's typedef in BTF
    kRawTracepoint,    ///< arguments as numbers
    kTracepoint,       ///< the record that tracefs describes: `event_id`
    kFunctionEntry,    ///< `target` is the function in BTF
    kFunctionExit,
    kProbe,     ///< kprobe, uprobe: the context is pt_regs
    kIterator,  ///< `target` is the iterator's function in BTF
  };
  Kind kind = Kind::kTypedTracepoint;
  std::string name;  ///< the kernel's: of the tracepoint or function
  TypeRef target{};
  std::uint32_t event_id = 0;
  ProbePlace place{};
};

struct EventPlan {
  std::string name;  ///< in the trace
  AttachPlan attach{};
  std::vector<FieldPlan> fields;
  ctf::FieldClassRef payload;
};

/// A recipe that was resolved on this kernel.
[[nodiscard]] EventPlan plan_event(const ResolvedEvent& event);

/// An event as tracefs describes it, under LTTng's names where it has some.
///
/// Errors: kUnsupported  a field that no program can record; names it.
[[nodiscard]] Result<EventPlan> plan_tracepoint(const tracefs::EventFormat& format);

/// Fields from recipes, as for contexts: each with the class it has in the trace.
[[nodiscard]] FieldPlan plan_field(const ResolvedField& field);

}  // namespace sillage::kernel
