// SPDX-License-Identifier: MIT
#include "ring/kernel_ring.hpp"

#include "ring/test_kernel_writer.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

namespace sillage::ring {
namespace {

constexpr Nanoseconds kNow{1'000'000'000};

KernelRingGeometry geometry_of(const KernelRingOptions& options, std::uint32_t cpus = 2) {
  auto made = KernelRingGeometry::make(options, cpus);
  EXPECT_TRUE(made) << made.error().text();
  return *made;
}

KernelRing make(const KernelRingGeometry& geometry) {
  auto ring = KernelRing::create(Fd(make_test_map(geometry)), geometry, kNow);
  EXPECT_TRUE(ring) << ring.error().text();
  return std::move(*ring);
}

// What a later daemon gets.
Result<KernelRing> open_again(const KernelRing& ring) {
  return KernelRing::open(Fd(::dup(ring.fd())), ring.geometry().stride, ring.geometry().cpu_count);
}

TEST(KernelRingGeometry, Defaults_AreLttngs) {
  const auto g = geometry_of({});
  EXPECT_EQ(g.subbuf_bytes, 1u << 20);
  EXPECT_EQ(g.subbuf_count, 4u);
  EXPECT_EQ(g.data_offset % 4096, 0u);
  EXPECT_GE(g.data_offset, sizeof(sillage_kernel_stream));
  EXPECT_EQ(g.stride % 4096, 0u);
  EXPECT_EQ(g.stride, g.data_offset + (4u << 20) + SILLAGE_KERNEL_RING_SLACK);
}

TEST(KernelRingGeometry, SizesAreRoundedUp) {
  const auto g = geometry_of({.subbuf_bytes = ByteCount{5000}, .subbuf_count = 5});
  EXPECT_EQ(g.subbuf_bytes, 8192u);
  EXPECT_EQ(g.subbuf_count, 8u);
  EXPECT_EQ(geometry_of({.subbuf_bytes = ByteCount{1}, .subbuf_count = 0}).subbuf_bytes, 4096u);
}

TEST(KernelRingGeometry, BeyondTheLimits_NamesTheLimit) {
  const auto error = [](const KernelRingOptions& options, std::uint32_t cpus = 1) {
    const auto made = KernelRingGeometry::make(options, cpus);
    return made ? std::string() : made.error().message;
  };
  EXPECT_NE(error({.subbuf_bytes = ByteCount{(16 << 20) + 1}}).find("16777216"), std::string::npos);
  EXPECT_NE(error({.subbuf_count = 65}).find("limit of 64"), std::string::npos);
  EXPECT_NE(error({.subbuf_bytes = ByteCount{16 << 20}, .subbuf_count = 32}).find("268435456"),
            std::string::npos);
  EXPECT_EQ(error({.subbuf_bytes = ByteCount{16 << 20}, .subbuf_count = 16}), "");
  EXPECT_NE(error({}, 0), "");
}

TEST(KernelRing, MapTooSmall_IsAnError) {
  const auto geometry = geometry_of({.subbuf_bytes = ByteCount{4096}});
  EXPECT_FALSE(KernelRing::create(Fd(), geometry, kNow));
}

TEST(KernelRing, New_StreamsAreBegunAndEmpty) {
  const KernelRing ring = make(geometry_of({.subbuf_bytes = ByteCount{4096}}));
  for (std::uint32_t cpu = 0; cpu < 2; ++cpu) {
    const sillage_kernel_stream& stream = ring.stream(cpu).shared();
    EXPECT_EQ(stream.magic, SILLAGE_KERNEL_RING_MAGIC);
    EXPECT_EQ(stream.cpu, cpu);
    EXPECT_EQ(stream.position, 0u);
    EXPECT_EQ(stream.entries[0].begin_ns, kNow.value);
    EXPECT_EQ(stream.armed, 0u);
    EXPECT_FALSE(ring.reader(cpu).next_run({}, true));
  }
  ring.arm();
  EXPECT_EQ(ring.stream(1).shared().armed, 1u);
}

TEST(KernelRing, Open_ReadsOnWhereTheOtherStopped) {
  const KernelRing ring = make(geometry_of({.subbuf_bytes = ByteCount{4096}}));
  TestKernelWriter writer(ring.geometry(), reinterpret_cast<std::byte*>(&ring.stream(1).shared()));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(writer.emit(1));
  {
    KernelStreamReader reader = ring.reader(1);
    const auto run = reader.next_run({}, true);
    ASSERT_TRUE(run);
    EXPECT_EQ(run->events, 10u);
    EXPECT_FALSE(reader.next_run({}, false));
  }
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(writer.emit(1));
  auto second = open_again(ring);
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(second->geometry(), ring.geometry());
  KernelStreamReader reader = second->reader(1);
  EXPECT_EQ(reader.pending_events(), 7u);
  const auto run = reader.next_run({}, true);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->events, 7u);
  EXPECT_EQ(run->sequence, 1u);
}

TEST(KernelRing, Open_KilledWhileReleasing_CountsNothingTwice) {
  const KernelRing ring = make(geometry_of({.subbuf_bytes = ByteCount{4096}}));
  sillage_kernel_stream& s = ring.stream(0).shared();
  TestKernelWriter writer(ring.geometry(), reinterpret_cast<std::byte*>(&s));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(writer.emit(1));
  {
    KernelStreamReader reader = ring.reader(0);
    ASSERT_TRUE(reader.next_run({}, true));
    EXPECT_FALSE(reader.next_run({}, true));
  }
  EXPECT_EQ(s.consumed_events, 10u);
  s.consumed_events = 0;  // the second of the two words it stores
  ASSERT_TRUE(writer.emit(1));
  auto second = open_again(ring);
  ASSERT_TRUE(second) << second.error().text();
  KernelStreamReader reader = second->reader(0);
  const auto run = reader.next_run({}, true);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->events, 1u);
  EXPECT_EQ(reader.loss().corrupt_events, 0u);
}

TEST(KernelRing, Open_ARunNotReleased_IsGivenAgain) {
  const KernelRing ring = make(geometry_of({.subbuf_bytes = ByteCount{4096}}));
  TestKernelWriter writer(ring.geometry(), reinterpret_cast<std::byte*>(&ring.stream(0).shared()));
  ASSERT_TRUE(writer.emit(1));
  KernelStreamReader killed = ring.reader(0);
  ASSERT_TRUE(killed.next_run({}, true));
  auto second = open_again(ring);
  ASSERT_TRUE(second) << second.error().text();
  KernelStreamReader reader = second->reader(0);
  const auto run = reader.next_run({}, true);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->events, 1u);
}

