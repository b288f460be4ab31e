// SPDX-License-Identifier: MIT
// A kernel channel over real BPF maps, written through the mapping and judged by babeltrace2.
#include "collect/test_recording.hpp"
#include "ctf/kernel_layout.hpp"
#include "ring/kernel_ring.hpp"
#include "ring/test_kernel_writer.hpp"

#include <gtest/gtest.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sillage::collect {
namespace {

struct Emitted {
  std::uint64_t time;
  std::uint32_t cpu;
  std::uint64_t number;
  auto operator<=>(const Emitted&) const = default;
};

std::string output_of(const std::string& command) {
  std::string text;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  char buffer[65536];
  for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    text.append(buffer, got);
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return text;
}

class KernelChannelBpfTest : public ::testing::TestWithParam<sillage_kernel_header> {
 protected:
  void SetUp() override {
    const auto geometry = ring::KernelRingGeometry::make(
        {.subbuf_bytes = ByteCount{16384}, .subbuf_count = 4, .header = GetParam()},
        *ring::possible_cpu_count());
    ASSERT_TRUE(geometry);
    geometry_ = *geometry;
    bpf_map_create_opts options{};
    options.sz = sizeof options;
    options.map_flags = BPF_F_MMAPABLE;
    map_.reset(::bpf_map_create(BPF_MAP_TYPE_ARRAY, "test_ring", 4,
                                static_cast<std::uint32_t>(geometry_.stride), geometry_.cpu_count,
                                &options));
    if (!map_) GTEST_SKIP() << "no BPF maps here: " << std::strerror(errno);
    wakeup_.reset(::bpf_map_create(BPF_MAP_TYPE_RINGBUF, "test_wakeup", 0, 0, 4096, nullptr));
    ASSERT_TRUE(wakeup_) << std::strerror(errno);
    auto clock = ClockKeeper::create();
    ASSERT_TRUE(clock);
    clock_ = std::move(*clock);
  }

  void start() {
    auto collector = Collector::create({.output_path = output_.path()}, *clock_);
    ASSERT_TRUE(collector) << collector.error().text();
    collector_ = std::move(*collector);
    const auto trace = collector_->open_trace(
        {.directory = "kernel",
         .environment = ctf::kernel_environment({.hostname = "h", .kernel_release = "6.1.0-test"}),
         .clock_offset_ns = 0});
    ASSERT_TRUE(trace) << trace.error().text();
    auto ring = ring::KernelRing::create(Fd(::dup(map_.value())), geometry_,
                                         {ring::TestKernelWriter::monotonic()});
    ASSERT_TRUE(ring) << ring.error().text();
    for (std::uint32_t cpu = 0; cpu < geometry_.cpu_count; ++cpu)
      streams_.push_back(reinterpret_cast<std::byte*>(&ring->stream(cpu).shared()));
    const auto channel = collector_->add_kernel_channel(
        *trace, {.name = "channel0",
                 .ring = std::move(*ring),
                 .contexts = ctf::KernelContextBuilder()
                                 .add(ctf::KernelContext::kTid)
                                 .add(ctf::KernelContext::kProcname)
                                 .add(ctf::KernelContext::kCallstackKernel)
                                 .build(),
                 .wakeup = Fd(::dup(wakeup_.value()))});
    ASSERT_TRUE(channel) << channel.error().text();
    channel_ = *channel;
    for (int id = 0; id < 40; ++id) {  // beyond the short ids of the compact header
      const auto added = collector_->add_event(
          channel_,
          {.name = "event_" + std::to_string(id),
           .payload = ctf::PayloadBuilder().integer("number", {.size_bytes = 8}).build()});
      ASSERT_TRUE(added) << added.error().text();
    }
  }

  // Contexts, then the number: tid 7, a name, a stack of two.
  static std::vector<std::byte> payload(std::uint64_t number) {
    std::vector<std::byte> bytes;
    const auto put = [&bytes](const void* from, std::size_t size) {
      const auto* at = static_cast<const std::byte*>(from);
      bytes.insert(bytes.end(), at, at + size);
    };
    const std::int32_t tid = 7;
    const char name[16] = "writer";
    const std::uint32_t depth = 2;
    const std::uint64_t stack[] = {0xffffffff81000010, 0xffffffff81000020};
    put(&tid, sizeof tid);
    put(name, sizeof name);
    put(&depth, sizeof depth);
    put(stack, sizeof stack);
    put(&number, sizeof number);
    return bytes;
  }

  // Events of one CPU, whose times are noted as they are recorded.
  void emit(std::uint32_t cpu, std::uint64_t count, std::vector<Emitted>& kept) {
    std::uint64_t last = 0;
    ring::TestKernelWriter writer(geometry_, streams_[cpu],
                                  [&last] { return last = ring::TestKernelWriter::monotonic(); });
    for (std::uint64_t number = 0; number < count; ++number)
      if (writer.emit(static_cast<std::uint32_t>(number % 40), payload(number)))
        kept.push_back({last, cpu, number});
  }

