// SPDX-License-Identifier: MIT
// Sends (producer, sequence, checksum) events and keeps its own accounts in a file that outlives it:
// for each producer how many events were begun and how many were done. Whoever reads the trace can then say
// to the event what must be in it.
//
//   producer ACCOUNTS [threads=N] [processes=N] [events=N] [signals=HZ] [fork=EACH] [exec=TIMES]
//            [kills=N] [stops=N] [pause_us=N] [batch=N]
//
// events=0: until somebody sets the accounts' `is_over`.
// kills, stops: so many random SIGKILLs (the victim is replaced) or SIGSTOPs (continued later) to its processes.
#include <sillage/tracepoint.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::uint32_t kMaxProducers = 16384;

struct Account {
  std::atomic<std::uint64_t> begun, done;
};
struct Accounts {
  std::atomic<std::uint32_t> producers;
  std::atomic<std::uint32_t> is_over;
  Account account[kMaxProducers];
};

Accounts* g_accounts;
thread_local std::uint32_t t_producer, t_signal_producer;

std::uint64_t checksum(std::uint32_t producer, std::uint64_t sequence) {
  std::uint64_t x = (std::uint64_t{producer} << 40) ^ sequence ^ 0x9e3779b97f4a7c15u;
  x ^= x >> 31;
  x *= 0xbf58476d1ce4e5b9u;
  return x ^ (x >> 27);
}

void send(std::uint32_t producer) {
  Account& account = g_accounts->account[producer];
  std::uint64_t sequence = account.begun.load(std::memory_order_relaxed);
  account.begun.store(sequence + 1, std::memory_order_relaxed);
  SILLAGE_TRACEPOINT(accounting, event, INFO, sillage_field(producer, producer),
                     sillage_field(sequence, sequence),
                     sillage_hex(check, checksum(producer, sequence)));
  account.done.store(sequence + 1, std::memory_order_relaxed);
}

std::uint32_t new_producer() {
  std::uint32_t producer = g_accounts->producers++;
  if (producer >= kMaxProducers) _exit(3);
  return producer;
}

void on_signal(int) {
  int saved = errno;
  for (int i = 0; i < 3; i++) send(t_signal_producer);
  errno = saved;
}

struct Options {
  long threads = 1, processes = 1, events = 100000, signals = 0, fork_each = 0, exec_again = 0;
  long kills = 0, stops = 0, pause_us = 0, batch = 1000;
};

void start_timer(long hertz) {
  struct sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGUSR1;
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  timer_t timer;
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) _exit(4);
  itimerspec interval = {{0, 1'000'000'000 / hertz}, {0, 1'000'000'000 / hertz}};
  timer_settime(timer, 0, &interval, nullptr);
}

void run_thread(const Options& options) {
  t_producer = new_producer();
  if (options.signals > 0) {
    t_signal_producer = new_producer();
    start_timer(options.signals);
  }
  for (long i = 0; options.events == 0 ? g_accounts->is_over == 0 : i < options.events; i++) {
    send(t_producer);
    if (options.pause_us > 0 && i % options.batch == options.batch - 1)
      usleep(static_cast<useconds_t>(options.pause_us));
    if (options.fork_each > 0 && i % options.fork_each == options.fork_each - 1) {
      pid_t child = fork();
      if (child == 0) {
        std::uint32_t producer = new_producer();
        for (int k = 0; k < 20; k++) send(producer);
        _exit(0);
      }
      if (child > 0) waitpid(child, nullptr, 0);
    }
  }
  if (options.signals > 0) signal(SIGUSR1, SIG_IGN);
}

void run_process(const Options& options) {
  std::vector<std::thread> threads;
  for (long i = 0; i < options.threads; i++) threads.emplace_back([&] { run_thread(options); });
  for (auto& thread : threads) thread.join();
}

/// Children that send until they are killed, at any instruction they happen to be at.
void kill_children(Options options) {
  options.events = 0;
  std::uint32_t random = 12345;
  std::vector<pid_t> children(static_cast<std::size_t>(options.processes));
  auto start = [&](pid_t& child) {
    child = fork();
    if (child == 0) {
      run_process(options);
      _exit(0);
    }
  };
  for (pid_t& child : children) start(child);
  for (long i = 0; i < options.kills && g_accounts->is_over == 0; i++) {
    random = random * 1103515245 + 12345;
    usleep(200 + (random >> 16) % 4000);
    pid_t& victim = children[(random >> 8) % children.size()];
    kill(victim, SIGKILL);
    waitpid(victim, nullptr, 0);
    start(victim);
  }
  for (pid_t child : children) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
}

/// Children that are stopped at any instruction and go on later.
void stop_children(const Options& options) {
  std::uint32_t random = 54321;
  std::vector<pid_t> children(static_cast<std::size_t>(options.processes));
  for (pid_t& child : children) {
    child = fork();
    if (child == 0) {
      run_process(options);
      _exit(0);
    }
  }
  for (long i = 0; i < options.stops; i++) {
    random = random * 1103515245 + 12345;
    pid_t victim = children[(random >> 8) % children.size()];
    kill(victim, SIGSTOP);
    usleep(1000 + (random >> 16) % 5000);
    kill(victim, SIGCONT);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  Options options;
  std::map<std::string, long*> names = {
      {"threads", &options.threads},   {"processes", &options.processes},
      {"events", &options.events},     {"signals", &options.signals},
      {"fork", &options.fork_each},    {"exec", &options.exec_again},
      {"pause_us", &options.pause_us}, {"batch", &options.batch},
      {"kills", &options.kills},       {"stops", &options.stops}};
  for (int i = 2; i < argc; i++) {
    char* equals = std::strchr(argv[i], '=');
    if (equals == nullptr || names.count(std::string(argv[i], equals)) == 0) {
      std::fprintf(stderr, "producer: what is %s?\n", argv[i]);
      return 2;
    }
    *names[std::string(argv[i], equals)] = std::atol(equals + 1);
  }
  int fd = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(Accounts)) != 0) return 2;
  g_accounts = static_cast<Accounts*>(
      mmap(nullptr, sizeof(Accounts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  if (g_accounts == MAP_FAILED) return 2;
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
  if (options.kills > 0) {
    kill_children(options);
  } else if (options.stops > 0) {
    stop_children(options);
  } else {
    for (long i = 1; i < options.processes; i++) {
      if (fork() == 0) {
        run_process(options);
        _exit(0);
      }
    }
    run_process(options);
  }
  while (wait(nullptr) > 0) {
  }
  if (options.exec_again > 0) {
    std::string again = "exec=" + std::to_string(options.exec_again - 1);
    std::vector<char*> args(argv, argv + argc);
    for (auto& arg : args) {
      if (std::strncmp(arg, "exec=", 5) == 0) arg = again.data();
    }
    args.push_back(nullptr);
    execv("/proc/self/exe", args.data());
    return 5;
  }
  return 0;
}
