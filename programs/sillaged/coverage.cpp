// SPDX-License-Identifier: MIT
#include "sillaged/coverage.hpp"

#include "session/glob.hpp"
#include "session/nearest.hpp"

#include <algorithm>
#include <vector>

namespace sillage::daemon {
namespace {

constexpr std::size_t kMaxRemembered = 10000;  // programs may come and go all day
constexpr int kMaxShown = 8;
constexpr std::size_t kMaxSuggestions = 3;

}  // namespace

bool Registrations::add(std::uint32_t registration) {
  const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), registration);
  if (at != sorted_.end() && *at == registration) return false;
  sorted_.insert(at, registration);
  return true;
}

void Coverage::add_program(std::uint32_t registration, bool is_included) {
  Registrations& programs = is_included ? programs_ : other_programs_;
  if (programs.size() < kMaxRemembered) (void)programs.add(registration);
}

void Coverage::add_event(const session::Channel& channel, const std::string& name,
                         session::Verdict verdict) {
  auto known = events_.find(name);
  if (known != events_.end()) {
    known->second = std::max(known->second, verdict);
  } else if (events_.size() < kMaxRemembered) {
    events_.emplace(name, verdict);
  } else {
    return;
  }
  for (const session::EventRule& rule : channel.rules()) {
    if (session::glob_matches(rule.pattern, name)) matched_patterns_.insert(rule.pattern);
  }
}

void Coverage::add_site(std::uint32_t registration, const std::string& name, std::uint8_t level) {
  if (remembered_ == kMaxRemembered) return;
  Site& site = sites_[name];
  site.level = level;
  if (site.programs.add(registration)) ++remembered_;
}

void Coverage::add_filter_problem(const FilterMisfit& misfit, const std::string& event,
                                  const std::string& program) {
  if (filter_problems_.size() == kMaxShown) return;
  filter_problems_.try_emplace({misfit.filter, event}, FilterProblem{program, misfit.reason});
}

void Coverage::fill(const std::vector<session::Channel>& channels,
                    control::v1::Coverage* message) const {
  message->set_programs(programs_.size());
  message->set_other_programs(other_programs_.size());
  message->set_events_seen(events_.size());
  std::vector<std::string> names;
  std::uint64_t matched = 0;
  for (const auto& [name, verdict] : events_) {
    names.push_back(name);
    if (verdict == session::Verdict::kRecorded) ++matched;
    if (verdict == session::Verdict::kLevel && message->below_level_size() < kMaxShown)
      message->add_below_level(name);
    if (verdict == session::Verdict::kExcluded && message->excluded_size() < kMaxShown)
      message->add_excluded(name);
  }
  message->set_events_matched(matched);
  for (const auto& [key, problem] : filter_problems_) {
    control::v1::FilterProblem* shown = message->add_filter_problems();
    shown->set_filter(key.first);
    shown->set_event(key.second);
    shown->set_program(problem.program);
    shown->set_reason(problem.reason);
  }
  for (const session::Channel& channel : channels) {
    for (const session::EventRule& rule : channel.rules()) {
      if (matched_patterns_.contains(rule.pattern) || message->patterns_size() == kMaxShown)
        continue;
      control::v1::PatternHint* hint = message->add_patterns();
      hint->set_pattern(rule.pattern);
      for (const std::string& near : session::nearest_names(rule.pattern, names, kMaxSuggestions)) {
        hint->add_nearest(near);
      }
    }
  }
}

void Coverage::fill(control::v1::WhyEmptyResponse* message) const {
  for (const auto& [name, site] : sites_) {
    control::v1::SeenEvent* shown = message->add_events();
    shown->set_name(name);
    shown->set_log_level(site.level);
    shown->set_programs(site.programs.size());
  }
}

}  // namespace sillage::daemon
