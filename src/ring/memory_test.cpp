// SPDX-License-Identifier: MIT
#include "ring/memory.hpp"

#include "base/fd.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace sillage::ring {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = 1 << 20;

/// A tree of control groups, as files.
class Groups : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "sillage-groups-" + std::to_string(::getpid());
    fs::create_directories(root_ + "/service/worker");
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string& file, const std::string& text) const {
    std::ofstream(root_ + file) << text << "\n";
  }
  [[nodiscard]] std::uint64_t available() const {
    return cgroup_available_bytes(root_, "/service/worker");
  }
  std::string root_;
};

TEST_F(Groups, WithoutLimits_AllIsAvailable) {
  EXPECT_EQ(available(), UINT64_MAX);
  write("/service/worker/memory.max", "max");
  write("/service/worker/memory.current", "4096");
  EXPECT_EQ(available(), UINT64_MAX);
}

TEST_F(Groups, TheNarrowestLimit_Counts) {
  write("/service/worker/memory.max", std::to_string(100 * kMiB));
  write("/service/worker/memory.current", std::to_string(30 * kMiB));
  EXPECT_EQ(available(), 70 * kMiB);
  write("/service/memory.max", std::to_string(50 * kMiB));
  write("/service/memory.current", std::to_string(45 * kMiB));
  EXPECT_EQ(available(), 5 * kMiB);
  // Pages of files go when others need the room; what is in memory files does not.
  write("/service/memory.stat", "anon 1000\nfile " + std::to_string(44 * kMiB) + "\nshmem " +
                                    std::to_string(4 * kMiB) + "\ninactive_file " +
                                    std::to_string(30 * kMiB) + "\nactive_file " +
                                    std::to_string(10 * kMiB));
  EXPECT_EQ(available(), 45 * kMiB);
  write("/service/memory.current", std::to_string(60 * kMiB));
  write("/service/memory.stat", "inactive_file 0");
  EXPECT_EQ(available(), 0u);
}

TEST_F(Groups, Version1_CountsToo) {
  write("/service/memory.limit_in_bytes", std::to_string(100 * kMiB));
  write("/service/memory.usage_in_bytes", std::to_string(90 * kMiB));
  write("/service/memory.stat", "inactive_file 4096\ntotal_inactive_file " +
                                    std::to_string(20 * kMiB) + "\ntotal_active_file 0");
  write("/memory.limit_in_bytes", "9223372036854771712");  // none
  write("/memory.usage_in_bytes", std::to_string(95 * kMiB));
  EXPECT_EQ(available(), 30 * kMiB);
}

TEST_F(Groups, PathsOfAnyKind_AreWalkedToTheRoot) {
  write("/memory.max", std::to_string(8 * kMiB));
  write("/memory.current", "0");
  for (const char* group : {"", "/", "//", "service", "service/worker/", "/gone (deleted)", "a//b"})
    EXPECT_EQ(cgroup_available_bytes(root_, group), 8 * kMiB) << group;
}

std::string group_of(const std::string& text, std::string_view controller) {
  std::istringstream lines(text);
  return cgroup_in(lines, controller);
}

TEST(OwnGroup, IsTheLinesThirdField) {
  const std::string both =
      "10:name=x:/0::/odd:memory:/wrong\n4:memory:/docker/7\n0::/user.slice/a:b\n";
  EXPECT_EQ(group_of(both, ""), "/user.slice/a:b");
  EXPECT_EQ(group_of(both, "memory"), "/docker/7");
  EXPECT_EQ(group_of("0::/\n", "memory"), "/");
}

TEST(OwnGroup, Malicious_LeadsNowhereElse) {
  for (const char* text : {"", "\n", ":", "::", "0::", "0::a", "0::..", "0::/..", "0::/../../etc",
                           "0::/a/../..", "0:/", "0"})
    EXPECT_EQ(group_of(text, ""), "/") << text;
  EXPECT_EQ(group_of("0::/..a/b..", ""), "/..a/b..");
}

TEST(Memory, Available_IsLessThanThereIs) {
  const auto all = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                   static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_GT(available_memory_bytes(), 0u);
  EXPECT_LT(available_memory_bytes(), all);
}

TEST(Memory, Resident_IsWhatWasWrittenOfThePart) {
  const Fd file(::memfd_create("sillage-memory-test", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.value(), 64 << 20), 0);
  EXPECT_EQ(resident_bytes(file.value(), 0, 64 << 20), 0u);
  const std::string page(4096, 'x');
  for (const off_t at : {off_t{0}, off_t{8192}, off_t{32 << 20}})
    ASSERT_EQ(::pwrite(file.value(), page.data(), page.size(), at), 4096);
  EXPECT_EQ(resident_bytes(file.value(), 0, 64 << 20), 3 * 4096u);
  EXPECT_EQ(resident_bytes(file.value(), 4096, 32 << 20), 2 * 4096u);
  EXPECT_EQ(resident_bytes(file.value(), 12288, kMiB), 0u);
  EXPECT_EQ(resident_bytes(file.value(), 0, 0), 0u);
  EXPECT_EQ(resident_bytes(-1, 0, 4096), 0u);
}

}  // namespace
}  // namespace sillage::ring
