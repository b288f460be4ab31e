// SPDX-License-Identifier: MIT
#include "session/kernel_channel.hpp"

#include "session/checks.hpp"
#include "session/glob.hpp"

#include <algorithm>
#include <utility>

namespace sillage::session {
namespace {

constexpr std::size_t kMaxContexts = 64;
constexpr std::size_t kMaxFilter = 65536;  // LTTng's bound

bool takes_exclusions(const KernelRule& rule) {
  return is_glob(rule.pattern) &&
         (rule.kind == KernelRule::Kind::kTracepoint || rule.kind == KernelRule::Kind::kSyscall);
}

bool wants(const KernelRule& rule, std::string_view name) {
  const auto matches = [name](const std::string& pattern) { return glob_matches(pattern, name); };
  return matches(rule.pattern) &&
         std::none_of(rule.exclusions.begin(), rule.exclusions.end(), matches);
}

}  // namespace

Result<KernelChannel> KernelChannel::create(KernelChannelOptions options) {
  if (!can_be_file_name(options.name))
    return fail(
        Code::kInvalidArgument,
        "a channel's name must be 1 to 223 bytes without a slash: \"" + options.name + "\"");
  if (options.subbuf_bytes && options.subbuf_bytes->value == 0)
    return fail(Code::kInvalidArgument, "a sub-buffer must have a size above 0");
  if (options.subbuf_count && *options.subbuf_count == 0)
    return fail(Code::kInvalidArgument, "a channel must have at least one sub-buffer");
  return KernelChannel(std::move(options));
}

Status KernelChannel::add_rule(KernelRule rule) {
  if (!is_pattern(rule.pattern))
    return fail(Code::kInvalidArgument, "an event pattern must be 1 to 1024 bytes long");
  if (rule.filter.size() > kMaxFilter)
    return fail(Code::kInvalidArgument, "a filter may be at most 65536 bytes long");
  if (!rule.exclusions.empty() && !takes_exclusions(rule))
    return fail(Code::kInvalidArgument,
                "\"" + rule.pattern +
                    "\" names one event, so nothing can be excluded from it: use a pattern with * "
                    "or leave out the exclusion");
  if (rule.exclusions.size() > kMaxExclusions ||
      !std::all_of(rule.exclusions.begin(), rule.exclusions.end(), is_pattern))
    return fail(Code::kInvalidArgument,
                "exclusions must be 1 to 1024 bytes long, at most 65536 of them");
  if (std::find(rules_.begin(), rules_.end(), rule) != rules_.end())
    return fail(Code::kAlreadyExists, "the rule for \"" + rule.pattern + "\" is there already");
  rules_.push_back(std::move(rule));
  return {};
}

Status KernelChannel::add_context(std::string context) {
  if (std::find(contexts_.begin(), contexts_.end(), context) != contexts_.end())
    return fail(Code::kAlreadyExists, "the channel has the context " + context + " already");
  if (contexts_.size() == kMaxContexts)
    return fail(Code::kLimit, "a channel can have at most 64 contexts");
  contexts_.push_back(std::move(context));
  return {};
}

std::vector<const KernelRule*> KernelChannel::find_rules(KernelRule::Kind kind,
                                                         std::string_view name,
                                                         std::string_view other_name) const {
  std::vector<const KernelRule*> found;
  for (const KernelRule& rule : rules_) {
    const bool has_other = !other_name.empty() && other_name != name;
    if (rule.kind == kind && (wants(rule, name) || (has_other && wants(rule, other_name))))
      found.push_back(&rule);
  }
  return found;
}

const KernelRule* KernelChannel::find_rule(KernelRule::Kind kind, std::string_view name,
                                           std::string_view other_name) const {
  const auto found = find_rules(kind, name, other_name);
  return found.empty() ? nullptr : found.front();
}

}  // namespace sillage::session
