// SPDX-License-Identifier: MIT
// Sessions created, started, stopped and destroyed, rules enabled and disabled, programs that register and leave, commands that
// are run: each in a thread of its own, as fast as the daemon lets them. Prints NAME VALUE lines that storm_test.py judges.
//   storm_driver BIN_DIRECTORY TRACES SECONDS
#include <sillage/control.hpp>
#include <sillage/trace.hpp>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace {

namespace control = sillage::control;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kEventsOfAProgram = 200;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "storm_driver: %s\n", why.c_str());
  std::_Exit(1);
}

template <class T>
T value(control::Result<T> result, const char* what) {
  if (!result) give_up(std::string(what) + ": " + result.error().message);
  return std::move(*result);
}

/// How long requests and commands took, by name.
class Durations {
 public:
  template <class Call>
  auto measure(const char* name, Call call) {
    const auto begin = Clock::now();
    auto result = call();
    const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
    const std::lock_guard lock(mutex_);
    taken_[name].push_back(taken.count());
    return result;
  }

  void print() {
    std::vector<std::int64_t> all;
    for (auto& [name, taken] : taken_) {
      print_one(name, taken);
      if (name != "a_command") all.insert(all.end(), taken.begin(), taken.end());
    }
    print_one("all_requests", all);
  }

 private:
  static void print_one(const std::string& name, std::vector<std::int64_t>& taken) {
    std::sort(taken.begin(), taken.end());
    const std::size_t count = taken.size();
    if (count == 0) return;
    std::printf("%s_count %zu\n%s_p50_us %lld\n%s_p99_us %lld\n%s_max_us %lld\n", name.c_str(),
                count, name.c_str(), static_cast<long long>(taken[count / 2]), name.c_str(),
                static_cast<long long>(taken[count * 99 / 100]), name.c_str(),
                static_cast<long long>(taken.back()));
  }

  std::mutex mutex_;
  std::map<std::string, std::vector<std::int64_t>> taken_;
};

