// SPDX-License-Identifier: MIT
#include "sillage/read.hpp"

#include "ctf/trace_reader.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace sillage::command {
namespace {

constexpr int kExitDamage = 1;
/// Lines are written in pieces of about this size: they stay in the second-level cache.
constexpr std::size_t kPieceBytes = 128u << 10;

// Standard output without a buffer of its own.
class Output {
 public:
  // False once nobody reads any more, or the disk is full: `error_number()` says which.
  bool write(std::string_view text) {
    while (!text.empty() && error_number_ == 0) {
      const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
      if (count >= 0) {
        text.remove_prefix(static_cast<std::size_t>(count));
      } else if (errno != EINTR) {
        error_number_ = errno;
      }
    }
    return error_number_ == 0;
  }
  [[nodiscard]] int error_number() const { return error_number_; }

 private:
  int error_number_ = 0;
};

void say(const Error& error) { fmt::print(stderr, "sillage: {}\n", error.text()); }

// Turns the bounds that people typed into those of this trace.
Result<ctf::TimeRange> range_of(const ReadPlan& plan, const ctf::TraceReader& reader) {
  ctf::TimeRange range;
  const std::int64_t begin = reader.begin_ns().value_or(0);
  if (plan.begin) range.begin_ns = plan.begin->resolve(begin, plan.text.clock_gmt);
  if (plan.end) range.end_ns = plan.end->resolve(begin, plan.text.clock_gmt);
  if (range.begin_ns && range.end_ns && *range.begin_ns > *range.end_ns) {
    return fail(Code::kInvalidArgument, "the time range ends before it begins");
  }
  return range;
}

std::uint64_t print_events(ctf::TraceReader* reader, const ReadPlan& plan, std::uint64_t limit,
                           ctf::TextPrinter* printer, Output* output) {
  std::uint64_t count = 0;
  bool is_warned = false;
  while (const ctf::DataStream* stream = reader->next()) {
    ++count;
    if (!plan.counts) {
      printer->print(*stream);
      if (printer->met_negative_time() && !is_warned) {
        is_warned = true;
        fmt::print(stderr,
                   "[warning] Fallback to [sec.ns] to print negative time value. Use "
                   "--clock-seconds.\n");
      }
      if (printer->text().size() >= kPieceBytes) {
        const bool is_written = output->write(printer->text());
        printer->clear();
        if (!is_written) break;
      }
    }
    if (count == limit) break;
  }
  return count;
}

}  // namespace

int read(const ReadOptions& options) {
  const auto plan = plan_reading(options);
  if (!plan) {
    say(plan.error());
    return kExitDamage;
  }
  Output output;
  ctf::TextPrinter printer(plan->text);
  // What was printed before stands before the warning, where both go to one terminal.
  const auto flush = [&] {
    output.write(printer.text());
    printer.clear();
  };
  ctf::ReadOptions what;
  what.clock_offset_ns = plan->clock_offset_ns;
  what.stream_intersection = options.stream_intersection;
  what.is_strict = options.strict;
  what.on_damage = [&](const Error& error) {
    flush();
    say(error);
  };
  what.on_discarded = [&](const ctf::Discarded& discarded) {
    flush();
    fmt::print(stderr, "{}", printer.discarded_text(discarded, plan->colours_warnings));
  };
  auto reader = ctf::TraceReader::open(options.paths, std::move(what));
  if (!reader) {
    say(reader.error());
    return kExitDamage;
  }
  const auto range = range_of(*plan, *reader);
  if (!range) {
    say(range.error());
    return kExitDamage;
  }
  reader->restrict(*range);
  const std::uint64_t count = print_events(&*reader, *plan, options.limit, &printer, &output);
  flush();
  if (plan->counts) output.write(fmt::format("{}\n", count));
  if (output.error_number() != 0 && output.error_number() != EPIPE) {
    say(fail_errno("standard output", output.error_number()).value());
    return kExitDamage;
  }
  return reader->damage_count() == 0 ? 0 : kExitDamage;
}

}  // namespace sillage::command
