// SPDX-License-Identifier: MIT
// The event records of a packet, found without decoding them.
#pragma once

#include "ctf/decoder.hpp"
#include "ctf/scan_plan.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace sillage::ctf {

/// An event record in a packet.
struct Row {
  std::uint64_t clock = 0;  ///< cycles; only if the stream has a clock
  std::uint64_t bit = 0;    ///< where it starts in the packet
  std::uint32_t event = 0;  ///< in StreamPlan::events
  /// Bytes of its header; kNone: the record can only be decoded, see Decoder::event_at().
  std::uint32_t body = kNone;

  [[nodiscard]] bool is_fast() const { return body != kNone; }
  [[nodiscard]] const std::uint8_t* body_in(const std::uint8_t* packet) const {
    return packet + bit / kByte + body;
  }
};

using Anchors = std::array<const std::uint8_t*, ScanLimits::kAnchors>;

/// Finds the end of a record's body, and its anchors.
///
/// `body` is in a packet that starts at `packet`; nothing behind `end` is read.
/// Returns: nullptr if the record does not end there, or has more elements than ScanLimits allows.
[[nodiscard]] const std::uint8_t* find_end(const ClassScan& scan, const std::uint8_t* packet,
                                           const std::uint8_t* body, const std::uint8_t* end,
                                           Anchors* anchors);

/// Decodes event records that a Scanner found, in any order.
///
/// Cost: the head of the packet is decoded again whenever the packet changes.
class RowReader {
 public:
  explicit RowReader(std::shared_ptr<const Plan> plan) : decoder_(std::move(plan)) {}

  /// The record `row` of the packet that starts with the first of `packet`.
  ///
  /// A record that the decoder refuses after all has no values.
  /// Lifetime: until the next call; text and BLOBs point into the packet.
  [[nodiscard]] const EventView& read(std::span<const std::byte> packet, const Row& row);

 private:
  Decoder decoder_;
  const std::byte* packet_ = nullptr;
  EventView nothing_;
};

/// Finds the event records of one packet after the other.
///
/// What cannot be scanned is decoded; so the rows are exactly the records that the decoder reads.
/// Cost: 5 to 10 ns a record of a kernel trace; no allocation.
class Scanner {
 public:
  Scanner(const StreamScan& scan, const StreamPlan& stream, Decoder* decoder);

  /// `wanted`: by StreamPlan::events, 0 to leave records of a class out.
  void select(std::vector<std::uint8_t> wanted) { wanted_ = std::move(wanted); }

  /// Goes to the first record of the packet that the decoder started; its bytes start at `packet`.
  void start(const std::uint8_t* packet);

  enum class Step : std::uint8_t { kMore, kEnd, kFault };

  /// Finds up to `rows.size()` records.
  ///
  /// Returns: kMore if there may be others; kFault if the decoder refuses the next one (its fault()
  ///          says why); both others end the packet. `*count`: rows that were found, in any case.
  [[nodiscard]] Step next(std::span<Row> rows, std::size_t* count);

  /// Counts the records that are left, by class: adds to `counts[Row::event]`.
  [[nodiscard]] Step count(std::span<std::uint64_t> counts);

  [[nodiscard]] const std::vector<std::uint8_t>& wanted() const { return wanted_; }

  /// How far into the packet it is.
  [[nodiscard]] std::uint64_t byte() const { return bit_ / kByte; }
  [[nodiscard]] const StreamScan& scan() const { return *scan_; }

 private:
  template <HeaderScan::Kind kKind, bool kCounts>
  Step run(std::span<Row> rows, std::size_t* count, std::uint64_t* counts);
  template <bool kCounts>
  Step dispatch(std::span<Row> rows, std::size_t* count, std::uint64_t* counts);
  /// A class as the scanning loop needs it first: all in one load.
  struct Quick {
    std::uint32_t event = kNone;  ///< kNone: leave it to the decoder
    std::uint32_t fixed = 0;      ///< of the first step
    ScanCode code = ScanCode::kEnd;
  };
  [[nodiscard]] Quick make_quick(std::uint32_t event) const;
  [[nodiscard]] std::uint32_t find_event(std::uint64_t id) const;

  const StreamScan* scan_;
  const StreamPlan* stream_;
  Decoder* decoder_;
  std::vector<std::uint8_t> wanted_;
  std::vector<Quick> quick_;  // by number of the class, if that is small
  Quick only_;                // of records without a number
  const std::uint8_t* packet_ = nullptr;
  std::uint64_t limit_ = 0;  // bits
  std::uint64_t bit_ = 0;
  std::uint64_t clock_ = 0;
  Step last_ = Step::kEnd;
};

}  // namespace sillage::ctf
