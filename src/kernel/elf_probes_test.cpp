// SPDX-License-Identifier: MIT
#include "kernel/elf_probes.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

extern "C" {
// As <sys/sdt.h> of SystemTap makes it: raised by whoever listens.
__attribute__((section(".probes"), used)) std::uint16_t sillage_test_semaphore = 0x1234;

// With the note of an SDT probe, as <sys/sdt.h> writes it.
__attribute__((noinline, used)) int sillage_test_probed(int argument) {
  asm volatile(
      "990: nop\n"
      ".pushsection .note.stapsdt,\"\",\"note\"\n"
      ".balign 4\n"
      ".4byte 992f-991f, 994f-993f, 3\n"
      "991: .asciz \"stapsdt\"\n"
      "992: .balign 4\n"
      "993: .8byte 990b\n"
      ".8byte _.stapsdt.base\n"
      ".8byte sillage_test_semaphore\n"
      ".asciz \"made\"\n"
      ".asciz \"probe\"\n"
      ".asciz \"-4@somewhere\"\n"
      "994: .balign 4\n"
      ".popsection\n"
      ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
      ".weak _.stapsdt.base\n"
      ".hidden _.stapsdt.base\n"
      "_.stapsdt.base: .space 1\n"
      ".size _.stapsdt.base,1\n"
      ".popsection\n");
  return argument + 1;
}
}

namespace sillage::kernel {
namespace {

// What stands in this program's file.
template <class T>
T in_file(std::uint64_t offset) {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  T value{};
  file.read(reinterpret_cast<char*>(&value), sizeof value);
  EXPECT_TRUE(file.good());
  return value;
}

TEST(ElfProbes, Functions_AreWhereTheirCodeIsInTheFile) {
  const auto probes = ElfProbes::load("/proc/self/exe");
  ASSERT_TRUE(probes) << probes.error().text();
  const auto offset = probes->file_offset("sillage_test_probed");
  ASSERT_TRUE(offset) << offset.error().text();
  std::uint64_t code = 0;
  std::memcpy(&code, reinterpret_cast<const void*>(&sillage_test_probed), sizeof code);
  EXPECT_EQ(in_file<std::uint64_t>(*offset), code);
  EXPECT_EQ(probes->file_offset("sillage_test_probed+0x2").value(), *offset + 2);
  EXPECT_EQ(probes->file_offset("sillage_test_probed+3").value(), *offset + 3);
  EXPECT_EQ(probes->file_offset("sillage_test_probed+x").error().code, Code::kInvalidArgument);
  EXPECT_EQ(probes->file_offset("sillage_test_probed+0x10000").error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(probes->file_offset("no_such_function").error().code, Code::kNotFound);
}

TEST(ElfProbes, SdtProbes_HaveTheirPlaceAndSemaphore) {
  EXPECT_EQ(sillage_test_probed(1), 2);
  const auto probes = ElfProbes::load("/proc/self/exe");
  ASSERT_TRUE(probes) << probes.error().text();
  const auto places = probes->find_sdt("made", "probe");
  ASSERT_TRUE(places) << places.error().text();
  ASSERT_EQ(places->size(), 1u);
  const SdtProbe& probe = places->front();
  EXPECT_EQ(probe.argument_text, "-4@somewhere");
  EXPECT_EQ(in_file<std::uint16_t>(probe.semaphore_file_offset), 0x1234);
#ifdef __x86_64__
  EXPECT_EQ(in_file<std::uint8_t>(probe.file_offset), 0x90);
#else
  EXPECT_EQ(in_file<std::uint32_t>(probe.file_offset), 0xd503201fu);
#endif
  const auto function = probes->file_offset("sillage_test_probed");
  EXPECT_GE(probe.file_offset, *function);
  EXPECT_LT(probe.file_offset, *function + 64);
  const auto missing = probes->find_sdt("made", "other");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("made:probe"), std::string::npos);
}

TEST(ElfProbes, WhatIsNoElf_IsAnError) {
  EXPECT_EQ(ElfProbes::load("/nowhere").error().code, Code::kNotFound);
  EXPECT_EQ(ElfProbes::load("/proc/self/status").error().code, Code::kUnsupported);
  EXPECT_EQ(ElfProbes::load("/proc/self").error().code, Code::kUnsupported);
}

// A program that is cut short, or full of nonsense behind its header, has fewer probes and does not end
// this one.
TEST(ElfProbes, DamagedFiles_DoNotEndTheProgram) {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  std::string bytes(std::filesystem::file_size("/proc/self/exe"), '\0');
  ASSERT_TRUE(file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())));
  const std::string path = testing::TempDir() + "damaged-elf";
  for (const std::size_t size : {std::size_t{4}, std::size_t{64}, bytes.size() / 2, bytes.size()}) {
    std::string damaged = bytes.substr(0, size);
    for (std::size_t at = 64; at < damaged.size(); at += 97) damaged[at] = static_cast<char>(at);
    std::ofstream(path, std::ios::binary) << damaged;
    const auto probes = ElfProbes::load(path);
    if (probes) {
      EXPECT_FALSE(probes->path().empty());
    }
  }
  unlink(path.c_str());
}

