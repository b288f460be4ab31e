// SPDX-License-Identifier: MIT
// main() of the unit tests: where the machine must have what they need (SILLAGE_REQUIRE_KERNEL=1: BPF, a TSC that the kernel
// trusts, mounts ...), one that skips has failed. Otherwise a program of which some were skipped has passed, and nobody sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

namespace {

class FailsWhatIsSkipped : public ::testing::EmptyTestEventListener {
  void OnTestEnd(const ::testing::TestInfo& info) override {
    if (info.result()->Skipped())
      ADD_FAILURE() << "skipped, which SILLAGE_REQUIRE_KERNEL=1 does not allow: see above why";
  }
};

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  const char* required = std::getenv("SILLAGE_REQUIRE_KERNEL");
  if (required != nullptr && std::string_view(required) == "1")
    ::testing::UnitTest::GetInstance()->listeners().Append(new FailsWhatIsSkipped);
  return RUN_ALL_TESTS();
}
