// SPDX-License-Identifier: MIT
#include "kernel/contexts.hpp"

#include "kernel/event_recipes.hpp"
#include "kernel/expression.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <string>

namespace sillage::kernel {
namespace {

using ctf::KernelContext;

struct Context {
  KernelContext context;
  std::string_view value;
};

// A number in the user's namespace of what is `ID` in the kernel's: the first three ranges of the
// namespace's map, which is one more than anybody has; outside of them the overflow id.
#define RANGE(MAP, N, ID)                                                                  \
  "(" MAP ".nr_extents > " N " && (" ID ") >= " MAP ".extent[" N "].lower_first && (" ID   \
  ") - " MAP ".extent[" N "].lower_first < " MAP ".extent[" N "].count) ? (" ID ") - " MAP \
  ".extent[" N "].lower_first + " MAP ".extent[" N "].first : "
#define IN_NAMESPACE(MAP, ID) RANGE(MAP, "0", ID) RANGE(MAP, "1", ID) RANGE(MAP, "2", ID) "65534"
#define USER_ID(ID) IN_NAMESPACE("current->cred->user_ns->uid_map", "current->cred->" ID ".val")
#define GROUP_ID(ID) IN_NAMESPACE("current->cred->user_ns->gid_map", "current->cred->" ID ".val")
// The number of a struct pid in the namespace at that level.
#define NUMBER_AT(PID, LEVEL) \
  "((struct upid *)((u64)&" PID "->numbers + " LEVEL " * sizeof(struct upid)))->nr"
#define NAMESPACE_OF(PID) \
  "((struct upid *)((u64)&" PID "->numbers + " PID "->level * sizeof(struct upid)))->ns"

// Source: lttng-modules 2.13, src/lttng-context-*.c, for what they mean.
constexpr std::array<Context, 34> kContexts{{
    {KernelContext::kPid, "current->tgid"},
    {KernelContext::kTid, "current->pid"},
    {KernelContext::kPpid, "current->real_parent->tgid"},
    {KernelContext::kVpid,
     NUMBER_AT("current->signal->pids[1]", "current->signal->pids[1]->level")},
    {KernelContext::kVtid, NUMBER_AT("current->thread_pid", "current->thread_pid->level")},
    {KernelContext::kVppid,
     "current->real_parent->signal->pids[1]->level >= current->thread_pid->level ? " NUMBER_AT(
         "current->real_parent->signal->pids[1]", "current->thread_pid->level") " : 0"},
    {KernelContext::kProcname, "current->comm"},
    {KernelContext::kPrio, "current->prio - 100"},
    {KernelContext::kNice, "current->static_prio - 120"},
    {KernelContext::kHostname, "current->nsproxy->uts_ns->name.nodename"},
    {KernelContext::kCpuId, "cpu()"},
    {KernelContext::kInterruptible, "interruptible()"},
    {KernelContext::kMigratable,
     "current->nr_cpus_allowed > 1 && current->migration_disabled == 0"},
    {KernelContext::kUid, "current->cred->uid.val"},
    {KernelContext::kEuid, "current->cred->euid.val"},
    {KernelContext::kSuid, "current->cred->suid.val"},
    {KernelContext::kGid, "current->cred->gid.val"},
    {KernelContext::kEgid, "current->cred->egid.val"},
    {KernelContext::kSgid, "current->cred->sgid.val"},
    {KernelContext::kVuid, USER_ID("uid")},
    {KernelContext::kVeuid, USER_ID("euid")},
    {KernelContext::kVsuid, USER_ID("suid")},
    {KernelContext::kVgid, GROUP_ID("gid")},
    {KernelContext::kVegid, GROUP_ID("egid")},
    {KernelContext::kVsgid, GROUP_ID("sgid")},
    {KernelContext::kCgroupNs, "current->nsproxy->cgroup_ns->ns.inum"},
    {KernelContext::kIpcNs, "current->nsproxy->ipc_ns->ns.inum"},
    {KernelContext::kMntNs, "current->nsproxy->mnt_ns->ns.inum"},
    {KernelContext::kNetNs, "current->nsproxy->net_ns->ns.inum"},
    {KernelContext::kPidNs, NAMESPACE_OF("current->thread_pid") "->ns.inum"},
    {KernelContext::kTimeNs, "current->nsproxy->time_ns->ns.inum"},
    {KernelContext::kUserNs, "current->cred->user_ns->ns.inum"},
    {KernelContext::kUtsNs, "current->nsproxy->uts_ns->ns.inum"},
}};

// preempt_count() and, in its highest bit, that nobody wants the CPU: one word of each CPU (x86), of which other variables
// of the CPU, as a task's run queue, are so far away as those of every CPU; or two of the task's.
// Source: arch/x86/include/asm/preempt.h, arch/arm64/include/asm/preempt.h
std::optional<std::string> preemption_word(const Btf& btf) {
  const auto task = btf.find_tag("task_struct");
  if (task && btf.member(*task, "thread_info.preempt.count"))
    return "(u64)current->thread_info.preempt.count + "
           "((u64)current->thread_info.preempt.need_resched << 31)";
  const auto queue = btf.per_cpu_offset("runqueues");
  std::optional<std::int64_t> word;
  if (const auto offset = btf.per_cpu_offset("__preempt_count")) word = *offset;
  // Linux 6.2 to 6.14
  if (const auto hot = btf.per_cpu_offset("pcpu_hot"); hot && !word) {
    const auto member = btf.member(btf.find_tag("pcpu_hot").value_or(TypeRef{}), "preempt_count");
    if (member) word = std::int64_t{*hot} + member->offset_bytes;
  }
  if (!queue || !word) return std::nullopt;
  const std::int64_t distance = *word - *queue;
  return "(u64)*(u32 *)((u64)current->se.cfs_rq->rq " + std::string(distance < 0 ? "- " : "+ ") +
         std::to_string(distance < 0 ? -distance : distance) + ")";
}

// The text of a context that this kernel's types have a part in.
std::optional<std::string> made_for(KernelContext context, const Btf& btf) {
  if (context != KernelContext::kPreemptible && context != KernelContext::kNeedReschedule)
    return std::nullopt;
  const auto word = preemption_word(btf);
  if (!word) return std::nullopt;
  return context == KernelContext::kPreemptible ? "(" + *word + " & 0x7fffffff) == own_preemption()"
                                                : "(" + *word + ") >> 31 == 0";
}

FieldPlan plan_stack(KernelContext context, const std::string& name) {
  FieldPlan plan;
  plan.kind = context == KernelContext::kCallstackUser ? FieldPlan::Kind::kUserStack
                                                       : FieldPlan::Kind::kKernelStack;
  plan.name = name;
  // The kernel cuts off what is deeper than its own bound, which counts the callers that are left out, too.
  std::uint32_t depth = 128;
  std::ifstream("/proc/sys/kernel/perf_event_max_stack") >> depth;
  if (plan.kind == FieldPlan::Kind::kKernelStack)
    depth = std::max(depth, kMaxOwnCallers + 1) - kMaxOwnCallers;
  plan.bytes = std::min(kMaxStackBytes, 8 * depth);
  return plan;
}

FieldType type_of(const ctf::KernelContextTraits& traits) {
  FieldType type;
  if (traits.kind == ctf::KernelContextKind::kText) {
    type.kind = FieldType::Kind::kText;
    type.element_bytes = 1;
    type.count = traits.bytes;
  } else {
    type.element_bytes = traits.bytes;
    type.is_signed = traits.is_signed;
  }
  return type;
}

}  // namespace

Result<FieldPlan> plan_context(ctf::KernelContext context, const Btf& btf) {
  const ctf::KernelContextTraits& traits = ctf::traits_of(context);
  const std::string name(traits.name);
  if (traits.kind == ctf::KernelContextKind::kCallstack) return plan_stack(context, name);
  const auto* const found =
      std::find_if(kContexts.begin(), kContexts.end(),
                   [context](const Context& known) { return known.context == context; });
  const auto made = made_for(context, btf);
  if (found == kContexts.end() && !made)
    return fail(Code::kUnsupported,
                "the context " + name +
                    " cannot be recorded: the types of this kernel do not say where it keeps it");
  auto syntax = parse_expression(made ? *made : found->value);
  if (!syntax) return tl::unexpected(std::move(syntax).error());
  const std::vector<Parameter> no_arguments;
  auto value = resolve(**syntax, {.btf = &btf, .arguments = &no_arguments});
  if (!value)
    return fail(Code::kUnsupported, "this kernel does not have what the context " + name +
                                        " needs: " + value.error().message);
  return plan_field({.name = name, .type = type_of(traits), .value = std::move(*value)});
}

}  // namespace sillage::kernel
