// SPDX-License-Identifier: MIT
#include "sillage/import.hpp"

#include "import/import.hpp"
#include "session/recording_session.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <utility>

namespace sillage::command {
namespace {

constexpr int kExitDamage = 1;
// Of damaged parts that are shown one by one; the others are counted.
constexpr unsigned kShownDamages = 20;

}  // namespace

CLI::App* declare_import(CLI::App* app, ImportOptions* options) {
  CLI::App* command = app->add_subcommand(
      "import", "Write a trace of trace-cmd or perf in the Common Trace Format");
  command->add_option("file", options->path, "trace.dat of trace-cmd, or perf.data of perf")
      ->type_name("FILE")
      ->required();
  command->add_option("-o,--output", options->output, "Directory of the trace; by default FILE.ctf")
      ->type_name("DIR");
  command->add_option("--trace-format", options->trace_format, "ctf-1.8 or ctf-2")->type_name("F");
  return command;
}

std::string default_import_output(const std::string& path) {
  return std::filesystem::path(path).filename().string() + ".ctf";
}

Result<int> import_trace(const ImportOptions& options) {
  const auto format = session::parse_trace_format(options.trace_format);
  if (!format) return tl::unexpected<Error>(format.error());
  auto input = import::Input::open(options.path);
  if (!input) return tl::unexpected(std::move(input).error());

  import::ImportOptions what;
  what.directory = options.output.empty() ? default_import_output(options.path) : options.output;
  what.version =
      *format == session::TraceFormat::kCtf2 ? ctf::Version::kCtf2 : ctf::Version::kCtf18;
  what.trace_name = std::filesystem::path(options.path).filename().string();
  what.importer_version = SILLAGE_VERSION;
  what.on_note = [](const std::string& note) { fmt::print(stderr, "sillage: {}\n", note); };
  unsigned shown = 0;
  what.on_damage = [&shown](const Error& error) {
    if (shown++ < kShownDamages) fmt::print(stderr, "sillage: {}\n", error.text());
  };
  const auto summary = import::import_file(*input, what);
  if (!summary) return tl::unexpected<Error>(summary.error());
  if (summary->damages > kShownDamages)
    fmt::print(stderr, "sillage: {} more damaged parts\n", summary->damages - kShownDamages);
  fmt::print("{}: {} events in {} streams, {} lost\n", what.directory, summary->counts.events,
             summary->counts.streams, summary->counts.discarded);
  if (summary->counts.late != 0)
    fmt::print(stderr, "sillage: {} of the lost stand behind later events of their CPU\n",
               summary->counts.late);
  return summary->damages == 0 ? 0 : kExitDamage;
}

}  // namespace sillage::command
