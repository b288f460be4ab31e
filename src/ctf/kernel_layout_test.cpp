// SPDX-License-Identifier: MIT
#include "ctf/kernel_layout.hpp"

#include "ctf/layout.hpp"
#include "ctf/metadata.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sillage::ctf {
namespace {

using ::testing::HasSubstr;

TEST(KernelContexts, EachHasItsNameAndClass) {
  for (std::size_t i = 0; i < kKernelContextCount; ++i) {
    const auto context = static_cast<KernelContext>(i);
    const KernelContextTraits& traits = traits_of(context);
    SCOPED_TRACE(std::string(traits.name));
    EXPECT_EQ(find_kernel_context(traits.name), context);
    const auto built = KernelContextBuilder().add(context).build();
    const auto& members = built->as<Structure>()->members;
    EXPECT_EQ(members.back().name, traits.name);
    if (traits.kind == KernelContextKind::kCallstack) {
      ASSERT_EQ(members.size(), 2u);
      EXPECT_EQ(members[0].name, "_" + std::string(traits.name) + "_length");
      const auto* array = members[1].field_class->as<DynamicArray>();
      EXPECT_EQ(array->length, (FieldLocation{Scope::kCommonContext, {members[0].name}}));
      EXPECT_EQ(array->element->as<Integer>()->base, Base::kHexadecimal);
    } else {
      ASSERT_EQ(members.size(), 1u);
    }
  }
}

TEST(KernelContexts, OnesThatAnalysesNeed_HaveLttngsTypes) {
  EXPECT_TRUE(traits_of(KernelContext::kCpuId).is_signed);
  EXPECT_EQ(traits_of(KernelContext::kProcname).bytes, 16u);
  EXPECT_EQ(traits_of(KernelContext::kHostname).bytes, 65u);
  EXPECT_EQ(traits_of(KernelContext::kInterruptible).bytes, 1u);
  EXPECT_TRUE(traits_of(KernelContext::kInterruptible).is_signed);
  EXPECT_FALSE(traits_of(KernelContext::kNeedReschedule).is_signed);
  EXPECT_FALSE(traits_of(KernelContext::kVegid).is_signed);
  EXPECT_EQ(traits_of(KernelContext::kUtsNs).bytes, 4u);
  EXPECT_EQ(traits_of(KernelContext::kUtsNs).name, "uts_ns");
}

TEST(KernelContexts, NamesOfTheCommandLine) {
  EXPECT_EQ(find_kernel_context("callstack-user"), KernelContext::kCallstackUser);
  EXPECT_EQ(find_kernel_context("need-reschedule"), std::nullopt);
  EXPECT_EQ(find_kernel_context("ip"), std::nullopt);
  EXPECT_EQ(find_kernel_context(""), std::nullopt);
}

TEST(KernelContexts, None_IsNoContext) { EXPECT_EQ(KernelContextBuilder().build(), nullptr); }

TEST(LargeEventHeader, IsInTheMetadata) {
  const ClockClass clock = monotonic_clock_class("", 0);
  const TraceClass trace = recording_trace_class(Uuid{}, {}, clock);
  const auto stream =
      data_stream_class(2, large_event_header_class(),
                        KernelContextBuilder().add_perf_counter("perf_cpu_cycles").build(), clock);
  const std::string text = metadata_stream_class(Version::kCtf18, trace, stream);
  EXPECT_THAT(text, HasSubstr("\"compact\" = 0 ... 65534"));
  EXPECT_THAT(text, HasSubstr("\"extended\" = 65535"));
  EXPECT_THAT(text, HasSubstr("perf_cpu_cycles"));
}

TEST(KernelEnvironment, SaysWhatLttngsDoes) {
  const auto entries = kernel_environment({.hostname = "h", .kernel_release = "6.1.0"});
  ASSERT_GE(entries.size(), 4u);
  EXPECT_EQ(entries[0].name, "hostname");
  EXPECT_EQ(std::get<std::string>(entries[1].value), "kernel");
  EXPECT_EQ(std::get<std::string>(entries[3].value), "6.1.0");
  EXPECT_EQ(std::get<std::string>(entries[5].value), "sillage");
}

}  // namespace
}  // namespace sillage::ctf
