// SPDX-License-Identifier: MIT
#include "kernel/btf.hpp"

#include "kernel/test_btf.hpp"

#include <gtest/gtest.h>

namespace sillage::kernel {
namespace {

TEST(Btf, Types_AreFoundByTheirCNames) {
  const TestBtf test;
  const Btf& btf = test.types;
  EXPECT_EQ(btf.c_name(*btf.find_type("struct test_outer")), "struct test_outer");
  EXPECT_EQ(btf.shape(*btf.find_type("unsigned long")).size_bytes, 8u);
  EXPECT_TRUE(btf.shape(*btf.find_type("int")).is_signed);
  const TypeShape byte_shape = btf.shape(*btf.find_type("my_byte"));
  EXPECT_EQ(byte_shape.kind, TypeKind::kInteger);  // through typedef and const
  EXPECT_EQ(byte_shape.size_bytes, 1u);
  EXPECT_FALSE(byte_shape.is_signed);
  const auto missing = btf.find_type("struct gone");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_NE(missing.error().message.find("struct gone"), std::string::npos);
  EXPECT_FALSE(btf.find_tag("int"));
}

TEST(Btf, Members_ByPathThroughAnonymousOnes) {
  const TestBtf test;
  const TypeRef outer = *test.types.find_tag("test_outer");
  EXPECT_EQ(test.types.member(outer, "embedded.small")->offset_bytes,
            offsetof(TestOuter, embedded));
  EXPECT_EQ(test.types.member(outer, "hidden")->offset_bytes, offsetof(TestOuter, whole));
  const auto middle = test.types.member(outer, "middle");
  ASSERT_TRUE(middle);
  EXPECT_EQ(middle->offset_bytes, offsetof(TestOuter, flag) + 1);
  EXPECT_EQ(middle->bit_shift, 3u);
  EXPECT_EQ(middle->bit_count, 4u);
  EXPECT_EQ(test.types.member(outer, "embedded.gone").error().code, Code::kNotFound);
  EXPECT_EQ(test.types.member(outer, "number.x").error().code, Code::kNotFound);
}

TEST(Btf, Tracepoints_HaveTheNamesOfTheirArguments) {
  const TestBtf test;
  ASSERT_EQ(test.arguments.size(), 4u);
  EXPECT_EQ(test.arguments[0].name, "outer");
  EXPECT_EQ(test.types.c_name(test.arguments[0].type), "struct test_outer *");
  EXPECT_EQ(test.arguments[3].name, "name");
  EXPECT_EQ(test.types.tracepoint_arguments("gone").error().code, Code::kNotFound);
}

TEST(Btf, VerifiedLoads_AreTheVerifiers) {
  const TestBtf test;
  const Btf& btf = test.types;
  const TypeRef outer = *btf.find_tag("test_outer");
  const auto kind = [&](std::size_t offset, std::uint32_t bytes) {
    return btf.verified_load(outer, static_cast<std::uint32_t>(offset), bytes).kind;
  };
  using enum VerifiedLoad::Kind;
  EXPECT_EQ(kind(offsetof(TestOuter, number), 4), kScalar);
  EXPECT_EQ(kind(offsetof(TestOuter, number), 8), kRefused);  // over the end of a member
  EXPECT_EQ(kind(offsetof(TestOuter, name) + 8, 8), kScalar);
  EXPECT_EQ(kind(offsetof(TestOuter, inner), 8), kPointer);
  EXPECT_EQ(kind(offsetof(TestOuter, inner), 4), kRefused);  // half a pointer
  EXPECT_EQ(kind(offsetof(TestOuter, untyped), 8), kScalar);
  EXPECT_EQ(kind(offsetof(TestOuter, whole), 2), kScalar);
  EXPECT_EQ(kind(offsetof(TestOuter, flag) + 1, 1), kScalar);  // a bit field's byte
  EXPECT_EQ(kind(sizeof(TestOuter), 4), kRefused);
}

TEST(Btf, RunningKernel_IsIndexedQuickly) {
  const auto btf = Btf::load();
  if (!btf) GTEST_SKIP() << btf.error().text();
  const auto task = btf->find_tag("task_struct");
  ASSERT_TRUE(task);
  const auto uid = btf->member(*btf->find_tag("cred"), "uid.val");
  ASSERT_TRUE(uid) << uid.error().text();
  EXPECT_EQ(btf->shape(uid->type).size_bytes, 4u);
  EXPECT_GT(btf->functions().size(), 10000u);
  const auto arguments = btf->tracepoint_arguments("sched_switch");
  ASSERT_TRUE(arguments) << arguments.error().text();
  ASSERT_GE(arguments->parameters.size(), 3u);
  EXPECT_EQ(arguments->parameters[1].name, "prev");
  const auto prototype = btf->prototype(*btf->find_function("schedule"));
  ASSERT_TRUE(prototype);
  EXPECT_TRUE(prototype->parameters.empty());
}

TEST(Btf, NoFile_SaysSo) {
  const auto btf = Btf::load_file("/nowhere/btf");
  ASSERT_FALSE(btf);
  EXPECT_NE(btf.error().message.find("/nowhere/btf"), std::string::npos);
}

}  // namespace
}  // namespace sillage::kernel
