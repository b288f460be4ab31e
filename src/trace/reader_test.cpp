// SPDX-License-Identifier: MIT
#include <sillage/trace.hpp>

#include <gtest/gtest.h>

namespace sillage::trace {
namespace {

TEST(Reader, NoTrace_SaysWhatIsMissing) {
  auto reader = Reader::open({"/nonexistent"});
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().kind, Error::Kind::kNotFound);
  EXPECT_THROW(std::move(reader).value_or_throw(), std::runtime_error);
}

}  // namespace
}  // namespace sillage::trace
