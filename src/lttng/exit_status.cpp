// SPDX-License-Identifier: MIT
#include "lttng/exit_status.hpp"

#include "lttng/context.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace sillage::lttng {
namespace {

constexpr std::size_t kMostVerbs = 7;

/// A refusal as its message begins, and the verbs that end with its number.
struct Refusal {
  std::string_view begin;
  int status;
  std::array<std::string_view, kMostVerbs> verbs;
};

constexpr Refusal kRefusals[] = {
    {"Session name",
     23,
     {"start", "stop", "destroy", "enable-event", "clear", "save", "regenerate"}},
    {"UST event already enabled", 55, {"enable-event"}},
    {"UST event not found", 76, {"disable-event"}},
    {"Tracing already started", 80, {"start"}},
    {"Tracing already stopped", 81, {"stop"}},
    {"Non-default channel exists", 83, {"enable-event"}},
    {"Unknown loglevel", 97, {"enable-event"}},
    {"column ", 106, {"enable-event"}},  // of a filter
    {"Session not started", 118, {"regenerate"}},
    {"Unknown context type", kExitFatal, {"add-context"}},
};

}  // namespace

int status_of(std::string_view verb, const Error& error) {
  for (const Refusal& refusal : kRefusals)
    if (error.message.starts_with(refusal.begin) &&
        std::find(refusal.verbs.begin(), refusal.verbs.end(), verb) != refusal.verbs.end())
      return refusal.status;
  return kExitError;
}

}  // namespace sillage::lttng
