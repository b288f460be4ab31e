// SPDX-License-Identifier: MIT
#include "collect/collector.hpp"

#include "collect/test_recording.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace sillage::collect {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

std::size_t open_files() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

TEST_F(CollectorTest, FewEvents_AreOnDiskAfterStop) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 3);
  const Stats stats = collector_->stop();
  EXPECT_EQ(stats.events, 3u);
  EXPECT_EQ(stats.packets, 1u);
  EXPECT_EQ(stats.lost.total(), 0u);
  const auto packets = read_packets(directory_, "channel0_0");
  ASSERT_EQ(packets.size(), 1u);
  // Where a new epoch began, a header has 9 bytes more.
  EXPECT_GE(packets[0].records.size(), 36u);
  EXPECT_EQ(packets[0].records.size() % 9, 0u);
  EXPECT_EQ(packets[0].cpu, 0u);
  EXPECT_EQ(stats.bytes, packets[0].size_bits / 8);
  EXPECT_FALSE(fs::exists(directory_ / "channel0_1"));
  EXPECT_TRUE(fs::exists(directory_ / "metadata"));
}

TEST_F(CollectorTest, Flush_CompletesTheFilesAndGoesOn) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  for (std::size_t round = 1; round <= 3; ++round) {
    emit(writer, 3);
    collector_->flush();
    EXPECT_EQ(collector_->stats().events, 3 * round);
    EXPECT_EQ(read_packets(directory_, "channel0_0").size(), round);
  }
  collector_->flush();
  EXPECT_EQ(read_packets(directory_, "channel0_0").size(), 3u) << "nothing new";
  emit(writer, 1);
  EXPECT_EQ(collector_->stop().events, 10u);
  collector_->flush();
}

TEST_F(CollectorTest, NoEvents_LeavesMetadataOnly) {
  TemporaryDirectory output;
  start(output.path());
  EXPECT_EQ(collector_->stop().packets, 0u);
  EXPECT_EQ(collector_->stop().packets, 0u);  // again: the same
  EXPECT_GT(fs::file_size(directory_ / "metadata"), 100u);
  EXPECT_FALSE(fs::exists(directory_ / "channel0_0"));
}

TEST_F(CollectorTest, ManyStreams_SentIsReadPlusLost) {
  for (const bool overwrite : {false, true}) {
    TemporaryDirectory output;
    ring::RingOptions options = small_ring();
    options.overwrite = overwrite;
    start(output.path(), options);
    constexpr std::uint64_t kEach = 100'000;
    std::vector<std::thread> threads;
    for (std::uint32_t stream = 0; stream < geometry_.stream_count; ++stream)
      threads.emplace_back([this, stream] {
        ring::TestWriter writer = program_->writer(stream);
        for (std::uint64_t i = 0; i < kEach; ++i)
          writer.emit(0, clock_->now().value, std::as_bytes(std::span(&i, 1)));
      });
    for (auto& thread : threads) thread.join();
    const Stats stats = collector_->stop();
    EXPECT_EQ(stats.events + stats.lost.total(), kEach * geometry_.stream_count)
        << "overwrite " << overwrite;
    EXPECT_EQ(stats.lost.corrupt, 0u);
    EXPECT_EQ(overwrite ? stats.lost.full : stats.lost.overrun, 0u);
    std::uint64_t discarded = 0;
    for (std::uint32_t stream = 0; stream < geometry_.stream_count; ++stream) {
      const auto packets = read_packets(directory_, "channel0_" + std::to_string(stream));
      ASSERT_FALSE(packets.empty());
      discarded += packets.back().discarded;
    }
    EXPECT_EQ(discarded, stats.lost.full);
  }
}

TEST_F(CollectorTest, RunningWriter_IsReadWhileItGoesOn) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 2000);  // sub-buffers of 338, four of them: most of it is gone or read
  EXPECT_TRUE(eventually([&] {
    const Stats stats = collector_->stats();
    return stats.events > 0 && stats.events + stats.pending + stats.lost.full == 2000;
  }));
}

