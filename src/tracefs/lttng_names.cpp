// SPDX-License-Identifier: MIT
#include "tracefs/lttng_names.hpp"

#include <algorithm>
#include <array>
#include <vector>

extern const std::string_view kLttngNamesText;  // lttng_names.txt

namespace sillage::tracefs {
namespace {

bool matches(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

struct EventRule {
  std::string_view system, kernel, lttng;
};
struct FieldRule {
  std::string_view system, event, kernel, lttng;
};
struct Omission {
  std::string_view system, field;
};

// The words of one line, as views; those that are not there are empty.
std::array<std::string_view, 5> words_of(std::string_view line) {
  std::array<std::string_view, 5> words;
  for (std::string_view& word : words) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(line.find(' ', begin), line.size());
    word = line.substr(begin, end - begin);
    line.remove_prefix(end);
  }
  return words;
}

// The rules of lttng_names.txt.
class Rules {
 public:
  explicit Rules(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const auto [keyword, a, b, c, d] = words_of(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (keyword == "event")
        (b.ends_with('*') ? patterns_ : events_).push_back({a, b, c});
      else if (keyword == "field")
        fields_.push_back({a, b, c, d});
      else if (keyword == "omit")
        omissions_.push_back({a, b});
    }
    std::sort(events_.begin(), events_.end(), is_before);
  }

  [[nodiscard]] std::string event_name(std::string_view system, std::string_view event) const {
    const auto found =
        std::lower_bound(events_.begin(), events_.end(), EventRule{system, event, {}}, is_before);
    if (found != events_.end() && found->system == system && found->kernel == event)
      return std::string(found->lttng);
    for (const EventRule& rule : patterns_) {
      if (rule.system != system || !matches(rule.kernel, event)) continue;
      return std::string(rule.lttng.substr(0, rule.lttng.size() - 1))
          .append(event.substr(rule.kernel.size() - 1));
    }
    return std::string(event);
  }

  [[nodiscard]] std::string_view field_name(std::string_view system, std::string_view event,
                                            std::string_view field) const {
    for (const FieldRule& rule : fields_) {
      if (rule.kernel == field && rule.system == system && matches(rule.event, event))
        return rule.lttng;
    }
    return field;
  }

  [[nodiscard]] bool omits(std::string_view system, std::string_view field) const {
    return std::any_of(omissions_.begin(), omissions_.end(), [&](const Omission& omission) {
      return omission.system == system && omission.field == field;
    });
  }

 private:
  static bool is_before(const EventRule& a, const EventRule& b) {
    return a.system != b.system ? a.system < b.system : a.kernel < b.kernel;
  }

  std::vector<EventRule> events_, patterns_;
  std::vector<FieldRule> fields_;
  std::vector<Omission> omissions_;
};

const Rules& rules() {
  static const Rules table(kLttngNamesText);
  return table;
}

}  // namespace

std::string lttng_event_name(std::string_view system, std::string_view event) {
  return rules().event_name(system, event);
}

std::string_view lttng_field_name(std::string_view system, std::string_view event,
                                  std::string_view field) {
  return rules().field_name(system, event, field);
}

bool is_left_out(std::string_view system, std::string_view field) {
  return rules().omits(system, field);
}

}  // namespace sillage::tracefs
