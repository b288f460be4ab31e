// SPDX-License-Identifier: MIT
#include "kernel/abilities.hpp"

#include "bpf/assembler.hpp"
#include "bpf/program.hpp"
#include "kernel/attach.hpp"
#include "kernel/btf.hpp"
#include "kernel/maps.hpp"
#include "tracefs/kernel_events.hpp"

#include <optional>
#include <utility>

namespace sillage::kernel {
namespace {

// Rare while this runs, and in every kernel since 2.6.
constexpr const char* kEventSystem = "sched";
constexpr const char* kEvent = "sched_process_exec";
constexpr const char* kFunction = "do_sys_openat2";

Result<Fd> load_nothing(bpf::ProgramOptions options) {
  bpf::Assembler code;
  code.move(bpf::Reg::r0, 0);
  code.exit();
  const auto program = code.finish();
  if (!program) return tl::unexpected(program.error());
  options.name = "doctor";
  return bpf::load_program(*program, options);
}

Status without_value(Result<Attachment> attached) {
  if (!attached) return tl::unexpected(std::move(attached).error());
  std::vector<Fd> events;
  events.push_back(std::move(attached->event));
  release_slowly(std::move(events));
  return {};
}

Status try_maps() {
  const auto map = create_program_table(1);
  return map ? Status() : tl::unexpected(map.error());
}

Status try_tracefs_event() {
  const auto tracefs = tracefs::find_tracefs();
  if (!tracefs) return tl::unexpected(tracefs.error());
  const auto format = tracefs::read_event_format(*tracefs, {kEventSystem, kEvent});
  if (!format) return tl::unexpected(format.error());
  bpf::ProgramOptions options;
  options.type = BPF_PROG_TYPE_TRACEPOINT;
  options.attach_type = {};
  const auto program = load_nothing(options);
  if (!program) return tl::unexpected(program.error());
  return without_value(attach_tracepoint(program->value(), format->id, kEvent));
}

Status try_typed(const Btf& btf, bpf_attach_type type, std::optional<TypeRef> target,
                 const std::string& what) {
  if (!target) return fail(Code::kNotFound, "the kernel's BTF has no " + what);
  bpf::ProgramOptions options;
  options.attach_type = type;
  options.attach_btf_id = target->id;
  if (target->object != 0) return fail(Code::kUnsupported, what + " is a module's");
  const auto program = load_nothing(options);
  // Others were loaded before, so that it is not the right to load that is missing.
  if (!program && type == BPF_TRACE_FENTRY && program.error().code == Code::kPermission)
    return fail(Code::kUnsupported,
                "this kernel does not let its functions be traced (CONFIG_FUNCTION_TRACER, not "
                "locked down)");
  if (!program) return tl::unexpected(program.error());
  if (type == BPF_TRACE_ITER) {
    const auto link = link_iterator(program->value(), "task");
    return link ? Status() : tl::unexpected(link.error());
  }
  return without_value(attach_tracing(program->value(), what + " (" + btf.release() + ")"));
}

Status try_probe(const ProbePlace& place) {
  bpf::ProgramOptions options;
  options.type = BPF_PROG_TYPE_KPROBE;
  options.attach_type = {};
  const auto program = load_nothing(options);
  if (!program) return tl::unexpected(program.error());
  return without_value(attach_probe(program->value(), place));
}

}  // namespace

std::vector<Ability> try_abilities() {
  std::vector<Ability> all;
  const auto add = [&all](std::string name, std::string use, Status tried) {
    all.push_back({std::move(name), std::move(use), std::move(tried)});
  };
  add("BPF maps", "kernel events", try_maps());
  add("tracepoints", "kernel events", try_tracefs_event());
  const auto btf = Btf::load();
  const auto with_types = [&btf](const auto& attempt) {
    return btf ? attempt(*btf) : Status(tl::unexpected(btf.error()));
  };
  add("tracepoints with types (BTF)",
      "the fields that LTTng adds, pointers followed, most contexts",
      with_types([](const Btf& types) {
        return try_typed(types, BPF_TRACE_RAW_TP, types.find_tracepoint(kEvent), kEvent);
      }));
  add("state by iterators", "processes and files in the state dump",
      with_types([](const Btf& types) {
        return try_typed(types, BPF_TRACE_ITER, types.find_function("bpf_iter_task"),
                         "bpf_iter_task");
      }));
  add("functions with types (fentry)", "--function with arguments and results",
      with_types([](const Btf& types) {
        return try_typed(types, BPF_TRACE_FENTRY, types.find_function(kFunction),
                         std::string("the function ") + kFunction);
      }));
  ProbePlace in_kernel;
  in_kernel.symbol = kFunction;
  add("kprobes", "--probe", try_probe(in_kernel));
  ProbePlace in_program;
  in_program.path = "/proc/self/exe";
  in_program.offset = 0;  // of the ELF header, which is no code: nobody comes by
  add("uprobes", "--userspace-probe", try_probe(in_program));
  return all;
}

}  // namespace sillage::kernel
