// SPDX-License-Identifier: MIT
#include "sillage/record_options.hpp"

#include "abi/app_protocol.h"
#include "ctf/layout.hpp"
#include "session/glob.hpp"
#include "session/log_level.hpp"
#include "session/nearest.hpp"
#include "session/perf_counters.hpp"
#include "session/recording_session.hpp"
#include "sillage/kernel_options.hpp"
#include "sillage/units.hpp"
#include "sillage/ust_compat.hpp"

#include <fmt/core.h>

#include <signal.h>
#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace sillage::command {
namespace {

constexpr std::uint64_t kMicrosecond = 1000, kSecond = 1'000'000'000;

std::string random_mark() {
  std::uint64_t bits[2] = {};
  if (getrandom(bits, sizeof bits, 0) != sizeof bits)
    bits[0] = static_cast<std::uint64_t>(time(nullptr));
  return fmt::format("{:016x}{:016x}", bits[0], bits[1]);
}

Result<std::uint32_t> context_number(const std::string& text) {
  std::vector<std::string> names;
  for (std::uint32_t number = 1; number < SILLAGE_CONTEXT_END; ++number) {
    names.emplace_back(ctf::context_name(number));
    if (names.back() == text) return number;
  }
  auto near = session::nearest_names(text, names, 1);
  std::string all;
  for (const std::string& name : names) all += " " + name;
  return fail(Code::kInvalidArgument,
              fmt::format("there is no context \"{}\"; {}", text,
                          near.empty() ? "use one of" + all : "did you mean " + near[0] + "?"));
}

Status fill_rules(const RecordOptions& options, control::v1::Channel* channel) {
  if (!options.level.empty() && !options.level_only.empty()) {
    return fail(Code::kInvalidArgument,
                "--level and --level-only exclude each other: leave one out");
  }
  auto kind = control::v1::EventRule::ANY;
  std::uint32_t level = 0;
  if (!options.level.empty() || !options.level_only.empty()) {
    const bool is_only = options.level.empty();
    auto parsed = session::parse_log_level(is_only ? options.level_only : options.level);
    if (!parsed) return tl::unexpected<Error>(std::move(parsed).error());
    level = *parsed;
    kind = is_only ? control::v1::EventRule::ONLY : control::v1::EventRule::AT_LEAST_AS_SEVERE;
  }
  std::vector<std::string> patterns = options.events;
  if (records_kernel(options)) {
    std::erase_if(patterns, [](const std::string& pattern) { return !is_user_pattern(pattern); });
  }
  // With the kernel's events, and none of programs named, it is a filter of the kernel's.
  const bool is_filtered = !records_kernel(options) || !patterns.empty();
  if (patterns.empty()) patterns.emplace_back("*");
  std::sort(patterns.begin(), patterns.end());
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  for (const std::string& pattern : patterns) {
    control::v1::EventRule* rule = channel->add_rules();
    rule->set_pattern(pattern);
    rule->set_level_kind(kind);
    rule->set_level(level);
    if (is_filtered) rule->set_filter(options.filter);
    // Nothing can be excluded from a single name; with other patterns about, the exclusion is meant for those.
    if (session::is_glob(pattern)) {
      for (const std::string& exclusion : options.exclusions) rule->add_exclusions(exclusion);
    }
  }
  return {};
}

Status fill_channel(const RecordOptions& options, control::v1::Channel* channel) {
  channel->set_name("channel0");
  channel->set_overwrite(options.overwrite);
  if (!options.subbuf_size.empty()) {
    auto bytes = parse_size(options.subbuf_size);
    if (!bytes) return tl::unexpected<Error>(std::move(bytes).error());
    channel->set_subbuf_bytes(*bytes);
  }
  channel->set_subbuf_count(options.subbuf_count);
  if (options.blocking_timeout == "inf") {
    channel->set_blocking_timeout_ns(UINT64_MAX);
  } else if (!options.blocking_timeout.empty()) {
    auto timeout = parse_duration(options.blocking_timeout, kMicrosecond);  // LTTng's unit
    if (!timeout) return tl::unexpected<Error>(std::move(timeout).error());
    channel->set_blocking_timeout_ns(*timeout);
  }
  if (options.buffers != "user" && options.buffers != "process") {
    return fail(
        Code::kInvalidArgument,
        fmt::format("buffers cannot belong to \"{}\": use --buffers user or --buffers process",
                    options.buffers));
  }
  channel->set_per_process(options.buffers == "process");
  for (const std::string& name : options.contexts) {
    if (session::is_app_context(name)) {
      const auto& known = channel->app_contexts();
      if (std::find(known.begin(), known.end(), name) == known.end())
        channel->add_app_contexts(name);
      continue;
    }
    if (session::is_perf_counter(name)) {
      if (name.starts_with("perf:cpu:") && records_kernel(options)) continue;  // the kernel's
      const auto& known = channel->counters();
      if (std::find(known.begin(), known.end(), name) == known.end()) channel->add_counters(name);
      continue;
    }
    auto number = context_number(name);
    if (!number && records_kernel(options))
      continue;  // the kernel's, or the daemon says that it is not
    if (!number) return tl::unexpected<Error>(std::move(number).error());
    const auto& known = channel->contexts();
    if (std::find(known.begin(), known.end(), *number) == known.end())
      channel->add_contexts(*number);
  }
  return fill_rules(options, channel);
}

// Beside the kernel's events if one of its own is asked for, or nothing in particular.
bool records_user_space(const RecordOptions& options) {
  return !records_kernel(options) || names_no_event(options) ||
         std::any_of(options.events.begin(), options.events.end(), is_user_pattern);
}

std::string session_name(const RecordOptions& options) {
  if (!options.name.empty()) return options.name;
  if (options.program.empty()) return records_kernel(options) ? "kernel" : "all";
  std::string name = std::filesystem::path(options.program[0]).filename().string();
  return name.empty() || name.size() > 200 ? "recording" : name;
}

}  // namespace

