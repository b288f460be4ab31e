// SPDX-License-Identifier: MIT
// sillage: see sillage(1).
#include "sillage/convert.hpp"
#include "sillage/crash.hpp"
#include "sillage/doctor.hpp"
#include "sillage/exit_status.hpp"
#include "sillage/import.hpp"
#include "sillage/info.hpp"
#include "sillage/kernel_list.hpp"
#include "sillage/list.hpp"
#include "sillage/lttng_command.hpp"
#include "sillage/read.hpp"
#include "sillage/record.hpp"
#include "sillage/record_options.hpp"
#include "sillage/regenerate.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using sillage::command::RecordOptions;

using sillage::command::kExitOwnError;

void add_kernel(CLI::App* record, RecordOptions* options) {
  record->add_flag("-k,--kernel", options->kernel,
                   "Record the kernel's events: names given with -e that have no colon");
  // A flag, so that what follows it may be the program; its value only with "=".
  record->add_flag("--syscall{*}", options->syscalls,
                   "Record system calls, or those like these: --syscall=open*,close");
  const auto add_list = [record](const char* name, std::vector<std::string>* to, const char* what,
                                 const char* type) {
    record->add_option(name, *to, what)->type_name(type)->allow_extra_args(false);
  };
  add_list("--function", &options->functions,
           "Record entry and exit of a function of the kernel, with arguments and result", "NAME");
  add_list("--probe", &options->probes, "Record when the kernel comes to this place",
           "SYMBOL[+OFFSET]");
  add_list("--userspace-probe", &options->userspace_probes,
           "Record when a program comes to this place: PATH:SYMBOL[+OFFSET] or "
           "sdt:PATH:PROVIDER:NAME",
           "PLACE");
  record
      ->add_option("--syscall-bytes", options->syscall_bytes,
                   "Record the first N bytes of what is read and written")
      ->type_name("N")
      ->check(CLI::Range(0, 4096));
  auto* without =
      record->add_flag("--no-statedump", options->no_state_dump,
                       "Leave out the kernel's state at the start: processes, files, interrupts");
  record
      ->add_flag("--statedump-maps", options->memory_maps,
                 "With the memory maps of all processes in it")
      ->excludes(without);
}

CLI::App* add_record(CLI::App* app, RecordOptions* options) {
  CLI::App* record =
      app->add_subcommand("record", "Record the events of a program, or of all programs");
  record->add_option("-o,--output", options->output, "Directory of the trace")->type_name("DIR");
  record->add_flag("--ust-compat", options->ust_compat,
                   "The program is built for LTTng-UST: record its events as they are");
  record->add_option("-s,--name", options->name, "Name of the session")->type_name("NAME");
  // One value each: what follows them may be the program.
  auto add_list = [record](const char* names, std::vector<std::string>* to, const char* what,
                           const char* type) {
    record->add_option(names, *to, what)->type_name(type)->allow_extra_args(false);
  };
  add_list("-e,--event", &options->events,
           "Record events like this (* stands for anything); again for more", "PATTERN");
  add_list("-x,--exclude", &options->exclusions, "But not events like this", "PATTERN");
  record->add_option("--filter", options->filter, "Only events for which this is true")
      ->type_name("EXPR");
  record->add_option("--level", options->level, "Only events of this log level or more severe")
      ->type_name("L");
  record->add_option("--level-only", options->level_only, "Only events of this log level")
      ->type_name("L");
  add_list("--context", &options->contexts, "Add this to every event: vpid, vtid, procname ...",
           "C");
  record->add_flag("--overwrite", options->overwrite,
                   "When the buffers are full lose the oldest events");
  record
      ->add_option("--subbuf-size", options->subbuf_size,
                   "Size of a sub-buffer, such as 512k or 2M")
      ->type_name("N");
  record->add_option("--num-subbuf", options->subbuf_count, "Sub-buffers per CPU")
      ->type_name("N")
      ->check(CLI::Range(1, 65536));
  record
      ->add_option(
          "--blocking-timeout", options->blocking_timeout,
          "How long the program waits for room: a time (a bare number: microseconds), or inf")
      ->type_name("T");
  record->add_option("--buffers", options->buffers, "Whose the buffers are: user or process")
      ->type_name("WHOSE");
  record->add_option("--trace-format", options->trace_format, "ctf-1.8 or ctf-2")->type_name("F");
  record->add_option("-p,--pid", options->pids, "Record these running processes only")
      ->type_name("PID")
      ->allow_extra_args(false);
  record->add_option("--duration", options->duration, "Stop after this time, such as 10s")
      ->type_name("T");
  add_kernel(record, options);
  record->prefix_command();
  record->footer(
      "sillage record [OPTIONS] [--] PROGRAM [ARGUMENTS]\nsillage record [OPTIONS]   (until ^C)");
  return record;
}

int report(const sillage::Result<int>& result) {
  if (result) return *result;
  fmt::print(stderr, "sillage: {}\n", result.error().text());
  return kExitOwnError;
}

// Commands that read traces: their statuses are babeltrace2's, and lttng-crash's: 0 and 1.
bool is_reading(const std::string& command) {
  return command == "read" || command == "info" || command == "convert" || command == "crash";
}

// "--begin=" as two words: to the library it were --begin with the next word as its value.
std::vector<std::string> with_empty_values(const std::vector<std::string>& words) {
  std::vector<std::string> all;
  for (const std::string& word : words) {
    if (word.starts_with("--") && word.size() > 3 && word.find('=') == word.size() - 1) {
      all.push_back(word.substr(0, word.size() - 1));
      all.emplace_back();
    } else {
      all.push_back(word);
    }
  }
  return all;
}