TEST_F(CollectorTest, ProgramsDoorbell_EndsTheSleep) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(eventually(
        [&] { return __atomic_load_n(&program_->header().armed, __ATOMIC_ACQUIRE) == 1; }));
    const std::uint64_t consumed = writer.stream().consumed;
    emit(writer, 340);
    ASSERT_TRUE(eventually(
        [&] { return __atomic_load_n(&writer.stream().consumed, __ATOMIC_ACQUIRE) != consumed; }));
  }
  // Without the bell each round would wait for the collector's timer, 0.1 s.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(1000));
}

TEST_F(CollectorTest, IdleCollector_CostsNextToNothing) {
  TemporaryDirectory output;
  start(output.path());
  std::this_thread::sleep_for(milliseconds(50));
  const auto cpu = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1'000'000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
  };
  const long before = cpu();
  std::this_thread::sleep_for(milliseconds(1000));
  // Half a percent; with sanitizers it is some 0.1 %.
  EXPECT_LT(cpu() - before, 5000);
}

TEST_F(CollectorTest, EventsAddedWhileRunning_AreKnownWhenTheyAppear) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  std::uint64_t sent = 0;
  for (std::uint32_t id = 1; id < 60; ++id) {
    const auto added = collector_->add_event(
        channel_, {.name = "app:event" + std::to_string(id),
                   .payload = ctf::PayloadBuilder().integer("n", {.size_bytes = 8}).build()});
    ASSERT_TRUE(added);
    ASSERT_EQ(added->value, id);
    sent += emit(writer, 20, id);
  }
  const Stats stats = collector_->stop();
  EXPECT_EQ(stats.events, sent);
  EXPECT_EQ(stats.lost.corrupt, 0u);
}

TEST_F(CollectorTest, UnknownIdInARun_KeepsWhatIsInFront) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 10);
  emit(writer, 1, 9);
  emit(writer, 5);
  const Stats stats = collector_->stop();
  EXPECT_EQ(stats.events, 10u);
  EXPECT_EQ(stats.lost.corrupt, 6u);
  EXPECT_EQ(stats.corrupt_packets, 1u);
  const auto packets = read_packets(directory_, "channel0_0");
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ((packets[0].records.size() - 120) % 9, 0u);
  EXPECT_EQ(packets[0].discarded, 6u);
}

TEST_F(CollectorTest, LossBehindTheLastPacket_StandsInAnEmptyOne) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 1);
  ASSERT_FALSE(writer.emit(0, clock_->now().value, std::vector<std::byte>(8192)));
  Stats stats = collector_->stop();
  EXPECT_EQ(stats.lost.too_big, 1u);
  EXPECT_EQ(read_packets(directory_, "channel0_0").back().discarded, 1u);

  // And in a stream that recorded nothing at all.
  TemporaryDirectory other;
  start(other.path());
  ring::TestWriter idle = program_->writer(1);
  ASSERT_FALSE(idle.emit(0, clock_->now().value, std::vector<std::byte>(8192)));
  stats = collector_->stop();
  EXPECT_EQ(stats.lost.too_big, 1u);
  const auto packets = read_packets(directory_, "channel0_1");
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_TRUE(packets[0].records.empty());
  EXPECT_EQ(packets[0].discarded, 1u);
}

TEST_F(CollectorTest, TimeOfTheFuture_IsNotTaken) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 2);
  writer.emit(0, clock_->now().value + 3'600'000'000'000, std::as_bytes(std::span(&number_, 1)));
  const Stats stats = collector_->stop();
  EXPECT_EQ(stats.events, 2u);
  EXPECT_EQ(stats.lost.corrupt, 1u);
  EXPECT_LE(read_packets(directory_, "channel0_0").back().end, clock_->now().value);
}

