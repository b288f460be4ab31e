// SPDX-License-Identifier: MIT
#pragma once

#include "abi/kernel_ring.h"
#include "ring/run_source.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace sillage::ring {

/// A record as a CTF reader would see it, its payload being a u32 of length and that many bytes.
struct TestRecord {
  std::uint32_t id = 0;
  std::uint64_t time = 0;
  std::vector<std::byte> payload;
};

/// All records of a run, as CTF decodes them; fails the test if they do not fill it, or their times
/// leave it.
inline std::vector<TestRecord> decode_records(const Run& run, sillage_kernel_header kind) {
  std::vector<TestRecord> records;
  std::uint64_t time = run.begin_ns;
  std::size_t at = 0;
  const auto take = [&]<class T>(T& value) {
    if (at + sizeof value > run.bytes.size()) {
      at = run.bytes.size() + 1;
      return;
    }
    std::memcpy(&value, run.bytes.data() + at, sizeof value);
    at += sizeof value;
  };
  while (at < run.bytes.size()) {
    TestRecord record;
    std::uint64_t low = 0, low_mask = 0;
    if (kind == SILLAGE_KERNEL_HEADER_LARGE) {
      std::uint16_t id = 0;
      take(id);
      record.id = id;
      if (id == SILLAGE_KERNEL_LARGE_ID_EXTENDED) {
        take(record.id);
        take(record.time);
      } else {
        std::uint32_t bits = 0;
        take(bits);
        low = bits;
        low_mask = 0xffffffff;
      }
    } else {
      std::uint8_t first = 0;
      take(first);
      record.id = first & SILLAGE_RECORD_ID_EXTENDED;
      if (record.id == SILLAGE_RECORD_ID_EXTENDED) {
        take(record.id);
        take(record.time);
      } else {
        std::uint32_t word = 0;
        --at;
        take(word);
        low = word >> SILLAGE_RECORD_ID_BITS;
        low_mask = (1u << 27) - 1;
      }
    }
    if (low_mask != 0) {
      record.time = (time & ~low_mask) | low;
      if (record.time < time) record.time += low_mask + 1;
    }
    EXPECT_GE(record.time, time);
    EXPECT_LE(record.time, run.end_ns);
    time = record.time;
    std::uint32_t length = 0;
    take(length);
    if (at + length > run.bytes.size()) {
      ADD_FAILURE() << "a record of " << length << " bytes at " << at << " of " << run.bytes.size();
      return records;
    }
    record.payload.assign(run.bytes.begin() + static_cast<long>(at),
                          run.bytes.begin() + static_cast<long>(at + length));
    at += length;
    records.push_back(std::move(record));
  }
  EXPECT_EQ(records.size(), run.events);
  return records;
}

}  // namespace sillage::ring
