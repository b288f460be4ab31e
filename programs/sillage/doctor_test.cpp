// SPDX-License-Identifier: MIT
#include "sillage/doctor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <linux/capability.h>

#include <algorithm>

namespace sillage::command {
namespace {

using testing::HasSubstr;

MachineFacts good_machine() {
  MachineFacts facts;
  facts.release = "6.1.0";
  facts.architecture = "x86_64";
  facts.capabilities = ~UINT64_C(0);
  facts.lockdown = "[none] integrity confidentiality";
  facts.bpf_jit = "1";
  facts.perf_paranoid = "2";
  facts.clock_source = "tsc";
  facts.has_rseq = true;
  facts.memory_bytes = UINT64_C(8) << 30;
  facts.descriptor_limit = 65536;
  facts.runtime_directory = "/run/sillage";
  facts.abilities.push_back({"kprobes", "--probe", {}});
  return facts;
}

Finding about(const MachineFacts& facts, const std::string& subject) {
  const std::vector<Finding> all = judge(facts);
  const auto found = std::find_if(
      all.begin(), all.end(), [&](const Finding& finding) { return finding.subject == subject; });
  EXPECT_NE(found, all.end()) << subject;
  return found == all.end() ? Finding() : *found;
}

TEST(Doctor, NothingToSayOfAGoodMachine) {
  for (const Finding& finding : judge(good_machine())) {
    EXPECT_EQ(finding.verdict, Verdict::kGood) << finding.subject;
    EXPECT_EQ(finding.remedy, "") << finding.subject;
  }
}

TEST(Doctor, EachTroubleHasItsVerdictAndRemedy) {
  struct Case {
    const char* subject;
    Verdict verdict;
    const char* remedy;
    void (*spoil)(MachineFacts*);
  };
  constexpr std::uint64_t kAdmin = UINT64_C(1) << CAP_SYS_ADMIN, kBpf = UINT64_C(1) << CAP_BPF;
  const Case cases[] = {
      {"restartable sequences", Verdict::kLimited, "glibc 2.35",
       [](MachineFacts* facts) { facts->has_rseq = false; }},
      {"clock", Verdict::kLimited, "current_clocksource",
       [](MachineFacts* facts) { facts->clock_source = "hpet"; }},
      {"clock", Verdict::kLimited, "vDSO",
       [](MachineFacts* facts) { facts->clock_source.reset(); }},
      {"memory", Verdict::kLimited, "--subbuf-size",
       [](MachineFacts* facts) { facts->limited_memory_bytes = 1 << 20; }},
      {"descriptors", Verdict::kLimited, "ulimit -n",
       [](MachineFacts* facts) { facts->descriptor_limit = 256; }},
      {"runtime directory", Verdict::kBad, "SILLAGE_RUNTIME_DIR",
       [](MachineFacts* facts) { facts->runtime_trouble = "is no directory"; }},
      {"daemon", Verdict::kBad, "try again",
       [](MachineFacts* facts) { facts->daemon = "does not answer: late"; }},
      {"rights", Verdict::kLimited, "sudo", [](MachineFacts* facts) { facts->capabilities = 0; }},
      {"rights", Verdict::kLimited, "sudo",
       [](MachineFacts* facts) { facts->capabilities = kBpf; }},
      {"lockdown", Verdict::kBad, "boot without",
       [](MachineFacts* facts) { facts->lockdown = "none integrity [confidentiality]"; }},
      {"BPF compiler", Verdict::kLimited, "bpf_jit_enable",
       [](MachineFacts* facts) { facts->bpf_jit = "0"; }},
      {"perf_event_paranoid", Verdict::kLimited, "sysctl",
       [](MachineFacts* facts) { facts->capabilities &= ~(kAdmin | kBpf); }},
      {"kprobes", Verdict::kLimited, "--probe",
       [](MachineFacts* facts) {
         facts->abilities[0].tried = fail(Code::kUnsupported, "this kernel has no kprobes");
       }},
  };
  for (const Case& one : cases) {
    MachineFacts facts = good_machine();
    one.spoil(&facts);
    const Finding finding = about(facts, one.subject);
    EXPECT_EQ(finding.verdict, one.verdict) << one.subject;
    EXPECT_THAT(finding.remedy, HasSubstr(one.remedy)) << one.subject;
    EXPECT_THAT(doctor_text(judge(facts)), HasSubstr("-> " + finding.remedy)) << one.subject;
  }
}

TEST(Doctor, MissingCapabilityIsNamed) {
  MachineFacts facts = good_machine();
  facts.capabilities = UINT64_C(1) << CAP_BPF;
  EXPECT_THAT(about(facts, "rights").found, HasSubstr("CAP_PERFMON"));
  facts.capabilities |= UINT64_C(1) << CAP_PERFMON;
  EXPECT_EQ(about(facts, "rights").verdict, Verdict::kGood);
}

// The machine that the test runs on says the same of itself in other ways.
TEST(Doctor, ExaminesThisMachine) {
  const MachineFacts facts = examine_machine();
  EXPECT_FALSE(facts.release.empty());
  EXPECT_GT(facts.memory_bytes, 0U);
  EXPECT_GT(facts.descriptor_limit, 0U);
  EXPECT_EQ((facts.capabilities >> CAP_SYS_ADMIN & 1) != 0, !facts.abilities.empty());
  for (const kernel::Ability& ability : facts.abilities) {
    EXPECT_FALSE(ability.use.empty());
    EXPECT_TRUE(ability.tried || !ability.tried.error().message.empty()) << ability.name;
  }
}

}  // namespace
}  // namespace sillage::command
