// SPDX-License-Identifier: MIT
// The instructions that write records into a kernel ring.
#pragma once

#include "abi/kernel_ring.h"
#include "bpf/assembler.hpp"
#include "ring/kernel_geometry.hpp"

#include <cstdint>
#include <optional>

namespace sillage::kernel {

/// A ring as its programs see it: all constants of the instructions.
struct RingTarget {
  int ring_fd = -1;    ///< the map of src/abi/kernel_ring.h
  int wakeup_fd = -1;  ///< BPF ring buffer map to post to when a sub-buffer begins; -1 = none
  ring::KernelRingGeometry geometry{};
};

/// Emits the writing of one record: find the stream, reserve, header; then the caller's payload;
/// then commit.
///
/// Registers: r7 = this CPU's stream from open_stream() on; r8 = position of the record and r9 = its
///            time from reserve() on, r9 free for the caller behind it; r6 is the caller's; r1 to r5
///            are lost by each call.
/// Stack:     kStackBytes from the top are used; what is below is the caller's.
/// Source:    src/abi/kernel_ring.h, whose moves these are.
class RingCode {
 public:
  static constexpr std::int32_t kStackBytes = 32;

  RingCode(bpf::Assembler& assembler, const RingTarget& target);

  /// Finds the stream of the CPU; goes to `out` if there is none.
  void open_stream(bpf::Label out);

  /// Reserves a record of the event and writes its header; goes to `out`, having counted the loss, if
  /// there is no room. r5 is where the payload begins.
  ///
  /// `payload_bytes` is constant; `extra_slot`, if any, is where on the stack (offset from r10) stands
  /// how many more there are, below SILLAGE_KERNEL_RING_MAX_RECORD.
  void reserve(std::uint32_t event_id, std::uint32_t payload_bytes,
               std::optional<std::int32_t> extra_slot, bpf::Label out);

  /// Event id to reserve a record with whose own, the u32 at r6 + offset, follows by patch_event_id().
  static constexpr std::uint32_t kIdFollows = 0xfffffffe;
  /// Behind reserve(kIdFollows), with r5 still where that left it; r1 is lost.
  void patch_event_id(std::int32_t offset);

  /// Commits the record: nothing may be written to it any more.
  void commit();

  /// Counts an event as lost, before anything was reserved.
  void count_lost(sillage_kernel_lost cause);

  /// Emits what is called out of line; once, behind the program's last exit.
  void finish();

 private:
  void emit_switch();
  void post_wakeup();
  void write_header(std::uint32_t event_id);
  void write_short_header(std::uint32_t event_id);
  void point_to_record();

  bpf::Assembler& a_;
  const RingTarget target_;
  const ring::KernelRingGeometry& geometry_;
  const std::int32_t subbuf_shift_, count_shift_, epoch_bits_;
  const bpf::Label switch_;
};

}  // namespace sillage::kernel
