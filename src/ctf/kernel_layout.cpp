// SPDX-License-Identifier: MIT
#include "ctf/kernel_layout.hpp"

#include <algorithm>
#include <utility>

namespace sillage::ctf {
namespace {

using Kind = KernelContextKind;

FieldClassRef unsigned_integer(std::uint32_t bytes, Base base = Base::kDecimal) {
  return make_field_class(Integer{.layout = {.length_bits = bytes * 8}, .base = base});
}

// The length in front has an underscore for C programs that take the trace's names for members.
std::string length_name(std::string_view name) { return "_" + std::string(name) + "_length"; }

}  // namespace

// pid_t and int are signed, uid_t, gid_t and the inode numbers of namespaces are not.
constexpr std::array<KernelContextTraits, kKernelContextCount> kKernelContexts{{
    {"pid", Kind::kInteger, 4, true},
    {"tid", Kind::kInteger, 4, true},
    {"ppid", Kind::kInteger, 4, true},
    {"vpid", Kind::kInteger, 4, true},
    {"vtid", Kind::kInteger, 4, true},
    {"vppid", Kind::kInteger, 4, true},
    {"procname", Kind::kText, 16, false},
    {"prio", Kind::kInteger, 4, true},
    {"nice", Kind::kInteger, 4, true},
    {"hostname", Kind::kText, 65, false},
    {"cpu_id", Kind::kInteger, 4, true},
    {"interruptible", Kind::kInteger, 1, true},  // -1: not known
    {"preemptible", Kind::kInteger, 1, false},
    {"need_reschedule", Kind::kInteger, 1, false},
    {"migratable", Kind::kInteger, 1, false},
    {"uid", Kind::kInteger, 4, false},
    {"euid", Kind::kInteger, 4, false},
    {"suid", Kind::kInteger, 4, false},
    {"gid", Kind::kInteger, 4, false},
    {"egid", Kind::kInteger, 4, false},
    {"sgid", Kind::kInteger, 4, false},
    {"vuid", Kind::kInteger, 4, false},
    {"veuid", Kind::kInteger, 4, false},
    {"vsuid", Kind::kInteger, 4, false},
    {"vgid", Kind::kInteger, 4, false},
    {"vegid", Kind::kInteger, 4, false},
    {"vsgid", Kind::kInteger, 4, false},
    {"cgroup_ns", Kind::kInteger, 4, false},
    {"ipc_ns", Kind::kInteger, 4, false},
    {"mnt_ns", Kind::kInteger, 4, false},
    {"net_ns", Kind::kInteger, 4, false},
    {"pid_ns", Kind::kInteger, 4, false},
    {"time_ns", Kind::kInteger, 4, false},
    {"user_ns", Kind::kInteger, 4, false},
    {"uts_ns", Kind::kInteger, 4, false},
    {"callstack_kernel", Kind::kCallstack, 8, false},
    {"callstack_user", Kind::kCallstack, 8, false},
}};
static_assert(static_cast<std::size_t>(KernelContext::kCallstackUser) + 1 == kKernelContextCount);

std::optional<KernelContext> find_kernel_context(std::string_view name) {
  std::string in_trace(name);
  std::replace(in_trace.begin(), in_trace.end(), '-', '_');
  for (std::size_t i = 0; i < kKernelContexts.size(); ++i) {
    const bool dashes = kKernelContexts[i].kind == Kind::kCallstack;
    if (kKernelContexts[i].name == (dashes ? std::string_view(in_trace) : name))
      return static_cast<KernelContext>(i);
  }
  return std::nullopt;
}

KernelContextBuilder& KernelContextBuilder::add(KernelContext context) {
  const KernelContextTraits& traits = traits_of(context);
  std::string name(traits.name);
  switch (traits.kind) {
    case Kind::kInteger:
      structure_.members.push_back(
          {std::move(name), make_field_class(Integer{.layout = {.length_bits = traits.bytes * 8},
                                                     .is_signed = traits.is_signed})});
      break;
    case Kind::kText:
      structure_.members.push_back(
          {std::move(name), make_field_class(StaticString{.length_bytes = traits.bytes})});
      break;
    case Kind::kCallstack: {
      const std::string length = length_name(name);
      structure_.members.push_back({length, unsigned_integer(4)});
      structure_.members.push_back(
          {std::move(name), make_field_class(DynamicArray{
                                .length = {Scope::kCommonContext, {length}},
                                .element = unsigned_integer(traits.bytes, Base::kHexadecimal)})});
      break;
    }
  }
  return *this;
}

KernelContextBuilder& KernelContextBuilder::add_perf_counter(std::string_view name) {
  structure_.members.push_back({std::string(name), unsigned_integer(8)});
  return *this;
}

FieldClassRef KernelContextBuilder::build() {
  Structure structure = std::exchange(structure_, {});
  return structure.members.empty() ? nullptr : make_field_class(std::move(structure));
}

std::vector<EnvironmentEntry> kernel_environment(const KernelEnvironment& environment) {
  return {
      {"hostname", environment.hostname},
      {"domain", "kernel"},
      {"sysname", environment.sysname},
      {"kernel_release", environment.kernel_release},
      {"kernel_version", environment.kernel_version},
      {"tracer_name", "sillage"},
      {"tracer_major", environment.version_major},
      {"tracer_minor", environment.version_minor},
      {"tracer_patchlevel", environment.version_patch},
      {"architecture_bit_width", environment.word_bits},
      {"trace_buffering_scheme", "global"},
      {"trace_name", environment.session_name},
      {"trace_creation_datetime", environment.creation_datetime},
  };
}

}  // namespace sillage::ctf
