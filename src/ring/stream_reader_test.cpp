// SPDX-License-Identifier: MIT
#include "ring/stream_reader.hpp"

#include "ring/ring.hpp"
#include "ring/test_writer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace sillage::ring {
namespace {

constexpr std::uint64_t kBegin = UINT64_C(5) << 40;
constexpr std::uint64_t kSize = 4096;

struct Options : RingOptions {
  explicit Options(std::uint32_t count, bool overwriting = false) {
    subbuf_bytes = ByteCount{kSize};
    subbuf_count = count;
    overwrite = overwriting;
    preallocate = false;
  }
};

// A ring with one stream in use: the collector's side and a program's.
class StreamReaderTest : public ::testing::Test {
 protected:
  void make(const RingOptions& options) {
    auto made = Ring::create(options, Nanoseconds{kBegin});
    ASSERT_TRUE(made) << made.error().text();
    ring_ = std::make_unique<Ring>(std::move(*made));
    program_ = std::make_unique<TestMapping>(ring_->fd(), ring_->geometry());
    writer_ = std::make_unique<TestWriter>(program_->writer(0));
    reader_ = std::make_unique<StreamReader>(ring_->reader(0));
    buffer_.resize(ring_->geometry().subbuf_bytes);
  }

  // Emits records of 12 bytes that carry their number.
  std::uint64_t emit(std::uint64_t count) {
    std::uint64_t done = 0;
    for (std::uint64_t i = 0; i < count; ++i, ++number_) {
      time_ += 100;
      done += writer_->emit(1, time_, std::as_bytes(std::span(&number_, 1))) ? 1 : 0;
    }
    return done;
  }

  std::optional<ring::Run> next(bool flush = false) { return reader_->next_run(buffer_, flush); }

  // All there is; returns the number of events in it.
  std::uint64_t drain(bool flush) {
    std::uint64_t events = 0;
    while (auto run = next(flush)) events += run->events;
    return events;
  }

  // The number that the record at `offset` of a run of compact records carries.
  static std::uint64_t number_at(const ring::Run& run, std::size_t index) {
    std::uint64_t number = 0;
    std::memcpy(&number, run.bytes.data() + index * 12 + 4, sizeof number);
    return number;
  }

  std::unique_ptr<Ring> ring_;
  std::unique_ptr<TestMapping> program_;
  std::unique_ptr<TestWriter> writer_;
  std::unique_ptr<StreamReader> reader_;
  std::vector<std::byte> buffer_;
  std::uint64_t number_ = 0, time_ = kBegin;
};

constexpr std::uint64_t kPerSubbuf = (kSize - SILLAGE_RING_OVERCOPY) / 12;

TEST_F(StreamReaderTest, ClosedSubbuf_ComesOnceWithItsAccounts) {
  make(Options(4));
  emit(kPerSubbuf);
  EXPECT_FALSE(next());
  emit(1);
  const auto run = next();
  ASSERT_TRUE(run);
  EXPECT_EQ(run->sequence, 0u);
  EXPECT_EQ(run->offset, 0u);
  EXPECT_TRUE(run->closed);
  EXPECT_EQ(run->events, kPerSubbuf);
  EXPECT_EQ(run->bytes.size(), kPerSubbuf * 12);
  EXPECT_EQ(run->begin_ns, kBegin);
  EXPECT_EQ(run->end_ns, time_);
  EXPECT_EQ(number_at(*run, 7), 7u);
  EXPECT_FALSE(next());
  EXPECT_EQ(writer_->stream().consumed, kSize);
}

TEST_F(StreamReaderTest, Discard_FullRingLosesTheNewestExactly) {
  make(Options(2));
  const std::uint64_t recorded = emit(10 * kPerSubbuf);
  EXPECT_EQ(recorded, 2 * kPerSubbuf);
  EXPECT_EQ(drain(true), recorded);
  EXPECT_EQ(reader_->lost_by_writers(), number_ - recorded);
  EXPECT_EQ(reader_->loss().by_writers[SILLAGE_LOST_FULL], number_ - recorded);
  // Room again: the loss stands in the run behind it.
  emit(1);
  const auto run = next(false);
  ASSERT_TRUE(run);
  EXPECT_TRUE(run->closed);
  EXPECT_EQ(run->events, 0u);
  EXPECT_EQ(run->lost, 8 * kPerSubbuf);
}

TEST_F(StreamReaderTest, Flush_GivesEachRecordOnce) {
  make(Options(4));
  emit(3);
  auto run = next(true);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->events, 3u);
  EXPECT_FALSE(run->closed);
  EXPECT_FALSE(next(true));
  emit(2);
  run = next(true);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->events, 2u);
  EXPECT_EQ(run->offset, 36u);
  EXPECT_EQ(number_at(*run, 0), 3u);
  emit(kPerSubbuf);
  run = next();
  ASSERT_TRUE(run);
  EXPECT_TRUE(run->closed);
  EXPECT_EQ(run->offset, 60u);
  EXPECT_EQ(run->events, kPerSubbuf - 5);
  EXPECT_EQ(number_at(*run, 0), 5u);
  EXPECT_EQ(drain(true), 5u);
}

