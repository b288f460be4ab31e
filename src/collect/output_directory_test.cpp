// SPDX-License-Identifier: MIT
#include "collect/output_directory.hpp"

#include "collect/append_file.hpp"
#include "collect/test_recording.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace sillage::collect {
namespace {

constexpr uid_t kMember = 4242;

uid_t owner_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_uid;
}

TEST(OutputDirectory, PathsOfAnyKind_AreMade) {
  const TemporaryDirectory place;
  for (const char* path : {"/a", "/b/c", "//d///e//", "/b/../f"}) {
    const auto made = make_directory(place.path() + path);
    ASSERT_TRUE(made) << made.error().text();
    struct stat status {
    }, there{};
    ASSERT_EQ(::fstat(made->value(), &status), 0);
    ASSERT_EQ(::stat((place.path() + path).c_str(), &there), 0);
    EXPECT_EQ(status.st_ino, there.st_ino) << path;
  }
  EXPECT_FALSE(make_directory(""));
  ASSERT_EQ(::symlink("/proc/self/environ", (place.path() + "/file").c_str()), 0);
  const auto refused = make_directory(place.path() + "/file/x");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find(place.path() + "/file"), std::string::npos)
      << refused.error().text();
}

class GivenDirectory : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root gives away what it makes";
  }
  TemporaryDirectory place_;
};

TEST_F(GivenDirectory, WhatIsMade_IsTheOwners) {
  const std::string top = place_.path() + "/x";
  ASSERT_TRUE(make_directory(top));
  const auto made = make_directory(top + "/y/z", Owner{kMember, kMember});
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(owner_of(top), 0u);
  EXPECT_EQ(owner_of(top + "/y"), kMember);
  EXPECT_EQ(owner_of(top + "/y/z"), kMember);
  // What is below follows, whoever asks for it.
  ASSERT_TRUE(make_directory_below(made->value(), "ust/uid"));
  ASSERT_TRUE(AppendFile::create(made->value(), "metadata"));
  for (const char* name : {"/ust", "/ust/uid", "/metadata"})
    EXPECT_EQ(owner_of(top + "/y/z" + name), kMember) << name;
}

TEST_F(GivenDirectory, WhatIsThere_StaysWhoseItIs) {
  const std::string top = place_.path() + "/x";
  ASSERT_TRUE(make_directory(top));
  const auto made = make_directory(top, Owner{kMember, kMember});
  ASSERT_TRUE(made);
  EXPECT_EQ(owner_of(top), 0u);
  ASSERT_TRUE(AppendFile::create(made->value(), "metadata"));
  EXPECT_EQ(owner_of(top + "/metadata"), 0u);
}

}  // namespace
}  // namespace sillage::collect
