// SPDX-License-Identifier: MIT
#include "sillage/summary.hpp"

#include "sillage/program_file.hpp"
#include "sillage/units.hpp"

#include <fmt/core.h>

#include <utility>
#include <vector>

namespace sillage::command {
namespace {

std::vector<std::pair<std::uint64_t, const char*>> causes_of(const control::v1::Lost& lost) {
  return {{lost.full(), "no room in the buffers (larger ones: --subbuf-size, --num-subbuf)"},
          {lost.overrun(), "overwritten before they were read (--overwrite)"},
          {lost.timeout(), "no room in the buffers within --blocking-timeout"},
          {lost.too_big(), "larger than a sub-buffer (--subbuf-size)"},
          {lost.busy(), "all streams, or what a kernel program needs, taken by others"},
          {lost.nested(), "in the kernel, while the same event was being recorded on that CPU"},
          {lost.disk(), "the output had no room or failed"},
          {lost.corrupt(), "records that cannot be: the program overwrites its own memory"},
          {lost.other(), "causes this release does not know"}};
}

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// A word for a shell, quoted if it needs to be.
std::string shell_word(const std::string& text) {
  constexpr const char* kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%,=";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::uint64_t total_lost(const control::v1::Lost& lost) {
  std::uint64_t total = 0;
  for (const auto& [count, cause] : causes_of(lost)) total += count;
  return total;
}

std::string live_line(const control::v1::Stats& stats, std::uint64_t events_per_second) {
  return fmt::format("{} events  {}/s  {} lost  {}{}", grouped(stats.events() + stats.pending()),
                     grouped(events_per_second), grouped(total_lost(stats.lost())),
                     size_text(stats.bytes()),
                     stats.output_failing() ? "  OUTPUT FAILS: " + stats.output_error() : "");
}

std::string summary_text(const control::v1::StopRecordingResponse& summary) {
  const control::v1::Stats& stats = summary.stats();
  std::string text;
  text += fmt::format("  events recorded  {}\n", grouped(stats.events()));
  text += fmt::format("  events lost      {}\n", grouped(total_lost(stats.lost())));
  for (const auto& [count, cause] : causes_of(stats.lost())) {
    if (count != 0) text += fmt::format("    {:>14}  {}\n", grouped(count), cause);
  }
  if (stats.rejected() != 0)
    text += fmt::format("  events rejected  {}\n", grouped(stats.rejected()));
  text += fmt::format("  size             {}\n", size_text(stats.bytes()));
  text += fmt::format("  duration         {}\n", duration_text(summary.duration_ns()));
  text += fmt::format("  trace            {}\n", summary.path());
  if (!stats.output_error().empty())
    text += fmt::format("  output failed    {}\n", stats.output_error());
  if (!summary.warning().empty()) text += fmt::format("  warning          {}\n", summary.warning());
  for (const control::v1::FilterProblem& problem : summary.coverage().filter_problems())
    text += fmt::format("  filter           \"{}\" does not apply to {} of {}: {}\n",
                        problem.filter(), problem.event(), problem.program(), problem.reason());
  if (stats.events() != 0)
    text += fmt::format("Next: sillage read {}\n", shell_word(summary.path()));
  return text;
}

std::string why_empty(const control::v1::StopRecordingResponse& summary, const std::string& program,
                      std::uint64_t pids_asked) {
  const control::v1::Coverage& coverage = summary.coverage();
  std::string text = "Nothing was recorded:\n";
  auto say = [&text](const std::string& line) { text += "  " + line + "\n"; };
  if (coverage.programs() == 0) {
    if (!program.empty()) {
      say("neither " + program + " nor a program it started registered.");
      std::string reason = explain_silence(program);
      if (!reason.empty()) say(reason);
    } else if (pids_asked != 0) {
      say("none of the processes asked for with -p is registered; `sillage list` shows those that "
          "are.");
    } else {
      say("no program with tracepoints ran; `sillage list` shows those that do.");
    }
    if (coverage.other_programs() != 0) {
      say(fmt::format("{} other program(s) registered that this recording was not about.",
                      coverage.other_programs()));
    }
    if (coverage.refused_programs() != 0) say("a program was refused: " + coverage.last_refusal());
    return text;
  }
  for (const control::v1::PatternHint& hint : coverage.patterns()) {
    say(fmt::format("no event matches \"{}\"{}", hint.pattern(),
                    hint.nearest().empty() ? "; `sillage list` shows what there is."
                                           : "; did you mean " + joined(hint.nearest()) + "?"));
  }
  if (!coverage.below_level().empty()) {
    say("not severe enough for --level or --level-only: " + joined(coverage.below_level()));
  }
  if (!coverage.excluded().empty()) say("excluded with -x: " + joined(coverage.excluded()));
  if (summary.stats().rejected() != 0) {
    say(fmt::format("--filter was true of none of {} event(s).",
                    grouped(summary.stats().rejected())));
  } else if (coverage.events_matched() != 0 && coverage.filter_problems().empty()) {
    say(fmt::format(
        "{} event(s) matched, but the program never came to one of them while recording.",
        coverage.events_matched()));
  }
  if (coverage.refused_programs() != 0) say("a program was refused: " + coverage.last_refusal());
  return text;
}

}  // namespace sillage::command
