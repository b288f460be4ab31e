// SPDX-License-Identifier: MIT
// Many writers on one stream of a kernel ring, held up at every step, against one reader.
#include "ring/kernel_ring.hpp"
#include "ring/test_kernel_records.hpp"
#include "ring/test_kernel_writer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>
#include <vector>

namespace sillage::ring {
namespace {

struct Load {
  const char* name;
  bool overwrite;
  std::uint32_t subbuf_count;
  sillage_kernel_header header;
  bool flushes;  // the reader ends open sub-buffers all the time
  bool reads;    // while writers write; else only behind them
  std::uint64_t first_sequence, first_event;
};

class KernelWritersTest : public ::testing::TestWithParam<Load> {
 protected:
  static constexpr std::uint64_t kSubbuf = 4096;
  static constexpr int kThreads = 4;
  static constexpr std::uint32_t kEvents = 15'000;

  void SetUp() override {
    const auto geometry = KernelRingGeometry::make({.subbuf_bytes = ByteCount{kSubbuf},
                                                    .subbuf_count = GetParam().subbuf_count,
                                                    .overwrite = GetParam().overwrite,
                                                    .header = GetParam().header},
                                                   1);
    ASSERT_TRUE(geometry);
    auto ring = KernelRing::create(Fd(make_test_map(*geometry)), *geometry,
                                   Nanoseconds{TestKernelWriter::monotonic()},
                                   {GetParam().first_sequence, GetParam().first_event});
    ASSERT_TRUE(ring) << ring.error().text();
    ring_ = std::make_unique<KernelRing>(std::move(*ring));
  }

  // Interrupted at random: mostly not, sometimes for as long as others take to go around the ring.
  static void write_events(const KernelRingGeometry& geometry, std::byte* memory, std::uint32_t me,
                           std::atomic<std::uint64_t>& kept, const std::atomic<bool>& is_read) {
    std::minstd_rand random(me + 1);
    TestKernelWriter writer(geometry, memory, TestKernelWriter::monotonic, [&random] {
      const auto dice = random() % 2000;
      if (dice == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
      if (dice < 40) std::this_thread::yield();
    });
    std::uint64_t mine = 0;
    for (std::uint32_t i = 0; i < kEvents; ++i) {
      // The ring has been full by now: a reader beside the writers has something, if only it runs.
      while (i == kEvents / 2 && !is_read) std::this_thread::yield();
      std::uint32_t words[64] = {0, me, i};
      words[0] = static_cast<std::uint32_t>(8 + random() % 200);
      const auto bytes = std::as_bytes(std::span(words)).first(4 + words[0]);
      mine += writer.emit(i % 40, bytes) ? 1 : 0;
    }
    kept += mine;
  }

  void take(const ring::Run& run) {
    EXPECT_GE(run.begin_ns, end_ns_);
    end_ns_ = run.end_ns;
    EXPECT_GE(run.lost, lost_);
    lost_ = run.lost;
    for (const TestRecord& record : decode_records(run, GetParam().header)) {
      std::uint32_t who = 0, number = 0;
      std::memcpy(&who, record.payload.data(), 4);
      std::memcpy(&number, record.payload.data() + 4, 4);
      EXPECT_EQ(record.id, number % 40);
      const auto last = seen_.find(who);
      if (last != seen_.end()) {
        EXPECT_GT(number, last->second);
      }
      seen_[who] = number;
      ++delivered_;
    }
  }

  std::unique_ptr<KernelRing> ring_;
  std::map<std::uint32_t, std::uint32_t> seen_;
  std::uint64_t end_ns_ = 0, lost_ = 0, delivered_ = 0;
};

TEST_P(KernelWritersTest, Accounting_IsExact) {
  const Load& load = GetParam();
  const KernelRingGeometry geometry = ring_->geometry();
  auto* memory = reinterpret_cast<std::byte*>(&ring_->stream(0).shared());
  std::atomic<std::uint64_t> kept = 0;
  std::atomic<int> running = kThreads;
  std::atomic<bool> is_read = !load.reads;
  std::vector<std::thread> writers;
  for (std::uint32_t me = 0; me < kThreads; ++me)
    writers.emplace_back([&, me] {
      write_events(geometry, memory, me, kept, is_read);
      --running;
    });
  std::vector<std::byte> buffer(kSubbuf);
  KernelStreamReader reader = ring_->reader(0);
  std::uint64_t runs = 0;
  while (running > 0) {
    if (const auto run = load.reads ? reader.next_run(buffer, load.flushes) : std::nullopt) {
      take(*run);
      ++runs;
      is_read = true;
    } else {
      std::this_thread::yield();
    }
  }
  for (std::thread& writer : writers) writer.join();
  while (const auto run = reader.next_run(buffer, true)) take(*run);

  const StreamLoss& loss = reader.loss();
  EXPECT_EQ(kept + reader.lost_by_writers(), std::uint64_t{kThreads} * kEvents);
  EXPECT_EQ(delivered_ + loss.overrun_events, kept);
  EXPECT_EQ(loss.corrupt_events + loss.corrupt_subbufs, 0u);
  EXPECT_EQ(reader.pending_events(), 0u);
  EXPECT_EQ(ring_->stream(0).events_now(), load.first_event + kept);
  if (!load.overwrite) {
    EXPECT_EQ(loss.overrun_events, 0u);
  }
  if (load.reads) {
    EXPECT_GT(runs, 0u);
  }
  RecordProperty("delivered", std::to_string(delivered_));
  RecordProperty("lost", std::to_string(reader.lost_by_writers()));
}

// The last sub-buffers before both parts of the position wrap.
constexpr std::uint64_t kLateSubbuf = (UINT64_C(1) << 40) / 4096 - 50;
constexpr std::uint64_t kLateEvent = (UINT64_C(1) << 24) - 2000;
constexpr auto kCompact = SILLAGE_KERNEL_HEADER_COMPACT;
constexpr auto kLarge = SILLAGE_KERNEL_HEADER_LARGE;
INSTANTIATE_TEST_SUITE_P(
    KernelRing, KernelWritersTest,
    ::testing::Values(
        Load{"Discard", false, 4, kCompact, false, true, 0, 0},
        Load{"DiscardFlushed", false, 4, kCompact, true, true, kLateSubbuf, kLateEvent},
        Load{"Overwrite", true, 4, kCompact, false, true, kLateSubbuf, kLateEvent},
        // Where a copy takes as long as writing what is beside it: overrun all the time.
        Load{"OverwriteOfTwo", true, 2, kCompact, false, true, 0, 0},
        Load{"OverwriteFlushed", true, 4, kLarge, true, true, 0, kLateEvent},
        Load{"OverwriteReadAtTheEnd", true, 4, kLarge, false, false, kLateSubbuf, kLateEvent}),
    [](const auto& load) { return std::string(load.param.name); });

}  // namespace
}  // namespace sillage::ring
