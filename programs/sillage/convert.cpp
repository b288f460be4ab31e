// SPDX-License-Identifier: MIT
#include "sillage/convert.hpp"

#include "convert/chrome_writer.hpp"
#include "convert/output_file.hpp"
#include "convert/perfetto_writer.hpp"
#include "convert/timeline.hpp"
#include "convert/trace_copy.hpp"
#include "ctf/trace_reader.hpp"
#include "sillage/read_time.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <optional>

namespace sillage::command {
namespace {

constexpr int kExitDamage = 1;

void say(const Error& error) { fmt::print(stderr, "sillage: {}\n", error.text()); }

// The bounds that people typed. A time of day is one of the day on which the traces begin.
Result<ctf::TimeRange> range_of(const ConvertOptions& options, const ctf::TraceReader& reader) {
  ctf::TimeRange range;
  const std::int64_t first = reader.begin_ns().value_or(0);
  const auto bound = [&](const std::string& text, const char* option,
                         std::optional<std::int64_t>* to) -> Status {
    if (text.empty()) return {};
    auto parsed = parse_time_bound(text, options.clock_gmt);
    if (!parsed) {
      Error error = std::move(parsed).error();
      error.message = std::string(option) + ": " + error.message;
      return tl::unexpected<Error>(std::move(error));
    }
    *to = parsed->resolve(first, options.clock_gmt);
    return {};
  };
  SILLAGE_TRY(bound(options.begin, "--begin", &range.begin_ns));
  SILLAGE_TRY(bound(options.end, "--end", &range.end_ns));
  if (range.begin_ns && range.end_ns && *range.begin_ns > *range.end_ns) {
    return fail(Code::kInvalidArgument, "the time range ends before it begins");
  }
  return range;
}

Result<int> to_traces(const ConvertOptions& options, std::optional<ctf::Version> version) {
  convert::CopyOptions copy{.version = version};
  if (!options.begin.empty() || !options.end.empty()) {
    auto reader = ctf::TraceReader::open(options.paths, {});
    if (!reader) return tl::unexpected<Error>(std::move(reader).error());
    auto range = range_of(options, *reader);
    if (!range) return tl::unexpected<Error>(std::move(range).error());
    copy.range = *range;
  }
  copy.on_damage = say;
  copy.on_notice = [](const std::string& notice) { fmt::print(stderr, "sillage: {}\n", notice); };
  const auto summary = convert::copy_traces(options.paths, options.output, copy);
  if (!summary) return tl::unexpected<Error>(summary.error());
  return summary->damages == 0 ? 0 : kExitDamage;
}

template <class Writer>
Result<int> to_timeline(const ConvertOptions& options) {
  std::optional<convert::Timeline> timeline;
  std::uint64_t losses = 0;
  ctf::ReadOptions what;
  what.on_damage = say;
  what.on_discarded = [&](const ctf::Discarded& lost) {
    ++losses;
    if (timeline) timeline->add_loss(lost);
  };
  auto reader = ctf::TraceReader::open(options.paths, std::move(what));
  if (!reader) return tl::unexpected<Error>(std::move(reader).error());
  auto range = range_of(options, *reader);
  if (!range) return tl::unexpected<Error>(std::move(range).error());
  reader->restrict(*range);
  auto file = convert::OutputFile::create(options.output);
  if (!file) return tl::unexpected<Error>(std::move(file).error());
  Writer writer(std::move(*file));
  timeline.emplace(&writer);
  std::uint64_t without_time = 0;
  while (const ctf::DataStream* stream = reader->next()) {
    if (stream->has_time()) {
      timeline->add(*stream);
    } else {
      ++without_time;
    }
    if (writer.has_failed()) break;
  }
  SILLAGE_TRY(writer.finish());
  if (without_time != 0) {
    fmt::print(stderr, "sillage: {} events have no time: they are not in {}\n", without_time,
               options.output);
  }
  if (losses != 0) {
    fmt::print(stderr,
               "sillage: tracers lost events or packets {} times: instants \"lost\" say where\n",
               losses);
  }
  return reader->damage_count() == 0 ? 0 : kExitDamage;
}

Result<int> convert_to(const ConvertOptions& options) {
  if (options.to.empty()) return to_traces(options, std::nullopt);
  if (options.to == "ctf1.8") return to_traces(options, ctf::Version::kCtf18);
  if (options.to == "ctf2") return to_traces(options, ctf::Version::kCtf2);
  if (options.to == "chrome") return to_timeline<convert::ChromeWriter>(options);
  if (options.to == "perfetto") return to_timeline<convert::PerfettoWriter>(options);
  return fail(Code::kInvalidArgument,
              "--to " + options.to + ": use ctf1.8, ctf2, chrome or perfetto");
}

}  // namespace

CLI::App* declare_convert(CLI::App* app, ConvertOptions* options) {
  CLI::App* convert = app->add_subcommand(
      "convert", "Write traces in another format, or the part of a range of time");
  convert->add_option("path", options->paths, "Directories of traces, or above them")
      ->type_name("PATH")
      ->required();
  convert->add_option("-o,--output", options->output, "What to make: a directory, or a file")
      ->type_name("OUT")
      ->required();
  convert->add_option("--to", options->to, "ctf1.8, ctf2, chrome or perfetto; else as they are")
      ->type_name("FORMAT");
  convert->add_option("--begin,-b", options->begin, "Only events from this time on")
      ->type_name("TIME");
  convert->add_option("--end,-e", options->end, "Only events up to this time")->type_name("TIME");
  convert->add_flag("--clock-gmt", options->clock_gmt, "Times in UTC instead of local time");
  return convert;
}

int convert(const ConvertOptions& options) {
  const auto status = convert_to(options);
  if (status) return *status;
  say(status.error());
  return kExitDamage;
}

}  // namespace sillage::command