TEST_F(StreamReaderTest, BothPartsOfThePosition_Wrap) {
  for (const bool overwrite : {false, true}) {
    Options options(4, overwrite);
    options.first_sequence = (UINT64_C(1) << 40) / kSize - 2;
    options.first_event = (UINT64_C(1) << 24) - 100;
    make(options);
    number_ = 0;
    std::uint64_t read = 0;
    for (int round = 0; round < 40; ++round) {
      emit(100);
      while (auto run = next(round % 3 == 0)) {
        for (std::size_t i = 0; i < run->events; ++i) ASSERT_EQ(number_at(*run, i), read + i);
        read += run->events;
      }
    }
    read += drain(true);
    EXPECT_EQ(read, 4000u);
    EXPECT_EQ(reader_->loss().corrupt_subbufs, 0u);
    EXPECT_EQ(reader_->loss().overrun_subbufs, 0u);
    EXPECT_LT(writer_->stream().position & SILLAGE_RING_BYTES_MASK, UINT64_C(1) << 20);
  }
}

TEST_F(StreamReaderTest, Overwrite_OverrunIsCountedExactlyInEventsAndSubbufs) {
  make(Options(4, true));
  emit(5);
  EXPECT_EQ(drain(true), 5u);
  emit(20 * kPerSubbuf);  // to the middle of sub-buffer 20
  const auto run = next();
  ASSERT_TRUE(run);
  // Current 20 of 4: the oldest that no switch can be writing over is 18.
  EXPECT_EQ(run->sequence, 18u);
  EXPECT_EQ(run->skipped_subbufs, 18u);
  EXPECT_EQ(number_at(*run, 0), 18 * kPerSubbuf);
  EXPECT_EQ(reader_->loss().overrun_subbufs, 18u);
  EXPECT_EQ(reader_->loss().overrun_events, 18 * kPerSubbuf - 5);
  const std::uint64_t rest = run->events + drain(true);
  EXPECT_EQ(5 + rest + reader_->loss().overrun_events, number_);
  EXPECT_EQ(reader_->loss().corrupt_subbufs, 0u);
  EXPECT_EQ(writer_->stream().consumed, 0u);
}

TEST_F(StreamReaderTest, Overwrite_TwoSubbufsReadAlongLoseNothing) {
  make(Options(2, true));
  std::uint64_t read = 0;
  for (int round = 0; round < 100; ++round) {
    emit(kPerSubbuf);
    read += drain(false);
  }
  read += drain(true);
  EXPECT_EQ(read, number_);
  EXPECT_EQ(reader_->loss().overrun_events, 0u);
}

TEST_F(StreamReaderTest, Overwrite_TwoSubbufsOverrun_IsCountedExactly) {
  make(Options(2, true));
  std::uint64_t read = 0;
  for (int round = 0; round < 50; ++round) {
    emit(kPerSubbuf * (1 + round % 4));
    read += drain(round % 5 == 0);
  }
  read += drain(true);
  EXPECT_GT(reader_->loss().overrun_events, 0u);
  EXPECT_EQ(read + reader_->loss().overrun_events, number_);
}

// What a writer killed inside a switch leaves: the entry of the next sub-buffer written over, not
// published.
TEST_F(StreamReaderTest, Overwrite_HalfMadeSwitchIsNotTakenForThePast) {
  make(Options(4, true));
  emit(3 * kPerSubbuf + 1);  // current 3; entry of 4 lies over that of 0
  sillage_ring_entry& torn = writer_->entry(4);
  torn.sequence = 4;
  torn.begin_ns = 0xdead;
  // The reader never saw entry 0: it begins with the oldest that cannot be in the making.
  const auto run = next();
  ASSERT_TRUE(run);
  EXPECT_EQ(run->sequence, 1u);
  EXPECT_EQ(reader_->loss().overrun_events, kPerSubbuf);
  EXPECT_EQ(run->events + drain(true) + kPerSubbuf, number_);
}

TEST_F(StreamReaderTest, CorruptEntry_SkipsThatSubbufAndGoesOn) {
  make(Options(8));
  emit(4 * kPerSubbuf + 3);
  writer_->entry(2).previous_end += kSize;  // sub-buffer 1 cannot end there
  EXPECT_EQ(drain(true), 3 * kPerSubbuf + 3);
  EXPECT_EQ(reader_->loss().corrupt_subbufs, 1u);
  EXPECT_EQ(reader_->loss().corrupt_events, kPerSubbuf);
}

