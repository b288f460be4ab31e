// SPDX-License-Identifier: MIT
#include "sillaged/runtime_directory.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace sillage::daemon {
namespace {

class RuntimeDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/sillage-runtime-test-XXXXXX";
    root_ = mkdtemp(pattern);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  std::string root_;
};

TEST_F(RuntimeDirectoryTest, IsMadeForItsOwnerAlone) {
  const apps::RuntimePaths paths{root_ + "/run", SILLAGE_DOMAIN_USER};
  ASSERT_TRUE(prepare_directory(paths));
  struct stat status = {};
  ASSERT_EQ(stat(paths.directory.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  EXPECT_TRUE(prepare_directory(paths));
}

TEST_F(RuntimeDirectoryTest, Malicious_WhereOthersMayWrite_IsRefused) {
  const apps::RuntimePaths paths{root_ + "/run", SILLAGE_DOMAIN_USER};
  ASSERT_EQ(mkdir(paths.directory.c_str(), 0700), 0);
  ASSERT_EQ(chmod(paths.directory.c_str(), 0777), 0);
  EXPECT_EQ(prepare_directory(paths).error().code, Code::kPermission);
}

TEST_F(RuntimeDirectoryTest, Malicious_LinkOrFile_IsRefused) {
  const apps::RuntimePaths link{root_ + "/link", SILLAGE_DOMAIN_USER},
      file{root_ + "/file", SILLAGE_DOMAIN_USER};
  ASSERT_EQ(symlink("/tmp", link.directory.c_str()), 0);
  EXPECT_EQ(prepare_directory(link).error().code, Code::kPermission);
  Fd made(creat(file.directory.c_str(), 0600));
  EXPECT_EQ(prepare_directory(file).error().code, Code::kPermission);
}

TEST_F(RuntimeDirectoryTest, F32_Lock_IsHeldOnce) {
  const apps::RuntimePaths paths{root_, SILLAGE_DOMAIN_USER};
  auto first = lock_directory(paths);
  ASSERT_TRUE(first) << first.error().text();
  auto second = lock_directory(paths);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kAlreadyExists);
  EXPECT_NE(second.error().message.find(std::to_string(getpid())), std::string::npos);
  first->reset();
  EXPECT_TRUE(lock_directory(paths));
}

}  // namespace
}  // namespace sillage::daemon
