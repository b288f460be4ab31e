// SPDX-License-Identifier: MIT
#include "sillage/kernel_options.hpp"

#include "session/channel.hpp"
#include "session/glob.hpp"
#include "sillage/units.hpp"

#include <algorithm>
#include <vector>

namespace sillage::command {
namespace {

using control::v1::KernelChannel;
using control::v1::KernelRule;

void add_rule(KernelChannel* channel, KernelRule::Kind kind, const std::string& pattern,
              const RecordOptions& options) {
  KernelRule* rule = channel->add_rules();
  rule->set_kind(kind);
  rule->set_pattern(pattern);
  rule->set_filter(options.filter);
  // Nothing can be excluded from a single name; with other patterns about, the exclusion is meant for those.
  if (kind != KernelRule::TRACEPOINT && kind != KernelRule::SYSCALL) return;
  if (!session::is_glob(pattern)) return;
  for (const std::string& exclusion : options.exclusions)
    if (!is_user_pattern(exclusion)) rule->add_exclusions(exclusion);
}

std::vector<std::string> names_of(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t from = 0; from < list.size();) {
    const std::size_t comma = std::min(list.find(',', from), list.size());
    if (comma != from) names.push_back(list.substr(from, comma - from));
    from = comma + 1;
  }
  return names;
}

std::vector<std::string> without_repeats(std::vector<std::string> patterns) {
  std::sort(patterns.begin(), patterns.end());
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  return patterns;
}

}  // namespace

bool names_no_event(const RecordOptions& options) {
  return options.events.empty() && options.syscalls.empty() && options.functions.empty() &&
         options.probes.empty() && options.userspace_probes.empty();
}

Status fill_kernel_channel(const RecordOptions& options, bool records_programs,
                           KernelChannel* channel) {
  channel->set_name("channel0");
  channel->set_overwrite(options.overwrite);
  channel->set_state_dump(!options.no_state_dump);
  channel->set_memory_maps(options.memory_maps);
  channel->set_syscall_bytes(options.syscall_bytes);
  if (!options.subbuf_size.empty()) {
    auto bytes = parse_size(options.subbuf_size);
    if (!bytes) return tl::unexpected<Error>(std::move(bytes).error());
    channel->set_subbuf_bytes(*bytes);
  }
  channel->set_subbuf_count(options.subbuf_count);
  for (const std::string& context : without_repeats(options.contexts))
    if (!session::is_app_context(context) &&
        !(records_programs && context.starts_with("perf:thread:")))
      channel->add_contexts(context);

  std::vector<std::string> events;
  for (const std::string& pattern : options.events)
    if (!is_user_pattern(pattern)) events.push_back(pattern);
  // What ran where, and what it waited for.
  if (names_no_event(options))
    events = {"sched_*", "irq_*", "signal_*", "block_*", "net_*", "power_*"};
  for (const std::string& pattern : without_repeats(events))
    add_rule(channel, KernelRule::TRACEPOINT, pattern, options);
  for (const std::string& pattern : without_repeats(names_of(options.syscalls)))
    add_rule(channel, KernelRule::SYSCALL, pattern, options);
  for (const std::string& name : without_repeats(options.functions))
    add_rule(channel, KernelRule::FUNCTION, name, options);
  for (const std::string& place : without_repeats(options.probes))
    add_rule(channel, KernelRule::PROBE, place, options);
  for (const std::string& place : without_repeats(options.userspace_probes))
    add_rule(channel, KernelRule::USERSPACE_PROBE, place, options);
  if (channel->rules().empty())
    return fail(
        Code::kInvalidArgument,
        "nothing of the kernel is asked for: name an event with -e (without a colon), or use "
        "--syscall or --function");
  return {};
}

}  // namespace sillage::command
