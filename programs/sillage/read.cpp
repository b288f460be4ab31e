// SPDX-License-Identifier: MIT
#include "sillage/read.hpp"

#include "ctf/text_pipeline.hpp"
#include "ctf/trace_reader.hpp"
#include "report/csv_printer.hpp"
#include "report/details.hpp"
#include "report/event_selection.hpp"
#include "report/json_printer.hpp"
#include "report/packet_losses.hpp"
#include "report/text_printer.hpp"
#include "sillage/output.hpp"
#include "symbols/event_resolver.hpp"

#include <fmt/core.h>

#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sillage::command {
namespace {

constexpr int kExitDamage = 1;
/// Lines are written in pieces of about this size: they stay in the second-level cache.
constexpr std::size_t kPieceBytes = 128u << 10;

// One reading of traces: what comes from the reader goes through here to the output.
class Reading {
 public:
  Reading(const ReadOptions& options, const ReadPlan& plan, Output* output)
      : options_(options), plan_(plan), output_(*output), text_(plan.text) {}

  Status run() {
    auto reader = ctf::TraceReader::open(options_.paths, reader_options());
    if (!reader) return tl::unexpected<Error>(std::move(reader).error());
    SILLAGE_TRY(check_clocks(*reader));
    const auto range = range_of(*reader);
    if (!range) return tl::unexpected<Error>(range.error());
    reader->restrict(*range);
    auto selection = report::EventSelection::make(
        options_.events, options_.filter ? &*options_.filter : nullptr, *reader);
    if (!selection) return tl::unexpected<Error>(std::move(selection).error());
    if (plan_.symbols) resolver_.emplace(*plan_.symbols);
    // Events that are not shown may say where those are that are.
    if (!resolver_) selection->restrict(*reader);
    std::uint64_t count = 0;
    if (plan_.format == ReadFormat::kDetails) {
      print_all_details(*reader, *range, &*selection);
    } else if (plan_.format == ReadFormat::kText && selection->is_by_class() && !resolver_) {
      print_text(&*reader);
    } else if (plan_.format == ReadFormat::kCount && selection->is_by_class() && !options_.limit) {
      count = count_events(&*reader);
    } else {
      make_printer(*reader, *selection);
      count = print_events(&*reader, &*selection);
    }
    flush();
    if (plan_.format == ReadFormat::kCount) output_.write(fmt::format("{}\n", count));
    // babeltrace2 leaves the terminal so.
    const bool is_babeltraces =
        plan_.format == ReadFormat::kText || plan_.format == ReadFormat::kDetails;
    if (is_babeltraces && plan_.is_colour_terminal) output_.write("\033[0m");
    if (losses_.is_any()) output_.warn("sillage: lost in total: " + losses_.text() + "\n");
    damage_count_ += reader->damage_count();
    return {};
  }

  [[nodiscard]] std::uint64_t damage_count() const { return damage_count_; }

 private:
  // What was printed before stands before the warning, where both go to one terminal.
  void flush() {
    if (pipeline_ != nullptr) pipeline_->flush();
    if (printer_ == nullptr) return;
    output_.write(printer_->text());
    printer_->clear();
  }

  ctf::ReadOptions reader_options() {
    ctf::ReadOptions what;
    what.clock_offset_ns = plan_.clock_offset_ns;
    what.stream_intersection = options_.stream_intersection;
    what.is_strict = options_.strict;
    what.on_damage = [this](const Error& error) {
      flush();
      output_.warn("sillage: " + error.text() + "\n");
    };
    what.on_discarded = [this](const ctf::Discarded& discarded) {
      if (discarded.what == ctf::Discarded::What::kEvents) {
        losses_.add_events(discarded.count);
      } else {
        losses_.packets += discarded.count.value_or(0);
      }
      if (printer_ != nullptr) printer_->print(discarded);
      flush();
      output_.warn(text_.discarded_text(discarded, plan_.colours_warnings));
    };
    return what;
  }

  // The reader takes times that 64 bits cannot hold to the end of time: not if the user asked for it.
  Status check_clocks(const ctf::TraceReader& reader) const {
    for (const auto& trace : reader.traces()) {
      for (const ctf::ClockClass& clock : trace->plan->model().trace.clocks) {
        constexpr std::int64_t kSecond = 1'000'000'000;
        std::int64_t offset = 0;
        if (plan_.clock_offset_ns != 0 &&
            (__builtin_mul_overflow(clock.offset_seconds, kSecond, &offset) ||
             __builtin_add_overflow(offset, plan_.clock_offset_ns, &offset))) {
          return fail(Code::kInvalidArgument,
                      "--clock-offset: 64 bits of nanoseconds cannot hold the times of clock " +
                          clock.name + " with it",
                      trace->path);
        }
      }
    }
    return {};
  }

  // Turns the bounds that people typed into those of these traces.
  Result<ctf::TimeRange> range_of(const ctf::TraceReader& reader) const {
    ctf::TimeRange range;
    const std::int64_t begin = reader.begin_ns().value_or(0);
    if (plan_.begin) range.begin_ns = plan_.begin->resolve(begin, plan_.text.clock_gmt);
    if (plan_.end) range.end_ns = plan_.end->resolve(begin, plan_.text.clock_gmt);
    if (range.begin_ns && range.end_ns && *range.begin_ns > *range.end_ns) {
      return fail(Code::kInvalidArgument, "the time range ends before it begins");
    }
    return range;
  }

