// SPDX-License-Identifier: MIT
#include "session/snapshot_output.hpp"

#include <gtest/gtest.h>

namespace sillage::session {
namespace {

TEST(SnapshotOutputs, Names_AreLttngs) {
  SnapshotOutputs outputs;
  EXPECT_EQ(outputs.add("", "/a", 0)->name, "snapshot-1");
  EXPECT_EQ(outputs.add("mine", "/b", 5)->id, 2u);
  const auto plans = outputs.plan({}, "20260101-000000");
  ASSERT_TRUE(plans);
  ASSERT_EQ(plans->size(), 2u);
  EXPECT_EQ((*plans)[0].path, "/a/snapshot-1-20260101-000000-0");
  EXPECT_EQ((*plans)[1].path, "/b/mine-20260101-000000-0");
  EXPECT_EQ((*plans)[1].max_bytes, 5u);
  const auto once = outputs.plan({.path = "/c", .max_bytes = 9}, "20260101-000001");
  ASSERT_TRUE(once);
  ASSERT_EQ(once->size(), 1u);
  EXPECT_EQ((*once)[0].path, "/c/snapshot-0-20260101-000001-1");
  EXPECT_EQ((*once)[0].max_bytes, 9u);
}

TEST(SnapshotOutputs, OneNameForTwoInOnePlace_StayTwo) {
  SnapshotOutputs outputs;
  ASSERT_TRUE(outputs.add("", "/a", 0));
  ASSERT_TRUE(outputs.add("", "/a", 0));
  const auto plans = outputs.plan({.name = "x"}, "D");
  ASSERT_TRUE(plans);
  EXPECT_EQ((*plans)[0].path, "/a/x-D-0");
  EXPECT_EQ((*plans)[1].path, "/a/x-D-0-2");
}

TEST(SnapshotOutputs, Remove_ByNameOrId) {
  SnapshotOutputs outputs;
  ASSERT_TRUE(outputs.add("one", "/a", 0));
  ASSERT_TRUE(outputs.add("two", "/a", 0));
  EXPECT_EQ(outputs.remove("2")->name, "two");
  EXPECT_EQ(outputs.remove("two").error().code, Code::kNotFound);
  EXPECT_EQ(outputs.remove("one")->id, 1u);
  EXPECT_EQ(outputs.add("", "/a", 0)->id, 3u);  // an id is never given twice
  EXPECT_TRUE(outputs.remove("3"));
  EXPECT_EQ(outputs.plan({}, "D").error().code, Code::kNotFound);
}

TEST(SnapshotOutputs, WhatCannotBe_IsRefused) {
  SnapshotOutputs outputs;
  ASSERT_TRUE(outputs.add("one", "/a", 0));
  EXPECT_EQ(outputs.add("one", "/b", 0).error().code, Code::kAlreadyExists);
  EXPECT_EQ(outputs.add("a/b", "/b", 0).error().code, Code::kInvalidArgument);
  EXPECT_EQ(outputs.add("..", "/b", 0).error().code, Code::kInvalidArgument);
  EXPECT_EQ(outputs.add("two", "b", 0).error().code, Code::kInvalidArgument);
  EXPECT_EQ(outputs.plan({.name = "a/b"}, "D").error().code, Code::kInvalidArgument);
  EXPECT_EQ(outputs.plan({.path = "b"}, "D").error().code, Code::kInvalidArgument);
  EXPECT_EQ(outputs.all().size(), 1u);
}

}  // namespace
}  // namespace sillage::session
