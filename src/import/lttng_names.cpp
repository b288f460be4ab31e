// SPDX-License-Identifier: MIT
#include "import/lttng_names.hpp"

#include <array>

namespace sillage::import {
namespace {

// A "*" at the end stands for the rest of the name, the same in both. First match counts.
struct EventRule {
  std::string_view system, kernel, lttng;
};

constexpr std::array<EventRule, 42> kEventRules{{
    {"syscalls", "sys_enter_*", "syscall_entry_*"},
    {"syscalls", "sys_exit_*", "syscall_exit_*"},
    {"exceptions", "page_fault_*", "x86_exceptions_page_fault_*"},
    {"irq", "softirq_*", "irq_softirq_*"},
    {"irq_vectors", "*", "x86_irq_vectors_*"},
    {"kmem", "kmalloc*", "kmem_kmalloc*"},
    {"kmem", "kfree", "kmem_kfree"},
    {"kmem", "mm_page_*", "kmem_mm_page_*"},
    {"kvm", "kvm_apic*", "kvm_x86_apic*"},
    {"kvm", "kvm_cpuid", "kvm_x86_cpuid"},
    {"kvm", "kvm_cr", "kvm_x86_cr"},
    {"kvm", "kvm_emulate_insn", "kvm_x86_emulate_insn"},
    {"kvm", "kvm_entry", "kvm_x86_entry"},
    {"kvm", "kvm_eoi", "kvm_x86_eoi"},
    {"kvm", "kvm_exit", "kvm_x86_exit"},
    {"kvm", "kvm_hv_hypercall", "kvm_x86_hv_hypercall"},
    {"kvm", "kvm_hypercall", "kvm_x86_hypercall"},
    {"kvm", "kvm_inj_*", "kvm_x86_inj_*"},
    {"kvm", "kvm_invlpga", "kvm_x86_invlpga"},
    {"kvm", "kvm_msr", "kvm_x86_msr"},
    {"kvm", "kvm_nested_*", "kvm_x86_nested_*"},
    {"kvm", "kvm_page_fault", "kvm_x86_page_fault"},
    {"kvm", "kvm_pic_set_irq", "kvm_x86_pic_set_irq"},
    {"kvm", "kvm_pio", "kvm_x86_pio"},
    {"kvm", "kvm_pv_eoi", "kvm_x86_pv_eoi"},
    {"kvm", "kvm_skinit", "kvm_x86_skinit"},
    {"kvm", "kvm_write_tsc_offset", "kvm_x86_write_tsc_offset"},
    {"kvm", "vcpu_match_mmio", "kvm_x86_vcpu_match_mmio"},
    {"net", "napi_gro_*", "net_napi_gro_*"},
    {"net", "netif_*", "net_if_*"},
    {"power", "clock_*", "power_clock_*"},
    {"power", "cpu_frequency", "power_cpu_frequency"},
    {"power", "cpu_idle", "power_cpu_idle"},
    {"power", "machine_suspend", "power_machine_suspend"},
    {"power", "wakeup_source_*", "power_wakeup_source_*"},
    {"printk", "console", "printk_console"},
    {"raw_syscalls", "sys_enter", "syscall_entry_unknown"},
    {"raw_syscalls", "sys_exit", "syscall_exit_unknown"},
    {"skb", "consume_skb", "skb_consume"},
    {"skb", "kfree_skb", "skb_kfree"},
    {"timer", "hrtimer_*", "timer_hrtimer_*"},
    {"timer", "itimer_*", "timer_itimer_*"},
}};

struct FieldRule {
  std::string_view system, event, kernel, lttng;
};

// Events in LTTng's `sched` all have the rules of "sched_*"; the others have none of these fields.
constexpr std::array<FieldRule, 9> kFieldRules{{
    {"sched", "sched_*", "pid", "tid"},
    {"sched", "sched_*", "prev_pid", "prev_tid"},
    {"sched", "sched_*", "next_pid", "next_tid"},
    {"sched", "sched_process_exec", "old_pid", "old_tid"},
    {"sched", "sched_process_fork", "parent_pid", "parent_tid"},
    {"sched", "sched_process_fork", "child_pid", "child_tid"},
    {"vmscan", "mm_vmscan_lru_isolate", "highest_zoneidx", "classzone_idx"},
    {"vmscan", "mm_vmscan_lru_shrink_inactive", "nr_activate0", "nr_activate_anon"},
    {"vmscan", "mm_vmscan_lru_shrink_inactive", "nr_activate1", "nr_activate_file"},
}};

bool matches(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

std::string lttng_event_name(std::string_view system, std::string_view event) {
  for (const EventRule& rule : kEventRules) {
    if (rule.system != system || !matches(rule.kernel, event)) continue;
    if (!rule.lttng.ends_with('*')) return std::string(rule.lttng);
    return std::string(rule.lttng.substr(0, rule.lttng.size() - 1)) +
           std::string(event.substr(rule.kernel.size() - 1));
  }
  return std::string(event);
}

std::string_view lttng_field_name(std::string_view system, std::string_view event,
                                  std::string_view field) {
  for (const FieldRule& rule : kFieldRules) {
    if (rule.kernel == field && rule.system == system && matches(rule.event, event))
      return rule.lttng;
  }
  return field;
}

bool is_left_out(std::string_view system, std::string_view field) {
  return system == "syscalls" && field == "__syscall_nr";
}

}  // namespace sillage::import
