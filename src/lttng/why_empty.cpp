// SPDX-License-Identifier: MIT
#include "lttng/why_empty.hpp"

#include "session/glob.hpp"
#include "session/log_level.hpp"
#include "session/nearest.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;

constexpr std::size_t kShownNames = 5;
constexpr std::size_t kSuggestions = 3;

std::string counted(std::uint64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// Of so many as there are.
std::string some_of(const std::vector<std::string>& names, std::uint64_t count) {
  std::string text;
  std::uint64_t shown = 0;
  for (; shown < std::min(names.size(), kShownNames); ++shown)
    text += (shown == 0 ? "" : ", ") + names[shown];
  if (count > shown) text += ", and " + std::to_string(count - shown);
  return text;
}

std::string some_of(const std::vector<std::string>& names) { return some_of(names, names.size()); }

std::string totals_text(const v1::Stats& stats) {
  const v1::Lost& lost = stats.lost();
  const std::pair<std::uint64_t, const char*> causes[] = {
      {lost.full(), "no room in the buffers: --subbuf-size, --num-subbuf"},
      {lost.overrun(), "overwritten before they were read"},
      {lost.timeout(), "no room within --blocking-timeout"},
      {lost.too_big(), "larger than a sub-buffer: --subbuf-size"},
      {lost.busy(), "every stream taken by others"},
      {lost.nested(), "in the kernel, while the same event was being recorded"},
      {lost.disk(), "the output had no room or failed"},
      {lost.corrupt(), "records that cannot be"},
      {lost.other(), "causes this release does not know"}};
  std::uint64_t total = 0;
  std::string why;
  for (const auto& [count, cause] : causes) {
    total += count;
    if (count != 0) why += "    " + std::to_string(count) + "  " + cause + "\n";
  }
  std::string text = "  " + counted(stats.events() + stats.pending(), "event") + " recorded, " +
                     std::to_string(total) + " lost, " + std::to_string(stats.rejected()) +
                     " that filters did not want\n" + why;
  if (!stats.output_error().empty()) text += "  the output failed: " + stats.output_error() + "\n";
  return text;
}

std::string programs_text(const v1::WhyEmptyResponse& answer) {
  const v1::Coverage& coverage = answer.coverage();
  std::string text;
  if (coverage.programs() == 0) {
    text += answer.has_stats() ? "  no program that it is about registered while it was started"
                               : "  no program with tracepoints runs";
    text += "; `sillage list` shows those that do\n";
  } else {
    text += "  " + counted(coverage.programs(), "program") + " with " +
            counted(static_cast<std::uint64_t>(answer.events_size()), "different event") + "\n";
  }
  if (coverage.other_programs() != 0)
    text += "  " + counted(coverage.other_programs(), "program") +
            " left out by track and untrack; `sillage list SESSION` shows who is in\n";
  if (coverage.refused_programs() != 0)
    text += "  a program was refused: " + coverage.last_refusal() + "\n";
  return text;
}

/// What one rule makes of the events that programs have.
class RuleReport {
 public:
  RuleReport(const v1::RecordingRule& rule, const v1::WhyEmptyResponse& answer) : rule_(rule) {
    session::LogLevelRule level;
    level.kind = static_cast<session::LogLevelRule::Kind>(rule.level_kind());
    level.level = static_cast<std::uint8_t>(rule.level());
    for (const v1::SeenEvent& event : answer.events()) {
      all_.push_back(event.name());
      if (!session::glob_matches(rule.name(), event.name())) continue;
      if (is_excluded(event.name())) {
        excluded_.push_back(event.name());
      } else if (!level.accepts(static_cast<std::uint8_t>(event.log_level()))) {
        below_.push_back(event.name());
      } else {
        matched_.push_back(event.name());
        programs_ = std::max(programs_, event.programs());
      }
    }
    for (const v1::FilterProblem& problem : answer.coverage().filter_problems())
      if (problem.filter() == rule.filter() && is_matched(problem.event()))
        problems_.push_back(&problem);
  }

  [[nodiscard]] std::string text() const {
    std::string text;
    const auto say = [&text](const std::string& line) { text += "      " + line + "\n"; };
    if (!matched_.empty())
      say("matches " + counted(matched_.size(), "event") + " of " +
          (programs_ == 1 ? "a program" : "up to " + counted(programs_, "program")) + ": " +
          some_of(matched_));
    if (!below_.empty()) say("not of its log level: " + some_of(below_));
    if (!excluded_.empty()) say("excluded: " + some_of(excluded_));
    if (matched_.empty() && below_.empty() && excluded_.empty()) say(nothing());
    for (const v1::FilterProblem* problem : problems_)
      say("its filter cannot match " + problem->event() + " of " + problem->program() + ": " +
          problem->reason());
    return text;
  }

 private:
  [[nodiscard]] bool is_excluded(const std::string& name) const {
    return std::any_of(
        rule_.exclusions().begin(), rule_.exclusions().end(),
        [&name](const std::string& pattern) { return session::glob_matches(pattern, name); });
  }
  [[nodiscard]] bool is_matched(const std::string& name) const {
    return std::find(matched_.begin(), matched_.end(), name) != matched_.end();
  }
  [[nodiscard]] std::string nothing() const {
    if (all_.empty()) return "met no event";
    const auto near = session::nearest_names(rule_.name(), all_, kSuggestions);
    return "matches no event that programs registered" +
           (near.empty() ? "" : "; did you mean " + some_of(near) + "?");
  }

  const v1::RecordingRule& rule_;
  std::vector<std::string> all_, matched_, below_, excluded_;
  std::uint64_t programs_ = 0;
  std::vector<const v1::FilterProblem*> problems_;
};

// To a tenth.
std::string seconds_text(std::uint64_t ns) {
  const std::uint64_t tenths = (ns + 50'000'000) / 100'000'000;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::string times(std::uint64_t count) { return counted(count, "time"); }

/// What a rule met while it was watched; "" if it was not.
std::string count_text(const std::string& channel, std::uint32_t number, v1::Domain domain,
                       const v1::RecordingRule& rule, const v1::WhyEmptyResponse& answer) {
  const auto found =
      std::find_if(answer.counts().begin(), answer.counts().end(), [&](const auto& count) {
        return count.domain() == domain && count.channel() == channel && count.rule() == number;
      });
  if (found == answer.counts().end()) return {};
  const v1::RuleCount& count = *found;
  const bool has_filter = !rule.filter().empty();
  const std::string during = "      in " + seconds_text(answer.watched_ns()) + ": ";
  if (count.watched_events() == 0) return "      none of its events can be counted here\n";
  if (count.happened() == 0) return during + "did not happen\n";
  std::string text = during + "happened " + times(count.happened());
  if (has_filter || count.untracked() != 0)
    text += ", " + std::to_string(count.wanted()) + " as wanted";
  if (has_filter) {
    const std::uint64_t others = count.happened() - std::min(count.happened(), count.wanted());
    text += ", " + std::to_string(others - std::min(others, count.untracked())) +
            " not as its filter wants";
  }
  if (count.untracked() != 0)
    text += ", " + std::to_string(count.untracked()) + " in processes that are not tracked";
  text += "\n";
  // What is said of one that the rule names is said.
  const bool is_named = count.event_count() == 1 && count.events(0).name() == rule.name();
  if (count.events().empty() || is_named) return text;
  std::vector<std::string> events;
  for (const v1::EventCount& event : count.events())
    events.push_back(event.name() + " " + times(event.happened()) +
                     (event.wanted() == event.happened()
                          ? ""
                          : " (" + std::to_string(event.wanted()) + " wanted)"));
  return text + "        " + some_of(events, count.event_count()) + "\n";
}

std::string rule_head(const v1::SessionRule& entry) {
  std::string text = "    " + entry.rule().name();
  if (!entry.rule().filter().empty()) text += "  with the filter " + entry.rule().filter();
  return text + (entry.is_enabled() ? "\n" : "\n      is disabled\n");
}

/// What became of a rule of the kernel's; "" where nobody knows.
std::string kernel_rule_text(const std::string& channel, std::uint32_t rule,
                             const v1::WhyEmptyResponse& answer) {
  for (const v1::KernelRuleReport& report : answer.kernel_rules()) {
    if (report.channel() != channel || report.rule() != rule) continue;
    if (report.event_count() == 0)
      return "      matches no event of this kernel that can be recorded; see below\n";
    std::string text =
        "      records " + counted(report.event_count(), "event") + " of this kernel: " +
        some_of({report.events().begin(), report.events().end()}, report.event_count()) + "\n";
    if (report.missed() != 0)
      text += "      missed " + std::to_string(report.missed()) +
              ", while the same event was being recorded\n";
    return text;
  }
  return {};
}

std::string channel_text(const v1::SessionChannel& channel, v1::Domain domain,
                         const v1::WhyEmptyResponse& answer) {
  const bool is_user = domain == v1::USER;
  std::string text = std::string("  channel ") + channel.options().name() +
                     (is_user ? " of programs" : " of the kernel") +
                     (channel.is_enabled() ? "" : ", which is disabled");
  if (channel.discarded_events() != 0)
    text += ", lost " + counted(channel.discarded_events(), "event");
  if (channel.lost_packets() != 0)
    text += ", overwrote " + counted(channel.lost_packets(), "packet");
  if (channel.rejected_events() != 0)
    text += ", with " + counted(channel.rejected_events(), "event") + " that filters did not want";
  text += "\n";
  if (channel.rules().empty()) text += "    has no rule: enable an event in it\n";
  for (int i = 0; i < channel.rules_size(); ++i) {
    const v1::SessionRule& entry = channel.rules(i);
    text += rule_head(entry);
    if (!entry.is_enabled()) continue;
    const std::string& name = channel.options().name();
    const auto number = static_cast<std::uint32_t>(i);
    text +=
        is_user ? RuleReport(entry.rule(), answer).text() : kernel_rule_text(name, number, answer);
    text += count_text(name, number, domain, entry.rule(), answer);
  }
  return text;
}

const char* state_text(const v1::WhyEmptyResponse& answer) {
  switch (answer.session().state()) {
    case v1::Session::STARTED: return "is started";
    case v1::Session::STOPPED: return "is stopped";
    default: return "was never started: what follows is of the programs that run now";
  }
}

}  // namespace

std::string why_empty_text(const v1::WhyEmptyResponse& answer) {
  std::string text = "Session " + answer.session().name() + " " + state_text(answer) + ".\n";
  if (answer.has_stats()) text += totals_text(answer.stats());
  bool has_user = false;
  for (const v1::SessionDomain& domain : answer.session().domains())
    has_user = has_user || (domain.domain() == v1::USER && domain.channels_size() != 0);
  if (has_user) text += programs_text(answer);
  if (answer.session().domains().empty()) text += "  it has no channel: enable an event first\n";
  for (const v1::SessionDomain& domain : answer.session().domains()) {
    const bool is_nobody_in =
        std::any_of(domain.inclusion_sets().begin(), domain.inclusion_sets().end(),
                    [](const auto& set) { return set.values().empty(); });
    if (is_nobody_in)
      text += std::string("  no process is tracked, so that no event of ") +
              (domain.domain() == v1::USER ? "programs" : "the kernel") +
              " is recorded; `sillage track` lets some in\n";
    for (const v1::SessionChannel& channel : domain.channels())
      text += channel_text(channel, domain.domain(), answer);
  }
  if (answer.left_out_count() != 0) {
    text += "  " + counted(answer.left_out_count(), "kernel event") + " cannot be recorded here:\n";
    for (const std::string& why : answer.left_out()) text += "    " + why + "\n";
  }
  if (!answer.warning().empty()) text += "  warning: " + answer.warning() + "\n";
  if (answer.watched_ns() == 0 && !answer.session().domains().empty())
    text += "  `sillage why-empty --watch` counts for a second what each rule meets\n";
  return text;
}

void add_present_programs(const v1::ListResponse& programs, v1::WhyEmptyResponse* answer) {
  std::map<std::string, v1::SeenEvent> events;
  for (const v1::Program& program : programs.programs()) {
    for (const v1::Event& event : program.events()) {
      v1::SeenEvent& seen = events[event.name()];
      seen.set_name(event.name());
      seen.set_log_level(event.log_level());
      seen.set_programs(seen.programs() + 1);
    }
  }
  answer->mutable_coverage()->set_programs(static_cast<std::uint64_t>(programs.programs_size()));
  for (auto& [name, event] : events) *answer->add_events() = std::move(event);
}

}  // namespace sillage::lttng
