// SPDX-License-Identifier: MIT
#include "report/event_selection.hpp"

#include "filter/parser.hpp"
#include "session/glob.hpp"
#include "session/nearest.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

namespace sillage::report {
namespace {

// Names of members of a scope, for "did you mean".
void add_names(const ctf::Plan& plan, const ctf::ScopePlan& scope, const char* prefix,
               std::set<std::string>* names) {
  if (scope.empty()) return;
  for (const std::uint32_t child : plan.fields()[scope.root].children) {
    if (!plan.fields()[child].is_hidden) names->insert(prefix + plan.fields()[child].name);
  }
}

// What is wrong with an expression, over all event classes.
class Complaints {
 public:
  void add(const ctf::Trace& trace, const ctf::StreamPlan& stream, const ctf::EventPlan& event,
           const filter::Binding& binding) {
    const ctf::Plan& plan = *trace.plan;
    add_names(plan, event.payload, "", &names_);
    add_names(plan, event.specific_context, "$ctx.", &names_);
    add_names(plan, stream.common_context, "$ctx.", &names_);
    add_names(plan, stream.packet_context, "$ctx.", &names_);
    if (is_first_) {
      missing_ = binding.missing;
    } else {
      std::erase_if(missing_, [&](std::uint32_t field) {
        return std::ranges::find(binding.missing, field) == binding.missing.end();
      });
    }
    is_first_ = false;
    if (!mismatch_) mismatch_ = binding.mismatch;
    is_possible_ = is_possible_ || (binding.can_match() && !binding.mismatch);
  }

  // A name that no event has is an error, even if the rest of the expression could be true.
  [[nodiscard]] Status verdict(const filter::Tree& tree) const {
    if (is_first_) return {};
    if (!missing_.empty()) {
      const filter::FieldName& name = tree.fields[missing_.front()];
      std::string message = fmt::format("no event here has the field {}", name.text());
      const auto near = session::nearest_names(name.text(), {names_.begin(), names_.end()}, 3);
      for (std::size_t i = 0; i < near.size(); ++i) {
        message += (i == 0 ? ": did you mean " : " or ") + near[i];
      }
      if (near.empty()) message += ": sillage info --fields shows what there is";
      return fail(Code::kInvalidArgument, message, "column " + std::to_string(name.column));
    }
    if (is_possible_) return {};
    if (mismatch_) return tl::unexpected<Error>(*mismatch_);
    return fail(Code::kInvalidArgument,
                "no event here has all these fields: put || between what "
                "different events have");
  }

 private:
  bool is_first_ = true;
  bool is_possible_ = false;
  std::vector<std::uint32_t> missing_;  // in all event classes so far
  std::optional<Error> mismatch_;
  std::set<std::string> names_;
};

bool is_like_any(const std::vector<std::string>& patterns, const std::string& name) {
  return patterns.empty() || std::ranges::any_of(patterns, [&](const std::string& pattern) {
           return session::glob_matches(pattern, name);
         });
}

Status check_patterns(const std::vector<std::string>& patterns, const ctf::TraceReader& reader) {
  std::set<std::string> names;
  for (const auto& trace : reader.traces()) {
    for (const ctf::EventClass& event : trace->plan->model().events) names.insert(event.name);
  }
  for (const std::string& pattern : patterns) {
    const auto is_it = [&](const std::string& name) {
      return session::glob_matches(pattern, name);
    };
    if (std::ranges::any_of(names, is_it)) continue;
    std::string message = "--event " + pattern + ": no event here has such a name";
    const auto near = session::nearest_names(pattern, {names.begin(), names.end()}, 3);
    for (std::size_t i = 0; i < near.size(); ++i) {
      message += (i == 0 ? ": did you mean " : " or ") + near[i];
    }
    return fail(Code::kInvalidArgument, message);
  }
  return {};
}

}  // namespace

Result<EventSelection> EventSelection::make(const std::vector<std::string>& patterns,
                                            const std::string* filter,
                                            const ctf::TraceReader& reader) {
  EventSelection selection;
  if (patterns.empty() && filter == nullptr) return selection;
  selection.is_all_ = false;
  selection.has_filter_ = filter != nullptr;
  SILLAGE_TRY(check_patterns(patterns, reader));
  std::optional<filter::Tree> tree;
  const auto in_filter = [](Error error) {
    error.message = "--filter: " + error.text();
    error.location.clear();
    return tl::unexpected<Error>(std::move(error));
  };
  if (filter != nullptr) {
    auto parsed = filter::parse(*filter);
    if (!parsed) return in_filter(std::move(parsed).error());
    tree = std::move(*parsed);
  }
  Complaints complaints;
  for (const auto& trace : reader.traces()) {
    for (const ctf::StreamPlan& stream : trace->plan->streams()) {
      for (const ctf::EventPlan& event : stream.events) {
        Choice& choice = selection.choices_[&event];
        choice.is_possible = is_like_any(patterns, event.event_class->name);
        if (!choice.is_possible || !tree) continue;
        EventSchema schema(*trace, stream, event);
        filter::Binding binding = filter::bind(*tree, schema);
        complaints.add(*trace, stream, event, binding);
        choice.is_possible = binding.can_match();
        choice.is_filtered = true;
        choice.tree = std::move(binding.tree);
        choice.places = schema.take_places();
      }
    }
  }
  if (tree) {
    if (auto verdict = complaints.verdict(*tree); !verdict) {
      return in_filter(std::move(verdict).error());
    }
  }
  return selection;
}

const EventSelection::Choice& EventSelection::choice_of(const ctf::EventPlan& event) {
  if (&event != last_event_) {
    last_event_ = &event;
    last_ = &choices_.at(&event);
  }
  return *last_;
}

void EventSelection::restrict(const ctf::TraceReader& reader) const {
  if (is_all_) return;
  for (ctf::DataStream* stream : reader.streams()) {
    std::vector<std::uint8_t> wanted;
    for (const ctf::EventPlan& event : stream->plan().events) wanted.push_back(may_want(event));
    stream->select(std::move(wanted));
  }
}

bool EventSelection::wants(const ctf::DataStream& stream) {
  if (is_all_) return true;
  const Choice& choice = choice_of(stream.event_plan());
  // The event is not decoded where its name decides.
  if (!choice.is_possible || !choice.is_filtered) return choice.is_possible;
  return filter::matches(choice.tree, EventRecord(stream.event(), choice.places));
}

bool EventSelection::wants(const ctf::EventView& event) {
  if (is_all_) return true;
  const Choice& choice = choice_of(*event.event);
  if (!choice.is_possible || !choice.is_filtered) return choice.is_possible;
  return filter::matches(choice.tree, EventRecord(event, choice.places));
}

}  // namespace sillage::report
