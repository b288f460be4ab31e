// SPDX-License-Identifier: MIT
// F20 with a real file system that is really full: a tmpfs of one megabyte in a mount namespace of
// the test's own.
#include "collect/collector.hpp"
#include "collect/test_recording.hpp"

#include <gtest/gtest.h>

#include <sched.h>
#include <sys/mount.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace sillage::collect {
namespace {

using std::chrono::milliseconds;

class DiskFullTest : public CollectorTest {
 protected:
  void SetUp() override {
    CollectorTest::SetUp();
    // Threads made from here on, the collector's too, see the same mounts as this one.
    if (::unshare(CLONE_NEWNS) != 0) GTEST_SKIP() << "needs CAP_SYS_ADMIN";
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    ASSERT_EQ(::mount("tmpfs", output_.path().c_str(), "tmpfs", 0, "size=1M"), 0);
    mounted_ = true;
  }
  void TearDown() override {
    collector_.reset();
    if (mounted_) ::umount2(output_.path().c_str(), MNT_DETACH);
  }

  // Records for `rounds` times 2 ms; returns the events that the ring had no room for.
  std::uint64_t record(ring::TestWriter& writer, int rounds) {
    std::uint64_t lost = 0;
    for (int i = 0; i < rounds; ++i) {
      lost += 1000 - emit(writer, 1000);
      std::this_thread::sleep_for(milliseconds(2));
    }
    return lost;
  }

  TemporaryDirectory output_;
  bool mounted_ = false;
};

TEST_F(DiskFullTest, FullThenFreed_EndsOnAPacketCountsAndResumes) {
  {
    std::ofstream ballast(output_.path() + "/ballast");
    ballast << std::string(400'000, 'x');
  }
  start(output_.path());
  ring::TestWriter writer = program_->writer(0);
  std::uint64_t full = record(writer, 150);  // 1.8 MB
  ASSERT_TRUE(eventually([&] { return collector_->stats().output_failing; }));
  EXPECT_NE(collector_->stats().output_error.find("channel0_0"), std::string::npos);
  const Stats before = collector_->stats();
  EXPECT_GT(before.events, 0u);
  EXPECT_GT(before.lost.disk, 0u);
  const auto whole = read_packets(directory_, "channel0_0");  // checks that it ends on a packet
  EXPECT_GE(whole.size(), before.packets);

  // Declaring an event fails and leaves the metadata as it was.
  const auto metadata = std::filesystem::file_size(directory_ / "metadata");
  const std::string long_name(100'000, 'n');
  const auto refused = collector_->add_event(channel_, {.name = long_name});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kNoSpace);
  EXPECT_EQ(std::filesystem::file_size(directory_ / "metadata"), metadata);

  std::filesystem::remove(output_.path() + "/ballast");
  std::this_thread::sleep_for(milliseconds(150));
  full += record(writer, 5);
  const Stats after = collector_->stop();
  EXPECT_FALSE(after.output_failing);
  EXPECT_GT(after.events, before.events);
  EXPECT_EQ(after.lost.full, full);
  EXPECT_EQ(after.events + after.lost.total(), number_);
  const auto packets = read_packets(directory_, "channel0_0");
  EXPECT_EQ(packets.size(), after.packets);
  EXPECT_EQ(packets.back().discarded, after.lost.total());
}

TEST_F(DiskFullTest, FullFromTheBeginning_NamesIt) {
  {
    std::ofstream ballast(output_.path() + "/ballast");
    ballast << std::string(1 << 20, 'x');
  }
  auto collector = Collector::create({.output_path = output_.path() + "/a"}, *clock_);
  ASSERT_TRUE(collector);
  const auto trace = (*collector)->open_trace({.directory = kTestTrace, .environment = {}});
  ASSERT_FALSE(trace);
  EXPECT_EQ(trace.error().code, Code::kNoSpace);
  EXPECT_NE(trace.error().message.find("metadata"), std::string::npos) << trace.error().message;
}

}  // namespace
}  // namespace sillage::collect
