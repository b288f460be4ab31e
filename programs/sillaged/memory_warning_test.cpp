// SPDX-License-Identifier: MIT
#include "sillaged/memory_warning.hpp"

#include <gtest/gtest.h>

namespace sillage::daemon {
namespace {

using session::Domain;

session::ChannelSettings settings() {
  session::ChannelSettings settings;
  settings.name = "big";
  settings.subbuf_bytes = ByteCount{1 << 20};
  settings.subbuf_count = 4;
  return settings;
}

TEST(MemoryWarning, Channel_MayTakeHalfAtOnce) {
  // 4 MiB a CPU.
  EXPECT_EQ(memory_warning(settings(), Domain::kUser, 8, 64 << 20), "");
  EXPECT_EQ(memory_warning(settings(), Domain::kUser, 8, (64 << 20) - 2),
            "not enough memory for channel big: its buffers need 32 MiB at once, and 64 MiB are "
            "available. Nothing may be recorded: choose smaller or fewer sub-buffers "
            "(--subbuf-size, --num-subbuf)");
  EXPECT_NE(memory_warning(settings(), Domain::kKernel, 8, (64 << 20) - 2), "");
  EXPECT_EQ(memory_warning(settings(), Domain::kUser, 8, UINT64_MAX), "");
}

TEST(MemoryWarning, BuffersOnDemandOrOfProcesses_MayTakeAll) {
  auto lazy = settings();
  lazy.preallocation = session::BufferPreallocation::kOnDemand;
  auto own = settings();
  own.ownership = session::BufferOwnership::kProcess;
  for (const auto& one : {lazy, own}) {
    EXPECT_EQ(memory_warning(one, Domain::kUser, 8, 32 << 20), "");
    EXPECT_NE(memory_warning(one, Domain::kUser, 8, (32 << 20) - 1).find("when they are full"),
              std::string::npos);
  }
}

TEST(MemoryWarning, OneBufferForAllCpus_IsTakenOnce) {
  auto one = settings();
  one.allocation = session::BufferAllocation::kPerChannel;
  EXPECT_EQ(memory_warning(one, Domain::kUser, 1000, 8 << 20), "");
  EXPECT_NE(memory_warning(one, Domain::kUser, 1, (8 << 20) - 2), "");
}

TEST(MemoryWarning, LargestChannel_DoesNotOverflow) {
  auto huge = settings();
  huge.subbuf_bytes = ByteCount{std::uint64_t{1} << 31};
  huge.subbuf_count = 65536;
  EXPECT_NE(memory_warning(huge, Domain::kUser, 4096, UINT64_MAX / 64), "");
}

}  // namespace
}  // namespace sillage::daemon
