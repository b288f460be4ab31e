// SPDX-License-Identifier: MIT
#include "session/rotation.hpp"

#include <gtest/gtest.h>

namespace sillage::session {
namespace {

TEST(Rotation, Chunks_FollowEachOtherWhileActive) {
  Rotation rotation;
  EXPECT_EQ(rotation.archive("B").error().code, Code::kNotReady);
  rotation.start("A");
  EXPECT_EQ(*rotation.archive("B"), "archives/A-B-0");
  rotation.archived("B", true);
  rotation.start("C");  // again: the chunk that is open stays
  EXPECT_EQ(*rotation.archive("D"), "archives/B-D-1");
  EXPECT_TRUE(rotation.has_archives());
}

TEST(Rotation, Cleared_IsAChunkThatNobodyHas) {
  Rotation rotation;
  rotation.cleared("0");
  rotation.start("A");
  rotation.cleared("B");
  EXPECT_FALSE(rotation.has_archives());
  EXPECT_EQ(*rotation.archive("C"), "archives/B-C-1");
}

TEST(Rotation, Stopped_OnceUntilStartedAgain) {
  Rotation rotation;
  rotation.start("A");
  rotation.archived("B", false);
  EXPECT_FALSE(rotation.is_open());
  EXPECT_EQ(rotation.archive("C").error().code, Code::kAlreadyExists);
  rotation.start("D");
  EXPECT_EQ(*rotation.archive("E"), "archives/D-E-1");
}

TEST(Rotation, Schedules_EachOnceAndBothAtATime) {
  Rotation rotation;
  EXPECT_EQ(rotation.schedule(Nanoseconds{0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(rotation.schedule(ByteCount{0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(rotation.cancel_period().error().code, Code::kNotFound);
  EXPECT_EQ(rotation.cancel_size().error().code, Code::kNotFound);
  EXPECT_TRUE(rotation.schedule(Nanoseconds{5}));
  EXPECT_TRUE(rotation.schedule(ByteCount{6}));
  EXPECT_EQ(rotation.schedule(Nanoseconds{7}).error().code, Code::kAlreadyExists);
  EXPECT_EQ(rotation.schedule(ByteCount{7}).error().code, Code::kAlreadyExists);
  EXPECT_EQ(rotation.period()->value, 5u);
  EXPECT_TRUE(rotation.cancel_period());
  EXPECT_FALSE(rotation.period());
  EXPECT_EQ(rotation.size()->value, 6u);
  EXPECT_TRUE(rotation.cancel_size());
  EXPECT_FALSE(rotation.size());
}

}  // namespace
}  // namespace sillage::session
