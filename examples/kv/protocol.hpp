// SPDX-License-Identifier: MIT
// What client and server say to each other over a unix SOCK_SEQPACKET socket: one packet asks, one packet answers.
#pragma once

#include <sillage/tracepoint.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kv {

enum class Op : std::uint8_t { kGet, kSet, kDelete, kScan };
inline constexpr sillage_label kOpLabels[] = {
    SILLAGE_LABEL(Op::kGet, "get"), SILLAGE_LABEL(Op::kSet, "set"),
    SILLAGE_LABEL(Op::kDelete, "delete"), SILLAGE_LABEL(Op::kScan, "scan")};
/// From here on a sillage_field() of type Op shows these words.
SILLAGE_ENUM_LABELS(Op, kOpLabels);

enum class Status : std::uint8_t { kDone, kMiss, kRefused };
/// The short form: the enumerators' own names.
SILLAGE_ENUM(Status, kDone, kMiss, kRefused);

constexpr std::size_t kMaxKeyBytes = 64, kMaxValueBytes = 4096;

/// One packet: the members before `data`, the key, the value.
struct Request {
  std::uint64_t id;
  Op op;
  std::uint8_t key_bytes;
  std::uint16_t value_bytes;
  char data[kMaxKeyBytes + kMaxValueBytes];

  std::string_view key() const { return {data, key_bytes}; }
  std::string_view value() const { return {data + key_bytes, value_bytes}; }
  std::size_t packet_bytes() const { return offsetof(Request, data) + key_bytes + value_bytes; }
};

/// The answer; `number` is how many keys a scan found, or the bytes of the value.
struct Reply {
  std::uint64_t id;
  std::uint32_t number;
  Status status;
  char data[kMaxValueBytes];

  std::size_t packet_bytes(std::size_t value_bytes) const {
    return offsetof(Reply, data) + value_bytes;
  }
};

}  // namespace kv
