// SPDX-License-Identifier: MIT
// What unit_main.cpp is tried with: a test and a fixture that skip.
#include <gtest/gtest.h>

namespace {

TEST(Skipping, Itself) { GTEST_SKIP() << "not here"; }

class SkippingFixture : public ::testing::Test {
 protected:
  void SetUp() override { GTEST_SKIP() << "not here"; }
};

TEST_F(SkippingFixture, InSetUp) {}

}  // namespace
