// SPDX-License-Identifier: MIT
#include "collect/test_recording.hpp"
#include "ctf/kernel_layout.hpp"
#include "ring/kernel_ring.hpp"
#include "ring/test_kernel_writer.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace sillage::collect {
namespace {

constexpr std::uint32_t kCpus = 2;

// A kernel channel over memory that is no BPF map, with one event (id 0) that has one u64.
class KernelChannelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto clock = ClockKeeper::create();
    ASSERT_TRUE(clock);
    clock_ = std::move(*clock);
  }

  void start(bool overwrite, sillage_kernel_header header = SILLAGE_KERNEL_HEADER_COMPACT) {
    auto collector = Collector::create({.output_path = output_.path()}, *clock_);
    ASSERT_TRUE(collector) << collector.error().text();
    collector_ = std::move(*collector);
    const auto trace =
        collector_->open_trace({.directory = "kernel",
                                .environment = ctf::kernel_environment({.hostname = "h"}),
                                .clock_offset_ns = sample_realtime_offset_ns()});
    ASSERT_TRUE(trace) << trace.error().text();
    trace_ = *trace;
    const auto geometry = ring::KernelRingGeometry::make({.subbuf_bytes = ByteCount{4096},
                                                          .subbuf_count = 4,
                                                          .overwrite = overwrite,
                                                          .header = header},
                                                         kCpus);
    ASSERT_TRUE(geometry);
    auto ring = ring::KernelRing::create(Fd(ring::make_test_map(*geometry)), *geometry,
                                         {ring::TestKernelWriter::monotonic()});
    ASSERT_TRUE(ring) << ring.error().text();
    for (std::uint32_t cpu = 0; cpu < kCpus; ++cpu)
      streams_.push_back(reinterpret_cast<std::byte*>(&ring->stream(cpu).shared()));
    geometry_ = *geometry;
    const auto channel = collector_->add_kernel_channel(
        trace_, {.name = "channel0", .ring = std::move(*ring), .contexts = nullptr});
    ASSERT_TRUE(channel) << channel.error().text();
    channel_ = *channel;
    const auto id = collector_->add_event(
        channel_, {.name = "event",
                   .payload = ctf::PayloadBuilder().integer("number", {.size_bytes = 8}).build()});
    ASSERT_TRUE(id) << id.error().text();
  }

  std::uint64_t emit(std::uint32_t cpu, std::uint64_t count) {
    // One that no preemption takes to another epoch, where a record has a larger header.
    ring::TestKernelWriter writer(
        geometry_, streams_[cpu],
        [now = ring::TestKernelWriter::monotonic()]() mutable { return ++now; });
    std::uint64_t kept = 0;
    for (std::uint64_t i = 0; i < count; ++i, ++number_)
      kept += writer.emit(0, std::as_bytes(std::span(&number_, 1))) ? 1 : 0;
    return kept;
  }

  [[nodiscard]] std::vector<Packet> packets(const std::string& name) const {
    return read_packets(std::filesystem::path(output_.path()) / "kernel", name);
  }

  TemporaryDirectory output_;
  std::unique_ptr<ClockKeeper> clock_;
  std::unique_ptr<Collector> collector_;
  TraceId trace_;
  ChannelId channel_;
  ring::KernelRingGeometry geometry_;
  std::vector<std::byte*> streams_;  // the collector's mapping: valid until it stops
  std::uint64_t number_ = 0;
};

TEST_F(KernelChannelTest, ClosedSubbufs_AreOnDiskBeforeTheEnd) {
  start(false);
  ASSERT_EQ(emit(1, 500), 500u);
  for (int i = 0; i < 5000 && collector_->stats().events == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const Stats running = collector_->stats();
  EXPECT_EQ(running.events, 341u);  // of 12 bytes, the first 21
  EXPECT_EQ(running.pending, 159u);
  const Stats stats = collector_->stop();
  EXPECT_EQ(stats.events, 500u);
  EXPECT_EQ(stats.pending, 0u);
  EXPECT_EQ(stats.lost.total(), 0u);
  const auto files = packets("channel0_1");
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].cpu, 1u);
  EXPECT_EQ(files[0].records.size() + files[1].records.size(), stats.events * 12);
  EXPECT_EQ(files[0].end, files[1].begin);
  EXPECT_FALSE(std::filesystem::exists(output_.path() + "/kernel/channel0_0"));
}