TEST(KernelRing, Open_ImpossibleNumbers_AreErrors) {
  const auto geometry = geometry_of({.subbuf_bytes = ByteCount{4096}});
  const std::vector<std::function<void(sillage_kernel_stream&)>> damages = {
      [](auto& s) { s.magic = 1; },
      [](auto& s) { s.abi_major = 2; },
      [](auto& s) { s.subbuf_bytes = 0; },
      [](auto& s) { s.subbuf_bytes = 8192; },
      [](auto& s) { s.subbuf_bytes = UINT64_MAX; },
      [](auto& s) { s.subbuf_count = 3; },
      [](auto& s) { s.subbuf_count = 0xffffffff; },
      [](auto& s) { s.flags = 8; },
      [](auto& s) { s.flags = SILLAGE_RING_OVERWRITE; },
      [](auto& s) { s.data_offset = 0; },
      [](auto& s) { s.header = 7; },
      [](auto& s) { s.cpu = 9; },
      [](auto& s) { s.consumed = 3; },
      [](auto& s) { s.consumed = UINT64_MAX; },
      [](auto& s) { s.consumed = 4096; },
      [](auto& s) { s.flushing = 2; },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    const KernelRing ring = make(geometry);
    damages[i](ring.stream(1).shared());
    const auto opened = open_again(ring);
    ASSERT_FALSE(opened) << i;
    EXPECT_EQ(opened.error().code, Code::kCorrupt) << i;
  }
  for (std::size_t i = 0; i < damages.size(); ++i) {
    const KernelRing ring = make(geometry);
    damages[i](ring.stream(0).shared());
    EXPECT_FALSE(open_again(ring)) << i;
  }
  const KernelRing ring = make(geometry);
  EXPECT_FALSE(KernelRing::open(Fd(::dup(ring.fd())), geometry.stride - 4096, 2));
  EXPECT_FALSE(KernelRing::open(Fd(::dup(ring.fd())), 16, 2));
  EXPECT_FALSE(KernelRing::open(Fd(::dup(ring.fd())), geometry.stride, 0));
  EXPECT_TRUE(open_again(ring));
}

