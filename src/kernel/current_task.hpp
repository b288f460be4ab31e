// SPDX-License-Identifier: MIT
// The running task, without a call where the kernel allows that.
#pragma once

#include "bpf/assembler.hpp"
#include "kernel/btf.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sillage::kernel {

/// How far a variable of each CPU lies from the CPU's run queue, of which every task knows where it is: the same on all CPUs.
/// From Linux 6.2 to 6.14 some were members of one, `pcpu_hot`.
[[nodiscard]] std::optional<std::int32_t> distance_from_run_queue(const Btf& btf,
                                                                  std::string_view variable,
                                                                  std::string_view hot_member);

/// Where the kernel keeps the running task of each CPU.
struct CurrentPlace {
  std::uint32_t list_type = 0;        ///< of struct list_head in BTF: a pointer to something
  std::int32_t queue_offset = 0;      ///< of se.cfs_rq in struct task_struct
  std::int32_t run_queue_offset = 0;  ///< of rq in struct cfs_rq
  std::int32_t distance = 0;          ///< from there
  std::int32_t tgid_offset = 0;       ///< in struct task_struct
};

/// None if this kernel keeps it elsewhere: programs call then.
[[nodiscard]] std::optional<CurrentPlace> find_current_place(const Btf& btf);

/// How programs have the verifier distrust pointers.
///
/// Since Linux 6.2 it takes most pointers among a tracepoint's arguments for valid, drops tests for null, and
/// makes a load through one a plain load: a null there, which some tracepoints do have (sched_process_wait), is an
/// oops. Cast by bpf_rdonly_cast(), at no cost, they are what they were before 6.2: loads that fault give 0.
struct PointerCasts {
  std::uint32_t function = 0;   ///< of bpf_rdonly_cast() in BTF; 0 = before 6.2: nothing to do
  std::uint32_t task_type = 0;  ///< of struct task_struct
  std::optional<CurrentPlace> current{};  ///< only with the function
};

/// What programs need to find the running task.
struct CurrentTask {
  PointerCasts casts{};
  /// create_address_map(): where the running task of each CPU is, as programs find out themselves; -1 = they call.
  int addresses_fd = -1;
  std::uint32_t cpu_count = 0;
};

/// Emits r1 = the running task, as a pointer that the verifier distrusts (if there are casts).
///
/// A call costs some 10 ns where returns are slow (mitigations), and this what four loads do: number of the CPU, where
/// that CPU's variable is, its value. The address is found by the first program on a CPU, which calls, and kept if
/// what is there is the task that it runs for.
///
/// Registers: r0 to r5 are lost. Stack: 24 bytes downwards from `stack_top` (offset from r10).
void load_current_task(bpf::Assembler& assembler, const CurrentTask& current,
                       std::int32_t stack_top);

}  // namespace sillage::kernel
