// SPDX-License-Identifier: MIT
// Snapshots, chunks and limits of files, with a writer double.
#include "abi/ring.h"
#include "collect/collector.hpp"
#include "collect/test_recording.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace sillage::collect {
namespace {

namespace fs = std::filesystem;

/// The numbers of the events in packets: records of a header, compact or not, and eight bytes.
std::vector<std::uint64_t> numbers_in(const std::vector<Packet>& packets) {
  std::vector<std::uint64_t> numbers;
  for (const Packet& packet : packets) {
    for (std::size_t at = 0; at < packet.records.size();) {
      const auto id = std::to_integer<std::uint32_t>(packet.records[at]) & 31;
      at += id == SILLAGE_RECORD_ID_EXTENDED ? SILLAGE_RECORD_EXTENDED_BYTES
                                             : SILLAGE_RECORD_COMPACT_BYTES;
      numbers.push_back(value_at<std::uint64_t>(packet.records, at));
      at += sizeof(std::uint64_t);
    }
  }
  return numbers;
}

std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t end) {
  std::vector<std::uint64_t> numbers;
  for (; first < end; ++first) numbers.push_back(first);
  return numbers;
}

class ChunkTest : public CollectorTest {
 protected:
  static ring::RingOptions flight_recorder() {
    ring::RingOptions options = small_ring();
    options.overwrite = true;
    options.subbuf_count = 4;
    return options;
  }
  [[nodiscard]] std::string below(const std::string& name) const {
    return output_.path() + "/" + name;
  }
  [[nodiscard]] std::vector<Packet> packets_of(const std::string& name) const {
    return read_packets(fs::path(below(name)) / kTestTrace, "channel0_0");
  }
  [[nodiscard]] std::vector<std::uint64_t> numbers_of(const std::string& name) const {
    return numbers_in(packets_of(name));
  }

  TemporaryDirectory output_;
};

TEST_F(ChunkTest, Snapshot_HasTheNewestAndTakesNothing) {
  start(below("out"), flight_recorder(), true);
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 5000);
  const auto first = collector_->snapshot({.path = below("first")});
  ASSERT_TRUE(first) << first.error().text();
  const auto second = collector_->snapshot({.path = below("second")});
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(first->events, second->events);
  EXPECT_GT(first->events, 3u * 4096 / 16);
  const auto numbers = numbers_of("first");
  EXPECT_EQ(numbers, range(5000 - first->events, 5000));
  EXPECT_EQ(numbers_of("second"), numbers);
  const auto packets = packets_of("first");
  EXPECT_GT(packets.front().sequence, 0u) << "as many were overwritten";
  EXPECT_EQ(packets.back().sequence - packets.front().sequence + 1, packets.size());
  emit(writer, 10);
  ASSERT_TRUE(collector_->snapshot({.path = below("third")}));
  EXPECT_EQ(numbers_of("third").back(), 5009u);
  (void)collector_->stop();
  EXPECT_FALSE(fs::exists(directory_ / "channel0_0")) << "but for the metadata there is nothing";
  EXPECT_EQ(collector_->snapshot({.path = below("late")}).error().code, Code::kNotReady);
}

TEST_F(ChunkTest, Snapshot_DiscardMode_LeavesTheRingFull) {
  ring::RingOptions ring = small_ring();
  start(below("out"), ring, true);
  ring::TestWriter writer = program_->writer(0);
  const std::uint64_t recorded = emit(writer, 20000);
  ASSERT_LT(recorded, 20000u);
  ASSERT_TRUE(collector_->snapshot({.path = below("first")}));
  EXPECT_EQ(numbers_of("first"), range(0, recorded));
  EXPECT_EQ(emit(writer, 1), 0u);
}

TEST_F(ChunkTest, Snapshot_MaxBytes_KeepsTheNewestPackets) {
  start(below("out"), flight_recorder(), true);
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 5000);
  const auto refused = collector_->snapshot({.path = below("none"), .max_bytes = 4096});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_FALSE(fs::exists(below("none")));
  const auto made = collector_->snapshot({.path = below("two"), .max_bytes = 9000});
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(made->packets, 2u);
  EXPECT_LE(made->bytes, 9000u);
  const auto numbers = numbers_of("two");
  EXPECT_EQ(numbers, range(5000 - numbers.size(), 5000));
}

TEST_F(ChunkTest, Clear_InMemory_ForgetsWhatWasThere) {
  start(below("out"), flight_recorder(), true);
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 100);
  ASSERT_TRUE(collector_->clear());
  emit(writer, 5);
  ASSERT_TRUE(collector_->snapshot({.path = below("after")}));
  EXPECT_EQ(numbers_of("after"), range(100, 105));
  EXPECT_EQ(collector_->rotate("archives/a").error().code, Code::kUnsupported);
}

