// SPDX-License-Identifier: MIT
#include "bpf/assembler.hpp"

#include "bpf/program.hpp"

#include <gtest/gtest.h>

#include <bpf/bpf.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace sillage::bpf {
namespace {

using enum Reg;

// Loads a program that needs no context and runs it once: what it returns, the kernel being the
// judge of each instruction. None where the machine has no BPF.
std::optional<std::uint32_t> run(const Assembler& assembler) {
  const auto code = assembler.finish();
  EXPECT_TRUE(code);
  const auto program =
      load_program(*code, {.name = "test", .type = BPF_PROG_TYPE_SOCKET_FILTER, .attach_type = {}});
  if (!program) {
    if (program.error().code != Code::kPermission) ADD_FAILURE() << program.error().text();
    return std::nullopt;
  }
  char packet[64] = {};
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = packet;
  options.data_size_in = sizeof packet;
  EXPECT_EQ(::bpf_prog_test_run_opts(program->value(), &options), 0) << std::strerror(errno);
  return options.retval;
}

#define EXPECT_RETURNS(assembler, value)                                      \
  do {                                                                        \
    const auto returned = run(assembler);                                     \
    if (!returned) GTEST_SKIP() << "no permission to load BPF programs here"; \
    EXPECT_EQ(*returned, static_cast<std::uint32_t>(value));                  \
  } while (0)

TEST(Assembler, ArithmeticIsTheKernels) {
  Assembler a;
  a.move(r1, 0x1234'5678'9abc'def0u);
  a.alu(Alu::kShiftRight, r1, 32);
  a.move(r2, 7u);
  a.alu(Alu::kMultiply, r1, r2);
  a.alu(Alu::kXor, r1, 0x55);
  a.move(r0, r1);
  a.exit();
  EXPECT_RETURNS(a, (0x12345678u * 7u) ^ 0x55u);
}

TEST(Assembler, ExtendsSigns) {
  Assembler a;
  a.move(r0, 0x80u);
  a.sign_extend(r0, 8);
  a.alu(Alu::kShiftRightSigned, r0, 4);
  a.exit();
  EXPECT_RETURNS(a, -8);
}

TEST(Assembler, SwapsBytes) {
  Assembler a;
  a.move(r0, 0x1234u);
  a.swap_bytes(r0, 16);
  a.exit();
  EXPECT_RETURNS(a, 0x3412);
}

TEST(Assembler, JumpsForwardAndBack) {
  Assembler a;
  const Label again = a.label(), done = a.label();
  a.move(r0, 0u);
  a.move(r1, 0u);
  a.bind(again);
  a.jump_if(If::kAboveOrEqual, r1, 10, done);
  a.alu(Alu::kAdd, r0, r1);
  a.alu(Alu::kAdd, r1, 1);
  a.jump(again);
  a.bind(done);
  a.exit();
  EXPECT_RETURNS(a, 45);
}

TEST(Assembler, CallsSubprograms) {
  Assembler a;
  const Label twice = a.label();
  a.move(r1, 21u);
  a.call(twice);
  a.exit();
  a.bind(twice);
  a.move(r0, r1);
  a.alu(Alu::kAdd, r0, r1);
  a.exit();
  EXPECT_RETURNS(a, 42);
}

TEST(Assembler, AtomicsOnTheStack) {
  Assembler a;
  a.store(Size::k8, r10, -8, 5);
  a.move(r1, 3u);
  a.atomic_add(r10, -8, r1);
  a.move(r0, 8u);
  a.move(r2, 100u);
  a.compare_exchange(r10, -8, r2);  // r0 = 8, there is 100
  a.move(r3, 1u);
  a.exchange(r10, -8, r3);  // r3 = 100
  a.alu(Alu::kAdd, r0, r3);
  a.exit();
  EXPECT_RETURNS(a, 108);
}

TEST(Assembler, RefusesJumpsThatDoNotReach) {
  Assembler a;
  const Label end = a.label();
  a.jump(end);
  for (int i = 0; i < 40'000; ++i) a.move(r0, 0u);
  a.bind(end);
  a.exit();
  const auto code = a.finish();
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().code, Code::kLimit);
}

TEST(Program, SaysWhyTheVerifierRefuses) {
  Assembler a;
  a.load(Size::k8, r0, r3, 0);  // r3 was never written
  a.exit();
  const auto code = a.finish();
  ASSERT_TRUE(code);
  const auto program = load_program(
      *code, {.name = "bad one!", .type = BPF_PROG_TYPE_SOCKET_FILTER, .attach_type = {}});
  ASSERT_FALSE(program);
  if (program.error().code == Code::kPermission) GTEST_SKIP() << program.error().text();
  EXPECT_NE(program.error().message.find("bad one!"), std::string::npos);
  EXPECT_NE(program.error().message.find("R3 !read_ok"), std::string::npos)
      << program.error().message;
}

}  // namespace
}  // namespace sillage::bpf
