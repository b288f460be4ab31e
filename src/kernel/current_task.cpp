// SPDX-License-Identifier: MIT
#include "kernel/current_task.hpp"

namespace sillage::kernel {
namespace {

using bpf::Alu;
using bpf::If;
using bpf::Label;
using bpf::Size;
using enum bpf::Reg;

class CurrentCode {
 public:
  CurrentCode(bpf::Assembler& assembler, const CurrentTask& current, std::int32_t stack_top)
      : a_(assembler),
        current_(current),
        place_(*current.casts.current),
        task_(stack_top - 8),
        read_(stack_top - 16),
        address_(stack_top - 24) {}

  void emit() {
    const Label call = a_.label(), found = a_.label();
    place_of_cpu(call);
    a_.load(Size::k8, r1, r1, 0);
    a_.jump_if(If::kEqual, r1, 0, call);
    a_.move(r2, std::uint64_t{place_.list_type});
    a_.call_kernel(current_.casts.function);
    a_.load(Size::k8, r1, r0, 0);
    a_.jump(found);
    a_.bind(call);
    a_.call(BPF_FUNC_get_current_task_btf);
    a_.store(Size::k8, r10, task_, r0);
    find_address();
    a_.load(Size::k8, r1, r10, task_);
    a_.bind(found);
  }

 private:
  // r1 = the CPU's place in the table.
  void place_of_cpu(Label none) {
    a_.call(BPF_FUNC_get_smp_processor_id);
    a_.jump_if(If::kAboveOrEqual, r0, static_cast<std::int32_t>(current_.cpu_count), none);
    a_.alu(Alu::kShiftLeft, r0, 3);
    a_.load_map_value(r1, current_.addresses_fd);
    a_.alu(Alu::kAdd, r1, r0);
  }

  // [read_] = 8 bytes from r3.
  void read() {
    a_.move(r1, r10);
    a_.alu(Alu::kAdd, r1, read_);
    a_.move(r2, 8u);
    a_.call(BPF_FUNC_probe_read_kernel);
  }

  // Of the task in [task_] to its CPU's table entry; not if there is anything else at that address.
  void find_address() {
    const Label done = a_.label();
    a_.move(r1, r0);
    a_.move(r2, std::uint64_t{current_.casts.task_type});
    a_.call_kernel(current_.casts.function);
    a_.load(Size::k8, r3, r0, place_.queue_offset);
    a_.alu(Alu::kAdd, r3, place_.run_queue_offset);
    read();
    a_.load(Size::k8, r3, r10, read_);
    a_.jump_if(If::kEqual, r3, 0, done);
    a_.alu(Alu::kAdd, r3, place_.distance);
    a_.store(Size::k8, r10, address_, r3);
    read();
    a_.load(Size::k8, r1, r10, read_);
    a_.load(Size::k8, r2, r10, task_);
    a_.jump_if(If::kNotEqual, r1, r2, done);
    place_of_cpu(done);
    a_.load(Size::k8, r2, r10, address_);
    a_.store(Size::k8, r1, 0, r2);
    a_.bind(done);
  }

  bpf::Assembler& a_;
  const CurrentTask& current_;
  const CurrentPlace& place_;
  const std::int32_t task_, read_, address_;
};

}  // namespace

std::optional<std::int32_t> distance_from_run_queue(const Btf& btf, std::string_view variable,
                                                    std::string_view hot_member) {
  const auto queue = btf.per_cpu_offset("runqueues");
  if (!queue) return std::nullopt;
  if (const auto offset = btf.per_cpu_offset(variable))
    return static_cast<std::int32_t>(*offset - *queue);
  const auto hot = btf.per_cpu_offset("pcpu_hot");
  if (!hot) return std::nullopt;
  const auto member = btf.member(btf.find_tag("pcpu_hot").value_or(TypeRef{}), hot_member);
  if (!member) return std::nullopt;
  return static_cast<std::int32_t>(*hot + member->offset_bytes - *queue);
}

std::optional<CurrentPlace> find_current_place(const Btf& btf) {
  const auto task = btf.find_tag("task_struct"), queue = btf.find_tag("cfs_rq"),
             list = btf.find_tag("list_head");
  const auto distance = distance_from_run_queue(btf, "current_task", "current_task");
  if (!task || !queue || !list || !distance) return std::nullopt;
  const auto of_task = btf.member(*task, "se.cfs_rq"), tgid = btf.member(*task, "tgid"),
             of_queue = btf.member(*queue, "rq");
  if (!of_task || !tgid || !of_queue) return std::nullopt;
  return CurrentPlace{list->id, static_cast<std::int32_t>(of_task->offset_bytes),
                      static_cast<std::int32_t>(of_queue->offset_bytes), *distance,
                      static_cast<std::int32_t>(tgid->offset_bytes)};
}

void load_current_task(bpf::Assembler& a, const CurrentTask& current, std::int32_t stack_top) {
  if (current.addresses_fd >= 0) {
    CurrentCode(a, current, stack_top).emit();
  } else {
    a.call(BPF_FUNC_get_current_task_btf);
    a.move(r1, r0);
  }
  if (current.casts.function == 0) return;
  a.move(r2, std::uint64_t{current.casts.task_type});
  a.call_kernel(current.casts.function);
  a.move(r1, r0);
}

}  // namespace sillage::kernel
