// SPDX-License-Identifier: MIT
#include "lttng/agent_domains.hpp"
#include "lttng/describe.hpp"
#include "lttng/verbs.hpp"
#include "lttng/why_empty.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

extern char** environ;

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;
using Value = OptionSpec::Value;

Result<Shown> shown_of(const CommandLine& line) {
  Shown shown;
  if (const auto mode = line.value("mem-usage")) {
    shown.memory = *mode == "total"     ? MemoryShown::kTotal
                   : *mode == "compact" ? MemoryShown::kCompact
                   : *mode == "full"    ? MemoryShown::kFull
                                        : MemoryShown::kNothing;
    if (shown.memory == MemoryShown::kNothing)
      return fail(Code::kInvalidArgument, "Wrong value in --mem-usage parameter: " + *mode +
                                              "; use total, compact or full");
  }
  shown.channel = line.value("channel").value_or("");
  shown.only_kernel = line.has("kernel");
  shown.only_user = line.has("userspace");
  shown.only_agent = agent_of(line);
  shown.only_domains = line.has("domain");
  return shown;
}

Result<v1::ListSessionsResponse> sessions(Context& context, const std::string& name,
                                          bool with_memory = false) {
  v1::Request request;
  request.mutable_list_sessions()->set_name(name);
  request.mutable_list_sessions()->set_with_memory(with_memory);
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  return response->list_sessions();
}

Result<int> show_session(Context& context, const CommandLine& line, const std::string& name) {
  const auto asked = shown_of(line);
  if (!asked) return tl::unexpected<Error>(asked.error());
  const Shown& shown = *asked;
  auto list = sessions(context, name, context.is_mi || shown.memory != MemoryShown::kNothing);
  if (!list) return tl::unexpected<Error>(std::move(list).error());
  const v1::Session& session = list->sessions(0);
  if (!shown.channel.empty()) {
    bool is_there = false;
    for (const v1::SessionDomain& domain : session.domains())
      for (const v1::SessionChannel& channel : domain.channels())
        is_there = is_there || channel.options().name() == shown.channel;
    if (!is_there) return fail(Code::kNotFound, "Channel " + shown.channel + " not found");
  }
  if (!context.is_mi) {
    context.out += session_text(session, shown);
    return kExitOk;
  }
  MiDocument document("list");
  document.open("sessions");
  write_session(session, &shown, &document);
  context.out += document.finish(true);
  return kExitOk;
}

Result<int> list_programs(Context& context, bool with_fields) {
  v1::Request request;
  request.mutable_list()->set_with_fields(with_fields);
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  if (!context.is_mi) {
    context.out += programs_text(response->list(), with_fields);
    return kExitOk;
  }
  MiDocument document("list");
  write_programs(response->list(), with_fields, &document);
  context.out += document.finish(true);
  return kExitOk;
}

Result<int> list_loggers(Context& context, const Agent& agent) {
  v1::Request request;
  request.mutable_list_loggers()->set_domain(agent.number);
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  if (!context.is_mi) {
    context.out += loggers_text(agent, response->list_loggers());
    return kExitOk;
  }
  MiDocument document("list");
  write_loggers(agent, response->list_loggers(), &document);
  context.out += document.finish(true);
  return kExitOk;
}

Result<int> list_kernel_events(Context& context, const CommandLine& line) {
  const bool with_fields = line.has("fields"), system_calls = line.has("syscall");
  auto events = context.kernel_events(system_calls, with_fields);
  if (!events) return tl::unexpected<Error>(std::move(events).error());
  if (!context.is_mi) {
    context.out += kernel_events_text(*events, system_calls);
    return kExitOk;
  }
  MiDocument document("list");
  write_kernel_events(*events, with_fields, &document);
  context.out += document.finish(true);
  return kExitOk;
}

Result<int> list(Context& context, const CommandLine& line) {
  if (!line.words().empty()) return show_session(context, line, line.words()[0]);
  const Agent* agent = agent_of(line);
  if (line.has("kernel")) return list_kernel_events(context, line);
  if (line.has("userspace")) {
    auto done = list_programs(context, line.has("fields"));
    if (!done || agent == nullptr || context.is_mi) return done;
  }
  if (agent != nullptr) return list_loggers(context, *agent);
  auto all = sessions(context, "");
  if (!all) return tl::unexpected<Error>(std::move(all).error());
  if (!context.is_mi) {
    context.out += sessions_text(*all);
    return kExitOk;
  }
  MiDocument document("list");
  document.open("sessions");
  for (const v1::Session& session : all->sessions()) write_session(session, nullptr, &document);
  context.out += document.finish(true);
  return kExitOk;
}

Result<int> status(Context& context, const CommandLine& line) {
  auto name = current_session(context.home);
  if (!name) return tl::unexpected<Error>(std::move(name).error());
  return show_session(context, line, *name);
}

/// How long rules are watched, by `--watch[=SECONDS]`; 0: not at all.
Result<std::uint32_t> watch_ms(const CommandLine& line) {
  constexpr std::uint32_t kMost = 300;
  if (!line.has("watch")) return 0;
  const std::string text = line.value("watch").value_or("");
  if (text.empty()) return 1000;
  const bool is_number =
      text.size() <= 3 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  const auto seconds = is_number ? static_cast<std::uint32_t>(std::stoul(text)) : 0;
  if (seconds == 0 || seconds > kMost)
    return fail(Code::kInvalidArgument, "--watch=" + text + ": rules are watched for 1 to " +
                                            std::to_string(kMost) + " seconds");
  return seconds * 1000;
}