TEST_F(ChunkTest, Rotate_EachEventIsInOneChunk) {
  start(below("out"));
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 10);
  ASSERT_TRUE(collector_->rotate("archives/0"));
  ASSERT_TRUE(collector_->rotate("archives/1")) << "with nothing in it";
  emit(writer, 20);
  const auto id = collector_->add_event(channel_, {.name = "app:late", .payload = nullptr});
  ASSERT_TRUE(id);
  ASSERT_TRUE(collector_->rotate("archives/2"));
  emit(writer, 3);
  EXPECT_EQ(collector_->stop().events, 33u);
  EXPECT_EQ(numbers_of("out/archives/0"), range(0, 10));
  EXPECT_FALSE(fs::exists(fs::path(below("out/archives/1")) / kTestTrace / "channel0_0"));
  EXPECT_EQ(numbers_of("out/archives/2"), range(10, 30));
  EXPECT_EQ(numbers_of("out"), range(30, 33));
  EXPECT_GT(packets_of("out").front().sequence, packets_of("out/archives/2").back().sequence);
  const auto size = [&](const std::string& name) {
    return fs::file_size(fs::path(below(name)) / kTestTrace / "metadata");
  };
  EXPECT_EQ(size("out/archives/0"), size("out/archives/1"));
  EXPECT_LT(size("out/archives/1"), size("out/archives/2"));
  EXPECT_EQ(size("out/archives/2"), size("out"));
  ASSERT_TRUE(collector_->end_chunk("archives/3"));
  EXPECT_EQ(numbers_of("out/archives/3"), range(30, 33));
  EXPECT_FALSE(fs::exists(below("out/ust")));
}

TEST_F(ChunkTest, Rotate_WhereTheArchiveIs_GoesOnAsBefore) {
  start(below("out"));
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 10);
  fs::create_directories(below("out/archives/0"));
  EXPECT_EQ(collector_->rotate("archives/0").error().code, Code::kAlreadyExists);
  emit(writer, 10);
  ASSERT_TRUE(collector_->rotate("archives/1"));
  (void)collector_->stop();
  EXPECT_EQ(numbers_of("out/archives/1"), range(0, 20));
}

TEST_F(ChunkTest, Rotate_WhatWasInterrupted_IsNotWrittenOver) {
  start(below("out"));
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 10);
  fs::create_directories(below("out/.tmp_old_chunk/ust"));
  fs::create_directories(below("out/.tmp_new_chunk/ust"));
  EXPECT_FALSE(collector_->rotate("archives/0"));
  fs::remove_all(below("out/.tmp_old_chunk"));
  ASSERT_TRUE(collector_->rotate("archives/0"));
  EXPECT_EQ(numbers_of("out/archives/0"), range(0, 10));
}

// Killed between any two moves of a swap, the files are where complete_chunk() finds them.
TEST_F(ChunkTest, Rotate_KilledInTheMiddle_IsCompleted) {
  struct Case {
    const char* what;
    std::vector<std::pair<const char*, const char*>> moved;
    bool has_next, has_old;
  };
  const std::vector<Case> cases = {
      {"decided", {}, true, false},
      {"one folder is out", {{"kernel", ".tmp_old_chunk/kernel"}}, true, true},
      {"both are out",
       {{"kernel", ".tmp_old_chunk/kernel"}, {"ust", ".tmp_old_chunk/ust"}},
       true,
       true},
      {"one is in",
       {{"kernel", ".tmp_old_chunk/kernel"},
        {"ust", ".tmp_old_chunk/ust"},
        {".tmp_new_chunk/kernel", "kernel"}},
       true,
       true},
      {"both are in",
       {{"kernel", ".tmp_old_chunk/kernel"},
        {"ust", ".tmp_old_chunk/ust"},
        {".tmp_new_chunk/kernel", "kernel"},
        {".tmp_new_chunk/ust", "ust"}},
       true,
       true},
      {"done but for the archive's name",
       {{"kernel", ".tmp_old_chunk/kernel"},
        {"ust", ".tmp_old_chunk/ust"},
        {".tmp_new_chunk/kernel", "kernel"},
        {".tmp_new_chunk/ust", "ust"}},
       false,
       true},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(cases[i].what);
    const std::string out = "swap" + std::to_string(i);
    const auto path = [&](std::string_view name) { return fs::path(below(out)) / name; };
    for (const char* folder : {"kernel", "ust"}) {
      fs::create_directories(path(folder) / "old");
      fs::create_directories(path(".tmp_new_chunk") / folder / "new");
    }
    fs::create_directories(path("archives"));
    if (cases[i].has_old) fs::create_directories(path(".tmp_old_chunk"));
    for (const auto& [from, to] : cases[i].moved) fs::rename(path(from), path(to));
    if (!cases[i].has_next) fs::remove_all(path(".tmp_new_chunk"));
    for (int again = 0; again < 2; ++again) {
      const auto collector = std::move(*Collector::create({.output_path = below(out)}, *clock_));
      const auto done = collector->complete_chunk("archives/0");
      ASSERT_TRUE(done) << done.error().text();
      EXPECT_TRUE(*done);
      for (const char* folder : {"kernel", "ust"}) {
        EXPECT_TRUE(fs::exists(path("archives/0") / folder / "old"));
        EXPECT_TRUE(fs::exists(path(folder) / "new"));
      }
      EXPECT_FALSE(fs::exists(path(".tmp_old_chunk")));
      EXPECT_FALSE(fs::exists(path(".tmp_new_chunk")));
    }
  }
}

