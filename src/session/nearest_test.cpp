// SPDX-License-Identifier: MIT
#include "session/nearest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sillage::session {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Nearest, EditDistance_CountsSteps) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("start", "stop"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, Misspelt_IsFound) {
  std::vector<std::string> names = {"kv:get", "kv:put", "kv:evict", "net:accept"};
  EXPECT_THAT(nearest_names("kv:got", names, 3), ElementsAre("kv:get", "kv:put"));
  EXPECT_THAT(nearest_names("KV:EVICTED", names, 3), ElementsAre("kv:evict"));
  EXPECT_THAT(nearest_names("net:*", names, 3), ElementsAre("net:accept"));
  EXPECT_THAT(nearest_names("database:commit", names, 3), IsEmpty());
}

}  // namespace
}  // namespace sillage::session