Result<int> why_empty(Context& context, const CommandLine& line) {
  v1::Request request;
  const auto watched = watch_ms(line);
  if (!watched) return tl::unexpected<Error>(watched.error());
  request.mutable_why_empty()->set_watch_ms(*watched);
  if (line.words().empty()) {
    auto current = current_session(context.home);
    if (!current) return tl::unexpected<Error>(std::move(current).error());
    request.mutable_why_empty()->set_name(*current);
  } else {
    request.mutable_why_empty()->set_name(line.words()[0]);
  }
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  v1::WhyEmptyResponse* const answer = response->mutable_why_empty();
  if (!answer->has_stats()) {
    // It has met nobody: what runs now is what it would meet.
    v1::Request list;
    list.mutable_list();
    auto programs = context.call(std::move(list));
    if (!programs) return tl::unexpected<Error>(std::move(programs).error());
    add_present_programs(programs->list(), answer);
  }
  context.out += why_empty_text(*answer);
  return kExitOk;
}

/// Runs a viewer on a trace and gives its exit status.
Result<int> run_viewer(const std::string& viewer, const std::string& path) {
  std::string program = viewer, trace = path;
  char* arguments[] = {program.data(), trace.data(), nullptr};
  pid_t child = -1;
  const int error = posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ);
  if (error != 0)
    return fail_errno("cannot run " + viewer + " (choose another viewer with --viewer)", error);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kExitFatal;
}

Result<int> view(Context& context, const CommandLine& line) {
  std::string path = line.value("trace-path").value_or("");
  if (path.empty()) {
    std::string name = line.words().empty() ? "" : line.words()[0];
    if (name.empty()) {
      auto current = current_session(context.home);
      if (!current) return tl::unexpected<Error>(std::move(current).error());
      name = *current;
    }
    auto list = sessions(context, name);
    if (!list) return fail(list.error().code, "Session name " + name + " not found");
    path = list->sessions(0).path();
  }
  if (path.empty())
    return fail(Code::kNotFound, "the session writes no trace that could be viewed");
  return run_viewer(line.value("viewer").value_or("babeltrace2"), path);
}

Result<int> version(Context& context, const CommandLine& /*line*/) {
  context.say("lttng version " + context.release +
              " - Sillage\n\nRecords what Linux and its programs do.");
  if (!context.is_mi) return kExitOk;
  MiDocument document("version");
  document.open("version");
  document.text("string", context.release);
  const std::size_t dot = context.release.find('.'), second = context.release.find('.', dot + 1);
  document.text("major", context.release.substr(0, dot));
  document.text("minor", context.release.substr(dot + 1, second - dot - 1));
  document.text("commit", "");
  document.text("patchLevel", context.release.substr(second + 1));
  document.text("name", "Sillage");
  document.text("description", "Records what Linux and its programs do.");
  document.text("url", "");
  document.text("license", "MIT");
  context.out += document.finish(true);
  return kExitOk;
}

/// Of `list` and of `status`; output is never cut, and has one style.
std::vector<OptionSpec> shown_options() {
  return {{"kernel", 'k'},
          {"userspace", 'u'},
          {"jul", 'j'},
          {"log4j", 'l'},
          {"log4j2"},
          {"python", 'p'},
          {"channel", 'c', Value::kNeeded},
          {"mem-usage", 0, Value::kNeeded},
          {"no-truncate"},
          {"style", 0, Value::kNeeded}};
}

std::vector<OptionSpec> list_options() {
  std::vector<OptionSpec> options = shown_options();
  options.push_back({"fields", 'f'});
  options.push_back({"syscall"});
  options.push_back({"domain", 'd'});
  return options;
}

}  // namespace

std::span<const Verb> status_verbs() {
  static const std::array<Verb, 5> verbs = {{
      {"list",
       "[--kernel | --userspace] [--jul] [--log4j] [--log4j2] [--python] [--fields] [SESSION "
       "[--channel=CHANNEL] [--domain] [--mem-usage=total | compact | full]]",
       "List recording sessions and instrumentation points", list_options(), list},
      {"status",
       "[--kernel | --userspace] [--jul] [--log4j] [--log4j2] [--python] [--channel=CHANNEL] "
       "[--mem-usage=total | compact | full]",
       "Show the status of the current recording session", shown_options(), status},
      {"view",
       "[--viewer=PROGRAM] [--trace-path=DIR | SESSION]",
       "Launch a trace reader",
       {{"viewer", 'e', Value::kNeeded}, {"trace-path", 't', Value::kNeeded}},
       view},
      {"version", "", "Show version information", {}, version},
      {"why-empty",
       "[--watch[=SECONDS]] [SESSION]",
       "Say what each rule met, and why events are missing",
       {{"watch", 'w', Value::kOptional}},
       why_empty},
  }};
  return verbs;
}

}  // namespace sillage::lttng
