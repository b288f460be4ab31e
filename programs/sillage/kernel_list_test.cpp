// SPDX-License-Identifier: MIT
#include "sillage/kernel_list.hpp"

#include <gtest/gtest.h>

namespace sillage::command {
namespace {

class KernelList : public testing::Test {
 protected:
  void SetUp() override {
    if (!catalog_) GTEST_SKIP() << catalog_.error().text();
  }
  std::string text(const KernelListOptions& options) const {
    auto list = kernel_list_text(*catalog_, options);
    EXPECT_TRUE(list) << list.error().text();
    return list ? *list : std::string();
  }
  Result<kernel::Catalog> catalog_ = kernel::Catalog::load();
};

TEST_F(KernelList, Events_UnderTheirSystemWithBothNames) {
  EXPECT_EQ(text({.patterns = {"irq_softirq_e*"}}),
            "irq\n"
            "  irq_softirq_entry  (kernel: softirq_entry)\n"
            "  irq_softirq_exit  (kernel: softirq_exit)\n");
  EXPECT_EQ(text({.with_fields = true, .patterns = {"softirq_raise"}}),
            "irq\n"
            "  irq_softirq_raise  (kernel: softirq_raise)\n"
            "      vec: " +
                std::string(catalog_->btf() != nullptr ? "u32" : "unsigned int") + "\n");
  EXPECT_NE(text({.patterns = {"funcgraph_entry", "sched_switch"}}).find("cannot be recorded"),
            std::string::npos);
}

TEST_F(KernelList, Logger_IsAnEventToo) {
  EXPECT_EQ(text({.with_fields = true, .patterns = {"lttng_logger"}}),
            "texts written to the file \"logger\" of the daemon\n"
            "  lttng_logger\n"
            "      msg: char[]\n");
}

TEST_F(KernelList, SystemCalls_WithNumbersAndArguments) {
  const std::string list =
      text({.with_fields = true, .system_calls = true, .patterns = {"openat"}});
  EXPECT_NE(list.find("  openat\n"), std::string::npos) << list;
  EXPECT_NE(list.find("filename: const char *\n"), std::string::npos) << list;
}

TEST_F(KernelList, Nothing_IsAnError) {
  EXPECT_EQ(kernel_list_text(*catalog_, {.patterns = {"no_such_*"}}).error().code, Code::kNotFound);
}

TEST(FileList, OwnProgram_HasFunctions) {
  const auto probes = kernel::ElfProbes::load("/proc/self/exe");
  ASSERT_TRUE(probes) << probes.error().text();
  const auto text = file_list_text(*probes, {.patterns = {"main"}});
  ASSERT_TRUE(text) << text.error().text();
  EXPECT_TRUE(text->starts_with("functions\n  main  at 0x")) << *text;
  EXPECT_EQ(file_list_text(*probes, {.patterns = {"no_such_*"}}).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace sillage::command
