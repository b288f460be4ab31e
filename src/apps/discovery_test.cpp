// SPDX-License-Identifier: MIT
#include "apps/discovery.hpp"

#include "apps/proc_files.hpp"
#include "apps/test_image.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace sillage::apps {
namespace {

using testing::ImageBuilder;
using testing::memory_file;

/// `sleep` with an image among its descriptors and this runtime directory in its environment.
pid_t start_holder(const Fd& image, const std::string& directory) {
  int descriptor = fcntl(image.value(), F_DUPFD, 100);  // without CLOEXEC
  pid_t pid = fork();
  if (pid == 0) {
    std::string variable = "SILLAGE_RUNTIME_DIR=" + directory;
    char* environment[] = {variable.data(), nullptr};
    execle("/bin/sleep", "sleep", "30", static_cast<char*>(nullptr), environment);
    _exit(127);
  }
  close(descriptor);
  for (int i = 0; i < 500 && process_facts(pid)->name != "sleep"; ++i) usleep(2000);
  return pid;
}

TEST(Discovery, FindsImagesOfItsOwnDirectoryOnly) {
  const std::string directory = "/tmp/sillage-discovery-" + std::to_string(getpid());
  ImageBuilder builder;
  builder.event("app", "start");
  Fd image = memory_file(builder.bytes());
  pid_t holder = start_holder(image, directory), second = start_holder(image, directory);
  auto found = find_images({directory, SILLAGE_DOMAIN_USER}, getuid());
  auto elsewhere = find_images({directory + "x", SILLAGE_DOMAIN_USER}, getuid());
  for (pid_t pid : {holder, second}) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  // Both hold the same memory: it is the older one's.
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].pid, std::min(holder, second));
  struct stat expected = {}, actual = {};
  fstat(image.value(), &expected);
  fstat(found[0].image.value(), &actual);
  EXPECT_EQ(actual.st_ino, expected.st_ino);
  EXPECT_TRUE(elsewhere.empty());
}

TEST(ProcFiles, OwnFacts) {
  auto facts = process_facts(getpid());
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->parent, getppid());
  EXPECT_GT(facts->start_ticks, 0u);
  EXPECT_EQ(process_owner(getpid()), geteuid());
  EXPECT_EQ(innermost_pid(getpid()), getpid());
  EXPECT_TRUE(is_descendant(getpid(), getppid()));
  EXPECT_TRUE(is_descendant(getpid(), getpid()));
  EXPECT_FALSE(is_descendant(getppid(), getpid()));
  EXPECT_FALSE(process_facts(0x7fffffff));
  EXPECT_FALSE(process_owner(0x7fffffff));
}

TEST(ProcFiles, VirtualIds_AreThoseOfTheNamespace) {
  EXPECT_EQ(virtual_user(getpid()), getuid());
  EXPECT_EQ(virtual_group(getpid()), getgid());
  EXPECT_EQ(parse_real_id("Name:\tx\nUid:\t7\t8\t9\t9\nGid:\t3\t4\t5\t6\n", "Gid:"), 3u);
  EXPECT_FALSE(parse_real_id("Name:\tUid:\n", "Uid:"));
  const std::string map = "         0       1000          1\n         1     100000      65536\n";
  EXPECT_EQ(parse_mapped_id(map, 1000), 0u);
  EXPECT_EQ(parse_mapped_id(map, 100010), 11u);
  EXPECT_FALSE(parse_mapped_id(map, 0));
  EXPECT_FALSE(parse_mapped_id(map, 1001));
  EXPECT_FALSE(parse_mapped_id("", 0));
}

TEST(ProcFiles, Maps_FindsImagesAmongOtherLines) {
  auto images = parse_mapped_images(
      "55d0c0000000-55d0c0001000 r--p 00000000 fd:01 123 /usr/bin/cat\n"
      "7f0000000000-7f0000001000 rw-s 00000000 00:01 2060 /memfd:sillage-image (deleted)\n"
      "7f0000002000-7f0000003000 rw-s 00000000 00:01 zzz /memfd:sillage-image (deleted)\n"
      "garbage\n"
      "7f0000004000-7f0000005000 rw-s 00000000 00:1a 77 /memfd:sillage-image (deleted)");
  ASSERT_EQ(images.size(), 2u);
  EXPECT_EQ(images[0], (ImageInode{makedev(0, 1), 2060}));
  EXPECT_EQ(images[1], (ImageInode{makedev(0, 0x1a), 77}));
}

}  // namespace
}  // namespace sillage::apps