TEST_F(ChunkTest, Rotate_WhatIsReadyRefused_NothingHasChanged) {
  start(below("out"));
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 10);
  std::uint64_t bytes = 0;
  EXPECT_FALSE(collector_->rotate("archives/0", [&](std::uint64_t recorded_bytes) {
    bytes = recorded_bytes;
    return Status(fail(Code::kNoSpace, "no room for a note"));
  }));
  EXPECT_EQ(bytes, collector_->stats().bytes);
  EXPECT_GT(bytes, 0u);
  EXPECT_FALSE(fs::exists(below("out/.tmp_new_chunk")));
  emit(writer, 10);
  (void)collector_->stop();
  EXPECT_EQ(numbers_of("out"), range(0, 20));
}

TEST_F(ChunkTest, Clear_OnDisk_RemovesTheFiles) {
  start(below("out"));
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 10);
  ASSERT_TRUE(collector_->clear());
  EXPECT_FALSE(fs::exists(directory_ / "channel0_0"));
  emit(writer, 5);
  (void)collector_->stop();
  EXPECT_EQ(numbers_of("out"), range(10, 15));
  EXPECT_FALSE(fs::exists(below("out/.tmp_old_chunk")));
  EXPECT_FALSE(fs::exists(below("out/.tmp_new_chunk")));
}

TEST_F(ChunkTest, FileLimits_KeepTheNewest) {
  start(below("out"), small_ring(), false, {.limits = {.bytes = 9000, .count = 3}});
  ring::TestWriter writer = program_->writer(0);
  for (int round = 0; round < 20; ++round) {
    emit(writer, 300);
    collector_->flush();
  }
  (void)collector_->stop();
  std::vector<std::uint64_t> kept;
  std::vector<std::vector<std::uint64_t>> files;
  for (const char* name : {"channel0_0_0", "channel0_0_1", "channel0_0_2"}) {
    EXPECT_LE(fs::file_size(directory_ / name), 9000u);
    files.push_back(numbers_in(read_packets(directory_, name)));
  }
  EXPECT_FALSE(fs::exists(directory_ / "channel0_0_3"));
  EXPECT_FALSE(fs::exists(directory_ / "channel0_0"));
  std::sort(files.begin(), files.end());
  for (const auto& numbers : files) kept.insert(kept.end(), numbers.begin(), numbers.end());
  EXPECT_EQ(kept, range(number_ - kept.size(), number_));
}

TEST_F(ChunkTest, SwitchPeriod_WritesWhatIsOpen) {
  start(below("out"), small_ring(), false, {.switch_period = Nanoseconds{5'000'000}});
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 3);
  EXPECT_TRUE(eventually([&] { return collector_->stats().events == 3; }));
}

TEST_F(ChunkTest, ClockOffset_ChangesTheHeadAlone) {
  start(below("out"));
  const auto before = read_file(directory_ / "metadata");
  ASSERT_TRUE(collector_->set_clock_offset(0));
  const auto after = read_file(directory_ / "metadata");
  EXPECT_NE(before, after);
  const std::size_t tail = 100;  // in the event's declaration
  EXPECT_TRUE(std::equal(before.end() - tail, before.end(), after.end() - tail));
  const auto id = collector_->add_event(channel_, {.name = "app:late", .payload = nullptr});
  ASSERT_TRUE(id);
  EXPECT_GT(read_file(directory_ / "metadata").size(), after.size());
}

}  // namespace
}  // namespace sillage::collect
