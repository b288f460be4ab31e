// SPDX-License-Identifier: MIT
#include "ring/kernel_stream_reader.hpp"

#include "ring/kernel_ring.hpp"
#include "ring/test_kernel_records.hpp"
#include "ring/test_kernel_writer.hpp"

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/mman.h>

#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

namespace sillage::ring {
namespace {

constexpr std::uint64_t kSubbuf = 4096;
constexpr std::uint32_t kCount = 4;

// One stream with one writer, whose clock goes 10 ns on with each look.
class KernelStreamReaderTest : public ::testing::Test {
 protected:
  void start(bool overwrite, sillage_kernel_header header = SILLAGE_KERNEL_HEADER_COMPACT,
             KernelRing::Start from = {}) {
    const auto geometry = KernelRingGeometry::make({.subbuf_bytes = ByteCount{kSubbuf},
                                                    .subbuf_count = kCount,
                                                    .overwrite = overwrite,
                                                    .header = header},
                                                   1);
    ASSERT_TRUE(geometry);
    // Shortly before now: a flush reads the real clock.
    time_ = TestKernelWriter::monotonic();
    auto ring =
        KernelRing::create(Fd(make_test_map(*geometry)), *geometry, Nanoseconds{time_}, from);
    ASSERT_TRUE(ring) << ring.error().text();
    ring_ = std::make_unique<KernelRing>(std::move(*ring));
    reader_ = std::make_unique<KernelStreamReader>(ring_->stream(0));
    buffer_.resize(kSubbuf);
  }
  TestKernelWriter writer() {
    return {ring_->geometry(), reinterpret_cast<std::byte*>(&ring_->stream(0).shared()),
            [this] { return time_ += 10; }};
  }
  // Records with a payload of that many bytes in all.
  std::uint64_t emit(std::uint64_t count, std::uint32_t payload = 28) {
    std::uint64_t kept = 0;
    std::array<std::byte, kSubbuf> bytes{};  // on the stack, as one test is here from a signal
    const std::uint32_t length = payload - 4;
    std::memcpy(bytes.data(), &length, 4);
    for (std::uint64_t i = 0; i < count; ++i)
      kept += writer().emit(1, std::span(bytes).first(payload)) ? 1 : 0;
    return kept;
  }
  std::optional<ring::Run> next(bool flush = false) {
    auto run = reader_->next_run(buffer_, flush);
    if (run) {
      (void)decode_records(*run, ring_->geometry().header);
      delivered_ += run->events;
      EXPECT_GE(run->begin_ns, end_ns_);
      end_ns_ = run->end_ns;
    }
    return run;
  }
  std::uint64_t drain(bool flush = true) {
    std::uint64_t runs = 0;
    while (next(flush)) ++runs;
    return runs;
  }
  [[nodiscard]] bool lent_from_ring(const ring::Run& run) const {
    return run.bytes.data() == ring_->stream(0).data(run.sequence);
  }

  std::unique_ptr<KernelRing> ring_;
  std::unique_ptr<KernelStreamReader> reader_;
  std::vector<std::byte> buffer_;
  std::uint64_t time_ = 0, delivered_ = 0, end_ns_ = 0;
};

TEST_F(KernelStreamReaderTest, ClosedSubbufsOnly_UntilFlushed) {
  start(false);
  emit(10);
  EXPECT_FALSE(next());
  EXPECT_EQ(reader_->pending_events(), 10u);
  emit(120);
  auto run = next();
  ASSERT_TRUE(run);
  EXPECT_EQ(run->events, 127u);  // 4095 / 32
  EXPECT_TRUE(run->closed);
  EXPECT_EQ(run->offset, 0u);
  EXPECT_FALSE(next());
  run = next(true);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->events, 3u);
  EXPECT_EQ(run->sequence, 1u);
  EXPECT_FALSE(next(true));  // nothing new: nothing begun
  EXPECT_EQ(ring_->stream(0).position() & SILLAGE_RING_BYTES_MASK, 2 * kSubbuf);
  EXPECT_EQ(reader_->pending_events(), 0u);
}

TEST_F(KernelStreamReaderTest, Flush_WritersGoOnBehindIt) {
  start(false, SILLAGE_KERNEL_HEADER_LARGE);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(emit(3), 3u);
    time_ = TestKernelWriter::monotonic();
    const auto run = next(true);
    ASSERT_TRUE(run);
    EXPECT_EQ(run->events, 3u);
    EXPECT_EQ(run->sequence, static_cast<std::uint64_t>(i));
    time_ = TestKernelWriter::monotonic();
  }
}