SdtArgument only_argument(std::string_view text, Machine machine = Machine::kX86) {
  const auto arguments = parse_sdt_arguments(text, machine);
  EXPECT_TRUE(arguments) << text << ": " << arguments.error().text();
  EXPECT_EQ(arguments->size(), 1u) << text;
  return arguments && !arguments->empty() ? arguments->front() : SdtArgument{};
}

TEST(SdtArguments, X86_ConstantsRegistersAndMemory) {
  using enum SdtArgument::Kind;
  SdtArgument argument = only_argument("-4@%eax");
  EXPECT_EQ(argument.kind, kRegister);
  EXPECT_EQ(argument.base, "ax");
  EXPECT_EQ(argument.size_bytes, 4u);
  EXPECT_TRUE(argument.is_signed);

  argument = only_argument("8@-8(%rbp)");
  EXPECT_EQ(argument.kind, kMemory);
  EXPECT_EQ(argument.base, "bp");
  EXPECT_EQ(argument.value, -8);
  EXPECT_FALSE(argument.is_signed);

  argument = only_argument("1@16(%r8,%r15,4)");
  EXPECT_EQ(argument.base, "r8");
  EXPECT_EQ(argument.index, "r15");
  EXPECT_EQ(argument.scale, 4u);
  EXPECT_EQ(argument.value, 16);

  argument = only_argument("$5");
  EXPECT_EQ(argument.kind, kConstant);
  EXPECT_EQ(argument.value, 5);
  EXPECT_EQ(argument.size_bytes, 8u);
  EXPECT_EQ(only_argument("-4@$-1").value, -1);
  EXPECT_EQ(only_argument("4@%r10d").base, "r10");
  EXPECT_EQ(only_argument("1@%sil").base, "si");
  EXPECT_TRUE(only_argument("8f@8(%rsp)").is_float);

  const auto several = parse_sdt_arguments("-4@%eax 8@-8(%rbp) $5", Machine::kX86);
  ASSERT_TRUE(several);
  EXPECT_EQ(several->size(), 3u);
  EXPECT_TRUE(parse_sdt_arguments("", Machine::kX86)->empty());
}

TEST(SdtArguments, Arm64_ConstantsRegistersAndMemory) {
  using enum SdtArgument::Kind;
  SdtArgument argument = only_argument("-4@w3", Machine::kArm64);
  EXPECT_EQ(argument.kind, kRegister);
  EXPECT_EQ(argument.base, "regs[3]");
  argument = only_argument("8@[sp, 24]", Machine::kArm64);
  EXPECT_EQ(argument.kind, kMemory);
  EXPECT_EQ(argument.base, "sp");
  EXPECT_EQ(argument.value, 24);
  argument = only_argument("8@[x1, x2, lsl 3]", Machine::kArm64);
  EXPECT_EQ(argument.index, "regs[2]");
  EXPECT_EQ(argument.scale, 8u);
  EXPECT_EQ(only_argument("4@7", Machine::kArm64).value, 7);
}

TEST(SdtArguments, OtherForms_AreNamed) {
  for (const std::string_view text : {"8f@%xmm0", "4@symbol(%rip)", "3@%eax", "4@%r99", "4@",
                                      "4@()", "4@(%rax,%rbx,3)", "x@%eax", "4@5", "%ah", "4@%"}) {
    const auto arguments = parse_sdt_arguments(text, Machine::kX86);
    ASSERT_FALSE(arguments) << text;
    EXPECT_EQ(arguments.error().code, Code::kUnsupported) << text;
    EXPECT_NE(arguments.error().message.find(text), std::string::npos) << text;
  }
  for (const std::string_view text : {"4@x31", "4@[w]", "4@[x0, x1, ror 3]", "8f@d0"})
    EXPECT_FALSE(parse_sdt_arguments(text, Machine::kArm64)) << text;
}

}  // namespace
}  // namespace sillage::kernel