// "record, list and version"
std::string names_of(const CLI::App& app) {
  std::string names;
  for (const CLI::App* command : app.get_subcommands({})) {
    names += (names.empty() ? "" : ", ") + command->get_name();
  }
  return names;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): out of memory, or an option declared wrongly
int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  if (const auto status = sillage::command::run_as_lttng(argc, argv)) return *status;
  CLI::App app{"Records what programs do: see sillage(1)."};
  app.name("sillage");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("sillage ") + SILLAGE_VERSION);
  RecordOptions options;
  bool with_fields = false;
  CLI::App* record = add_record(&app, &options);
  CLI::App* list = app.add_subcommand("list", "Show running programs and their tracepoints");
  list->add_flag("-f,--fields", with_fields, "With their fields");
  sillage::command::KernelListOptions kernel_list;
  bool lists_kernel = false;
  auto* kernel_flag =
      list->add_flag("-k,--kernel", lists_kernel, "The kernel's events instead of programs'");
  list->add_flag("--syscall", kernel_list.system_calls, "Its system calls, with their numbers")
      ->needs(kernel_flag);
  list->add_flag("--function", kernel_list.functions, "Its functions that can be recorded")
      ->needs(kernel_flag)
      ->excludes("--syscall");
  list->add_option("--file", kernel_list.file, "What of a program or library can be probed")
      ->type_name("FILE")
      ->needs(kernel_flag)
      ->excludes("--syscall", "--function");
  list->add_option("PATTERN", kernel_list.patterns, "Only what is called like this")
      ->needs(kernel_flag);
  sillage::command::ReadOptions read_options;
  CLI::App* read = sillage::command::declare_read(&app, &read_options);
  sillage::command::InfoOptions info_options;
  CLI::App* info = sillage::command::declare_info(&app, &info_options);
  sillage::command::ConvertOptions convert_options;
  CLI::App* convert = sillage::command::declare_convert(&app, &convert_options);
  sillage::command::CrashOptions crash_options;
  CLI::App* crash = sillage::command::declare_crash(&app, &crash_options);
  sillage::command::ImportOptions import_options;
  CLI::App* import_command = sillage::command::declare_import(&app, &import_options);
  CLI::App* doctor = app.add_subcommand(
      "doctor", "Say what can be recorded on this machine, and what to do about the rest");
  std::string regenerated;
  CLI::App* regenerate = app.add_subcommand(
      "regenerate",
      "Record the state of the kernel and of programs once more: regenerate statedump");
  regenerate->add_option("WHAT", regenerated, "statedump")
      ->required()
      ->check(CLI::IsMember({"statedump"}));
  CLI::App* version =
      app.add_subcommand("version", "Show the versions of this command and of the daemon");

  // What stands behind "--" is the program's, whatever it looks like.
  std::vector<std::string> own = sillage::command::words_of_call(argc, argv), program;
  const bool reads = !own.empty() && is_reading(own[0]);
  if (reads) own = with_empty_values(own);
  auto separator = reads ? own.end() : std::find(own.begin(), own.end(), "--");
  const bool is_separated = separator != own.end();
  if (is_separated) {
    program.assign(separator + 1, own.end());
    own.erase(separator, own.end());
  }
  if (own.empty() && !is_separated) {
    fmt::print(stderr, "{}", app.help());
    return kExitOwnError;
  }
  const auto is_asked = [&own](const CLI::App* command) { return command->get_name() == own[0]; };
  if (!own.empty() && !own[0].starts_with('-') && app.get_subcommands(is_asked).empty()) {
    return report(sillage::fail(sillage::Code::kInvalidArgument,
                                "there is no command " + own[0] + ": use one of " + names_of(app) +
                                    " (see sillage --help)"));
  }
  try {
    std::reverse(own.begin(), own.end());  // as the library wants them
    app.parse(own);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : reads ? 1 : kExitOwnError;
  }
  if (list->parsed() && lists_kernel) {
    kernel_list.with_fields = with_fields;
    return report(sillage::command::list_kernel(kernel_list));
  }
  if (list->parsed()) return report(sillage::command::list(with_fields));
  if (read->parsed()) return sillage::command::read(read_options);
  if (info->parsed()) return sillage::command::info(info_options);
  if (convert->parsed()) return sillage::command::convert(convert_options);
  if (crash->parsed()) return sillage::command::crash(crash_options);
  if (import_command->parsed()) return report(sillage::command::import_trace(import_options));
  if (doctor->parsed()) return sillage::command::doctor();
  if (regenerate->parsed()) return report(sillage::command::regenerate_state_dump());
  if (version->parsed()) return report(sillage::command::version());
  if (!record->parsed()) return kExitOwnError;
  std::vector<std::string> rest = record->remaining();
  if (!rest.empty() && rest[0].starts_with('-')) {
    return report(sillage::fail(sillage::Code::kInvalidArgument,
                                "there is no option " + rest[0] +
                                    ": see sillage record --help; a program's own "
                                    "options stand behind it or behind --"));
  }
  if (is_separated && program.empty() && rest.empty()) {
    return report(
        sillage::fail(sillage::Code::kInvalidArgument,
                      "no program stands behind --; leave -- out to record all programs"));
  }
  options.program = rest;
  if (is_separated) {
    if (!rest.empty()) options.program.emplace_back("--");  // the program's: git log -- FILE
    options.program.insert(options.program.end(), program.begin(), program.end());
  }
  return report(sillage::command::record(options));
}