TEST_F(KernelStreamReaderTest, Discard_NewestAreLostAndCounted) {
  start(false);
  const std::uint64_t kept = emit(1000);
  EXPECT_EQ(kept, 4 * 127u);
  EXPECT_EQ(reader_->lost_by_writers(), 1000 - kept);
  auto run = next();
  ASSERT_TRUE(run);
  EXPECT_TRUE(lent_from_ring(*run));
  EXPECT_EQ(emit(1), 0u);  // still the caller's
  std::uint64_t lost = run->lost;
  EXPECT_EQ(lost, 0u);  // as the sub-buffer ended: nothing yet
  EXPECT_EQ(drain(), 3u);
  EXPECT_EQ(reader_->lost_by_writers(), 1000 - kept + 1);
  EXPECT_EQ(reader_->loss().by_writers[SILLAGE_KERNEL_LOST_FULL], 1000 - kept + 1);
  EXPECT_EQ(delivered_, kept);
  time_ = TestKernelWriter::monotonic();
  EXPECT_EQ(emit(1), 1u);
  run = next(true);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->lost, 1000 - kept + 1);
}

TEST_F(KernelStreamReaderTest, TooBig_IsCounted) {
  start(false);
  EXPECT_EQ(emit(1, kSubbuf), 0u);
  EXPECT_EQ(emit(1, kSubbuf - 5), 1u);
  EXPECT_EQ(reader_->loss().by_writers[SILLAGE_KERNEL_LOST_TOO_BIG], 1u);
  drain();
  EXPECT_EQ(delivered_, 1u);
}

TEST_F(KernelStreamReaderTest, Overwrite_OldestAreLostAndCounted) {
  start(true);
  EXPECT_EQ(emit(1000), 1000u);
  EXPECT_EQ(reader_->pending_events(), 3 * 127u + 1000 % 127);
  auto run = next(true);
  ASSERT_TRUE(run);
  EXPECT_FALSE(lent_from_ring(*run));
  EXPECT_EQ(run->skipped_subbufs, 4u);
  EXPECT_EQ(run->sequence, 4u);
  drain();
  EXPECT_EQ(delivered_, 3 * 127u + 1000 % 127);
  EXPECT_EQ(reader_->loss().overrun_events, 1000 - delivered_);
  EXPECT_EQ(reader_->loss().overrun_subbufs, 4u);
  EXPECT_EQ(reader_->lost_by_writers(), 0u);
}

// Runs when the reader first touches its buffer: between looking at a sub-buffer and copying it.
std::function<void()> on_first_touch;
void take_fault(int, siginfo_t*, void*) { on_first_touch(); }

