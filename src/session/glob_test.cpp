// SPDX-License-Identifier: MIT
#include "session/glob.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sillage::session {
namespace {

TEST(Glob, Literal_MatchesItselfOnly) {
  EXPECT_TRUE(glob_matches("app:start", "app:start"));
  EXPECT_FALSE(glob_matches("app:start", "app:star"));
  EXPECT_FALSE(glob_matches("app:start", "app:started"));
  EXPECT_TRUE(glob_matches("", ""));
  EXPECT_FALSE(glob_matches("", "a"));
}

TEST(Glob, Star_MatchesAnyRun) {
  EXPECT_TRUE(glob_matches("*", ""));
  EXPECT_TRUE(glob_matches("*", "app:start"));
  EXPECT_TRUE(glob_matches("app:*", "app:"));
  EXPECT_TRUE(glob_matches("*:s*t", "app:start"));
  EXPECT_TRUE(glob_matches("a**t", "app:start"));
  EXPECT_FALSE(glob_matches("app:*x", "app:start"));
  // The first possible run for a star is not the right one.
  EXPECT_TRUE(glob_matches("*ab*abc", "abxabxababc"));
  EXPECT_FALSE(glob_matches("*ab*abd", "abxabxababc"));
}

TEST(Glob, Escape_TakesMeaningAway) {
  EXPECT_TRUE(glob_matches("a\\*b", "a*b"));
  EXPECT_FALSE(glob_matches("a\\*b", "axb"));
  EXPECT_TRUE(glob_matches("a\\\\b", "a\\b"));
  EXPECT_TRUE(glob_matches("a\\", "a\\"));  // nothing behind it: itself
  EXPECT_FALSE(is_glob("a\\*"));
  EXPECT_TRUE(is_glob("a\\\\*"));
}

TEST(Glob, ManyStars_AreCheap) {
  std::string pattern, text(4096, 'a');
  for (int i = 0; i < 500; ++i) pattern += "*a";
  EXPECT_TRUE(glob_matches(pattern, text));
  EXPECT_FALSE(glob_matches(pattern + "b", text));
}

}  // namespace
}  // namespace sillage::session
