// SPDX-License-Identifier: MIT
#include "kernel/catalog.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace sillage::kernel {
namespace {

// The running kernel's, read once.
class RunningKernel : public testing::Test {
 protected:
  static void SetUpTestSuite() { loaded = new Result<Catalog>(Catalog::load()); }
  static void TearDownTestSuite() { delete loaded; }

  void SetUp() override {
    if (!*loaded) GTEST_SKIP() << loaded->error().text();
  }
  static const Catalog& catalog() { return **loaded; }

 private:
  static Result<Catalog>* loaded;
};
Result<Catalog>* RunningKernel::loaded = nullptr;

TEST_F(RunningKernel, Tracepoints_AreRecordableOrSayWhyNot) {
  EXPECT_GT(catalog().tracepoints().size(), 300u);
  for (const KernelTracepoint& tracepoint : catalog().tracepoints())
    EXPECT_EQ(tracepoint.why_not.empty(), tracepoint.system != "ftrace") << tracepoint.event;
  const KernelTracepoint* wakeup = catalog().find_tracepoint("sched_wakeup");
  ASSERT_NE(wakeup, nullptr);
  EXPECT_EQ(wakeup->system, "sched");
  // By both names.
  const KernelTracepoint* softirq = catalog().find_tracepoint("irq_softirq_entry");
  ASSERT_NE(softirq, nullptr);
  EXPECT_EQ(softirq->event, "softirq_entry");
  EXPECT_EQ(catalog().find_tracepoint("softirq_entry"), softirq);
  EXPECT_EQ(catalog().find_tracepoint("no_such_event"), nullptr);
}

TEST_F(RunningKernel, Fields_AreLttngsWithARecipeAndTracefssWithout) {
  const auto names = [](const std::vector<FieldSummary>& fields) {
    std::vector<std::string> all(fields.size());
    std::transform(fields.begin(), fields.end(), all.begin(),
                   [](const FieldSummary& field) { return field.name + ":" + field.type; });
    return all;
  };
  if (catalog().btf() != nullptr) {
    const auto fields = catalog().fields(*catalog().find_tracepoint("sched_switch"));
    ASSERT_TRUE(fields) << fields.error().text();
    EXPECT_EQ(names(*fields),
              (std::vector<std::string>{"prev_comm:text[16]", "prev_tid:s32", "prev_prio:s32",
                                        "prev_state:s64", "next_comm:text[16]", "next_tid:s32",
                                        "next_prio:s32"}));
  }
  for (const KernelTracepoint& tracepoint : catalog().tracepoints()) {
    const auto fields = catalog().fields(tracepoint);
    EXPECT_TRUE(fields) << tracepoint.event << ": " << fields.error().text();
  }
}

// A recipe is found by the kernel's name and used under LTTng's: both must be the same event's.
TEST_F(RunningKernel, Recipes_HaveTheNamesThatTheirTracepointsHave) {
  const auto recipes = built_in_recipes();
  ASSERT_TRUE(recipes);
  for (const EventRecipe& recipe : *recipes) {
    const auto& all = catalog().tracepoints();
    const auto found = std::find_if(all.begin(), all.end(), [&](const KernelTracepoint& candidate) {
      return candidate.event == recipe.tracepoint;
    });
    if (found == all.end()) continue;
    EXPECT_EQ(found->name, recipe.name);
  }
}

TEST_F(RunningKernel, SystemCalls_AllHaveNamesAndNumbers) {
  const auto calls = catalog().system_calls();
  ASSERT_TRUE(calls) << calls.error().text();
  EXPECT_TRUE(calls->without_number().empty()) << calls->without_number().front();
  std::set<std::string> names;
  std::size_t typed = 0;
  for (const SystemCall& call : calls->all()) {
    EXPECT_EQ(calls->find(call.abi, call.number), &call) << call.name;
    if (call.abi != Abi::kNative) continue;
    EXPECT_TRUE(names.insert(call.name).second) << call.name;
    typed += call.has_types ? 1 : 0;
  }
  EXPECT_GT(typed, 300u);
  EXPECT_EQ(calls->find(Abi::kNative, 100000), nullptr);
#ifdef __x86_64__
  const SystemCall* openat = calls->find(Abi::kNative, 257);
  ASSERT_NE(openat, nullptr);
  EXPECT_EQ(openat->entry_event(), "syscall_entry_openat");
  ASSERT_EQ(openat->arguments.size(), 4u);
  EXPECT_EQ(openat->arguments[1].name, "filename");
  EXPECT_EQ(openat->arguments[1].type, "const char *");
  EXPECT_EQ(calls->find(Abi::kNative, 5)->entry_event(), "syscall_entry_newfstat");
  EXPECT_EQ(calls->find(Abi::kNative, 5)->user_name, "fstat");
  EXPECT_EQ(calls->find(Abi::kCompat, 3)->exit_event(), "compat_syscall_exit_read");
#endif
}

TEST_F(RunningKernel, Functions_OrWhyNot) {
  const auto functions = catalog().functions();
  if (functions) {
    EXPECT_TRUE(std::binary_search(functions->begin(), functions->end(), "vfs_read"));
  } else {
    EXPECT_EQ(functions.error().code, Code::kUnsupported) << functions.error().text();
  }
}

TEST(SystemCallTable, Lines_AreCallsOrErrors) {
  const auto calls =
      parse_system_call_table("# x\n64 0 read\n64 4 stat newstat # c\n\n32 5 open open open\n");
  ASSERT_TRUE(calls) << calls.error().text();
  ASSERT_EQ(calls->size(), 3u);
  EXPECT_EQ((*calls)[1].name, "newstat");
  EXPECT_EQ((*calls)[1].user_name, "stat");
  EXPECT_EQ((*calls)[2].abi, Abi::kCompat);
  for (const std::string_view text :
       {"64 x read", "64 0", "16 0 read", "64 1 a b c d", "64 99999 read", "64 -1 read"})
    EXPECT_EQ(parse_system_call_table(text).error().code, Code::kCorrupt) << text;
}

}  // namespace
}  // namespace sillage::kernel