// F06: each field at each extreme, before every step; afterwards the reader still reads what is
// sound.
TEST_F(StreamReaderTest, EveryFieldAtEveryExtreme_NeverHangsAndRecovers) {
  const std::uint64_t values[] = {0,
                                  1,
                                  4095,
                                  4096,
                                  4097,
                                  0x7fffffff,
                                  UINT64_C(1) << 39,
                                  (UINT64_C(1) << 40) - 1,
                                  UINT64_C(1) << 40,
                                  UINT64_C(1) << 63,
                                  UINT64_MAX - 1,
                                  UINT64_MAX};
  for (const bool overwrite : {false, true}) {
    for (int field = 0; field < 7; ++field) {
      for (const std::uint64_t value : values) {
        for (std::uint64_t slot = 0; slot < 4; ++slot) {
          make(Options(4, overwrite));
          number_ = 0;
          emit(2 * kPerSubbuf + 5);
          std::uint64_t* const fields[] = {
              &writer_->stream().position,       &writer_->stream().consumed,
              &writer_->stream().lost[slot],     &writer_->entry(slot).sequence,
              &writer_->entry(slot).begin_ns,    &writer_->entry(slot).events,
              &writer_->entry(slot).previous_end};
          const std::uint64_t saved = *fields[field];
          *fields[field] = value;
          int calls = 0;
          while (next(true)) ASSERT_LT(++calls, 20);
          // The writer comes back to what it had; the reader has skipped to somewhere at most one
          // ring away.
          *fields[field] = saved;
          std::uint64_t read = 0;
          for (int round = 0; round < 12; ++round) {
            writer_->switch_subbuf(time_ += 100);
            emit(50);
            read += drain(false);
          }
          ASSERT_GE(read, 100u) << "field " << field << " value " << value << " slot " << slot
                                << " overwrite " << overwrite;
        }
      }
    }
  }
}

// F07: the verdict depends on the copy alone, so whatever stands there while it is read, nothing is
// read outside (the sanitizers look) and every call comes back.
TEST_F(StreamReaderTest, ScribblingWhileReading_StaysInsideAndEnds) {
  for (const bool overwrite : {false, true}) {
    make(Options(4, overwrite));
    std::atomic<bool> stop = false;
    std::thread scribbler([&] {
      std::mt19937_64 random(1);
      while (!stop) {
        sillage_ring_stream& stream = writer_->stream();
        auto* words = reinterpret_cast<std::uint64_t*>(&writer_->entry(0));
        const std::uint64_t value = random() >> (random() & 63);
        __atomic_store_n(&words[random() % 32], value, __ATOMIC_RELAXED);
        __atomic_store_n(&stream.position, value, __ATOMIC_RELEASE);
        __atomic_store_n(&stream.lost[random() & 7], value, __ATOMIC_RELAXED);
      }
    });
    for (int call = 0; call < 100'000; ++call) {
      const auto run = next(call & 1);
      if (!run) continue;
      ASSERT_LE(run->offset + run->bytes.size(), kSize);
      ASSERT_LE(run->events, run->bytes.size() / SILLAGE_RECORD_COMPACT_BYTES);
    }
    stop = true;
    scribbler.join();
  }
}

