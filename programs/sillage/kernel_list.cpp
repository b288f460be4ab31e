// SPDX-License-Identifier: MIT
#include "sillage/kernel_list.hpp"

#include "session/glob.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace sillage::command {
namespace {

bool is_wanted(const KernelListOptions& options, std::string_view name, std::string_view other) {
  return options.patterns.empty() || std::any_of(options.patterns.begin(), options.patterns.end(),
                                                 [&](const std::string& pattern) {
                                                   return session::glob_matches(pattern, name) ||
                                                          session::glob_matches(pattern, other);
                                                 });
}

Status add_tracepoints(const kernel::Catalog& catalog, const KernelListOptions& options,
                       std::string* text) {
  std::string_view system;
  for (const kernel::KernelTracepoint& tracepoint : catalog.tracepoints()) {
    if (!is_wanted(options, tracepoint.name, tracepoint.event)) continue;
    if (tracepoint.system != system) {
      system = tracepoint.system;
      *text += fmt::format("{}\n", system);
    }
    *text += "  " + tracepoint.name;
    if (tracepoint.name != tracepoint.event)
      *text += fmt::format("  (kernel: {})", tracepoint.event);
    if (!tracepoint.why_not.empty())
      *text += fmt::format("  cannot be recorded: {}", tracepoint.why_not);
    *text += "\n";
    if (!options.with_fields) continue;
    const auto fields = catalog.fields(tracepoint);
    if (!fields) {
      if (fields.error().code == Code::kNotFound) continue;  // its module went away
      return tl::unexpected(fields.error());
    }
    for (const kernel::FieldSummary& field : *fields)
      *text += fmt::format("      {}: {}\n", field.name, field.type);
  }
  if (is_wanted(options, kernel::kTextEvent, kernel::kTextEvent)) {
    *text += fmt::format("texts written to the file \"logger\" of the daemon\n  {}\n",
                         kernel::kTextEvent);
    if (options.with_fields) *text += "      msg: char[]\n";
  }
  return {};
}

Status add_system_calls(const kernel::Catalog& catalog, const KernelListOptions& options,
                        std::string* text) {
  const auto calls = catalog.system_calls();
  if (!calls) return tl::unexpected(calls.error());
  const kernel::SystemCall* last = nullptr;
  for (const kernel::SystemCall& call : calls->all()) {
    if (!is_wanted(options, call.name, call.user_name)) continue;
    if (last == nullptr || last->abi != call.abi)
      *text += call.abi == kernel::Abi::kNative ? "system calls\n"
                                                : "system calls of 32-bit programs (compat)\n";
    last = &call;
    *text += fmt::format("  {:>3}  {}", call.number, call.name);
    if (call.name != call.user_name) *text += fmt::format("  (user: {})", call.user_name);
    *text += "\n";
    if (!options.with_fields) continue;
    for (const kernel::SystemCallArgument& argument : call.arguments)
      *text += fmt::format("         {}: {}\n", argument.name, argument.type);
  }
  for (const std::string& name : calls->without_number())
    *text += fmt::format("  ???  {}  is recorded as unknown: too new for this Sillage\n", name);
  return {};
}

Status add_functions(const kernel::Catalog& catalog, const KernelListOptions& options,
                     std::string* text) {
  const auto functions = catalog.functions();
  if (!functions) return tl::unexpected(functions.error());
  const kernel::Btf& types = *catalog.btf();  // where there are functions, there are types
  for (const std::string& name : *functions) {
    if (!is_wanted(options, name, name)) continue;
    *text += name + "\n";
    const auto prototype = types.prototype(*types.find_function(name));
    if (!options.with_fields || !prototype) continue;
    for (const kernel::Parameter& parameter : prototype->parameters)
      *text += fmt::format("    {}: {}\n", parameter.name, types.c_name(parameter.type));
    *text += fmt::format("    returns {}\n", types.c_name(prototype->result));
  }
  return {};
}

// "      arg1: s32", or why they cannot be recorded.
std::string argument_text(const kernel::SdtProbe& probe, kernel::Machine machine) {
  const auto arguments = kernel::parse_sdt_arguments(probe.argument_text, machine);
  if (!arguments) return fmt::format("      {}\n", arguments.error().text());
  std::string text;
  for (std::size_t i = 0; i < arguments->size(); ++i) {
    const kernel::SdtArgument& argument = (*arguments)[i];
    text += fmt::format("      arg{}: {}{}\n", i + 1,
                        argument.is_float    ? "f"
                        : argument.is_signed ? "s"
                                             : "u",
                        8 * argument.size_bytes);
  }
  return text;
}

}  // namespace

Result<std::string> kernel_list_text(const kernel::Catalog& catalog,
                                     const KernelListOptions& options) {
  std::string text;
  SILLAGE_TRY(options.system_calls ? add_system_calls(catalog, options, &text)
              : options.functions  ? add_functions(catalog, options, &text)
                                   : add_tracepoints(catalog, options, &text));
  if (text.empty()) {
    return fail(Code::kNotFound, fmt::format("the running kernel has no {} like this",
                                             options.system_calls ? "system call"
                                             : options.functions  ? "function"
                                                                  : "event"));
  }
  return text;
}

Result<std::string> file_list_text(const kernel::ElfProbes& probes,
                                   const KernelListOptions& options) {
  std::string sdt, functions;
  for (const kernel::SdtProbe& probe : probes.sdt_probes()) {
    const std::string name = probe.provider + ":" + probe.name;
    if (!is_wanted(options, name, probe.name)) continue;
    sdt += fmt::format("  {}  at {:#x}\n", name, probe.file_offset);
    if (options.with_fields) sdt += argument_text(probe, probes.machine());
  }
  for (const kernel::ElfFunction& function : probes.functions()) {
    if (is_wanted(options, function.name, function.name))
      functions += fmt::format("  {}  at {:#x}\n", function.name, function.file_offset);
  }
  if (sdt.empty() && functions.empty())
    return fail(Code::kNotFound, probes.path() + " has nothing like this to be probed");
  return (sdt.empty() ? "" : "SDT probes\n" + sdt) +
         (functions.empty() ? "" : "functions\n" + functions);
}

Result<int> list_kernel(const KernelListOptions& options) {
  if (!options.file.empty()) {
    const auto probes = kernel::ElfProbes::load(options.file);
    if (!probes) return tl::unexpected<Error>(probes.error());
    const auto text = file_list_text(*probes, options);
    if (!text) return tl::unexpected<Error>(text.error());
    fmt::print("{}", *text);
    return 0;
  }
  const auto catalog = kernel::Catalog::load();
  if (!catalog) return tl::unexpected<Error>(catalog.error());
  const auto text = kernel_list_text(*catalog, options);
  if (!text) return tl::unexpected<Error>(text.error());
  fmt::print("{}", *text);
  return 0;
}

}  // namespace sillage::command