/// Runs a program to its end; its exit status.
int run(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", 1, 0);
  pid_t child = -1;
  const int error = posix_spawn(&child, arguments[0], &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) give_up("cannot run " + words[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/// What a process holds.
struct Holdings {
  std::size_t descriptors = 0, memory_kib = 0;
};

Holdings holdings_of(unsigned pid) {
  const std::string proc = "/proc/" + std::to_string(pid);
  Holdings now;
  for (const auto& each : fs::directory_iterator(proc + "/fd")) {
    (void)each;
    ++now.descriptors;
  }
  // Not its share of the rings: they are the programs' and the files' that are being written.
  std::ifstream rollup(proc + "/smaps_rollup");
  for (std::string line; std::getline(rollup, line);)
    if (line.starts_with("Anonymous:"))
      now.memory_kib = std::strtoull(line.c_str() + 10, nullptr, 10);
  return now;
}

class Storm {
 public:
  Storm(std::string bin, std::string traces) : bin_(std::move(bin)), traces_(std::move(traces)) {}

  /// Makes the sessions that are there all the time.
  void begin() {
    auto client = connect();
    daemon_ = value(client.daemon(), "daemon").pid;
    make(client, "counted", "storm:counted");
    make(client, "toggled", "storm:toggled");
    value(client.start("counted"), "start");
    value(client.start("toggled"), "start");
  }

  /// All of it at once for so long; afterwards it is quiet again.
  void rage(double seconds) {
    until_ = Clock::now() + std::chrono::milliseconds(static_cast<int>(seconds * 1000));
    std::vector<std::thread> threads;
    threads.emplace_back([this] { come_and_go(); });
    threads.emplace_back([this] { toggle(); });
    threads.emplace_back([this] { run_programs(); });
    threads.emplace_back([this] { run_programs(); });
    threads.emplace_back([this] { run_commands(); });
    for (std::thread& each : threads) each.join();
    wait_until_quiet();
  }

  /// Of the daemon, when all that was recorded is on disk: files are opened when they are first written.
  [[nodiscard]] Holdings holdings() const {
    auto client = connect();
    for (const char* session : {"counted", "toggled"}) {
      value(client.stop(session), "stop");
      value(client.start(session), "start");
    }
    return holdings_of(daemon_);
  }

  void end() {
    auto client = connect();
    const auto counted = value(client.destroy("counted"), "destroy");
    const auto toggled = value(client.destroy("toggled"), "destroy");
    std::printf("sessions %llu\nprograms %llu\nlate %llu\n", sessions_.load(), programs_.load(),
                late_.load());
    std::printf("sent %llu\nrecorded %llu\nlost %llu\n", programs_.load() * kEventsOfAProgram,
                static_cast<unsigned long long>(counted.statistics.events),
                static_cast<unsigned long long>(counted.statistics.lost.total()));
    std::printf("toggled %llu\n", static_cast<unsigned long long>(toggled.statistics.events));
    durations_.print();
  }

 private:
  static control::Client connect() { return value(control::Client::connect(), "connect"); }
  [[nodiscard]] bool goes_on() const { return Clock::now() < until_; }

  void make(control::Client& client, const std::string& name, const std::string& pattern) {
    durations_.measure("create", [&] {
      return value(client.create({.name = name, .output_path = traces_ + "/" + name}), "create");
    });
    durations_.measure("enable_rule", [&] {
      return value(client.enable_rule(name, {.name = pattern}), "enable");
    });
  }

  // Each session's own account, and that of a reader of its trace.
  void come_and_go() {
    auto client = connect();
    while (goes_on()) {
      const std::string name = "s" + std::to_string(sessions_++);
      make(client, name, "storm:*");
      durations_.measure("start", [&] { return value(client.start(name), "start"); });
      const auto stopped =
          durations_.measure("stop", [&] { return value(client.stop(name), "stop"); });
      const auto destroyed =
          durations_.measure("destroy", [&] { return value(client.destroy(name), "destroy"); });
      // A thread that was recording when it was stopped may still finish its record.
      late_ += destroyed.statistics.events - stopped.statistics.events;
      check_trace(name, destroyed.statistics.events);
      fs::remove_all(traces_ + "/" + name);
    }
  }

  void check_trace(const std::string& name, std::uint64_t events) {
    auto reader = sillage::trace::Reader::open({traces_ + "/" + name});
    std::uint64_t found = 0;
    if (reader)
      while (reader->next() != nullptr) ++found;
    if (found != events)
      give_up(name + ": " + std::to_string(found) + " events in the trace instead of " +
              std::to_string(events));
  }

  void toggle() {
    auto client = connect();
    const control::Rule other{.name = "storm:*", .filter = "number % 3 == 0"};
    while (goes_on()) {
      durations_.measure("disable_rule", [&] {
        return value(client.disable_rules("toggled", {.name = "storm:toggled"}), "disable");
      });
      durations_.measure("enable_rule",
                         [&] { return value(client.enable_rule("toggled", other), "enable"); });
      durations_.measure("enable_rule", [&] {
        return value(client.enable_rule("toggled", {.name = "storm:toggled"}), "enable");
      });
      durations_.measure("remove_rule", [&] {
        return value(client.remove_rules("toggled", {.name = "storm:*"}), "remove");
      });
    }
  }

  void run_programs() {
    const std::string program = bin_ + "/storm_program";
    while (goes_on()) {
      const int status = run({program, std::to_string(kEventsOfAProgram)});
      if (status != 0) give_up("storm_program: status " + std::to_string(status));
      ++programs_;
    }
  }

  void run_commands() {
    const std::string sillage = bin_ + "/sillage";
    while (goes_on()) {
      const int status = durations_.measure("a_command", [&] { return run({sillage, "list"}); });
      if (status != 0) give_up("sillage list: status " + std::to_string(status));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  /// Until the daemon has noticed that all programs are gone, and its threads that nothing is left for them.
  void wait_until_quiet() {
    auto client = connect();
    for (int tries = 0; value(client.daemon(), "daemon").programs != 0; ++tries) {
      if (tries == 500) give_up("programs that are gone are still registered after 10 s");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }

  std::string bin_, traces_;
  unsigned daemon_ = 0;
  Clock::time_point until_{};
  std::atomic<unsigned long long> sessions_ = 0, programs_ = 0, late_ = 0;
  Durations durations_;
};

void print(const char* when, const Holdings& holdings) {
  std::printf("descriptors_%s %zu\nmemory_kib_%s %zu\n", when, holdings.descriptors, when,
              holdings.memory_kib);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;
  const double seconds = std::strtod(arguments[3], nullptr);
  Storm storm(arguments[1], arguments[2]);
  storm.begin();
  // What the daemon takes once, for the first of each kind, it has after a while.
  storm.rage(seconds / 4);
  print("before", storm.holdings());
  storm.rage(seconds / 4);
  print("between", storm.holdings());
  storm.rage(seconds / 2);
  print("after", storm.holdings());
  storm.end();
}
