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
  progress.recorder.file_packets = packets;
  progress.reader.sequence = sequence;
  return progress;
}

StreamLedger make() { return std::move(*StreamLedger::create(3)); }

StreamLedger reopen(const StreamLedger& ledger) {
  return std::move(*StreamLedger::open(Fd(::fcntl(ledger.fd(), F_DUPFD_CLOEXEC, 0)), 3));
}

TEST(StreamLedger, New_SaysThatNothingWasWritten) {
  const StreamLedger ledger = make();
  ASSERT_TRUE(ledger.find(2, 0));
  EXPECT_EQ(ledger.find(2, 0)->recorder.file_packets, 0u);
  EXPECT_FALSE(ledger.find(2, 1));
}

TEST(StreamLedger, KilledBetweenSteps_TheFileDecides) {
  StreamLedger ledger = make();
  ledger.note(1, at(4, 10));
  ledger.announce(1, at(5, 11));
  // Before the packet was in the file, and behind that.
  EXPECT_EQ(reopen(ledger).find(1, 4)->reader.sequence, 10u);
  EXPECT_EQ(reopen(ledger).find(1, 5)->reader.sequence, 11u);
  EXPECT_FALSE(reopen(ledger).find(1, 3));
  EXPECT_FALSE(reopen(ledger).find(1, 6));
  ledger.settle(1);
  EXPECT_EQ(reopen(ledger).find(1, 5)->reader.sequence, 11u);
  EXPECT_FALSE(reopen(ledger).find(1, 4));
  // A step without a packet; what was announced long ago is nothing any more.
  ledger.note(1, at(5, 12));
  EXPECT_EQ(ledger.find(1, 5)->reader.sequence, 12u);
  EXPECT_FALSE(ledger.find(1, 6));
  EXPECT_EQ(ledger.find(0, 0)->reader.sequence, 0u);
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