  // What babeltrace2 reads, and how many events it says were discarded.
  std::vector<Emitted> read_back(std::uint64_t& discarded) const {
    std::vector<Emitted> read;
    // One behind the other: both at once break into each other's lines.
    const std::string messages = output_.path() + "/messages";
    const std::string text = output_of("babeltrace2 --clock-cycles --no-delta '" + output_.path() +
                                       "/kernel' 2>'" + messages + "' && cat '" + messages + "'");
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      const std::string line = text.substr(at, end - at);
      at = end == std::string::npos ? text.size() : end + 1;
      unsigned long long time = 0, number = 0, count = 0;
      unsigned cpu = 0, event = 0;
      if (std::sscanf(line.c_str(), "WARNING: Tracer discarded %llu events", &count) == 1) {
        discarded += count;
      } else if (std::sscanf(line.c_str(),
                             "[%llu] h event_%u: { cpu_id = %u }, { tid = 7, procname = "
                             "\"writer\", _callstack_kernel_length = 2, callstack_kernel = [ [0] "
                             "= 0xFFFFFFFF81000010, [1] = 0xFFFFFFFF81000020 ] }, { number = %llu",
                             &time, &event, &cpu, &number) == 4) {
        EXPECT_EQ(event, number % 40);
        read.push_back({time, cpu, number});
      } else {
        ADD_FAILURE() << "not expected from babeltrace2: " << line;
        break;
      }
    }
    return read;
  }

  TemporaryDirectory output_;
  std::unique_ptr<ClockKeeper> clock_;
  Fd map_, wakeup_;
  ring::KernelRingGeometry geometry_;
  std::unique_ptr<Collector> collector_;
  ChannelId channel_;
  std::vector<std::byte*> streams_;  // the collector's mapping: valid until it stops
};

TEST_P(KernelChannelBpfTest, Babeltrace2_ReadsWhatWasWritten) {
  start();
  if (HasFatalFailure()) return;
  std::vector<std::vector<Emitted>> kept(geometry_.cpu_count);
  std::vector<std::thread> cpus;
  constexpr std::uint64_t kEvents = 4000;
  for (std::uint32_t cpu = 0; cpu < geometry_.cpu_count; ++cpu)
    cpus.emplace_back([this, cpu, &kept] {
      for (int burst = 0; burst < 3; ++burst) {
        emit(cpu, kEvents, kept[cpu]);
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
      }
    });
  for (std::thread& cpu : cpus) cpu.join();
  // A last event behind the losses, so that a packet says them.
  for (std::uint32_t cpu = 0; cpu < geometry_.cpu_count; ++cpu) emit(cpu, 1, kept[cpu]);
  const Stats stats = collector_->stop();
  std::vector<Emitted> expected;
  for (const auto& one : kept) expected.insert(expected.end(), one.begin(), one.end());
  EXPECT_EQ(stats.events, expected.size());
  EXPECT_EQ(stats.events + stats.lost.total(), geometry_.cpu_count * (3 * kEvents + 1));
  EXPECT_GT(stats.lost.full, 0u);

  std::uint64_t discarded = 0;
  std::vector<Emitted> read = read_back(discarded);
  std::sort(read.begin(), read.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(read.size(), expected.size());
  EXPECT_TRUE(read == expected);
  EXPECT_EQ(discarded, stats.lost.total());
}

// What a program posts ends the collector's sleep: its timer alone looks ten times a second.
TEST_P(KernelChannelBpfTest, Post_WakesTheCollector) {
  start();
  if (HasFatalFailure()) return;
  bpf_insn post[] = {
      {BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, -8, 0},
      {BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, wakeup_.value()},
      {0, 0, 0, 0, 0},
      {BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0},
      {BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -8},
      {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 8},
      {BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_4, 0, 0, 0},
      {BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ringbuf_output},
      {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
  };
  const Fd program(
      ::bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "post", "GPL", post, std::size(post), nullptr));
  ASSERT_TRUE(program) << std::strerror(errno);
  auto& stream = *reinterpret_cast<sillage_kernel_stream*>(streams_[0]);
  const auto wait_for = [](auto done) {
    for (int i = 0; i < 20000 && !done(); ++i)
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    return done();
  };
  const auto on_disk = [this] {
    std::error_code none;
    const auto size = std::filesystem::file_size(output_.path() + "/kernel/channel0_0", none);
    return none ? 0 : size;
  };
  std::vector<double> delays_ms;
  std::vector<Emitted> kept;
  for (int round = 0; round < 10; ++round) {
    ASSERT_TRUE(wait_for([&] { return __atomic_load_n(&stream.armed, __ATOMIC_SEQ_CST) == 1; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // to be asleep
    const auto before = on_disk();
    emit(0, 340, kept);  // over the end of a sub-buffer
    const auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(__atomic_exchange_n(&stream.armed, 0u, __ATOMIC_SEQ_CST), 1u);
    bpf_test_run_opts run{};
    run.sz = sizeof run;
    ASSERT_EQ(::bpf_prog_test_run_opts(program.value(), &run), 0) << std::strerror(errno);
    ASSERT_TRUE(wait_for([&] { return on_disk() > before; }));
    delays_ms.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
            .count());
  }
  std::sort(delays_ms.begin(), delays_ms.end());
  EXPECT_LT(delays_ms[delays_ms.size() / 2], 20) << "the timer alone would take 50 on average";
  EXPECT_EQ(collector_->stop().events, kept.size());
}

INSTANTIATE_TEST_SUITE_P(Headers, KernelChannelBpfTest,
                         ::testing::Values(SILLAGE_KERNEL_HEADER_COMPACT,
                                           SILLAGE_KERNEL_HEADER_LARGE));

}  // namespace
}  // namespace sillage::collect
