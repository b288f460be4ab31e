// SPDX-License-Identifier: MIT
#include "report/packet_losses.hpp"

#include <gtest/gtest.h>

namespace sillage::report {
namespace {

TEST(LossCounter, FirstPacketsCounter_IsUnknownLoss) {
  ctf::PacketInfo packet;
  packet.begin = 10;
  packet.end = 20;
  packet.discarded_events = 3;
  packet.sequence_number = 7;
  LossCounter counter;
  LossTotal total;
  const PacketLoss first = counter.next(packet);
  ASSERT_TRUE(first.events);
  EXPECT_FALSE(first.events->count || first.packets);
  total.add(first);
  packet.begin = 30;
  packet.end = 40;
  packet.discarded_events = 4;
  packet.sequence_number = 9;
  const PacketLoss second = counter.next(packet);
  ASSERT_TRUE(second.events && second.packets);
  EXPECT_EQ(second.events->count, 1u);
  EXPECT_EQ(second.events->begin, 20u);
  EXPECT_EQ(second.events->end, 40u);
  EXPECT_EQ(second.packets->count, 1u);
  EXPECT_EQ(second.packets->end, 30u);
  total.add(second);
  EXPECT_EQ(total.text(), "at least 1 event, 1 packet");
  // A counter that steps back is a new tracer, not 2^64 events.
  packet.discarded_events = 1;
  packet.sequence_number = 1;
  const PacketLoss third = counter.next(packet);
  EXPECT_FALSE(third.events || third.packets);
}

}  // namespace
}  // namespace sillage::report