TEST_F(KernelStreamReaderTest, Overwrite_OverrunDuringTheCopy_IsGivenUp) {
  start(true);
  emit(127 * 4 + 1);  // sub-buffer 1 is the oldest
  void* buffer = ::mmap(nullptr, kSubbuf, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(buffer, MAP_FAILED);
  int touched = 0;
  on_first_touch = [&] {
    ++touched;
    ASSERT_EQ(::mprotect(buffer, kSubbuf, PROT_READ | PROT_WRITE), 0);
    emit(127);  // begins sub-buffer 5, in the place of 1
  };
  struct sigaction action {
  }, before{};
  action.sa_sigaction = take_fault;
  action.sa_flags = SA_SIGINFO;
  ASSERT_EQ(::sigaction(SIGSEGV, &action, &before), 0);
  const auto run = reader_->next_run({static_cast<std::byte*>(buffer), kSubbuf}, false);
  ASSERT_EQ(::sigaction(SIGSEGV, &before, nullptr), 0);
  EXPECT_EQ(touched, 1);
  ASSERT_TRUE(run);
  EXPECT_GT(run->sequence, 1u);
  delivered_ += run->events;
  ::munmap(buffer, kSubbuf);
  drain();
  EXPECT_EQ(delivered_ + reader_->loss().overrun_events, 127 * 5 + 1u);
}

TEST_F(KernelStreamReaderTest, UncommittedRecord_HoldsItsSubbufBack) {
  start(false);
  emit(100);
  TestKernelWriter suspended = writer();
  TestKernelWriter::Reservation record;
  ASSERT_TRUE(suspended.reserve(1, 28, record));
  emit(127 * 3 - 101);
  EXPECT_FALSE(next(true));  // sub-buffer 0 is not whole, whatever stands behind it
  EXPECT_EQ(reader_->pending_events(), 127 * 3u);
  std::vector<std::byte> payload(28);
  const std::uint32_t length = 24;
  std::memcpy(payload.data(), &length, 4);
  suspended.write(1, record, payload);
  suspended.commit(record);
  drain();
  EXPECT_EQ(delivered_, 127 * 3u);
}

TEST_F(KernelStreamReaderTest, UncommittedRecord_AroundTheRing_IsBusy) {
  start(true);
  TestKernelWriter suspended = writer();
  TestKernelWriter::Reservation record;
  ASSERT_TRUE(suspended.reserve(1, 28, record));
  const std::uint64_t kept = emit(1000);
  EXPECT_EQ(kept, 127 * 4 - 1u);
  EXPECT_EQ(reader_->loss().by_writers[SILLAGE_KERNEL_LOST_BUSY], 1000 - kept);
  EXPECT_FALSE(next(true));
  reader_->abandon();
  EXPECT_EQ(reader_->loss().corrupt_events, kept + 1);
  EXPECT_EQ(reader_->pending_events(), 0u);
}

TEST_F(KernelStreamReaderTest, Flush_NotIntoASlotInUse) {
  start(true);
  emit(1);
  TestKernelWriter suspended = writer();
  TestKernelWriter::Reservation record;
  emit(126);
  ASSERT_TRUE(suspended.reserve(1, 28, record));  // in sub-buffer 1
  emit(127 * 3);                                  // 1, 2, 3 and 4, which took the place of 0
  EXPECT_FALSE(next(true));
  KernelStream stream = ring_->stream(0);
  EXPECT_FALSE(stream.begin_next(4, stream.position()));
  EXPECT_EQ(stream.position() & SILLAGE_RING_BYTES_MASK, 4 * kSubbuf + 32);
}

// Both headers, in a stream whose 40 bits of bytes, 24 bits of events and clock epochs all wrap.
class KernelWrapTest
    : public KernelStreamReaderTest,
      public ::testing::WithParamInterface<std::tuple<bool, sillage_kernel_header>> {};

TEST_P(KernelWrapTest, BytesAndEvents_AccountingStaysExact) {
  const auto [overwrite, header] = GetParam();
  constexpr std::uint64_t kLastSubbuf = (UINT64_C(1) << 40) / kSubbuf - 3;
  constexpr std::uint64_t kFirstEvent = (UINT64_C(5) << 24) - 200;
  start(overwrite, header, {.sequence = kLastSubbuf, .event = kFirstEvent});
  time_ -= UINT64_C(20'000'000'000);
  ring_->stream(0).shared().entries[kLastSubbuf % kCount].begin_ns = time_;
  std::uint64_t emitted = 0;
  for (int round = 0; round < 20; ++round) {
    emitted += emit(90);
    time_ += 900'000'000;  // beyond an epoch of 31 bits every third time
    if (!overwrite) drain(false);
  }
  drain();
  EXPECT_EQ(delivered_ + reader_->loss().overrun_events, emitted);
  EXPECT_EQ(emitted + reader_->lost_by_writers(), 20 * 90u);
  EXPECT_EQ(reader_->loss().corrupt_events, 0u);
  EXPECT_EQ(ring_->stream(0).events_now(), kFirstEvent + emitted);
  EXPECT_LT(ring_->stream(0).position() & SILLAGE_RING_BYTES_MASK, 20 * kSubbuf);
  if (overwrite) {
    EXPECT_GT(reader_->loss().overrun_subbufs, 5u);
  }
}
INSTANTIATE_TEST_SUITE_P(KernelRing, KernelWrapTest,
                         ::testing::Combine(::testing::Bool(),
                                            ::testing::Values(SILLAGE_KERNEL_HEADER_COMPACT,
                                                              SILLAGE_KERNEL_HEADER_LARGE)));

// A flight recorder that nobody reads for more than 2^40 bytes and 2^24 events.
TEST_F(KernelStreamReaderTest, Overwrite_UnreadForARoundOfTheCounters_EventsStayExact) {
  start(true);
  emit(200);
  sillage_kernel_stream& s = ring_->stream(0).shared();
  // As if (1 << 40) bytes, and three times 2^24 events, had gone by: the words that do not wrap.
  constexpr std::uint64_t kMissed = UINT64_C(3) << 24;
  s.events_total += kMissed;
  for (auto& entry : s.entries) entry.events += kMissed;
  for (auto& committed : s.committed) committed += (UINT64_C(1) << 40) / kCount;
  emit(100);
  drain();
  EXPECT_EQ(delivered_ + reader_->loss().overrun_events, kMissed + 300);
}

// An interrupt between the exchange that begins a sub-buffer and its moves, long enough to begin more.
TEST_F(KernelStreamReaderTest, SwitchesInsideASwitch_CountsStayExact) {
  start(true);
  emit(127);  // the next one does not fit
  int pauses = 0;
  std::uint64_t inside = 0;
  TestKernelWriter interrupted(
      ring_->geometry(), reinterpret_cast<std::byte*>(&ring_->stream(0).shared()),
      [this] { return time_ += 10; },
      [&] {
        // The first pause is in front of the exchange.
        if (++pauses == 2) inside = emit(127 * 2);
      });
  std::vector<std::byte> payload(28);
  const std::uint32_t length = 24;
  std::memcpy(payload.data(), &length, 4);
  ASSERT_TRUE(interrupted.emit(1, payload));
  EXPECT_EQ(inside, 127 * 2u);
  emit(127);
  EXPECT_EQ(ring_->stream(0).events_now(), 127 * 4 + 1u);
  drain();
  EXPECT_EQ(delivered_ + reader_->loss().overrun_events, 127 * 4 + 1u);
}

TEST_F(KernelStreamReaderTest, ImpossibleEntry_IsSkippedAndCounted) {
  start(false);
  emit(127 * 3);
  ring_->stream(0).shared().entries[1].end_position += kSubbuf;
  drain();
  EXPECT_EQ(delivered_, 127 * 2u);
  EXPECT_EQ(reader_->corrupt_events(), 127u);
  EXPECT_EQ(reader_->loss().corrupt_subbufs, 1u);
  EXPECT_EQ(emit(127), 127u);
}

}  // namespace
}  // namespace sillage::ring
