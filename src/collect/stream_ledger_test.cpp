// SPDX-License-Identifier: MIT
#include "collect/stream_ledger.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace sillage::collect {
namespace {

StreamProgress at(std::uint64_t packets, std::uint64_t sequence) {
  StreamProgress progress;
  progress.recorder.packet = packets;
  progress.reader.sequence = sequence;
  return progress;
}

StreamLedger make() { return std::move(*StreamLedger::create(3)); }

StreamLedger reopen(const StreamLedger& ledger) {
  return std::move(*StreamLedger::open(Fd(::fcntl(ledger.fd(), F_DUPFD_CLOEXEC, 0)), 3));
}

TEST(StreamLedger, New_SaysThatNothingWasWritten) {
  const StreamLedger ledger = make();
  EXPECT_EQ(ledger.settled(2).recorder.packet, 0u);
  EXPECT_EQ(ledger.announced(2), nullptr);
}

TEST(StreamLedger, KilledBetweenSteps_BothAreThere) {
  StreamLedger ledger = make();
  ledger.note(1, at(4, 10));
  ledger.announce(1, at(5, 11));
  {
    const StreamLedger next = reopen(ledger);
    EXPECT_EQ(next.settled(1).reader.sequence, 10u);
    ASSERT_NE(next.announced(1), nullptr);
    EXPECT_EQ(next.announced(1)->reader.sequence, 11u);
  }
  ledger.settle(1);
  EXPECT_EQ(reopen(ledger).settled(1).reader.sequence, 11u);
  EXPECT_EQ(reopen(ledger).announced(1), nullptr) << "what was settled before is nothing new";
  // A step without a packet.
  ledger.note(1, at(5, 12));
  EXPECT_EQ(ledger.settled(1).reader.sequence, 12u);
  EXPECT_EQ(ledger.announced(1), nullptr);
  EXPECT_EQ(ledger.settled(0).reader.sequence, 0u);
}

TEST(StreamLedger, PlacedInMemoryOfOthers_IsTheSame) {
  Fd memory(::memfd_create("x", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(memory.value(), static_cast<off_t>(StreamLedger::memory_bytes(3))), 0);
  StreamLedger ledger = std::move(*StreamLedger::place(std::move(memory), 3));
  ledger.note(2, at(7, 1));
  EXPECT_EQ(reopen(ledger).settled(2).recorder.packet, 7u);
}

TEST(StreamLedger, ForeignMemory_IsRefused) {
  const StreamLedger ledger = make();
  EXPECT_FALSE(StreamLedger::open(Fd(::fcntl(ledger.fd(), F_DUPFD_CLOEXEC, 0)), 4));
  Fd other(::memfd_create("x", MFD_CLOEXEC));
  EXPECT_FALSE(StreamLedger::open(Fd(::fcntl(other.value(), F_DUPFD_CLOEXEC, 0)), 3));
  ASSERT_EQ(::ftruncate(other.value(), ::lseek(ledger.fd(), 0, SEEK_END)), 0);
  EXPECT_FALSE(StreamLedger::open(std::move(other), 3));
  EXPECT_EQ(::ftruncate(ledger.fd(), 0), -1);
}

}  // namespace
}  // namespace sillage::collect