// A reader killed at the exchange of its flush, and others at each of its stores.
class HalfDoneFlush : public ::testing::TestWithParam<int> {};

TEST_P(HalfDoneFlush, Open_CompletesItOnce) {
  const KernelRing ring = make(geometry_of({.subbuf_bytes = ByteCount{4096}}));
  const KernelRingGeometry& g = ring.geometry();
  sillage_kernel_stream& s = ring.stream(0).shared();
  TestKernelWriter writer(g, reinterpret_cast<std::byte*>(&s), [] { return kNow.value + 5; });
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(writer.emit(1));
  const std::uint64_t old = s.position;
  // What begin_next() does, up to a point.
  s.flush_position = old;
  s.flush_ns = kNow.value + 6;
  s.flush_events = 10;
  s.flushing = 1;
  if (GetParam() > 0) s.position = (old & ~SILLAGE_RING_BYTES_MASK) | 4096;
  if (GetParam() > 1) s.entries[0].end_position = old;
  if (GetParam() > 2) s.entries[1].begin_ns = kNow.value + 6;
  if (GetParam() > 3) s.entries[1].sequence = 1;
  if (GetParam() > 3) s.entries[1].events = 10;
  if (GetParam() > 3) s.entries[0].end_ns = kNow.value + 6;
  if (GetParam() > 4) s.committed[0] += 4096 - (old & 4095);
  // Programs go on: into the next sub-buffer and over its end, but not around the ring.
  TestKernelWriter later(g, reinterpret_cast<std::byte*>(&s), [] { return kNow.value + 7; });
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(later.emit(1));

  auto second = open_again(ring);
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(s.flushing, 0u);
  KernelStreamReader reader = second->reader(0);
  std::uint64_t events = 0, before = kNow.value;
  while (const auto run = reader.next_run({}, true)) {
    if (events == 0 && GetParam() > 0) {
      EXPECT_EQ(run->events, 10u);
      EXPECT_EQ(run->end_ns, kNow.value + 6);
    }
    EXPECT_EQ(run->begin_ns, before);
    before = run->end_ns;
    events += run->events;
  }
  EXPECT_EQ(events, 2010u);
  EXPECT_EQ(reader.loss().corrupt_events, 0u);
}
INSTANTIATE_TEST_SUITE_P(KernelRing, HalfDoneFlush, ::testing::Range(0, 6));

TEST(KernelRing, Open_WriterHeldUpInASwitch_IsNotMistakenForAFlush) {
  const KernelRing ring = make(geometry_of({.subbuf_bytes = ByteCount{4096}}));
  sillage_kernel_stream& s = ring.stream(0).shared();
  TestKernelWriter writer(ring.geometry(), reinterpret_cast<std::byte*>(&s));
  ASSERT_TRUE(writer.emit(1));
  // A reader killed in front of its exchange; a writer held up behind its own, at the same place.
  s.flush_position = s.position;
  s.flushing = 1;
  s.position = ((s.position & ~SILLAGE_RING_BYTES_MASK) + SILLAGE_RING_ONE_EVENT) | (4096 + 20);
  const auto opened = open_again(ring);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kNotReady);
}

}  // namespace
}  // namespace sillage::ring