  void make_printer(const ctf::TraceReader& reader, const report::EventSelection& selection) {
    switch (plan_.format) {
      case ReadFormat::kJson: printer_ = std::make_unique<report::JsonPrinter>(); break;
      case ReadFormat::kCsv:
        printer_ = std::make_unique<report::CsvPrinter>(reader, selection);
        break;
      case ReadFormat::kCount: printer_ = std::make_unique<report::NoEvents>(); break;
      default: {
        auto printer = std::make_unique<report::TextEvents>(&text_);
        places_ = printer.get();
        printer_ = std::move(printer);
        break;
      }
    }
  }

  void print_all_details(const ctf::TraceReader& reader, const ctf::TimeRange& range,
                         report::EventSelection* selection) {
    const auto on_damage = [this](const Error& error) {
      if (!ctf::is_incomplete(error)) ++damage_count_;
      output_.warn("sillage: " + error.text() + "\n");
    };
    const report::DetailsChoice choice{
        .range = range,
        .clocks = {.offset_ns = plan_.clock_offset_ns,
                   .forces_unix_epoch = options_.clock_force_correlate},
        .limit = limit(),
        .has_colours = plan_.text.is_coloured};
    losses_ = report::print_details(reader, choice, selection, on_damage,
                                    [this](std::string_view text) { return output_.write(text); });
  }

  [[nodiscard]] std::uint64_t limit() const {
    return options_.limit.value_or(std::numeric_limits<std::uint64_t>::max());
  }

  std::uint64_t print_events(ctf::TraceReader* reader, report::EventSelection* selection) {
    std::uint64_t count = 0;
    while (count != limit()) {
      const ctf::DataStream* stream = reader->next();
      if (stream == nullptr) break;
      if (resolver_) find_place(*stream);
      if (!selection->wants(*stream)) continue;
      ++count;
      printer_->print(*stream);
      warn_of_negative_time();
      if (printer_->text().size() < kPieceBytes) continue;
      const bool is_written = output_.write(printer_->text());
      printer_->clear();
      if (!is_written) break;
    }
    return count;
  }

  void find_place(const ctf::DataStream& stream) {
    const symbols::Location* location = resolver_->resolve(stream);
    if (location != nullptr) place_ = {location->object, location->function, location->source};
    places_->set_place(location == nullptr ? nullptr : &place_);
  }

  // All events of the classes that are left as babeltrace2's lines: the way that is fast.
  void print_text(ctf::TraceReader* reader) {
    pipeline_ = std::make_unique<ctf::TextPipeline>(reader, &text_, options_.threads,
                                                    [this](std::string_view text) {
                                                      const bool is_written = output_.write(text);
                                                      warn_of_negative_time();
                                                      return is_written;
                                                    });
    pipeline_->run(limit());
    warn_of_negative_time();
    pipeline_.reset();
  }

  std::uint64_t count_events(ctf::TraceReader* reader) const {
    std::uint64_t count = 0;
    reader->count(options_.threads,
                  [&](const ctf::DataStream& /*stream*/, std::span<const std::uint64_t> by_class) {
                    count = std::accumulate(by_class.begin(), by_class.end(), count);
                  });
    return count;
  }

  // babeltrace2's warning, once.
  void warn_of_negative_time() {
    if (!text_.met_negative_time() || is_warned_) return;
    is_warned_ = true;
    output_.warn(
        "[warning] Fallback to [sec.ns] to print negative time value. Use "
        "--clock-seconds.\n");
  }

  const ReadOptions& options_;
  const ReadPlan& plan_;
  Output& output_;
  ctf::TextPrinter text_;  // also of the warnings
  std::unique_ptr<report::EventPrinter> printer_;
  report::TextEvents* places_ = nullptr;  // printer_, where it shows places
  std::optional<symbols::EventResolver> resolver_;
  ctf::EventPlace place_;
  std::unique_ptr<ctf::TextPipeline> pipeline_;
  report::LossTotal losses_;
  bool is_warned_ = false;
  std::uint64_t damage_count_ = 0;
};

int say(const Error& error) {
  fmt::print(stderr, "sillage: {}\n", error.text());
  return kExitDamage;
}

}  // namespace

int read(const ReadOptions& options) {
  const auto plan = plan_reading(options);
  if (!plan) return say(plan.error());
  auto output =
      Output::open(options.output, !options.no_pager && plan->format != ReadFormat::kCount);
  if (!output) return say(output.error());
  Reading reading(options, *plan, &*output);
  if (const auto done = reading.run(); !done) return say(done.error());
  if (output->error_number() != 0) {
    return say(fail_errno(options.output.empty() ? "standard output" : options.output,
                          output->error_number())
                   .value());
  }
  return reading.damage_count() == 0 ? 0 : kExitDamage;
}

}  // namespace sillage::command
