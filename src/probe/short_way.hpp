// SPDX-License-Identifier: MIT
// The shortest way of an event (x86-64): one channel, no contexts, compact header; with a filter once that has accepted. It stands in one restartable
// sequence (rseq.hpp), from the number of the CPU to the position that publishes. What is read inside cannot be of another
// CPU or of an event before, so only the slot is checked again at the end; there is less to check and there are fewer
// registers to save than if it were prepared outside.
//
// Every function returns true when it published, false when this way is not open: the slot's short_serial is
// 0 or changed, the index is none of the ring's streams, the newest clock segment has not begun, the epoch is not the
// stream's, the sub-buffer has no room, or the section was interrupted. record_slow() does what is needed then.
//
// Cost:   rdtsc and about 50 instructions, most of them in its shadow; `./dev bench user` has the figures.
#pragma once

#include "abi/clock.h"
#include "abi/ring.h"
#include "probe/slot.hpp"

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)

#include <emmintrin.h>

namespace sillage::probe {

static_assert(sizeof(RingView::Stream) == 16 && offsetof(RingView::Stream, data) == 8);
static_assert(offsetof(sillage_ring_stream, position) == 0);
static_assert(SILLAGE_CLOCK_SEGMENTS == 4 && sizeof(sillage_clock_segment) == 32);

// Registers: r9 serial; r10 the ring's view of the stream; r11 position; rcx ring, clock segment, ring again; r8 `current` of
// the clock page, then the stream; rax time, then header; rdx scratch, then where the record goes.
#define SILLAGE_SHORT_SERIAL \
  "movl %c[serial](%[slot]), %%r9d\n\ttestl %%r9d, %%r9d\n\tje %l[again]\n\t"
#define SILLAGE_SHORT_EXPECTED "movl %[expected], %%r9d\n\t"
#define SILLAGE_SHORT_UNTIL "cmpq %[until], %%rax\n\tjae %l[again]\n\t"
#define SILLAGE_SHORT_WAY(serial_code, time_code)                                                      \
  ".pushsection __rseq_cs, \"aw\", @progbits\n\t.balign 32\n"                                          \
  "3:\n\t.long 0, 0\n\t.quad 1f, (2f - 1f), 4f\n\t.popsection\n\t" /* start, length, abort */          \
      serial_code                                                                                      \
  "movq %c[slot_ring](%[slot]), %%rcx\n\tmovq %c[rseq_offset](%%rcx), %%rax\n\t"                       \
  "leaq 3b(%%rip), %%rdx\n\tmovq %%rdx, %%fs:8(%%rax)\n1:\n\t" /* from here on it is this section's */ \
  "movq %c[index_offset](%%rcx), %%rax\n\tmovl %%fs:(%%rax), %%r10d\n\t" /* which stream */            \
  "cmpl %c[index_count](%%rcx), %%r10d\n\tjae %l[again]\n\t"                                           \
  "shlq $4, %%r10\n\taddq %c[at](%%rcx), %%r10\n\t"                                                    \
  "movq (%%r10), %%r11\n\tmovq (%%r11), %%r11\n\t"                     /* its position */              \
  "movq %c[clock](%%rcx), %%rcx\n\tmovl %c[current](%%rcx), %%r8d\n\t" /* now_ns() of clock.hpp */     \
  "movl %%r8d, %%eax\n\tandl $3, %%eax\n\tshll $5, %%eax\n\taddq %%rax, %%rcx\n\t"                     \
  "rdtsc\n\tshlq $32, %%rdx\n\torq %%rdx, %%rax\n\t"                                                   \
  "movq %c[tsc_from](%%rcx), %%rdx\n\tcmpq %%rdx, %%rax\n\tjb %l[again]\n\t"                           \
  "subq %%rdx, %%rax\n\tmulq %c[mult](%%rcx)\n\t"                                                      \
  "shrq $32, %%rax\n\tshlq $32, %%rdx\n\torq %%rdx, %%rax\n\taddq %c[ns_from](%%rcx), "                \
  "%%rax\n\t" time_code                                                                                \
  "movq %c[slot_ring](%[slot]), %%rcx\n\tmovq %c[clock](%%rcx), %%rdx\n\t"                             \
  "cmpl %c[current](%%rdx), %%r8d\n\tjne %l[again]\n\t"                                                \
  "movq (%%r10), %%r8\n\tmovq %%rax, %%rdx\n\tshrq %[epoch_bits], %%rdx\n\t" /* same epoch? */         \
  "cmpq %%rdx, %c[epoch](%%r8)\n\tjne %l[again]\n\t"                                                   \
  "movl %c[subbuf_mask](%%rcx), %%edx\n\tandl %%r11d, %%edx\n\t" /* room? */                           \
  "leal 4(%q[bytes],%%rdx), %%edx\n\tcmpl %%edx, %c[subbuf_limit](%%rcx)\n\tjb %l[again]\n\t"          \
  "movq %c[data_mask](%%rcx), %%rdx\n\tandq %%r11, %%rdx\n\taddq 8(%%r10), %%rdx\n\t" /* where */      \
  "shll %[id_bits], %%eax\n\torl %c[id](%[slot]), %%eax\n\t" /* compact header */                      \
  "cmpl %%r9d, %c[serial](%[slot])\n\tjne %l[again]\n\t" /* all of it was of one configuration */      \
  "movl %%eax, (%%rdx)\n\t"
#define SILLAGE_SHORT_PUBLISH                                                                      \
  "movabsq %[one_event], %%rax\n\tmovl %k[bytes], %%edx\n\taddq %%r11, %%rax\n\taddq %%rdx, "      \
  "%%rax\n\t"                                                                                      \
  "movq %%rax, (%%r8)\n2:\n\t"                                                                     \
  ".pushsection __rseq_failure, \"ax\", @progbits\n\t.byte 0x0f, 0xb9, 0x3d\n\t.long 0x53053053\n" \
  "4:\n\tjmp %l[again]\n\t.popsection\n\t"
#define SILLAGE_SHORT_INPUTS(serial_member)                                                       \
  [slot] "r"(slot), [bytes] "r"(bytes), [slot_ring] "i"(offsetof(sillage_slot, ring)),            \
      [serial] "i"(offsetof(sillage_slot, serial_member)), [id] "i"(offsetof(sillage_slot, id)),  \
      [rseq_offset] "i"(offsetof(RingView, rseq_offset)),                                         \
      [index_offset] "i"(offsetof(RingView, index_offset)),                                       \
      [index_count] "i"(offsetof(RingView, rseq_index_count)), [at] "i"(offsetof(RingView, at)),  \
      [clock] "i"(offsetof(RingView, clock)), [subbuf_mask] "i"(offsetof(RingView, subbuf_mask)), \
      [subbuf_limit] "i"(offsetof(RingView, subbuf_limit)),                                       \
      [data_mask] "i"(offsetof(RingView, data_mask)),                                             \
      [current] "i"(offsetof(sillage_clock_page, current)),                                       \
      [tsc_from] "i"(offsetof(sillage_clock_page, segment) +                                      \
                     offsetof(sillage_clock_segment, tsc_from)),                                  \
      [ns_from] "i"(offsetof(sillage_clock_page, segment) +                                       \
                    offsetof(sillage_clock_segment, ns_from)),                                    \
      [mult] "i"(offsetof(sillage_clock_page, segment) + offsetof(sillage_clock_segment, mult)),  \
      [epoch] "i"(offsetof(sillage_ring_stream, epoch)),                                          \
      [epoch_bits] "i"(SILLAGE_RECORD_EPOCH_BITS), [id_bits] "i"(SILLAGE_RECORD_ID_BITS),         \
      [one_event] "i"(SILLAGE_RING_ONE_EVENT + SILLAGE_RECORD_COMPACT_BYTES)

/// A word that waits in a vector register, so that no general one has to be saved for it. Opaque, or the compiler would
/// keep the word in both.
struct VectorWord {
  explicit VectorWord(std::uint64_t word) { asm("movq %1, %0" : "=x"(value) : "r"(word)); }
  [[nodiscard]] std::uint64_t word() const {
    std::uint64_t word;
    asm("movq %1, %0" : "=r"(word) : "x"(value));
    return word;
  }
  double value;
};

/// Records `bytes` <= 8 of payload.
[[gnu::always_inline]] inline bool rseq_record_word(const sillage_slot* slot, std::uint32_t bytes,
                                                    double w0) {
  asm goto(
      SILLAGE_SHORT_WAY(SILLAGE_SHORT_SERIAL, "") "movq %[w0], 4(%%rdx)\n\t" SILLAGE_SHORT_PUBLISH
      :
      : SILLAGE_SHORT_INPUTS(short_serial), [w0] "x"(w0)
      : "memory", "cc", "rax", "rcx", "rdx", "r8", "r9", "r10", "r11"
      : again);
  return true;
again:
  return false;
}

/// The same for at most 24 bytes.
[[gnu::always_inline]] inline bool rseq_record_words(const sillage_slot* slot, std::uint32_t bytes,
                                                     double w0, double w1, double w2) {
  asm goto(SILLAGE_SHORT_WAY(SILLAGE_SHORT_SERIAL, "")
           "movq %[w0], 4(%%rdx)\n\tmovq %[w1], 12(%%rdx)\n\tmovq %[w2], "
           "20(%%rdx)\n\t" SILLAGE_SHORT_PUBLISH
           :
           : SILLAGE_SHORT_INPUTS(short_serial), [w0] "x"(w0), [w1] "x"(w1), [w2] "x"(w2)
           : "memory", "cc", "rax", "rcx", "rdx", "r8", "r9", "r10", "r11"
           : again);
  return true;
again:
  return false;
}

/// The same for payloads in memory, copied in blocks of 16 bytes of which the last begins at `last`.
[[gnu::always_inline]] inline bool rseq_record_block(const sillage_slot* slot, std::uint32_t bytes,
                                                     const void* from, std::uint64_t last) {
  asm goto(SILLAGE_SHORT_WAY(SILLAGE_SHORT_SERIAL, "")
           "xorl %%eax, %%eax\n"
           "5:\n\tmovdqu (%[from],%%rax), %%xmm0\n\tmovdqu %%xmm0, 4(%%rdx,%%rax)\n\t"
           "addq $16, %%rax\n\tcmpq %[last], %%rax\n\tjb 5b\n\t"
           "movdqu (%[from],%[last]), %%xmm0\n\tmovdqu %%xmm0, "
           "4(%%rdx,%[last])\n\t" SILLAGE_SHORT_PUBLISH
           :
           : SILLAGE_SHORT_INPUTS(short_serial), [from] "r"(from), [last] "r"(last)
           : "memory", "cc", "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "xmm0"
           : again);
  return true;
again:
  return false;
}

/// The same for a slot that has a filter, whose contents were read with the serial `expected`: a slot with is_short.
[[gnu::always_inline]] inline bool rseq_record_accepted(const sillage_slot* slot,
                                                        std::uint32_t expected, std::uint32_t bytes,
                                                        const void* from, std::uint64_t last) {
  asm goto(SILLAGE_SHORT_WAY(SILLAGE_SHORT_EXPECTED, "")
           "xorl %%eax, %%eax\n"
           "5:\n\tmovdqu (%[from],%%rax), %%xmm0\n\tmovdqu %%xmm0, 4(%%rdx,%%rax)\n\t"
           "addq $16, %%rax\n\tcmpq %[last], %%rax\n\tjb 5b\n\t"
           "movdqu (%[from],%[last]), %%xmm0\n\tmovdqu %%xmm0, "
           "4(%%rdx,%[last])\n\t" SILLAGE_SHORT_PUBLISH
           :
           : SILLAGE_SHORT_INPUTS(serial), [expected] "r"(expected), [from] "r"(from), [last] "r"(last)
           : "memory", "cc", "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "xmm0"
           : again);
  return true;
again:
  return false;
}

/// The same for a slot without a filter whose ring has contexts, which stand in front of the payload and hold until a time.
[[gnu::always_inline]] inline bool rseq_record_until(const sillage_slot* slot,
                                                     std::uint32_t expected, std::uint64_t until,
                                                     std::uint32_t bytes, const void* from,
                                                     std::uint64_t last) {
  asm goto(SILLAGE_SHORT_WAY(SILLAGE_SHORT_EXPECTED, SILLAGE_SHORT_UNTIL)
           "xorl %%eax, %%eax\n"
           "5:\n\tmovdqu (%[from],%%rax), %%xmm0\n\tmovdqu %%xmm0, 4(%%rdx,%%rax)\n\t"
           "addq $16, %%rax\n\tcmpq %[last], %%rax\n\tjb 5b\n\t"
           "movdqu (%[from],%[last]), %%xmm0\n\tmovdqu %%xmm0, "
           "4(%%rdx,%[last])\n\t" SILLAGE_SHORT_PUBLISH
           :
           : SILLAGE_SHORT_INPUTS(serial), [expected] "r"(expected), [until] "r"(until),
             [from] "r"(from), [last] "r"(last)
           : "memory", "cc", "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "xmm0"
           : again);
  return true;
again:
  return false;
}

#undef SILLAGE_SHORT_UNTIL
#undef SILLAGE_SHORT_INPUTS
#undef SILLAGE_SHORT_PUBLISH
#undef SILLAGE_SHORT_WAY
#undef SILLAGE_SHORT_SERIAL
#undef SILLAGE_SHORT_EXPECTED

}  // namespace sillage::probe

#endif  // __x86_64__
