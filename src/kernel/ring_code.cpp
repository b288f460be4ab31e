// SPDX-License-Identifier: MIT
#include "kernel/ring_code.hpp"

#include <bit>
#include <cstddef>

namespace sillage::kernel {
namespace {

using bpf::Alu;
using bpf::If;
using bpf::Label;
using bpf::Size;
using enum bpf::Reg;

// A writer that loses its place to interrupts this often in a row gives up.
constexpr std::int32_t kTries = 4;

// On the stack.
constexpr std::int32_t kCpu = -8;
constexpr std::int32_t kBytes = -16;  // of the record, with its header
constexpr std::int32_t kExtended =
    -24;  // whether its header has the full time, if its bytes do not tell
constexpr std::int32_t kTriesLeft = -32;

// What the out-of-line switch returns.
constexpr std::int32_t kRetry = 0, kLost = 2;

#define STREAM(member) static_cast<std::int32_t>(offsetof(sillage_kernel_stream, member))
#define ENTRY(member)                                                  \
  static_cast<std::int32_t>(offsetof(sillage_kernel_stream, entries) + \
                            offsetof(sillage_kernel_entry, member))

constexpr std::int32_t lost_offset(sillage_kernel_lost cause) {
  return STREAM(lost) + 8 * static_cast<std::int32_t>(cause);
}

std::int32_t shift_of(std::uint64_t power) { return std::countr_zero(power); }

}  // namespace

RingCode::RingCode(bpf::Assembler& assembler, const RingTarget& target)
    : a_(assembler),
      target_(target),
      geometry_(target_.geometry),
      subbuf_shift_(shift_of(geometry_.subbuf_bytes)),
      count_shift_(shift_of(geometry_.subbuf_count)),
      epoch_bits_(static_cast<std::int32_t>(geometry_.epoch_bits())),
      switch_(assembler.label()) {}

void RingCode::open_stream(Label out) {
  a_.call(BPF_FUNC_get_smp_processor_id);
  a_.store(Size::k4, r10, kCpu, r0);
  a_.load_map(r1, target_.ring_fd);
  a_.move(r2, r10);
  a_.alu(Alu::kAdd, r2, kCpu);
  a_.call(BPF_FUNC_map_lookup_elem);
  a_.jump_if(If::kEqual, r0, 0, out);
  a_.move(r7, r0);
}

void RingCode::count_lost(sillage_kernel_lost cause) {
  a_.move(r1, 1u);
  a_.atomic_add(r7, lost_offset(cause), r1);
}

void RingCode::reserve(std::uint32_t event_id, std::uint32_t payload_bytes,
                       std::optional<std::int32_t> extra_slot, Label out) {
  const bool large = geometry_.header == SILLAGE_KERNEL_HEADER_LARGE;
  const std::uint32_t short_header =
      large ? SILLAGE_KERNEL_LARGE_BYTES : SILLAGE_RECORD_COMPACT_BYTES;
  const std::uint32_t full_header =
      large ? SILLAGE_KERNEL_LARGE_EXTENDED_BYTES : SILLAGE_RECORD_EXTENDED_BYTES;
  const bool short_id =
      event_id < (large ? SILLAGE_KERNEL_LARGE_ID_EXTENDED : SILLAGE_RECORD_ID_EXTENDED);
  const auto last = static_cast<std::int32_t>(geometry_.subbuf_bytes - 1);
  const Label again = a_.label(), sized = a_.label(), begin_next = a_.label(), retry = a_.label(),
              reserved = a_.label();

  const Label full = a_.label(), written = a_.label();
  // Of one size but for the header: most events.
  const bool is_plain = short_id && !extra_slot;

  a_.store(Size::k8, r10, kTriesLeft, kTries);
  a_.bind(again);
  // The clock between the load and the exchange: who comes in between makes the exchange fail, so no
  // later record can have an earlier time.
  a_.load(Size::k8, r8, r7, STREAM(position));
  a_.call(BPF_FUNC_ktime_get_ns);
  a_.move(r9, r0);
  if (short_id) {
    a_.move(r1, r9);
    a_.alu(Alu::kShiftRight, r1, epoch_bits_);
    a_.load(Size::k8, r2, r7, STREAM(epoch));
  }
  if (is_plain) {
    const auto bytes = static_cast<std::int32_t>(short_header + payload_bytes);
    a_.jump_if(If::kNotEqual, r1, r2, full);
    a_.store(Size::k8, r10, kBytes, bytes);
    a_.move(r1, r8);
    a_.alu(Alu::kAnd, r1, last);
    a_.jump_if(If::kAbove, r1, last - bytes, begin_next);
    a_.move(r3, SILLAGE_RING_ONE_EVENT + static_cast<std::uint64_t>(bytes));
    a_.alu(Alu::kAdd, r3, r8);
    a_.move(r0, r8);
    a_.compare_exchange(r7, STREAM(position), r3);
    a_.jump_if(If::kNotEqual, r0, r8, retry);
    point_to_record();
    write_short_header(event_id);
    a_.jump(written);
  } else if (short_id) {
    a_.store(Size::k8, r10, kExtended, 0);
    a_.move(r4, std::uint64_t{short_header} + payload_bytes);
    a_.jump_if(If::kEqual, r1, r2, sized);
  }
  a_.bind(full);
  if (extra_slot) a_.store(Size::k8, r10, kExtended, 1);
  a_.move(r4, std::uint64_t{full_header} + payload_bytes);
  a_.bind(sized);
  if (extra_slot) {
    a_.load(Size::k8, r3, r10, *extra_slot);
    a_.alu(Alu::kAdd, r4, r3);
  }
  a_.store(Size::k8, r10, kBytes, r4);
  a_.move(r1, r8);
  a_.alu(Alu::kAnd, r1, last);
  a_.alu(Alu::kAdd, r1, r4);
  a_.jump_if(If::kAbove, r1, last, begin_next);
  a_.move(r3, SILLAGE_RING_ONE_EVENT);
  a_.alu(Alu::kAdd, r3, r8);
  a_.alu(Alu::kAdd, r3, r4);
  a_.move(r0, r8);
  a_.compare_exchange(r7, STREAM(position), r3);
  a_.jump_if(If::kEqual, r0, r8, reserved);

  a_.bind(retry);
  a_.load(Size::k8, r1, r10, kTriesLeft);
  a_.alu(Alu::kSubtract, r1, 1);
  a_.store(Size::k8, r10, kTriesLeft, r1);
  a_.jump_if(If::kNotEqual, r1, 0, again);
  count_lost(SILLAGE_KERNEL_LOST_BUSY);
  a_.jump(out);

  a_.bind(begin_next);
  a_.move(r1, r7);
  a_.move(r2, r8);
  a_.move(r3, r9);
  a_.load(Size::k8, r4, r10, kBytes);
  a_.call(switch_);
  a_.jump_if(If::kEqual, r0, kRetry, retry);
  a_.jump_if(If::kEqual, r0, kLost, out);
  a_.alu(Alu::kOr, r8, last);
  a_.alu(Alu::kAdd, r8, 1);
  a_.load(Size::k8, r4, r10, kBytes);

  a_.bind(reserved);
  point_to_record();
  if (short_id) {
    const Label is_short = a_.label();
    if (extra_slot) {
      a_.load(Size::k8, r1, r10, kExtended);
      a_.jump_if(If::kEqual, r1, 0, is_short);
    } else {
      a_.jump_if(If::kEqual, r4, static_cast<std::int32_t>(short_header + payload_bytes), is_short);
    }
    write_header(event_id);
    a_.jump(written);
    a_.bind(is_short);
    write_short_header(event_id);
  } else {
    write_header(event_id);
  }
  a_.bind(written);
}

// r5: where the record that was reserved at position r8 is.
void RingCode::point_to_record() {
  a_.move(r5, r8);
  a_.alu(Alu::kAnd, r5,
         static_cast<std::int32_t>(geometry_.subbuf_bytes * geometry_.subbuf_count - 1));
  a_.alu(Alu::kAdd, r5, r7);
  a_.alu(Alu::kAdd, r5, static_cast<std::int32_t>(geometry_.data_offset));
}

// The header with a part of the time; r5 goes behind it.
void RingCode::write_short_header(std::uint32_t event_id) {
  if (geometry_.header == SILLAGE_KERNEL_HEADER_LARGE) {
    a_.store(Size::k2, r5, 0, static_cast<std::int32_t>(event_id));
    a_.store(Size::k4, r5, 2, r9);
    a_.alu(Alu::kAdd, r5, SILLAGE_KERNEL_LARGE_BYTES);
  } else {
    a_.alu(Alu::kShiftLeft, r9, SILLAGE_RECORD_ID_BITS);
    if (event_id != 0) a_.alu(Alu::kOr, r9, static_cast<std::int32_t>(event_id));
    a_.store(Size::k4, r5, 0, r9);
    a_.alu(Alu::kAdd, r5, SILLAGE_RECORD_COMPACT_BYTES);
  }
}

// The header with full time; r5 goes behind it.
void RingCode::write_header(std::uint32_t event_id) {
  const auto id = static_cast<std::int32_t>(event_id);
  a_.move(r1, r9);
  a_.alu(Alu::kShiftRight, r1, epoch_bits_);
  a_.store(Size::k8, r7, STREAM(epoch), r1);
  if (geometry_.header == SILLAGE_KERNEL_HEADER_LARGE) {
    a_.store(Size::k2, r5, 0, static_cast<std::int32_t>(SILLAGE_KERNEL_LARGE_ID_EXTENDED));
    a_.store(Size::k4, r5, 2, id);
    a_.store(Size::k8, r5, 6, r9);
    a_.alu(Alu::kAdd, r5, SILLAGE_KERNEL_LARGE_EXTENDED_BYTES);
  } else {
    a_.store(Size::k1, r5, 0, static_cast<std::int32_t>(SILLAGE_RECORD_ID_EXTENDED));
    a_.store(Size::k4, r5, 1, id);
    a_.store(Size::k8, r5, 5, r9);
    a_.alu(Alu::kAdd, r5, SILLAGE_RECORD_EXTENDED_BYTES);
  }
}

void RingCode::patch_event_id(std::int32_t offset) {
  // Both kinds of header end with u32 id, u64 time.
  a_.load(Size::k4, r1, r6, offset);
  a_.store(Size::k4, r5, -12, r1);
}

void RingCode::commit() {
  a_.move(r1, r8);
  a_.alu(Alu::kShiftRight, r1, subbuf_shift_ - 3);
  a_.alu(Alu::kAnd, r1, static_cast<std::int32_t>((geometry_.subbuf_count - 1) << 3));
  a_.alu(Alu::kAdd, r1, r7);
  a_.load(Size::k8, r3, r10, kBytes);
  a_.atomic_add(r1, STREAM(committed), r3);
}

void RingCode::finish() {
  a_.bind(switch_);
  emit_switch();
}

// switch(stream, old position, time, bytes): begins the next sub-buffer with a record of that size.
// Returns kRetry, 1 (won) or kLost.
void RingCode::emit_switch() {
  const auto last = static_cast<std::int32_t>(geometry_.subbuf_bytes - 1);
  const auto slots = static_cast<std::int32_t>(geometry_.subbuf_count - 1);
  const Label fits = a_.label(), free = a_.label(), lost = a_.label(), retry = a_.label(),
              quiet = a_.label();
  constexpr std::int32_t kOld = -8, kTotal = -16;
  a_.move(r6, r4);
  a_.move(r7, r1);
  a_.store(Size::k8, r10, kOld, r2);
  a_.move(r9, r3);
  a_.jump_if(If::kBelowOrEqual, r6, last, fits);
  count_lost(SILLAGE_KERNEL_LOST_TOO_BIG);
  a_.jump(lost);

  a_.bind(fits);
  // r8: where the next sub-buffer starts, bytes part alone.
  a_.move(r8, r2);
  a_.alu(Alu::kOr, r8, last);
  a_.alu(Alu::kAdd, r8, 1);
  a_.zero_extend(r8, SILLAGE_RING_POSITION_BITS);
  // r5: its entry in `committed`.
  a_.move(r1, r8);
  a_.alu(Alu::kShiftRight, r1, subbuf_shift_);
  a_.alu(Alu::kAnd, r1, slots);
  a_.alu(Alu::kShiftLeft, r1, 3);
  a_.move(r5, r7);
  a_.alu(Alu::kAdd, r5, r1);
  a_.load(Size::k8, r1, r5, STREAM(committed));
  // Behind the load: had someone else begun the sub-buffer and filled it, the count would be later.
  a_.load(Size::k8, r3, r7, STREAM(position));
  a_.jump_if(If::kNotEqual, r3, r2, retry);
  a_.move(r3, r8);
  a_.alu(Alu::kShiftRight, r3, subbuf_shift_ + count_shift_);
  a_.alu(Alu::kShiftLeft, r3, subbuf_shift_);
  a_.alu(Alu::kSubtract, r1, r3);
  a_.zero_extend(r1, SILLAGE_RING_POSITION_BITS - static_cast<std::uint32_t>(count_shift_));
  a_.jump_if(If::kEqual, r1, 0, free);
  count_lost(SILLAGE_KERNEL_LOST_BUSY);
  a_.jump(lost);

  a_.bind(free);
  if (!geometry_.overwrite) {
    const Label consumed = a_.label();
    a_.load(Size::k8, r1, r7, STREAM(consumed));
    a_.move(r3, r8);
    a_.alu(Alu::kSubtract, r3, r1);
    a_.zero_extend(r3, SILLAGE_RING_POSITION_BITS);
    a_.jump_if(If::kBelow, r3,
               static_cast<std::int32_t>(geometry_.subbuf_bytes * geometry_.subbuf_count),
               consumed);
    count_lost(SILLAGE_KERNEL_LOST_FULL);
    a_.jump(lost);
    a_.bind(consumed);
  }
  // Before the exchange: one that is newer than it would count 2^24 events too many.
  a_.load(Size::k8, r1, r7, STREAM(events_total));
  a_.store(Size::k8, r10, kTotal, r1);
  // New position: one event more, the record at the start of the next sub-buffer.
  a_.move(r3, r2);
  a_.alu(Alu::kShiftRight, r3, SILLAGE_RING_POSITION_BITS);
  a_.alu(Alu::kAdd, r3, 1);
  a_.alu(Alu::kShiftLeft, r3, SILLAGE_RING_POSITION_BITS);
  a_.alu(Alu::kAdd, r3, r8);
  a_.alu(Alu::kAdd, r3, r6);
  a_.move(r0, r2);
  a_.compare_exchange(r7, STREAM(position), r3);
  a_.jump_if(If::kNotEqual, r0, r2, retry);

  // End the old sub-buffer. r1: its slot.
  a_.move(r1, r2);
  a_.zero_extend(r1, SILLAGE_RING_POSITION_BITS);
  a_.alu(Alu::kShiftRight, r1, subbuf_shift_);
  a_.alu(Alu::kAnd, r1, slots);
  a_.move(r3, r1);
  a_.alu(Alu::kShiftLeft, r3, 6);
  a_.move(r4, r7);
  a_.alu(Alu::kAdd, r4, r3);
  a_.store(Size::k8, r4, ENTRY(end_position), r2);
  a_.store(Size::k8, r4, ENTRY(end_ns), r9);
  a_.load(Size::k8, r3, r7, lost_offset(SILLAGE_KERNEL_LOST_FULL));
  for (const auto cause : {SILLAGE_KERNEL_LOST_TOO_BIG, SILLAGE_KERNEL_LOST_BUSY}) {
    a_.load(Size::k8, r0, r7, lost_offset(cause));
    a_.alu(Alu::kAdd, r3, r0);
  }
  a_.store(Size::k8, r4, ENTRY(lost), r3);
  a_.alu(Alu::kShiftLeft, r1, 3);
  a_.move(r4, r7);
  a_.alu(Alu::kAdd, r4, r1);
  a_.alu(Alu::kAnd, r2, last);
  a_.move(r3, geometry_.subbuf_bytes);
  a_.alu(Alu::kSubtract, r3, r2);
  a_.atomic_add(r4, STREAM(committed), r3);

  // Begin the new one. r4: its slot's entry.
  a_.move(r1, r8);
  a_.alu(Alu::kShiftRight, r1, subbuf_shift_);
  a_.move(r6, r1);
  a_.alu(Alu::kAnd, r1, slots);
  a_.alu(Alu::kShiftLeft, r1, 6);
  a_.move(r4, r7);
  a_.alu(Alu::kAdd, r4, r1);
  a_.store(Size::k8, r4, ENTRY(begin_ns), r9);
  a_.load(Size::k8, r0, r10, kTotal);
  a_.load(Size::k8, r2, r10, kOld);
  a_.alu(Alu::kShiftRight, r2, SILLAGE_RING_POSITION_BITS);
  a_.alu(Alu::kSubtract, r2, r0);
  a_.zero_extend(r2, 64 - SILLAGE_RING_POSITION_BITS);
  a_.alu(Alu::kAdd, r2, r0);
  a_.store(Size::k8, r4, ENTRY(events), r2);
  // Fails where a switch nested in this one was first, whose total is newer.
  a_.compare_exchange(r7, STREAM(events_total), r2);
  a_.move(r1, r9);
  a_.alu(Alu::kShiftRight, r1, epoch_bits_);
  a_.store(Size::k8, r7, STREAM(epoch), r1);
  // Last, and never before the rest: it says that the entry is whole.
  a_.exchange(r4, ENTRY(sequence), r6);
  if (target_.wakeup_fd >= 0) {
    a_.load(Size::k8, r1, r7, STREAM(armed));
    a_.jump_if(If::kEqual, r1, 0, quiet);
    post_wakeup();
    a_.bind(quiet);
  }
  a_.move(r0, 1u);
  a_.exit();

  a_.bind(retry);
  a_.move(r0, static_cast<std::uint64_t>(kRetry));
  a_.exit();
  a_.bind(lost);
  a_.move(r0, static_cast<std::uint64_t>(kLost));
  a_.exit();
}

void RingCode::post_wakeup() {
  const Label taken = a_.label();
  a_.move(r1, 0u);
  a_.exchange(r7, STREAM(armed), r1);
  a_.jump_if(If::kEqual, r1, 0, taken);
  a_.load_map(r1, target_.wakeup_fd);
  a_.move(r2, r10);
  a_.alu(Alu::kAdd, r2, -8);
  a_.move(r3, 8u);
  a_.move(r4, static_cast<std::uint64_t>(BPF_RB_FORCE_WAKEUP));
  a_.call(BPF_FUNC_ringbuf_output);
  a_.bind(taken);
}

}  // namespace sillage::kernel