TEST_F(KernelChannelTest, Losses_StandInPacketsByCauseInStats) {
  start(false, SILLAGE_KERNEL_HEADER_LARGE);
  std::uint64_t kept = 0;
  for (int i = 0; i < 20; ++i) kept += emit(0, 2000);  // faster than naps let the reader look
  ring::TestKernelWriter big(geometry_, streams_[0]);
  ASSERT_FALSE(big.emit(0, std::vector<std::byte>(5000)));
  collector_->set_nested_lost(channel_, 9);
  collector_->set_nested_lost(channel_, 7);  // late news
  const Stats stats = collector_->stop();
  EXPECT_EQ(stats.events, kept);
  EXPECT_EQ(stats.lost.full, 40'000 - kept);
  EXPECT_EQ(stats.lost.too_big, 1u);
  EXPECT_EQ(stats.lost.nested, 9u);
  EXPECT_EQ(stats.lost.total(), 40'000 - kept + 10);
  EXPECT_EQ(packets("channel0_0").back().discarded, stats.lost.total());
}

TEST_F(KernelChannelTest, Overwrite_IsReadAtTheEnd) {
  start(true);
  ASSERT_EQ(emit(0, 3000), 3000u);
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  EXPECT_EQ(collector_->stats().events, 0u);
  EXPECT_GT(collector_->stats().pending, 900u);
  const Stats stats = collector_->stop();
  EXPECT_EQ(stats.events + stats.lost.overrun, 3000u);
  EXPECT_GT(stats.events, 900u);
  const auto files = packets("channel0_0");
  EXPECT_EQ(files.size(), 4u);
  EXPECT_GT(files[0].sequence, 0u);  // packets that are missing
  EXPECT_EQ(files.back().discarded, 0u);
  EXPECT_EQ(value_at<std::uint64_t>(files.back().records, files.back().records.size() - 8), 2999u);
}

TEST_F(KernelChannelTest, WriterThatNeverEnds_IsWaitedForAndCounted) {
  start(false);
  emit(0, 10);
  ring::TestKernelWriter dead(geometry_, streams_[0]);
  ring::TestKernelWriter::Reservation record;
  ASSERT_TRUE(dead.reserve(0, 8, record));
  const Stats stats = collector_->stop();
  EXPECT_EQ(stats.events, 0u);
  EXPECT_EQ(stats.lost.corrupt, 11u);
  EXPECT_EQ(stats.pending, 0u);
  EXPECT_EQ(packets("channel0_0").back().discarded, 11u);
}

TEST_F(KernelChannelTest, WriterThatEndsLate_IsRecorded) {
  start(false);
  emit(0, 10);
  ring::TestKernelWriter late(geometry_, streams_[0]);
  ring::TestKernelWriter::Reservation record;
  ASSERT_TRUE(late.reserve(0, 8, record));
  std::thread thread([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    late.write(0, record, std::as_bytes(std::span(&number_, 1)));
    late.commit(record);
  });
  const Stats stats = collector_->stop();
  thread.join();
  EXPECT_EQ(stats.events, 11u);
  EXPECT_EQ(stats.lost.total(), 0u);
}

TEST_F(KernelChannelTest, BadNameOrWakeup_IsRefused) {
  start(false);
  const auto ring = [this] {
    return std::move(*ring::KernelRing::create(Fd(ring::make_test_map(geometry_)), geometry_, {1}));
  };
  EXPECT_FALSE(
      collector_->add_kernel_channel(trace_, {.name = "a/b", .ring = ring(), .contexts = nullptr}));
  EXPECT_FALSE(collector_->add_kernel_channel(TraceId{99},
                                              {.name = "c", .ring = ring(), .contexts = nullptr}));
  EXPECT_FALSE(collector_->add_kernel_channel(
      trace_, {.name = "c", .ring = ring(), .contexts = nullptr, .wakeup = Fd(::dup(0))}));
}

}  // namespace
}  // namespace sillage::collect
