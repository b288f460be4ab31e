// SPDX-License-Identifier: MIT
#include "sillage/lttng_command.hpp"

#include "apps/socket_path.hpp"
#include "client/daemon_start.hpp"
#include "kernel/catalog.hpp"
#include "lttng/verbs.hpp"
#include "sillage/thread_counter.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::command {
namespace {

std::string home_directory() {
  for (const char* name : {"LTTNG_HOME", "HOME"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  return "/tmp";
}

/// Whether `sillage` leaves a command line to lttng's verbs: `list`, `version` and `regenerate` have a meaning of their own
/// unless a session, the user domain or one of an agent is named.
bool is_lttngs(const std::vector<std::string>& words) {
  if (words.empty()) return false;
  if (words[0].starts_with("--mi") || words[0] == "-m" || words[0] == "-n") return true;
  if (words[0] == "version") return false;
  // Of all recordings, sessions' or not.
  if (words == std::vector<std::string>{"regenerate", "statedump"}) return false;
  if (words[0] == "list") {
    const auto is_domain = [](const std::string& word) {
      constexpr std::string_view kWords[] = {"-u",    "--userspace", "-p",      "--python", "-j",
                                             "--jul", "-l",          "--log4j", "--log4j2"};
      return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
    };
    const auto is_kernel = [](const std::string& word) {
      return word == "-k" || word == "--kernel";
    };
    if (std::any_of(words.begin(), words.end(), is_domain)) return true;
    return std::none_of(words.begin(), words.end(), is_kernel) && words.size() > 1 &&
           !words[1].starts_with('-');
  }
  return words[0] == "help" || lttng::find_verb(words[0]) != nullptr;
}

Result<std::vector<lttng::KernelEvent>> kernel_events(bool system_calls, bool with_fields) {
  const auto catalog = kernel::Catalog::load();
  if (!catalog) return tl::unexpected<Error>(catalog.error());
  std::vector<lttng::KernelEvent> events;
  if (system_calls) {
    const auto calls = catalog->system_calls();
    if (!calls) return tl::unexpected<Error>(calls.error());
    std::set<std::string_view> of_32_bit;
    for (const kernel::SystemCall& call : calls->all())
      if (call.abi == kernel::Abi::kCompat) of_32_bit.insert(call.user_name);
    for (const kernel::SystemCall& call : calls->all()) {
      if (call.abi != kernel::Abi::kNative) continue;  // rules name both by one name
      lttng::KernelEvent& event = events.emplace_back();
      event = {.name = call.name, .is_system_call = true};
      event.has_32_bit = of_32_bit.contains(call.user_name);
      if (!with_fields) continue;
      for (const kernel::SystemCallArgument& argument : call.arguments)
        event.fields.emplace_back(argument.name, argument.type);
    }
    return events;
  }
  for (const kernel::KernelTracepoint& tracepoint : catalog->tracepoints()) {
    lttng::KernelEvent& event = events.emplace_back();
    event.name = tracepoint.name;
    const auto fields = catalog->fields(tracepoint);
    if (!with_fields || !fields) continue;  // a module's may have gone away
    for (const kernel::FieldSummary& field : *fields)
      event.fields.emplace_back(field.name, field.type);
  }
  return events;
}

}  // namespace

std::optional<int> run_as_lttng(int argc, char** argv) {
  const std::string_view path = argc > 0 ? argv[0] : "";
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  const bool is_named = path.substr(path.rfind('/') + 1) == "lttng";
  if (!is_named && !is_lttngs(words)) return std::nullopt;
  lttng::Context context;
  context.connect = [&context] {
    const auto paths =
        client::choose_daemon(context.group.empty() ? apps::kTracingGroup : context.group);
    return context.starts_no_daemon ? client::connect_running(paths)
                                    : client::connect_or_start(paths);
  };
  context.kernel_events = kernel_events;
  context.why_no_counter = why_no_counter;
  context.home = home_directory();
  context.release = SILLAGE_VERSION;
  const int status = lttng::run(context, words);
  std::fwrite(context.out.data(), 1, context.out.size(), stdout);
  const bool is_written = std::fflush(stdout) == 0;
  std::fwrite(context.err.data(), 1, context.err.size(), stderr);
  return is_written || status != lttng::kExitOk ? status : lttng::kExitFatal;
}

}  // namespace sillage::command
