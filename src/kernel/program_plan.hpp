// SPDX-License-Identifier: MIT
// What a program has to do, before there are instructions: where it runs and which bytes it records.
#pragma once

#include "base/result.hpp"
#include "ctf/model.hpp"
#include "filter/tree.hpp"
#include "kernel/btf.hpp"
#include "kernel/event_recipes.hpp"
#include "kernel/expression.hpp"
#include "tracefs/event_format.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sillage::kernel {

/// Bytes of a structure that are recorded.
struct MemoryPiece {
  std::uint32_t offset = 0, bytes = 0;
};

/// What of the running process's memory is recorded.
struct UserShape {
  std::vector<MemoryPiece> pieces{};  ///< of a structure or of each element, as they are recorded
  std::uint32_t stride = 0;     ///< from one element to the next; bytes of a pointer to a string
  std::uint32_t max_count = 0;  ///< elements or strings; the rest is left out
  /// Elements in which this piece, of 1, 2, 4 or 8 bytes, is zero are left out.
  std::optional<MemoryPiece> wanted{};

  [[nodiscard]] std::uint32_t bytes() const;
};

/// Bound on the addresses of a call stack, in bytes: LTTng's 128.
inline constexpr std::uint32_t kMaxStackBytes = 128 * 8;
/// How many innermost callers of a program may be the tracer's own, which are left out.
inline constexpr std::uint32_t kMaxOwnCallers = 2;

/// One field of a record: where its bytes come from.
struct FieldPlan {
  enum class Kind : std::uint8_t {
    kInteger,         ///< `bytes` low bytes of `value`
    kMemory,          ///< `bytes` bytes where `value` points
    kKernelElements,  ///< u32 count, then the first `bytes` bytes of each of `count` elements of `offset`
                      ///< bytes, where `value` points; 32 at most
    kNetworkHeaders,  ///< those of the packet at the address `value`: network_headers.hpp
    kPath,            ///< name of the file of the `struct path` that `value`, a place, is
    kInput,  ///< as many bytes as the u32 at 4 of the context says, from 8 on; see write_record()
    kKernelString,  ///< up to NUL, where `value` points in the kernel
    kUserString,    ///< the same in the running process
    kUserMemory,    ///< `user.pieces` of the structure where `value` points in the running process;
                    ///< zeros if that cannot be read
    kUserElements,  ///< u32 count, then `user.pieces` of each; `count` elements where `value` points
    kUserStrings,   ///< u32 count, strings, u8 how many were cut, at least: what an array of
                    ///< pointers that a null ends points to, as argv
    kUserAddress,  ///< a socket address of `count` bytes where `value` points: u16 family, u16 port,
                   ///< u32 length and IPv4 address, u32 length and IPv6 address as numbers of
                   ///< 16 bits in network order, string path, u32 length and
                   ///< bytes of other families
    kKernelStack,  ///< u32 count, then the addresses of callers from the innermost on, u64 each: `bytes` of
                   ///< them, and all ones behind them if there may be more
    kUserStack,       ///< the same of the running process
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
  bool is_array = false;          ///< kRecordBytes: neither an integer nor a text
  Node value{};
  Node count{};  ///< as a number without sign
  UserShape user{};
  std::uint32_t offset = 0;
  bool is_relative = false;  ///< places in the record count from behind the u32
  /// For filters: of a sequence with `count` elements, or of the kRecordSequence that this is, the one that is meant. There may
  /// be less.
  std::optional<std::uint32_t> element{};

  [[nodiscard]] bool is_fixed() const {
    return kind == Kind::kInteger || kind == Kind::kMemory || kind == Kind::kUserMemory ||
           kind == Kind::kRecordBytes;
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

/// Which of the events are recorded.
struct FilterPlan {
  std::vector<filter::Tree>
      any_of{};                     ///< bound; an event is recorded if one matches; none: all are
  std::vector<FieldPlan> fields{};  ///< slots of these expressions
};

struct EventPlan {
  std::string name;  ///< in the trace
  /// The running process causes it, by what it does; false where it only happens to run, as with
  /// interrupts, and where a gap would mislead, as with the scheduler.
  bool is_own_doing = false;
  AttachPlan attach{};
  std::vector<FieldPlan> fields;
  ctf::FieldClassRef payload;
  FilterPlan filter{};
  /// For programs that count instead of recording: of which events, each without regard to the others; nothing: of none.
  std::vector<std::optional<FilterPlan>> counted{};
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