TEST_F(CollectorTest, ClosedTrace_IsCompleteWhileTheRestGoesOn) {
  TemporaryDirectory output;
  start(output.path());
  const auto trace =
      collector_->open_trace({.directory = "ust/pid/app-1-20260101-000000", .environment = {}});
  ASSERT_TRUE(trace);
  auto channel = collector_->add_channel(
      *trace, {.name = "channel0", .ring = small_ring(), .contexts = {SILLAGE_CONTEXT_VTID}});
  ASSERT_TRUE(channel);
  ASSERT_TRUE(collector_->add_event(channel->id, {.name = "a:b"}));
  ring::TestMapping program(channel->ring.value(), geometry_);
  ring::TestWriter writer = program.writer(0);
  const std::int32_t vtid = 7;
  writer.emit(0, clock_->now().value, std::as_bytes(std::span(&vtid, 1)));
  collector_->close_trace(*trace);
  EXPECT_FALSE(collector_->add_event(channel->id, {.name = "a:c"}));
  EXPECT_FALSE(collector_->add_channel(*trace, {.name = "x", .ring = {}, .contexts = {}}));
  ASSERT_TRUE(eventually([&] { return collector_->stats().events == 1; }));
  EXPECT_EQ(
      read_packets(fs::path(output.path()) / "ust/pid/app-1-20260101-000000", "channel0_0").size(),
      1u);

  ring::TestWriter first = program_->writer(0);
  emit(first, 4);
  EXPECT_EQ(collector_->stop().events, 5u);
}

TEST_F(CollectorTest, NamesThatLeadElsewhere_AreRefused) {
  TemporaryDirectory output;
  start(output.path());
  for (const char* directory : {"", "/etc", "..", "a/../../b", "a//b", ".hidden"})
    EXPECT_FALSE(collector_->open_trace({.directory = directory, .environment = {}})) << directory;
  ::symlink("/tmp", (output.path() + "/link").c_str());
  EXPECT_FALSE(collector_->open_trace({.directory = "link/x", .environment = {}}));
  for (const char* name : {"", "..", "a/b"})
    EXPECT_FALSE(collector_->add_channel(trace_, {.name = name, .ring = {}, .contexts = {}}))
        << name;
  EXPECT_FALSE(
      collector_->open_trace({.directory = kTestTrace, .environment = {}}));  // holds a trace
}

TEST_F(CollectorTest, ManyRecordings_LeaveNoFilesOpen) {
  const std::size_t before = open_files();
  for (int i = 0; i < 5; ++i) {
    TemporaryDirectory output;
    start(output.path());
    ring::TestWriter writer = program_->writer(0);
    emit(writer, 3);
    collector_.reset();
    program_.reset();
    ring_fd_.reset();
  }
  EXPECT_EQ(open_files(), before);
}

// F20 without root: a limit of the file size stands for the disk.
TEST_F(CollectorTest, WriteFails_FileEndsOnAPacketAndTheRestIsCounted) {
  TemporaryDirectory output;
  start(output.path());
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{10'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  ring::TestWriter writer = program_->writer(0);
  std::uint64_t lost = 0;
  for (int i = 0; i < 20; ++i) {
    lost += 500 - emit(writer, 500);
    std::this_thread::sleep_for(milliseconds(2));
  }
  EXPECT_TRUE(eventually([&] { return collector_->stats().output_failing; }));
  EXPECT_FALSE(collector_->stats().output_error.empty());
  // Room again.
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::this_thread::sleep_for(milliseconds(120));
  lost += 500 - emit(writer, 500);
  const Stats stats = collector_->stop();
  EXPECT_FALSE(stats.output_failing);
  EXPECT_GT(stats.lost.disk, 0u);
  EXPECT_EQ(stats.lost.full, lost);
  EXPECT_EQ(stats.events + stats.lost.total(), number_);
  const auto packets = read_packets(directory_, "channel0_0");
  EXPECT_EQ(packets.back().discarded, stats.lost.total());
  EXPECT_GT(packets.back().records.size(), 0u);
}

}  // namespace
}  // namespace sillage::collect
