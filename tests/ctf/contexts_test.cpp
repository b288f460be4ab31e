// SPDX-License-Identifier: MIT
// src/ctf takes contexts as plain numbers, because it may not include the ABI: they must be the same numbers.
#include "abi/app_protocol.h"
#include "abi/ring.h"
#include "ctf/layout.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string_view>

namespace sillage::ctf {
namespace {

TEST(Contexts, NumbersOfTheAbi_HaveTheirNamesAndSizes) {
  struct Expected {
    std::string_view name;
    std::uint32_t bits;
    bool is_signed;
  };
  const std::map<std::uint32_t, Expected> contexts{
      {SILLAGE_CONTEXT_VPID, {"vpid", 32, true}},
      {SILLAGE_CONTEXT_VTID, {"vtid", 32, true}},
      {SILLAGE_CONTEXT_PTHREAD_ID, {"pthread_id", 64, false}},
      {SILLAGE_CONTEXT_IP, {"ip", 64, false}},
      {SILLAGE_CONTEXT_CPU_ID, {"cpu_id", 32, true}},
      {SILLAGE_CONTEXT_CGROUP_NS, {"cgroup_ns", 64, false}},
      {SILLAGE_CONTEXT_IPC_NS, {"ipc_ns", 64, false}},
      {SILLAGE_CONTEXT_MNT_NS, {"mnt_ns", 64, false}},
      {SILLAGE_CONTEXT_NET_NS, {"net_ns", 64, false}},
      {SILLAGE_CONTEXT_PID_NS, {"pid_ns", 64, false}},
      {SILLAGE_CONTEXT_TIME_NS, {"time_ns", 64, false}},
      {SILLAGE_CONTEXT_USER_NS, {"user_ns", 64, false}},
      {SILLAGE_CONTEXT_UTS_NS, {"uts_ns", 64, false}},
      {SILLAGE_CONTEXT_VUID, {"vuid", 32, false}},
      {SILLAGE_CONTEXT_VEUID, {"veuid", 32, false}},
      {SILLAGE_CONTEXT_VSUID, {"vsuid", 32, false}},
      {SILLAGE_CONTEXT_VGID, {"vgid", 32, false}},
      {SILLAGE_CONTEXT_VEGID, {"vegid", 32, false}},
      {SILLAGE_CONTEXT_VSGID, {"vsgid", 32, false}},
  };
  for (std::uint32_t number = 1; number < SILLAGE_CONTEXT_END; ++number) {
    SCOPED_TRACE(number);
    ASSERT_TRUE(is_context(number));
    const auto stream = channel_stream_class(0, {number}, ClockClass());
    const Member& member = stream.common_context->as<Structure>()->members.at(0);
    if (number == SILLAGE_CONTEXT_PROCNAME) {
      EXPECT_EQ(member.name, "procname");
      EXPECT_EQ(member.field_class->as<StaticString>()->length_bytes, 17u);
      continue;
    }
    const Expected& expected = contexts.at(number);
    const Integer* integer = member.field_class->as<Integer>();
    ASSERT_NE(integer, nullptr);
    EXPECT_EQ(context_name(number), expected.name);
    EXPECT_EQ(member.name, expected.name);
    EXPECT_EQ(integer->layout.length_bits, expected.bits);
    EXPECT_EQ(integer->is_signed, expected.is_signed);
    EXPECT_EQ(integer->base, number == SILLAGE_CONTEXT_IP ? Base::kHexadecimal : Base::kDecimal);
  }
  EXPECT_FALSE(is_context(0));
  EXPECT_FALSE(is_context(SILLAGE_CONTEXT_END));
}

TEST(CompactEventHeader, IdsAndSizesOfTheAbi) {
  const FieldClassRef header = compact_event_header_class();
  const auto& members = header->as<Structure>()->members;
  const Integer* id = members.at(0).field_class->as<Integer>();
  EXPECT_EQ(id->layout.length_bits, SILLAGE_RECORD_ID_BITS);
  const auto& options = members.at(1).field_class->as<Variant>()->options;
  EXPECT_EQ(options.at(0).ranges.at(0).upper, SILLAGE_RECORD_ID_EXTENDED - 1);
  EXPECT_EQ(options.at(1).ranges.at(0).lower, SILLAGE_RECORD_ID_EXTENDED);
  const auto bits = [](const VariantOption& option) {
    std::uint32_t sum = 0;
    for (const Member& member : option.field_class->as<Structure>()->members)
      sum += member.field_class->as<Integer>()->layout.length_bits;
    return sum;
  };
  EXPECT_EQ(SILLAGE_RECORD_ID_BITS + bits(options.at(0)), SILLAGE_RECORD_COMPACT_BYTES * 8u);
  EXPECT_EQ(8 + bits(options.at(1)), SILLAGE_RECORD_EXTENDED_BYTES * 8u);
}

}  // namespace
}  // namespace sillage::ctf
