// SPDX-License-Identifier: MIT
// Rings in files: what a memfd's seals forbid happens, and what the files say is not believed.
#include "ring/bus_guard.hpp"
#include "ring/ring.hpp"
#include "ring/test_writer.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

namespace sillage::ring {
namespace {

constexpr Nanoseconds kNow{1'000'000'000};

class RingFile : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sillage-ring-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    path_ = name;
    folder_ = Fd(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  ~RingFile() override {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] Result<Ring> create() const {
    RingOptions options;
    options.subbuf_bytes = ByteCount{4096};
    return Ring::create(options, kNow, {folder_.value(), "r"});
  }
  [[nodiscard]] std::string file() const { return path_ + "/r"; }
  [[nodiscard]] Result<Ring> remains() const {
    return Ring::open_remains(Fd(::open(file().c_str(), O_RDONLY | O_CLOEXEC)), "r");
  }
  void put(std::size_t offset, std::uint64_t value, std::size_t bytes) const {
    const Fd to(::open(file().c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(to.value(), &value, bytes, static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes));
  }

  std::string path_;
  Fd folder_;
};

TEST_F(RingFile, Create_TakesAllItsRoomAndNobodyElsesName) {
  const auto ring = create();
  ASSERT_TRUE(ring) << ring.error().text();
  struct stat status {};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  EXPECT_EQ(static_cast<std::uint64_t>(status.st_size), ring->geometry().total_bytes);
  EXPECT_GE(static_cast<std::uint64_t>(status.st_blocks) * 512, ring->geometry().total_bytes);
  const auto again = create();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kAlreadyExists);
  ASSERT_EQ(::unlink(file().c_str()), 0);
  ASSERT_EQ(::symlink("elsewhere", file().c_str()), 0);
  EXPECT_FALSE(create());
  EXPECT_FALSE(std::filesystem::exists(path_ + "/elsewhere"));
}

TEST_F(RingFile, Remains_AreReadAndStayAsTheyAre) {
  std::vector<std::byte> buffer(4096);
  {
    const auto ring = create();
    ASSERT_TRUE(ring);
    TestMapping program(ring->fd(), ring->geometry());
    TestWriter writer = program.writer(0);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(writer.emit(1, kNow.value + 1));
    ASSERT_TRUE(writer.switch_subbuf(kNow.value + 2));
    ASSERT_TRUE(writer.emit(1, kNow.value + 3));
  }
  for (int times = 0; times < 2; ++times) {
    const auto ring = remains();
    ASSERT_TRUE(ring) << ring.error().text();
    StreamReader reader = ring->reader(0);
    const auto closed = reader.next_run(buffer, true);
    ASSERT_TRUE(closed);
    EXPECT_EQ(closed->events, 3u);
    const auto open = reader.next_run(buffer, true);
    ASSERT_TRUE(open);
    EXPECT_EQ(open->events, 1u);
  }
}

TEST_F(RingFile, Hostile_HeadersAreRefusedWithTheirPlace) {
  struct Case {
    std::size_t offset, bytes;
    std::uint64_t value;
    const char* place;
  };
  const Case cases[] = {
      {offsetof(sillage_ring_header, magic), 8, 1, "r@0"},
      {offsetof(sillage_ring_header, abi_major), 4, 9, "r@8"},
      {offsetof(sillage_ring_header, subbuf_bytes), 8, 4097, "r@24"},
      {offsetof(sillage_ring_header, subbuf_bytes), 8, UINT64_C(1) << 60, "r@24"},
      {offsetof(sillage_ring_header, subbuf_count), 4, 0xffffffff, "r@24"},
      {offsetof(sillage_ring_header, index_count), 4, 0xffffffff, "r@24"},
      {offsetof(sillage_ring_header, stream_count), 4, 1, "r@40"},
      {offsetof(sillage_ring_header, data_offset), 8, 1, "r@40"},
      {offsetof(sillage_ring_header, total_bytes), 8, UINT64_C(1) << 62, "r@40"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.offset);
    ::unlink(file().c_str());
    ASSERT_TRUE(create());
    put(each.offset, each.value, each.bytes);
    const auto ring = remains();
    ASSERT_FALSE(ring);
    EXPECT_EQ(ring.error().location, each.place);
  }
  for (const std::uint64_t size : {UINT64_C(0), UINT64_C(100), UINT64_C(5000), UINT64_C(1) << 40}) {
    ::unlink(file().c_str());
    ASSERT_TRUE(create());
    ASSERT_EQ(::truncate(file().c_str(), static_cast<off_t>(size)), 0);
    EXPECT_FALSE(remains()) << size;
  }
}

TEST_F(RingFile, Truncated_ReaderFindsNothingAndLives) {
  for (const std::uint64_t left : {UINT64_C(0), UINT64_C(4096)}) {
    ::unlink(file().c_str());
    const auto ring = create();
    ASSERT_TRUE(ring);
    TestMapping program(ring->fd(), ring->geometry());
    TestWriter writer = program.writer(0);
    ASSERT_TRUE(writer.emit(1, kNow.value + 1));
    StreamReader reader = ring->reader(0);
    std::vector<std::byte> buffer(4096);
    ASSERT_EQ(::truncate(file().c_str(), static_cast<off_t>(left)), 0);
    EXPECT_FALSE(ring->is_cut());
    (void)reader.next_run(buffer, true);
    (void)ring->arm();
    // Of the last stream, which is not in the first page.
    (void)ring->reader(ring->geometry().stream_count - 1).next_run(buffer, true);
    (void)ring->release_locks(1);
    // The control areas of a small machine may all be in the page that is left.
    EXPECT_TRUE(ring->is_cut() || (left != 0 && ring->geometry().data_offset <= left));
  }
}

TEST(BusGuard, Watch_OtherMappingsAndOtherHandlersAreAsBefore) {
  const Fd file(::memfd_create("short", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.value(), 8192), 0);
  const auto map = [&] {
    return static_cast<volatile char*>(
        ::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file.value(), 0));
  };
  volatile char* const watched = map();
  volatile char* const other = map();
  {
    auto guard = BusGuard::watch(const_cast<char*>(watched), 8192);
    ASSERT_TRUE(guard);
    watched[5000] = 7;
    ASSERT_EQ(::ftruncate(file.value(), 0), 0);
    EXPECT_FALSE(guard->is_hit());
    EXPECT_EQ(watched[5000], 0);
    watched[10] = 1;
    EXPECT_EQ(watched[10], 1);
    EXPECT_TRUE(guard->is_hit());
    EXPECT_DEATH((void)other[0], "");
  }
  EXPECT_DEATH((void)other[5000], "");
}

}  // namespace
}  // namespace sillage::ring
