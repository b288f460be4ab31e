// SPDX-License-Identifier: MIT
#include "tracefs/kernel_events.hpp"

#include <gtest/gtest.h>

namespace sillage::tracefs {
namespace {

TEST(Tracefs, Mounts_TheUsualPlaceIsPreferred) {
  EXPECT_EQ(tracefs_mount("proc /proc proc rw 0 0\n"), std::nullopt);
  EXPECT_EQ(tracefs_mount("tracefs /sys/kernel/debug/tracing tracefs rw 0 0\n"),
            "/sys/kernel/debug/tracing");
  EXPECT_EQ(tracefs_mount("tracefs /sys/kernel/debug/tracing tracefs rw 0 0\n"
                          "nodev /sys/kernel/tracing tracefs rw 0 0"),
            "/sys/kernel/tracing");
  EXPECT_EQ(tracefs_mount("tracefs\n\nx y\ntracefs /a ext4 rw 0 0"), std::nullopt);
}

// Whatever this kernel has: every description is read, and only what no program can be attached to is
// set aside.
TEST(Tracefs, RunningKernel_EveryFormatIsRead) {
  const auto root = find_tracefs();
  if (!root) GTEST_SKIP() << root.error().text();
  const auto names = event_names(*root);
  if (!names) GTEST_SKIP() << names.error().text();
  EXPECT_GT(names->size(), 500u);
  for (const EventName& name : *names) {
    const auto format = read_event_format(*root, name);
    ASSERT_TRUE(format) << format.error().text();
    EXPECT_EQ(format->name, name.event);
    EXPECT_FALSE(format->common.empty()) << name.event;
    const bool is_recordable = why_not_recordable(*root, name).empty();
    EXPECT_TRUE(is_recordable || name.system == "ftrace") << name.event;
  }
  EXPECT_EQ(read_event_format(*root, {"sched", "nothing"}).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace sillage::tracefs
