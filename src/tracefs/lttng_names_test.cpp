// SPDX-License-Identifier: MIT
#include "tracefs/lttng_names.hpp"

#include <gtest/gtest.h>

namespace sillage::tracefs {
namespace {

TEST(LttngNames, Events_FollowTheRules) {
  EXPECT_EQ(lttng_event_name("syscalls", "sys_enter_openat"), "syscall_entry_openat");
  EXPECT_EQ(lttng_event_name("syscalls", "sys_exit_read"), "syscall_exit_read");
  EXPECT_EQ(lttng_event_name("irq", "softirq_entry"), "irq_softirq_entry");
  EXPECT_EQ(lttng_event_name("irq", "irq_handler_entry"), "irq_handler_entry");
  EXPECT_EQ(lttng_event_name("irq_vectors", "local_timer_exit"),
            "x86_irq_vectors_local_timer_exit");
  EXPECT_EQ(lttng_event_name("kmem", "kmalloc_node"), "kmem_kmalloc_node");
  EXPECT_EQ(lttng_event_name("kmem", "kmem_cache_alloc"), "kmem_cache_alloc");
  EXPECT_EQ(lttng_event_name("net", "netif_receive_skb"), "net_if_receive_skb");
  EXPECT_EQ(lttng_event_name("net", "net_dev_queue"), "net_dev_queue");
  EXPECT_EQ(lttng_event_name("skb", "kfree_skb"), "skb_kfree");
  EXPECT_EQ(lttng_event_name("sched", "sched_switch"), "sched_switch");
  EXPECT_EQ(lttng_event_name("vmscan", "mm_shrink_slab_end"), "mm_vmscan_shrink_slab_end");
  EXPECT_EQ(lttng_event_name("kvmmmu", "fast_page_fault"), "kvm_mmu_fast_page_fault");
  EXPECT_EQ(lttng_event_name("irq_vectors", "x86_platform_ipi_exit"), "x86_irq_vectors_ipi_exit");
  // Not LTTng's, though of a system that LTTng renames.
  EXPECT_EQ(lttng_event_name("irq_vectors", "vector_alloc"), "vector_alloc");
}

// A rule is of one system: others may have events of the same name.
TEST(LttngNames, OtherSystems_KeepTheKernelsNames) {
  EXPECT_EQ(lttng_event_name("mine", "cpu_idle"), "cpu_idle");
  EXPECT_EQ(lttng_event_name("power", "cpu_idle"), "power_cpu_idle");
  EXPECT_EQ(lttng_field_name("mine", "sched_switch", "prev_pid"), "prev_pid");
}

TEST(LttngNames, Fields_SayThreadWhereTheKernelSaysProcess) {
  EXPECT_EQ(lttng_field_name("sched", "sched_switch", "prev_pid"), "prev_tid");
  EXPECT_EQ(lttng_field_name("sched", "sched_wakeup", "pid"), "tid");
  EXPECT_EQ(lttng_field_name("sched", "sched_process_fork", "child_pid"), "child_tid");
  EXPECT_EQ(lttng_field_name("sched", "sched_switch", "child_pid"), "child_pid");
  EXPECT_EQ(lttng_field_name("ext4", "ext4_punch_hole", "offset"), "pos");
  EXPECT_TRUE(is_left_out("syscalls", "__syscall_nr"));
  EXPECT_FALSE(is_left_out("mine", "__syscall_nr"));
}

}  // namespace
}  // namespace sillage::tracefs
