// SPDX-License-Identifier: MIT
// sillaged: see sillaged(8).
#include "apps/socket_path.hpp"
#include "base/fd.hpp"
#include "sillaged/autoload.hpp"
#include "sillaged/daemon.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitAnotherRuns = 3;  // sillaged(8): who starts daemons need not complain

int complain(const sillage::Error& error) {
  fmt::print(stderr, "sillaged: {}\n", error.text());
  return error.code == sillage::Code::kAlreadyExists ? kExitAnotherRuns : kExitFailed;
}

/// Forks; in the parent it never returns: it exits as soon as the child is ready, or with its failure.
///
/// Returns the child's end of the pipe on which it says so.
sillage::Fd go_to_background() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  sillage::Fd from_child(ends[0]), to_parent(ends[1]);
  pid_t child = fork();
  if (child < 0) return {};
  if (child == 0) {
    setsid();
    return to_parent;
  }
  to_parent.reset();
  char ready = 0;
  if (read(from_child.value(), &ready, 1) == 1) _exit(0);
  int status = 0;
  waitpid(child, &status, 0);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : kExitFailed);
}

std::string home_directory() {
  for (const char* name : {"LTTNG_HOME", "HOME"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  return "/nonexistent";
}

/// Lets go of the terminal and of the directory it was started in.
void detach_from_terminal() {
  sillage::Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null) {
    for (int fd = 0; fd <= 2; ++fd) dup2(null.value(), fd);
  }
  if (chdir("/") != 0) return;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): out of memory, or an option declared wrongly
int main(int argc, char** argv) {
  CLI::App app{"The Sillage daemon: registers programs and records their events."};
  bool in_foreground = false, in_background = false;
  sillage::daemon::DaemonOptions options;
  app.add_flag("--foreground", in_foreground, "Stay in the foreground (the default)");
  app.add_flag("--daemonize", in_background, "Return when ready, and go on in the background");
  app.add_flag("--auto-exit", options.auto_exit,
               "End after 10 seconds without a command or recording");
  std::vector<std::string> saved;
  app.add_option("-l,--load", saved,
                 "Load the sessions of this file, or of the files of this directory");
  app.set_version_flag("--version", std::string("sillaged ") + SILLAGE_VERSION);
  CLI11_PARSE(app, argc, argv);
  if (in_foreground && in_background) {
    fmt::print(stderr,
               "sillaged: --foreground and --daemonize exclude each other: leave one out\n");
    return kExitFailed;
  }

  sillage::Fd ready;
  if (in_background) {
    ready = go_to_background();
    if (!ready) {
      fmt::print(stderr, "sillaged: cannot go to the background: start it with --foreground\n");
      return kExitFailed;
    }
  }
  // Before any thread is made: they all inherit the mask.
  sigset_t signals;
  sigemptyset(&signals);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  sillage::Fd stop(signalfd(-1, &signals, SFD_CLOEXEC));

  options.paths = sillage::apps::runtime_paths();
  options.agent_port_files =
      sillage::apps::agent_port_files(options.paths, sillage::apps::environment_variable);
  if (saved.empty()) saved = sillage::daemon::autoload_directories(home_directory());
  auto autoload = sillage::daemon::read_autoload(saved);
  for (const std::string& problem : autoload.problems)
    fmt::print(stderr, "sillaged: {}\n", problem);
  options.first_requests = std::move(autoload.requests);
  auto daemon = sillage::daemon::Daemon::create(options);
  if (!daemon) return complain(daemon.error());
  if (in_background) {
    detach_from_terminal();
    if (write(ready.value(), "r", 1) != 1) return kExitFailed;
    ready.reset();
  }
  if (auto status = (*daemon)->run(stop.value()); !status) return complain(status.error());
  return 0;
}
