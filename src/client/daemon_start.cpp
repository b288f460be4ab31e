// SPDX-License-Identifier: MIT
#include "client/daemon_start.hpp"

#include "base/groups.hpp"

#include <grp.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

extern char** environ;

namespace sillage::client {
namespace {

using namespace std::chrono_literals;
constexpr auto kStartDeadline = 5s;
constexpr int kExitAnotherRuns = 3;  // sillaged(8)

/// "sillaged" beside this program; else the bare name, to be looked up in PATH.
std::string daemon_program() {
  std::string self(4096, '\0');
  ssize_t length = readlink("/proc/self/exe", self.data(), self.size());
  if (length > 0) {
    self.resize(static_cast<std::size_t>(length));
    self.resize(self.rfind('/') + 1);
    self += "sillaged";
    if (access(self.c_str(), X_OK) == 0) return self;
  }
  return "sillaged";
}

/// Starts a daemon and waits until it serves, or until it finds that another does.
Status start_daemon() {
  std::string program = daemon_program();
  std::string background = "--daemonize", auto_exit = "--auto-exit";
  char* arguments[] = {program.data(), background.data(), auto_exit.data(), nullptr};
  // It must not hold the terminal or a pipe of ours open; its messages are welcome until it is in the background.
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", 0, 0);
  posix_spawn_file_actions_adddup2(&files, 2, 1);
  pid_t child = -1;
  const int error = posix_spawnp(&child, program.c_str(), &files, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  if (error == ENOENT) {
    return fail(
        Code::kNotFound,
        "there is no sillaged beside this program or in PATH: install it, or start it yourself");
  }
  if (error != 0) return fail_errno("cannot start " + program, error);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == kExitAnotherRuns))
    return {};
  return fail(Code::kSystem, "sillaged could not be started; what it says above tells why");
}

// What the kernel checks against the socket's mode: the groups of this process, not those that the user would have after the
// next login.
bool is_member_of(const std::string& name) {
  const group* entry = getgrnam(name.c_str());
  if (entry == nullptr) return false;
  const gid_t wanted = entry->gr_gid;
  const std::vector<gid_t> groups = groups_of_thread();
  return getegid() == wanted || std::find(groups.begin(), groups.end(), wanted) != groups.end();
}

Result<control::ControlClient> reach(const apps::RuntimePaths& paths) {
  const std::string path = paths.control_socket();
  auto client = control::ControlClient::connect(path);
  if (client || client.error().code != Code::kNotFound || paths != apps::runtime_paths())
    return client;
  const auto until = std::chrono::steady_clock::now() + kStartDeadline;
  do {
    SILLAGE_TRY(start_daemon());
    // Ours is ready; another one that won may not be yet, or may just have ended for want of work.
    for (auto wait = 1ms; wait < 200ms; wait *= 2) {
      client = control::ControlClient::connect(path);
      if (client || client.error().code != Code::kNotFound) return client;
      std::this_thread::sleep_for(wait);
    }
  } while (std::chrono::steady_clock::now() < until);
  return fail(Code::kTimeout,
              "sillaged does not come up at " + path + ": try `sillaged --foreground` to see why");
}

}  // namespace

apps::RuntimePaths choose_daemon(const std::string& group) {
  auto own = apps::runtime_paths();
  const auto set_apart = apps::environment_variable("SILLAGE_RUNTIME_DIR");
  if (geteuid() == 0 || (set_apart && !set_apart->empty()) || !is_member_of(group)) return own;
  auto roots = apps::root_paths();
  return control::ControlClient::connect(roots.control_socket()) ? roots : own;
}

Result<control::ControlClient> connect_running(const apps::RuntimePaths& paths) {
  return control::ControlClient::connect(paths.control_socket());
}

Result<control::ControlClient> connect_or_start(const apps::RuntimePaths& paths) {
  auto client = reach(paths);
  if (client) client->connect_again_by([paths] { return reach(paths); });
  return client;
}

}  // namespace sillage::client
