// SPDX-License-Identifier: MIT
#include "base/result.hpp"

#include <gtest/gtest.h>

namespace sillage {
namespace {

TEST(Result, Failure_CarriesCodeMessageAndPlace) {
  const Result<int> result = fail(Code::kCorrupt, "length 9 where 4 bytes are left", "ring@128");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kCorrupt);
  EXPECT_EQ(result.error().text(), "ring@128: length 9 where 4 bytes are left");
}

TEST(Result, FailureWithoutPlace_ShowsTheMessageAlone) {
  const Status status = fail(Code::kNotFound, "no such channel");
  EXPECT_EQ(status.error().text(), "no such channel");
}

TEST(Result, Errno_BecomesCodeAndText) {
  EXPECT_EQ(fail_errno("open x", ENOENT).value().code, Code::kNotFound);
  EXPECT_EQ(fail_errno("open x", EPERM).value().code, Code::kPermission);
  EXPECT_EQ(fail_errno("write x", ENOSPC).value().code, Code::kNoSpace);
  EXPECT_EQ(fail_errno("write x", EIO).value().code, Code::kSystem);
  EXPECT_EQ(fail_errno("open x", ENOENT).value().message, "open x: No such file or directory");
}

Status step(bool succeeds) {
  if (succeeds) return {};
  return fail(Code::kTimeout, "step");
}

Result<int> two_steps(bool first, bool second, int* steps_done) {
  SILLAGE_TRY(step(first));
  ++*steps_done;
  SILLAGE_TRY(step(second));
  ++*steps_done;
  return 7;
}

TEST(Result, Try_ReturnsTheFirstFailure) {
  int steps_done = 0;
  EXPECT_EQ(two_steps(true, true, &steps_done).value(), 7);
  EXPECT_EQ(steps_done, 2);
  steps_done = 0;
  EXPECT_EQ(two_steps(true, false, &steps_done).error().code, Code::kTimeout);
  EXPECT_EQ(steps_done, 1);
}

}  // namespace
}  // namespace sillage
