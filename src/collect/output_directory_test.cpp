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
    ASSERT_EQ(::chmod(place_.path().c_str(), 0755), 0);
    ASSERT_EQ(::mkdir(home_.c_str(), 0700), 0);
    ASSERT_EQ(::chown(home_.c_str(), kMember, kMember), 0);
  }
  const TemporaryDirectory place_;
  const std::string home_ = place_.path() + "/home";
  const Identity member_{kMember, kMember, {}};
};

TEST_F(GivenDirectory, WhatIsMade_IsTheMembers) {
  const auto made = make_directory_as(member_, home_ + "/y/z");
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(owner_of(home_ + "/y"), kMember);
  EXPECT_EQ(owner_of(home_ + "/y/z"), kMember);
  // What is below follows, whoever asks for it.
  ASSERT_TRUE(make_directory_below(made->value(), "ust/uid"));
  ASSERT_TRUE(AppendFile::create(made->value(), "metadata"));
  for (const char* name : {"/ust", "/ust/uid", "/metadata"})
    EXPECT_EQ(owner_of(home_ + "/y/z" + name), kMember) << name;
}

TEST_F(GivenDirectory, WhereTheMemberMayNot_IsRefused) {
  const std::string roots = place_.path() + "/roots";
  ASSERT_TRUE(make_directory(roots));
  ASSERT_EQ(::chmod(roots.c_str(), 0755), 0);
  ASSERT_EQ(::symlink(roots.c_str(), (home_ + "/link").c_str()), 0);
  for (const std::string& way : {roots, home_ + "/link"}) {
    const auto there = make_directory_as(member_, way);
    ASSERT_FALSE(there) << way;
    EXPECT_EQ(there.error().code, Code::kPermission);
    EXPECT_NE(there.error().text().find("cannot write in directory " + way), std::string::npos)
        << there.error().text();
    const auto below = make_directory_as(member_, way + "/x/y");
    ASSERT_FALSE(below);
    EXPECT_NE(below.error().text().find("cannot make directory " + way + "/x"), std::string::npos)
        << below.error().text();
  }
  EXPECT_NE(::access((roots + "/x").c_str(), F_OK), 0);
  // Root may, and what is root's stays root's.
  const auto made = make_directory(roots);
  ASSERT_TRUE(made);
  ASSERT_TRUE(AppendFile::create(made->value(), "metadata"));
  EXPECT_EQ(owner_of(roots + "/metadata"), 0u);
}

TEST_F(GivenDirectory, WhatSomebodyPreparedWhereAnybodyMay_IsRefused) {
  const std::string open_to_all = place_.path() + "/tmp";
  ASSERT_TRUE(make_directory(open_to_all));
  ASSERT_EQ(::chmod(open_to_all.c_str(), 01777), 0);
  ASSERT_TRUE(make_directory_as(member_, open_to_all + "/x/y"));
  ASSERT_EQ(::chmod((open_to_all + "/x").c_str(), 0777), 0);
  ASSERT_EQ(::symlink(home_.c_str(), (open_to_all + "/link").c_str()), 0);
  ASSERT_EQ(::lchown((open_to_all + "/link").c_str(), kMember, kMember), 0);
  for (const char* name : {"/x", "/x/y", "/x/new", "/link", "/link/new"}) {
    const auto refused = make_directory(open_to_all + name);
    ASSERT_FALSE(refused) << name;
    EXPECT_NE(refused.error().text().find("another user has made it"), std::string::npos)
        << refused.error().text();
  }
  const Identity other{kMember + 1, kMember + 1, {}};
  EXPECT_FALSE(make_directory_as(other, open_to_all + "/x"));
  // To whom it belongs, it is as good as any; so is what is not there yet, and what root has made.
  EXPECT_TRUE(make_directory_as(member_, open_to_all + "/x"));
  EXPECT_TRUE(make_directory(open_to_all + "/new/one"));
  EXPECT_TRUE(make_directory(open_to_all + "/new/one"));
  EXPECT_TRUE(make_directory(home_ + "/x"));
}

TEST_F(GivenDirectory, WhatWasPutInItsPlace_IsNotGiven) {
  const auto home = make_directory(home_);
  ASSERT_TRUE(home);
  const auto roots = make_directory(place_.path() + "/roots");
  ASSERT_TRUE(roots);
  ASSERT_TRUE(AppendFile::create(roots->value(), "secret"));
  give_to_owner_of(home->value(), roots->value());
  EXPECT_EQ(owner_of(place_.path() + "/roots"), 0u);
}

TEST_F(GivenDirectory, RootRemoves_WhatItsOwnerMay) {
  const auto made = make_directory_as(member_, home_ + "/x");
  ASSERT_TRUE(made);
  ASSERT_TRUE(make_directory_below(made->value(), "kernel/index"));
  const std::string roots = place_.path() + "/roots";
  ASSERT_TRUE(make_directory(roots));
  // Meanwhile the way leads elsewhere: to what is root's.
  ASSERT_EQ(::rename((home_ + "/x").c_str(), (home_ + "/moved").c_str()), 0);
  ASSERT_EQ(::symlink(place_.path().c_str(), (home_ + "/link").c_str()), 0);
  remove_output(made->value(), home_ + "/link/roots", {"kernel"});
  EXPECT_EQ(owner_of(roots), 0u);
  EXPECT_NE(::access((home_ + "/moved/kernel").c_str(), F_OK), 0);
  remove_output(made->value(), home_ + "/moved", {"kernel"});
  EXPECT_NE(::access((home_ + "/moved").c_str(), F_OK), 0);
}

TEST(OutputDirectory, AnotherOfTheName_IsNotOpenedAgain) {
  const TemporaryDirectory place;
  const std::string path = place.path() + "/x";
  const auto made = make_directory(path);
  ASSERT_TRUE(made);
  const auto id = directory_id(made->value());
  ASSERT_TRUE(id);
  EXPECT_TRUE(open_directory_again(path, *id));
  ASSERT_EQ(::rename(path.c_str(), (place.path() + "/moved").c_str()), 0);
  EXPECT_FALSE(open_directory_again(path, *id));
  ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
  EXPECT_FALSE(open_directory_again(path, *id));
  EXPECT_TRUE(open_directory_again(place.path() + "/moved", *id));
}

}  // namespace
}  // namespace sillage::collect
