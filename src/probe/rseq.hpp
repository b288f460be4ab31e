// SPDX-License-Identifier: MIT
// The restartable sequences of the writer (x86-64). Each one checks that it still runs on the stream's
// CPU, that nothing was published since the position was read and that the slot was not reconfigured,
// copies, and publishes with its last instruction. Preempted, migrated or interrupted by a signal before
// that store, it starts over from its caller; killed there, it never happened.
//
// Every function returns true when it published, false when it must be tried again.
// Source: Documentation of rseq(2) in the kernel (kernel/rseq.c checks the 32 bits before the abort
// address against the signature glibc registered, 0x53053053; on x86 it hides in an undefined instruction).
#pragma once

#include "abi/ring.h"
#include "probe/slot.hpp"

#include <cstddef>
#include <cstdint>

namespace sillage::probe {

/// A piece of a record too large to be assembled first; strings are bounded and ended by the copy itself,
/// so that another thread that shortens one meanwhile cannot break the record's framing.
struct Piece {
  const void* data;
  std::uint32_t bytes;      // in the record; for strings with the NUL
  std::uint32_t is_string;  // copy to the NUL, fill what is missing with '#', end with a NUL
};

#if defined(__x86_64__)

/// What all sections check and publish.
struct Publication {
  sillage_ring_stream* stream;
  std::uint64_t old_position;
  std::uint64_t new_position;
  const std::uint32_t* guard;   // the slot's serial
  std::uint32_t serial;         // its value when the slot's contents were read
  std::uint32_t index;          // stream index: must still be ours
  std::ptrdiff_t index_offset;  // of cpu_id or mm_cid, from the thread pointer
  std::ptrdiff_t rseq_offset;   // of struct rseq, from the thread pointer
};

#define SILLAGE_RSEQ_ENTER                                         \
  ".pushsection __rseq_cs, \"aw\", @progbits\n\t.balign 32\n"      \
  "3:\n\t.long 0, 0\n\t.quad 1f, (2f - 1f), 4f\n\t.popsection\n\t" \
  "leaq 3b(%%rip), %%rax\n\tmovq %%rax, %%fs:8(%[rseq])\n1:\n\t"   \
  "cmpl %[index], %%fs:(%[index_at])\n\tjne %l[again]\n\t"         \
  "cmpq %[old], (%[stream])\n\tjne %l[again]\n\t"                  \
  "cmpl %[serial], (%[guard])\n\tjne %l[again]\n\t"
#define SILLAGE_RSEQ_PUBLISH                                                                       \
  "movq %[next], (%[stream])\n2:\n\t"                                                              \
  ".pushsection __rseq_failure, \"ax\", @progbits\n\t.byte 0x0f, 0xb9, 0x3d\n\t.long 0x53053053\n" \
  "4:\n\tjmp %l[again]\n\t.popsection\n\t"
#define SILLAGE_RSEQ_INPUTS(p)                                                             \
  [rseq] "r"((p).rseq_offset), [index_at] "r"((p).index_offset), [index] "r"((p).index),   \
      [stream] "r"((p).stream), [old] "r"((p).old_position), [next] "r"((p).new_position), \
      [guard] "r"((p).guard), [serial] "r"((p).serial)

/// Publishes a 4-byte header and `bytes` >= 16 bytes behind it, read exactly (the last block overlaps).
[[gnu::always_inline]] inline bool rseq_publish_block(const Publication& p, char* to,
                                                      std::uint32_t header, const void* from,
                                                      std::uint64_t bytes) {
  std::uint64_t last = bytes - 16;
  asm goto(
      SILLAGE_RSEQ_ENTER
      "movl %[header], (%[to])\n\txorl %%eax, %%eax\n"
      "5:\n\tmovdqu (%[from],%%rax), %%xmm0\n\tmovdqu %%xmm0, 4(%[to],%%rax)\n\t"
      "addq $16, %%rax\n\tcmpq %[last], %%rax\n\tjb 5b\n\t"
      "movdqu (%[from],%[last]), %%xmm0\n\tmovdqu %%xmm0, 4(%[to],%[last])\n\t" SILLAGE_RSEQ_PUBLISH
      :
      : SILLAGE_RSEQ_INPUTS(p), [to] "r"(to), [header] "r"(header), [from] "r"(from),
        [last] "r"(last)
      : "memory", "cc", "rax", "xmm0"
      : again);
  return true;
again:
  return false;
}

/// Adds 1 to a counter that only this CPU writes.
[[gnu::always_inline]] inline bool rseq_count(std::uint64_t* counter, std::uint32_t index,
                                              std::ptrdiff_t index_offset,
                                              std::ptrdiff_t rseq_offset) {
  asm goto(
      ".pushsection __rseq_cs, \"aw\", @progbits\n\t.balign 32\n"
      "3:\n\t.long 0, 0\n\t.quad 1f, (2f - 1f), 4f\n\t.popsection\n\t"
      "leaq 3b(%%rip), %%rax\n\tmovq %%rax, %%fs:8(%[rseq])\n1:\n\t"
      "cmpl %[index], %%fs:(%[index_at])\n\tjne %l[again]\n\t"
      "incq (%[counter])\n2:\n\t"
      ".pushsection __rseq_failure, \"ax\", @progbits\n\t.byte 0x0f, 0xb9, 0x3d\n\t.long "
      "0x53053053\n"
      "4:\n\tjmp %l[again]\n\t.popsection\n\t"
      :
      : [rseq] "r"(rseq_offset), [index_at] "r"(index_offset), [index] "r"(index),
        [counter] "r"(counter)
      : "memory", "cc", "rax"
      : again);
  return true;
again:
  return false;
}

/// What rseq_publish_pieces copies: the assembler knows these offsets.
struct PieceList {
  char* to;                    // 0
  const char* prefix;          // 8: header and contexts
  std::uint64_t prefix_bytes;  // 16
  const Piece* pieces;         // 24
  const Piece* pieces_end;     // 32
};
static_assert(sizeof(Piece) == 16 && offsetof(Piece, is_string) == 12);
static_assert(offsetof(PieceList, pieces_end) == 32);

/// Publishes a record of any size, piece by piece.
[[gnu::noinline]] inline bool rseq_publish_pieces(const Publication& p, const PieceList& list) {
  asm goto(
      SILLAGE_RSEQ_ENTER
      "movq 0(%[list]), %%rdi\n\tmovq 8(%[list]), %%rsi\n\tmovq 16(%[list]), %%rcx\n\trep movsb\n\t"
      "movq 24(%[list]), %%rdx\n"
      "10:\n\tcmpq 32(%[list]), %%rdx\n\tjae 19f\n\t"
      "movq (%%rdx), %%rsi\n\tmovl 8(%%rdx), %%ecx\n\tcmpl $0, 12(%%rdx)\n\tjne 12f\n\t"
      "rep movsb\n\tjmp 18f\n"
      "12:\n\tdecq %%rcx\n"
      "13:\n\tjrcxz 16f\n\tlodsb\n\ttestb %%al, %%al\n\tjz 15f\n\tstosb\n\tdecq %%rcx\n\tjmp 13b\n"
      "15:\n\tmovb $35, %%al\n\trep stosb\n"
      "16:\n\txorl %%eax, %%eax\n\tstosb\n"
      "18:\n\taddq $16, %%rdx\n\tjmp 10b\n"
      "19:\n\t" SILLAGE_RSEQ_PUBLISH
      :
      : SILLAGE_RSEQ_INPUTS(p), [list] "r"(&list)
      : "memory", "cc", "rax", "rcx", "rdx", "rsi", "rdi"
      : again);
  return true;
again:
  return false;
}

/// Begins a sub-buffer: writes its entry, then publishes the position at its start.
[[gnu::noinline]] inline bool rseq_publish_switch(const Publication& p, sillage_ring_entry* to,
                                                  const sillage_ring_entry* from) {
  asm goto(SILLAGE_RSEQ_ENTER
           "movdqu (%[from]), %%xmm0\n\tmovdqu %%xmm0, (%[to])\n\t"
           "movdqu 16(%[from]), %%xmm0\n\tmovdqu %%xmm0, 16(%[to])\n\t"
           "movdqu 32(%[from]), %%xmm0\n\tmovdqu %%xmm0, 32(%[to])\n\t" SILLAGE_RSEQ_PUBLISH
           :
           : SILLAGE_RSEQ_INPUTS(p), [to] "r"(to), [from] "r"(from)
           : "memory", "cc", "rax", "xmm0"
           : again);
  return true;
again:
  return false;
}

#undef SILLAGE_RSEQ_INPUTS
#undef SILLAGE_RSEQ_PUBLISH
#undef SILLAGE_RSEQ_ENTER

#endif  // __x86_64__

}  // namespace sillage::probe
