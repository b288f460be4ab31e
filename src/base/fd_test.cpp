// SPDX-License-Identifier: MIT
#include "base/fd.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>

namespace sillage {
namespace {

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

int open_something() { return memfd_create("fd_test", MFD_CLOEXEC); }

TEST(Fd, End_ClosesOnce) {
  const int number = open_something();
  ASSERT_GE(number, 0);
  { const Fd fd(number); }
  EXPECT_FALSE(is_open(number));
}

TEST(Fd, Move_LeavesNothingBehindAndClosesWhatWasThere) {
  const int first = open_something();
  const int second = open_something();
  Fd target(first);
  Fd source(second);
  target = std::move(source);
  EXPECT_FALSE(is_open(first));
  EXPECT_EQ(target.value(), second);
  EXPECT_FALSE(
      static_cast<bool>(source));  // NOLINT(bugprone-use-after-move): the state is promised
}

TEST(Fd, MoveToItself_KeepsTheDescriptor) {
  Fd fd(open_something());
  Fd& same = fd;
  fd = std::move(same);
  EXPECT_TRUE(is_open(fd.value()));
}

TEST(Fd, Release_LeavesTheDescriptorOpen) {
  int number = -1;
  {
    Fd fd(open_something());
    number = fd.release();
  }
  EXPECT_TRUE(is_open(number));
  ::close(number);
}

TEST(Fd, Default_HoldsNothing) {
  const Fd fd;
  EXPECT_FALSE(fd);
  EXPECT_EQ(fd.value(), -1);
}

}  // namespace
}  // namespace sillage
