// SPDX-License-Identifier: MIT
#include "sillage/info.hpp"

#include "report/info_json.hpp"
#include "report/info_text.hpp"
#include "sillage/output.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <utility>

namespace sillage::command {

CLI::App* declare_info(CLI::App* app, InfoOptions* options) {
  CLI::App* info = app->add_subcommand("info", "Show what is in traces");
  info->add_option("path", options->paths, "Directories of traces, or above them")
      ->type_name("PATH")
      ->required();
  info->add_flag("--json", options->json, "As JSON");
  info->add_flag("-f,--fields", options->fields, "With the fields of each event, and their types");
  info->add_flag("--clock-gmt", options->clock_gmt, "Times in UTC instead of local time");
  return info;
}

int info(const InfoOptions& options) {
  const auto say = [](const Error& error) { fmt::print(stderr, "sillage: {}\n", error.text()); };
  ctf::ReadOptions what;
  what.on_damage = say;
  const auto reader = ctf::TraceReader::open(options.paths, std::move(what));
  auto output = Output::open({}, !options.json);
  if (!reader || !output) {
    say(!reader ? reader.error() : output.error());
    return 1;
  }
  std::uint64_t damage_count = 0;
  const auto summaries = report::summarize(*reader, [&](const Error& error) {
    if (!ctf::is_incomplete(error)) ++damage_count;
    output->warn("sillage: " + error.text() + "\n");
  });
  if (options.json) {
    output->write(report::info_json(summaries, options.fields));
  } else {
    const report::InfoChoice choice{.has_fields = options.fields, .is_gmt = options.clock_gmt};
    for (const report::TraceSummary& summary : summaries) {
      if (&summary != summaries.data()) output->write("\n");
      output->write(report::info_text(summary, choice));
    }
  }
  if (output->error_number() != 0) {
    say(fail_errno("standard output", output->error_number()).value());
    return 1;
  }
  return damage_count + reader->damage_count() == 0 ? 0 : 1;
}

}  // namespace sillage::command
