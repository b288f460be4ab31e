// SPDX-License-Identifier: MIT
#include "sillage/record.hpp"

#include "apps/socket_path.hpp"
#include "base/fd.hpp"
#include "client/daemon_start.hpp"
#include "control/client.hpp"
#include "sillage/child_program.hpp"
#include "sillage/exit_status.hpp"
#include "sillage/program_file.hpp"
#include "sillage/summary.hpp"
#include "sillage/thread_counter.hpp"

#include <fmt/core.h>

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sillage::command {
namespace {

using namespace std::chrono_literals;
constexpr auto kAnswerDeadline = 10s;
constexpr auto kLoadDeadline = 300s;   // of thousands of programs into the kernel, without progress
constexpr auto kStopDeadline = 10min;  // a slow disk may have gigabytes to take
constexpr int kResumeTries = 20;
constexpr auto kResumePause = 100ms;
constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr char kRegisterTimeout[] = "SILLAGE_REGISTER_TIMEOUT_MS";
constexpr int kImpatience = 3;  // this many ^C: the program is killed

std::uint64_t monotonic_ns() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecondNs +
         static_cast<std::uint64_t>(now.tv_nsec);
}

/// Says why a program cannot be run; returns the exit status that tells.
int refuse_program(const Error& error) {
  fmt::print(stderr, "sillage: {}\n", error.text());
  return error.code == Code::kNotFound ? kExitNotFound : kExitNotExecutable;
}

/// One run of `sillage record`.
class Recorder {
 public:
  Recorder(apps::RuntimePaths daemon, control::ControlClient client, RecordPlan plan,
           std::vector<std::string> program)
      : daemon_(std::move(daemon)),
        client_(std::move(client)),
        plan_(std::move(plan)),
        program_(std::move(program)),
        shows_live_line_(isatty(STDERR_FILENO) != 0) {}

  Result<int> run() {
    SILLAGE_TRY(watch_signals());
    SILLAGE_TRY(create());
    SILLAGE_TRY(start());
    if (child_) {
      if (Status runs = child_->run(); !runs) return refuse_program(runs.error());
    }
    SILLAGE_TRY(wait_for_end());
    auto summary = is_lost_ ? control::v1::StopRecordingResponse() : stop();
    if (is_lost_) return child_status_ > 0 ? child_status_ : kExitOwnError;
    if (!summary) return tl::unexpected<Error>(std::move(summary).error());
    clear_live_line();
    fmt::print(stderr, "{}", summary_text(*summary));
    if (summary->stats().events() == 0 && total_lost(summary->stats().lost()) == 0) {
      fmt::print(stderr, "{}",
                 why_empty(*summary, program_.empty() ? "" : program_[0],
                           static_cast<std::uint64_t>(plan_.request.pids_size())));
    }
    return child_ ? std::max(child_status_, 0) : 0;
  }

 private:
  Status watch_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD}) sigaddset(&signals, number);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    signals_ = Fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    timer_ = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!signals_ || !timer_) return fail_errno("cannot watch signals");
    return {};
  }

  Status create() {
    control::v1::Request request;
    *request.mutable_create_recording() = plan_.request;
    request.mutable_create_recording()->set_wants_progress(loads_programs());
    auto response = client_.call(
        std::move(request), start_deadline(),
        [this](const control::v1::Progress& progress) { return show_progress(progress); });
    clear_live_line();
    has_live_line_ = false;
    if (!response) return tl::unexpected<Error>(std::move(response).error());
    const control::v1::CreateRecordingResponse& made = response->create_recording();
    recording_ = made.recording();
    state_path_ = daemon_.state_file(recording_);
    if (made.left_out_count() != 0) {
      fmt::print(stderr, "sillage: {} kernel event(s) cannot be recorded here:\n",
                 made.left_out_count());
      for (const std::string& why : made.left_out()) fmt::print(stderr, "  {}\n", why);
    }
    for (const control::v1::Channel& channel : plan_.request.channels())
      for (const std::string& counter : channel.counters())
        if (const std::string why = why_no_counter(counter); !why.empty())
          fmt::print(stderr, "sillage: {}\n", why);
    kernel_events_ = made.kernel_events();
    return {};
  }

  /// Says how many programs are loaded; the one occasion to notice in time that nobody wants them any more.
  Status show_progress(const control::v1::Progress& progress) {
    signalfd_siginfo info;
    if (read(signals_.value(), &info, sizeof info) == sizeof info)
      return fail(Code::kNotReady, "interrupted before the recording began; nothing is recorded");
    if (!shows_live_line_) return {};
    fmt::print(stderr, "\r\033[KLoading programs into the kernel: {} of {}\r", progress.done(),
               progress.total());
    has_live_line_ = true;
    return {};
  }

  /// The recording is active before the program's first instruction.
  Status start() {
    control::v1::Request request;
    request.mutable_start_recording()->set_recording(recording_);
    if (!program_.empty()) {
      std::vector<std::pair<std::string, std::string>> environment = {
          {plan_.mark_name, plan_.mark_value}};
      if (!plan_.library_path.empty()) {
        environment.emplace_back("LD_LIBRARY_PATH", plan_.library_path);
        // Where logging agents look for a daemon: the one that this command talks to, not LTTng's.
        environment.emplace_back("LTTNG_HOME", daemon_.directory);
      }
      if (plan_.allows_blocking) environment.emplace_back("SILLAGE_ALLOW_BLOCKING", "1");
      // Events from the first one on are what was asked for, so a daemon on a busy machine is given time.
      if (getenv(kRegisterTimeout) == nullptr) environment.emplace_back(kRegisterTimeout, "5000");
      auto child = ChildProgram::prepare(program_, environment);
      if (!child) return tl::unexpected<Error>(std::move(child).error());
      child_.emplace(*std::move(child));
      request.mutable_start_recording()->set_root_pid(child_->pid());
    }
    auto response = client_.call(std::move(request), start_deadline());
    if (!response) return tl::unexpected<Error>(std::move(response).error());
    start_ns_ = monotonic_ns();
    if (!child_) {
      fmt::print(stderr, "Recording {}{} to {}; {}\n",
                 kernel_events_ != 0 ? fmt::format("{} kernel events", kernel_events_) : "",
                 plan_.request.channels_size() == 0
                     ? ""
                     : fmt::format("{}{} program(s)", kernel_events_ != 0 ? " and " : "",
                                   response->start_recording().programs()),
                 plan_.request.output_path(),
                 plan_.duration_ns ? "^C stops it early." : "^C stops.");
    }
    return {};
  }

  Status wait_for_end() {
    arm_timer();
    while (!is_over_) {
      pollfd sources[] = {{signals_.value(), POLLIN, 0},
                          {timer_.value(), POLLIN, 0},
                          {is_lost_ ? -1 : client_.fd(), POLLIN, 0}};
      if (poll(sources, 3, -1) < 0 && errno != EINTR) return fail_errno("cannot wait");
      if (sources[0].revents != 0) take_signals();
      if (sources[1].revents != 0) take_timer();
      if (sources[2].revents != 0 && !is_over_) lose_daemon();
    }
    return {};
  }

  /// If the daemon was killed and left the recording to the next one, goes on with it there, starting one if need be.
  bool resume() {
    // The next daemon may be killed as well, before it has answered.
    for (int tries = kResumeTries; tries > 0 && access(state_path_.c_str(), F_OK) == 0; --tries) {
      control::v1::Request request;
      request.mutable_resume_recording()->set_recording(recording_);
      auto client = client::connect_or_start(daemon_);
      if (client && client->call(std::move(request), kAnswerDeadline)) {
        client_ = *std::move(client);
        clear_live_line();
        fmt::print(stderr, "sillage: sillaged was killed; the recording goes on in a new one\n");
        return true;
      }
      std::this_thread::sleep_for(kResumePause);
    }
    return false;
  }

  /// Nothing is recorded any more. That is no reason to end the program, so its end is still waited for.
  void lose_daemon() {
    if (resume()) return;
    clear_live_line();
    fmt::print(stderr,
               "sillage: sillaged ended while recording; what it wrote until then is in {}\n",
               plan_.request.output_path());
    is_lost_ = true;
    shows_live_line_ = false;
    is_over_ = !child_;
  }

  void take_signals() {
    signalfd_siginfo info;
    while (read(signals_.value(), &info, sizeof info) == sizeof info) {
      const int number = static_cast<int>(info.ssi_signo);
      if (number == SIGCHLD) {
        child_status_ = child_ ? child_->poll_status() : -1;
        is_over_ = is_over_ || child_status_ >= 0;
      } else if (!child_) {
        is_over_ = true;
      } else if (number == SIGINT && ++interrupts_ >= kImpatience) {
        child_->send_signal(SIGKILL);
      } else if (info.ssi_code != SI_KERNEL) {
        // A key pressed on the terminal (SI_KERNEL) reached the program too; a kill() reached this command only.
        child_->send_signal(number);
      }
    }
  }

  void take_timer() {
    std::uint64_t expirations;
    (void)!read(timer_.value(), &expirations, sizeof expirations);
    const std::uint64_t now = monotonic_ns();
    if (plan_.duration_ns && now - start_ns_ >= *plan_.duration_ns) {
      end_of_duration();
    } else if (shows_live_line_ && now >= next_line_ns_) {
      show_live_line(now);
    }
    arm_timer();
  }

  void end_of_duration() {
    plan_.duration_ns.reset();
    // The program is left to itself: what it does after the time is not recorded, and its end is not waited for.
    if (child_) child_status_ = child_->poll_status();
    is_over_ = true;
  }

  /// Next live line or end of the time, whichever is first.
  void arm_timer() {
    std::uint64_t at = UINT64_MAX;
    if (shows_live_line_) at = next_line_ns_ = std::max(next_line_ns_, start_ns_) + kSecondNs;
    if (plan_.duration_ns) at = std::min(at, start_ns_ + *plan_.duration_ns);
    if (at == UINT64_MAX) return;
    itimerspec when = {};
    when.it_value = {static_cast<time_t>(at / kSecondNs), static_cast<long>(at % kSecondNs)};
    timerfd_settime(timer_.value(), TFD_TIMER_ABSTIME, &when, nullptr);
  }

  [[nodiscard]] bool loads_programs() const { return plan_.request.kernel_channels_size() != 0; }

  // Kernel recordings load programs when they are made, and attach them when they start.
  [[nodiscard]] std::chrono::seconds start_deadline() const {
    return loads_programs() ? kLoadDeadline : kAnswerDeadline;
  }

  void show_live_line(std::uint64_t now) {
    control::v1::Request request;
    request.mutable_stats()->set_recording(recording_);
    auto response = client_.call(std::move(request), kAnswerDeadline);
    if (!response) return;  // the loop finds out why
    const control::v1::Stats& stats = response->stats().stats();
    const std::uint64_t events = stats.events() + stats.pending();
    const std::uint64_t since_ns = now - (last_stats_ns_ == 0 ? start_ns_ : last_stats_ns_);
    // Sampled apart, the two may fall short of their last sum for a moment.
    const std::uint64_t more = events > last_events_ ? events - last_events_ : 0;
    const auto rate = static_cast<double>(more) * 1e9 / static_cast<double>(since_ns + 1);
    last_stats_ns_ = now;
    last_events_ = events;
    std::string line = live_line(stats, static_cast<std::uint64_t>(rate));
    winsize size = {};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
      line.resize(std::min<std::size_t>(line.size(), size.ws_col - 1u));
    // Back to the first column: what the program prints next replaces the line instead of following it.
    fmt::print(stderr, "\r\033[K{}\r", line);
    has_live_line_ = true;
  }

  void clear_live_line() const {
    if (has_live_line_) fmt::print(stderr, "\r\033[K");
  }

  Result<control::v1::StopRecordingResponse> stop() {
    control::v1::Request request;
    request.mutable_stop_recording()->set_recording(recording_);
    for (;;) {
      auto response = client_.call(request, kStopDeadline);
      if (response) return response->stop_recording();
      if (has_daemon()) return tl::unexpected<Error>(std::move(response).error());
      lose_daemon();
      if (is_lost_) return tl::unexpected<Error>(std::move(response).error());
    }
  }

  /// Whether the daemon is still connected, whatever it answered.
  [[nodiscard]] bool has_daemon() const {
    char byte;
    const ssize_t got = recv(client_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got > 0 || (got < 0 && errno == EAGAIN);
  }

  apps::RuntimePaths daemon_;
  control::ControlClient client_;
  RecordPlan plan_;
  const std::vector<std::string> program_;
  bool shows_live_line_;
  Fd signals_, timer_;
  std::optional<ChildProgram> child_;
  int child_status_ = -1;
  int interrupts_ = 0;
  bool is_over_ = false, is_lost_ = false, has_live_line_ = false;
  std::uint64_t recording_ = 0;
  std::string state_path_;  // there as long as the recording outlives its daemon
  std::uint64_t kernel_events_ = 0;
  std::uint64_t start_ns_ = 0, next_line_ns_ = 0, last_stats_ns_ = 0, last_events_ = 0;
};

}  // namespace

Result<int> record(const RecordOptions& options) {
  auto plan = plan_recording(options);
  if (!plan) return tl::unexpected<Error>(std::move(plan).error());
  if (!options.program.empty()) {
    // Now rather than when there is an empty trace.
    if (Status found = check_program(options.program[0]); !found)
      return refuse_program(found.error());
  }
  // Without a program it records whatever runs: with the user's own daemon that is the user's, as for who is in no group. The
  // kernel's events only root's records.
  auto daemon = records_kernel(options) ? client::choose_daemon() : apps::runtime_paths();
  auto client = client::connect_or_start(daemon);
  if (!client) return tl::unexpected<Error>(std::move(client).error());
  return Recorder(std::move(daemon), *std::move(client), *std::move(plan), options.program).run();
}

}  // namespace sillage::command