// Whole records or none: a writer thread and a reader, nothing lost that is not counted.
TEST_F(StreamReaderTest, ConcurrentWriter_SentIsReadPlusLost) {
  for (const bool overwrite : {false, true}) {
    for (const std::uint32_t count : {2u, 4u, 8u}) {
      make(Options(count, overwrite));
      std::atomic<bool> done = false;
      number_ = 0;
      std::thread writing([&] {
        emit(200'000);
        done = true;
      });
      std::uint64_t read = 0, expected = 0;
      const auto take = [&](bool flush) {
        while (auto run = next(flush)) {
          if (run->bytes.size() == run->events * 12u) {  // no extended header within
            for (std::size_t i = 0; i < run->events; ++i) {
              const std::uint64_t number = number_at(*run, i);
              ASSERT_GE(number, expected);
              ASSERT_LT(number, 200'000u);
              expected = number + 1;
            }
          }
          read += run->events;
        }
      };
      while (!done) take(read % 3 == 0);
      writing.join();
      take(true);
      const StreamLoss loss = reader_->loss();
      EXPECT_EQ(read + reader_->lost_by_writers() + loss.overrun_events, 200'000u)
          << "overwrite " << overwrite << " count " << count;
      EXPECT_EQ(loss.corrupt_subbufs, 0u);
    }
  }
}

constexpr Nanoseconds kAnyTime{UINT64_MAX};

TEST_F(StreamReaderTest, Reclaim_GivesBackWhatWasReadButTheNext) {
  make(Options(8));
  emit(5 * kPerSubbuf + 1);
  EXPECT_EQ(reader_->reclaim_memory(kAnyTime)->subbufs, 0u);  // nothing was read
  EXPECT_EQ(drain(false), 5 * kPerSubbuf);
  const auto all = reader_->reclaim_memory(kAnyTime);
  ASSERT_TRUE(all) << all.error().text();
  EXPECT_EQ(all->subbufs, 5u);
  EXPECT_EQ(all->bytes, 5 * kSize);
  for (std::uint64_t i = 0; i < 5 * kSize; ++i) ASSERT_EQ(writer_->data()[i], std::byte{0});
  EXPECT_EQ(reader_->reclaim_memory(kAnyTime)->subbufs, 0u);  // once is enough
  EXPECT_EQ(writer_->stream().consumed, 5 * kSize);
  // All room is there again.
  EXPECT_EQ(emit(8 * kPerSubbuf - 1), 8 * kPerSubbuf - 1);
  EXPECT_EQ(emit(1), 0u);
  EXPECT_EQ(drain(true), 8 * kPerSubbuf);
  // The one behind that in which the writer is keeps its memory.
  EXPECT_EQ(reader_->reclaim_memory(kAnyTime)->subbufs, 6u);
}

TEST_F(StreamReaderTest, Reclaim_OnlyWhatEndedBefore) {
  make(Options(8));
  emit(2 * kPerSubbuf + 1);
  const std::uint64_t second_ended = time_;
  emit(2 * kPerSubbuf);
  drain(false);
  EXPECT_EQ(reader_->reclaim_memory(Nanoseconds{second_ended - 1})->subbufs, 1u);
  EXPECT_EQ(reader_->reclaim_memory(Nanoseconds{second_ended})->subbufs, 1u);
  EXPECT_EQ(reader_->reclaim_memory(kAnyTime)->subbufs, 2u);
}

TEST_F(StreamReaderTest, Reclaim_NothingWhereWritersWouldBe) {
  for (const bool overwrite : {false, true}) {
    make(Options(overwrite ? 8 : 2, overwrite));
    emit(kPerSubbuf + 1);
    drain(false);
    EXPECT_EQ(reader_->reclaim_memory(kAnyTime)->subbufs, 0u);
    EXPECT_EQ(reader_->peek()->reclaim_memory(kAnyTime)->subbufs, 0u);
  }
}

// A writer that has looked for room before its memory was asked for, and goes on behind that.
TEST_F(StreamReaderTest, Reclaim_MeanwhileWritersHaveTwo) {
  make(Options(4));
  emit(kPerSubbuf + 1);
  drain(false);
  EXPECT_EQ(reader_->reclaim_memory(kAnyTime)->subbufs, 1u);
  // As within the call: what it has told writers.
  __atomic_store_n(&writer_->stream().consumed, (1 + 2 - 4) * kSize & SILLAGE_RING_BYTES_MASK,
                   __ATOMIC_RELEASE);
  EXPECT_EQ(emit(3 * kPerSubbuf), 2 * kPerSubbuf - 1);
}

// Memory is taken from under a writer all the time: what it writes is there.
TEST_F(StreamReaderTest, Reclaim_ConcurrentWriter) {
  constexpr std::uint64_t kEvents = 300'000;
  make(Options(8));
  std::atomic<bool> done = false;
  std::thread writing([&] {
    for (std::uint64_t i = 0; i < kEvents; i += 500) {
      emit(500);
      std::this_thread::yield();
    }
    done = true;
  });
  std::uint64_t read = 0, expected = 0, reclaimed = 0;
  const auto take = [&] {
    while (auto run = next(true)) {
      read += run->events;
      if (run->bytes.size() != run->events * 12u) continue;  // an extended header within
      for (std::size_t i = 0; i < run->events; ++i) {
        const std::uint64_t number = number_at(*run, i);
        ASSERT_GE(number, expected);
        ASSERT_LT(number, kEvents);
        expected = number + 1;
      }
    }
  };
  while (!done) {
    take();
    const auto some = reader_->reclaim_memory(kAnyTime);
    ASSERT_TRUE(some);
    reclaimed += some->subbufs;
  }
  writing.join();
  take();
  EXPECT_EQ(read + reader_->lost_by_writers(), kEvents);
  EXPECT_EQ(reader_->loss().corrupt_subbufs, 0u);
  EXPECT_GT(reclaimed, 0u);
}

}  // namespace
}  // namespace sillage::ring
