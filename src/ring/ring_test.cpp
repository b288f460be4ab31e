// SPDX-License-Identifier: MIT
#include "ring/ring.hpp"

#include "ring/test_writer.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

namespace sillage::ring {
namespace {

constexpr Nanoseconds kNow{1'000'000'000};

Ring make(const RingOptions& options) {
  auto ring = Ring::create(options, kNow);
  EXPECT_TRUE(ring) << ring.error().text();
  return std::move(*ring);
}

std::uint64_t memory_of(int fd) {
  struct stat status {};
  EXPECT_EQ(::fstat(fd, &status), 0);
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

TEST(Ring, Header_SaysWhatWasAskedFor) {
  RingOptions options;
  options.subbuf_bytes = ByteCount{8192};
  options.blocking_timeout = Nanoseconds{77};
  options.by_mm_cid = true;
  const Ring ring = make(options);
  TestMapping program(ring.fd(), ring.geometry());
  const sillage_ring_header& header = program.header();
  EXPECT_EQ(header.magic, SILLAGE_RING_MAGIC);
  EXPECT_EQ(header.abi_major, unsigned{SILLAGE_RING_ABI_MAJOR});
  EXPECT_EQ(header.total_bytes, ring.geometry().total_bytes);
  EXPECT_EQ(header.subbuf_bytes, 8192u);
  EXPECT_EQ(header.subbuf_count, 4u);
  EXPECT_EQ(header.stream_count, 2 * header.index_count);
  EXPECT_EQ(header.flags, unsigned{SILLAGE_RING_BY_MM_CID});
  EXPECT_EQ(header.blocking_timeout_ns, 77u);
  EXPECT_EQ(header.data_offset, ring.geometry().data_offset);
}

TEST(Ring, Streams_AreBegunAndEmpty) {
  const Ring ring = make({});
  TestMapping program(ring.fd(), ring.geometry());
  std::vector<std::byte> buffer(ring.geometry().subbuf_bytes);
  for (std::uint32_t i = 0; i < ring.geometry().stream_count; ++i) {
    TestWriter writer = program.writer(i);
    EXPECT_EQ(writer.stream().position, 0u);
    EXPECT_EQ(writer.stream().epoch, kNow.value >> SILLAGE_RECORD_EPOCH_BITS);
    EXPECT_EQ(writer.entry(0).begin_ns, kNow.value);
    EXPECT_FALSE(ring.reader(i).next_run(buffer, true));
  }
}

// F08
TEST(Ring, ProgramsCannotChangeItsSize) {
  const Ring ring = make({});
  EXPECT_EQ(::ftruncate(ring.fd(), 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(ring.fd(), 1 << 30), -1);
  EXPECT_EQ(::fcntl(ring.fd(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
}

TEST(Ring, Preallocation_TakesOnlineStreamsAndLeavesTheRest) {
  RingOptions options;
  const Ring lazy = make([] {
    RingOptions o;
    o.preallocate = false;
    return o;
  }());
  EXPECT_LT(memory_of(lazy.fd()), lazy.geometry().data_offset + 65536);
  const Ring ring = make(options);
  EXPECT_GE(memory_of(ring.fd()), ring.geometry().data_stride);
  EXPECT_LE(memory_of(ring.fd()), ring.geometry().data_offset +
                                      ring.geometry().index_count * ring.geometry().data_stride +
                                      65536);
}

TEST(Ring, DiscardMemory_FreesItThoughStillMapped) {
  const Ring ring = make({});
  TestMapping program(ring.fd(), ring.geometry());
  const std::uint64_t before = memory_of(ring.fd());
  ASSERT_TRUE(ring.discard_memory());
  EXPECT_LT(memory_of(ring.fd()), before / 4);
  // A late writer finds its stream, and writes to fresh memory.
  TestWriter writer = program.writer(0);
  EXPECT_TRUE(writer.emit(1, kNow.value));
}

TEST(Ring, Arm_IsSeenByPrograms) {
  const Ring ring = make({});
  TestMapping program(ring.fd(), ring.geometry());
  EXPECT_EQ(program.header().armed, 0u);
  program.header().doorbell = 41;
  EXPECT_EQ(ring.arm(), 41u);
  EXPECT_EQ(program.header().armed, 1u);
}

TEST(Ring, ReleaseLocks_FreesThoseOfOneProgramOnly) {
  const Ring ring = make({});
  TestMapping program(ring.fd(), ring.geometry());
  const std::uint32_t first = ring.geometry().index_count;
  std::uint64_t& dead = program.writer(first).stream().owner;
  std::uint64_t& other = program.writer(first + 1).stream().owner;
  dead = UINT64_C(7) << 32 | 1234;
  other = UINT64_C(8) << 32 | 1234;
  EXPECT_EQ(ring.release_locks(7), 1u);
  EXPECT_EQ(dead, 0u);
  EXPECT_NE(other, 0u);
  EXPECT_EQ(ring.release_locks(7), 0u);
}

TEST(Ring, TooLargeForMemory_NamesTheSizes) {
  RingOptions options;
  options.subbuf_bytes = ByteCount{SILLAGE_RING_MAX_SUBBUF_BYTES};
  options.subbuf_count = 8192;
  const auto ring = Ring::create(options, kNow);
  ASSERT_FALSE(ring);
  EXPECT_NE(ring.error().message.find("8192 x 33554432 bytes"), std::string::npos)
      << ring.error().message;
}

}  // namespace
}  // namespace sillage::ring
