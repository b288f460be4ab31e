// SPDX-License-Identifier: MIT
// Records all system calls of the machine while a program runs: record_syscalls DIRECTORY BYTES PROGRAM...
#include "collect/collector.hpp"
#include "ctf/kernel_layout.hpp"
#include "kernel/contexts.hpp"
#include "kernel/kernel_channel.hpp"
#include "kernel/syscall_plan.hpp"
#include "kernel/tracer.hpp"
#include "ring/kernel_ring.hpp"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sillage {
namespace {

// What the tests take for "this machine has no BPF".
constexpr int kCannot = 77;

struct Recorder {
  std::unique_ptr<collect::ClockKeeper> clock;
  std::unique_ptr<collect::Collector> collector;
  std::unique_ptr<kernel::KernelChannel> programs;
};

Nanoseconds monotonic() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return {static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
          static_cast<std::uint64_t>(now.tv_nsec)};
}

Status add_calls(const kernel::Tracer& tracer, std::uint32_t bytes, collect::ChannelId channel,
                 Recorder* recorder) {
  const auto calls = tracer.catalog().system_calls();
  if (!calls) return tl::unexpected(calls.error());
  const auto planner = kernel::SyscallPlanner::create(*tracer.btf());
  if (!planner) return tl::unexpected(planner.error());
  std::vector<kernel::SyscallEvent> events;
  for (const bool at_exit : {false, true}) {
    for (const kernel::SystemCall& call : calls->all())
      events.push_back(planner->plan(call, at_exit, bytes));
    for (const kernel::Abi abi : {kernel::Abi::kNative, kernel::Abi::kCompat})
      events.push_back(planner->plan_unknown(abi, at_exit));
  }
  std::uint32_t id = 0;
  for (const kernel::SyscallEvent& event : events) {
    SILLAGE_TRY(recorder->programs->add_syscall(event, EventId{id++}, *tracer.btf()));
    SILLAGE_TRY(recorder->collector->add_event(
        channel, {.name = event.plan.name, .payload = event.plan.payload}));
  }
  return {};
}

Status start(const std::string& directory, std::uint32_t bytes, Recorder* recorder) {
  const auto tracer = kernel::Tracer::open();
  if (!tracer) return tl::unexpected(tracer.error());
  if (tracer->btf() == nullptr) return fail(Code::kUnsupported, tracer->why_no_types());
  const auto geometry =
      ring::KernelRingGeometry::make({.subbuf_bytes = ByteCount{1u << 20},
                                      .subbuf_count = 8,
                                      .header = SILLAGE_KERNEL_HEADER_LARGE},
                                     static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_CONF)));
  if (!geometry) return tl::unexpected(geometry.error());
  auto tid = kernel::plan_context(ctf::KernelContext::kTid, *tracer->btf());
  if (!tid) return tl::unexpected(std::move(tid).error());
  auto programs = kernel::KernelChannel::create(*geometry, {std::move(*tid)}, tracer->casts(), 0);
  if (!programs) return tl::unexpected(std::move(programs).error());
  recorder->programs = std::move(*programs);

  auto clock = collect::ClockKeeper::create();
  if (!clock) return tl::unexpected(std::move(clock).error());
  recorder->clock = std::move(*clock);
  auto collector = collect::Collector::create({.output_path = directory}, *recorder->clock);
  if (!collector) return tl::unexpected(std::move(collector).error());
  recorder->collector = std::move(*collector);
  const auto trace = recorder->collector->open_trace(
      {.directory = "kernel", .environment = ctf::kernel_environment({}), .clock_offset_ns = 0});
  if (!trace) return tl::unexpected(trace.error());
  auto map = recorder->programs->ring_fd();
  if (!map) return tl::unexpected(std::move(map).error());
  auto wakeup = recorder->programs->wakeup_fd();
  if (!wakeup) return tl::unexpected(std::move(wakeup).error());
  auto ring = ring::KernelRing::create(std::move(*map), *geometry, monotonic());
  if (!ring) return tl::unexpected(std::move(ring).error());
  const auto channel = recorder->collector->add_kernel_channel(
      *trace, {.name = "channel0",
               .ring = std::move(*ring),
               .contexts = ctf::KernelContextBuilder().add(ctf::KernelContext::kTid).build(),
               .wakeup = std::move(*wakeup)});
  if (!channel) return tl::unexpected(channel.error());
  SILLAGE_TRY(add_calls(*tracer, bytes, *channel, recorder));
  return recorder->programs->start();
}

int run(char** command) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execvp(command[0], command);
    std::perror(command[0]);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int main_of(char** arguments) {
  Recorder recorder;
  const Status started =
      start(arguments[1], static_cast<std::uint32_t>(std::atoi(arguments[2])), &recorder);
  if (!started) {
    std::fprintf(stderr, "%s\n", started.error().text().c_str());
    const Code code = started.error().code;
    return code == Code::kPermission ? kCannot : 1;
  }
  const int status = run(arguments + 3);
  recorder.programs->stop();
  const collect::Stats stats = recorder.collector->stop();
  std::fprintf(stderr, "%llu events, %llu lost, %llu missed\n",
               static_cast<unsigned long long>(stats.events),
               static_cast<unsigned long long>(stats.lost.total()),
               static_cast<unsigned long long>(recorder.programs->recursion_misses()));
  return status;
}

}  // namespace
}  // namespace sillage

int main(int count, char** arguments) {
  if (count < 4) return 2;
  return sillage::main_of(arguments);
}
