// SPDX-License-Identifier: MIT
#include "sillage/crash.hpp"

#include "collect/crash_extract.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

namespace sillage::command {
namespace {

void say(const Error& error) { fmt::print(stderr, "sillage: {}\n", error.text()); }

/// A directory that goes with this object.
class Draft {
 public:
  static Result<Draft> make() {
    const char* const temporary = std::getenv("TMPDIR");
    std::string path = temporary != nullptr && *temporary != '\0' ? temporary : "/tmp";
    path += "/sillage-crash-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return fail_errno("cannot make the directory " + path);
    return Draft(std::move(path));
  }
  Draft(Draft&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Draft& operator=(Draft&&) = delete;
  ~Draft() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string traces() const { return path_ + "/traces"; }

 private:
  explicit Draft(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// Runs a command with these words behind its own; its exit status.
Result<int> run(const std::string& command, const std::vector<std::string>& words) {
  std::istringstream text(command);
  std::vector<std::string> all;
  for (std::string word; text >> word;) all.push_back(std::move(word));
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  arguments.reserve(all.size() + 1);
  for (std::string& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int failed =
      ::posix_spawnp(&pid, arguments[0], nullptr, nullptr, arguments.data(), environ);
  if (failed != 0) return fail_errno("cannot run the viewer " + all[0], failed);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return fail_errno("cannot wait for the viewer");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<int> show(const CrashOptions& options, const std::vector<std::string>& traces) {
  if (!options.viewer.empty()) return run(options.viewer, traces);
  auto status = run("babeltrace2", traces);
  if (status || status.error().code != Code::kNotFound) return status;
  return run("/proc/self/exe read", traces);
}

void say_findings(const collect::CrashExtract& found) {
  for (const Error& error : found.refused) say(error);
  if (found.lost != 0)
    fmt::print(stderr,
               "sillage: {} events are lost: they were overwritten, or the buffers hold something "
               "else in their place\n",
               found.lost);
  if (found.doubtful_streams != 0)
    fmt::print(stderr,
               "sillage: the recording's trace is not where it was: of {} streams the first packet "
               "may be there, too\n",
               found.doubtful_streams);
}

}  // namespace

CLI::App* declare_crash(CLI::App* app, CrashOptions* options) {
  CLI::App* crash = app->add_subcommand(
      "crash", "Save and show what was in the buffers of sessions with --shm-path");
  crash
      ->add_option("SHMDIR", options->buffers, "Directory of --shm-path, or one of a session in it")
      ->type_name("DIR");
  auto* extract =
      crash->add_option("-x,--extract", options->extract, "Only write it there, as traces");
  extract->type_name("DIR");
  crash
      ->add_option("-e,--viewer", options->viewer,
                   "Show it with this command instead of babeltrace2")
      ->type_name("COMMAND")
      ->excludes(extract);
  crash->add_flag("-v,--verbose", options->is_verbose, "Accepted; changes nothing");
  crash->add_flag("-V,--version", options->is_version, "Show the version");
  crash->add_flag("--list-options", options->is_list_of_options, "Show the options alone");
  return crash;
}

std::vector<std::string> words_of_call(int argc, char** argv) {
  const std::string_view path = argc > 0 ? argv[0] : "";
  std::vector<std::string> words;
  if (path.substr(path.rfind('/') + 1) == "lttng-crash") words.emplace_back("crash");
  words.insert(words.end(), argv + std::min(argc, 1), argv + argc);
  return words;
}

int crash(const CrashOptions& options) {
  if (options.is_version) {
    fmt::print("lttng-crash (sillage) {}\n", SILLAGE_VERSION);
    return 0;
  }
  if (options.is_list_of_options) {
    fmt::print(
        "--version\n-V\n--help\n-h\n--verbose\n-v\n--viewer\n-e\n--extract\n-x\n--list-options\n");
    return 0;
  }
  if (options.buffers.empty()) {
    say({Code::kInvalidArgument,
         "give the directory of create's --shm-path: see sillage-crash(1)",
         {}});
    return 1;
  }
  const bool is_shown = options.extract.empty();
  auto draft = is_shown
                   ? Draft::make().map([](Draft made) { return std::optional(std::move(made)); })
                   : Result<std::optional<Draft>>();
  if (!draft) {
    say(draft.error());
    return 1;
  }
  const auto found =
      collect::extract_buffers(options.buffers, is_shown ? (*draft)->traces() : options.extract);
  if (!found) {
    say(found.error());
    return 1;
  }
  say_findings(*found);
  const int read = found->refused.empty() ? 0 : 1;
  if (!is_shown) {
    fmt::print("{} events in {} packets of {} traces written to {}\n", found->events,
               found->packets, found->traces.size(), options.extract);
    return read;
  }
  if (found->traces.empty()) return 1;
  const auto shown = show(options, found->traces);
  if (!shown) say(shown.error());
  return shown && *shown == 0 ? read : 1;
}

}  // namespace sillage::command