Result<std::string> default_output(const std::string& name) {
  const char* home = std::getenv("LTTNG_HOME");
  if (home == nullptr || home[0] == 0) home = std::getenv("HOME");
  if (home == nullptr || home[0] == 0) {
    return fail(Code::kNotFound,
                "HOME is not set, so there is no place for the trace: name one with -o DIR");
  }
  const time_t now = time(nullptr);
  tm local = {};
  localtime_r(&now, &local);
  char stamp[32];
  strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &local);
  const std::string base = fmt::format("{}/lttng-traces/{}-{}", home, name, stamp);
  // Two recordings may begin within one second.
  std::string path = base;
  for (int i = 2; i < 1000 && std::filesystem::exists(path); ++i)
    path = fmt::format("{}-{}", base, i);
  return path;
}

bool records_kernel(const RecordOptions& options) {
  return options.kernel || !options.syscalls.empty() || !options.functions.empty() ||
         !options.probes.empty() || !options.userspace_probes.empty();
}

Result<RecordPlan> plan_recording(const RecordOptions& options) {
  RecordPlan plan;
  if (options.ust_compat && options.program.empty()) {
    return fail(Code::kInvalidArgument,
                "--ust-compat is for a program that is started: give one, or start programs with "
                "LD_LIBRARY_PATH as sillage-record(1) says");
  }
  if (!options.pids.empty() && !options.program.empty()) {
    return fail(Code::kInvalidArgument,
                "-p records programs that run already: leave out -p or the program");
  }
  const std::string name = session_name(options);
  plan.request.set_name(name);
  auto output = options.output.empty() ? default_output(name) : Result<std::string>(options.output);
  if (!output) return tl::unexpected<Error>(std::move(output).error());
  std::error_code error;
  const auto path = std::filesystem::absolute(*output, error);
  if (error)
    return fail(Code::kInvalidArgument,
                "cannot find the place of " + *output + ": " + error.message());
  std::string text = path.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  plan.request.set_output_path(text);
  auto format = session::parse_trace_format(options.trace_format);
  if (!format) return tl::unexpected<Error>(std::move(format).error());
  plan.request.set_format(*format == session::TraceFormat::kCtf2
                              ? control::v1::CreateRecordingRequest::CTF_2
                              : control::v1::CreateRecordingRequest::CTF_1_8);
  if (records_user_space(options)) {
    SILLAGE_TRY(fill_channel(options, plan.request.add_channels()));
    plan.allows_blocking = plan.request.channels(0).blocking_timeout_ns() != 0;
  }
  if (records_kernel(options))
    SILLAGE_TRY(fill_kernel_channel(options, records_user_space(options),
                                    plan.request.add_kernel_channels()));
  for (int pid : options.pids) {
    if (pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH)) {
      return fail(Code::kNotFound, fmt::format("there is no process {}: `sillage list` shows those "
                                               "that can be recorded",
                                               pid));
    }
    plan.request.add_pids(pid);
  }
  if (!options.program.empty()) {
    if (options.ust_compat) {
      auto libraries = ust_library_path();
      if (!libraries) return tl::unexpected<Error>(std::move(libraries).error());
      plan.library_path = *std::move(libraries);
    }
    plan.mark_name = "SILLAGE_RECORDING";
    plan.mark_value = random_mark();
    plan.request.set_mark(plan.mark_name + "=" + plan.mark_value);
  }
  if (!options.duration.empty()) {
    auto duration = parse_duration(options.duration, kSecond);
    if (!duration) return tl::unexpected<Error>(std::move(duration).error());
    plan.duration_ns = *duration;
  }
  return plan;
}

}  // namespace sillage::command
