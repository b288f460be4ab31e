// SPDX-License-Identifier: MIT
// What to do to decode the packets and event records of a trace: a flat list of operations per root
// structure, with every name, alignment and fixed offset resolved once.
//
// An operation that stands in a block reads at a fixed distance from the block's first bit, and the
// block checks the bounds for all of them:
//
//   struct { u8 a; u32le b; string s; u16 c; u8 d[c]; }    (alignments 8 bits)
//
//   0  structure
//   1    block     align 8, 40 bits
//   2      scalar  +0   8 bits   a
//   3      scalar  +8  32 bits   b
//   4    string                  s
//   5    block     align 8, 16 bits
//   6      scalar  +0  16 bits   c -> slot 11
//   7    scalars   slot 11 times d
//   8  end
#pragma once

#include "base/result.hpp"
#include "ctf/model.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace sillage::ctf {

/// What a value is; also says how it is printed, together with its field class.
enum class ValueKind : std::uint8_t {
  kUnsigned,
  kSigned,
  kBoolean,
  kBits,     ///< bit arrays and bit maps
  kFloat32,  ///< binary16 and binary32, as a double
  kFloat64,
  kText,  ///< UTF-8, whatever the encoding in the trace
  kBlob,
  kArray,
  kStructure,
  kOptional,
  kVariant,
};

inline constexpr std::uint32_t kNone = 0xffff'ffff;

/// A field of a plan: a node of the tree of names that values and errors refer to.
struct Field {
  std::string name{};  ///< of the member or option; "" for roots, elements and unnamed options
  const FieldClass* field_class = nullptr;
  std::uint32_t parent = kNone;
  std::vector<std::uint32_t> children{};
  std::uint32_t operation = kNone;  ///< the one that reads it
  /// Says something about the packet or record (it has a role) and nothing else depends on it, or
  /// holds such fields only: not part of what people look at.
  bool is_hidden = false;
};

/// How the bits of a scalar are fetched.
enum class Load : std::uint8_t {
  kByte,
  kLittle16,
  kLittle32,
  kLittle64,
  kBig16,
  kBig32,
  kBig64,
  kLittleBits,  ///< any length at any bit
  kBigBits,
};

enum class OpCode : std::uint8_t {
  kBlock,           ///< aligns, then claims `length` bits
  kScalar,          ///< in a block, at `offset`
  kScalars,         ///< array of scalars: `length` or slot `key` elements of `stride` bits
  kVariable,        ///< LEB128
  kTerminatedText,  ///< up to a NUL
  kText,            ///< `length` or slot `key` bytes
  kBlob,
  kStructure,  ///< up to its kEnd
  kArray,      ///< `length` or slot `key` times up to its kEnd
  kOptional,   ///< up to `next`, if slot `key` is in one of the ranges
  kVariant,    ///< one of the options, each of which ends with kEnd
  kEnd,
};

/// One operation.
struct Op {
  OpCode code = OpCode::kEnd;
  ValueKind kind = ValueKind::kUnsigned;
  Load load = Load::kByte;
  Encoding encoding = Encoding::kUtf8;
  std::uint8_t length_bits = 0;
  bool is_reversed = false;   ///< the bit order is not the usual one of the byte order
  bool checks_order = false;  ///< may start or end inside a byte that it shares with a neighbour
  bool is_root = false;       ///< of a structure: nothing around it
  Roles roles{};
  std::uint32_t field = kNone;
  std::uint32_t slot = kNone;     ///< where the value is kept for lengths and selectors
  std::uint32_t key = kNone;      ///< slot that holds the length or selector
  std::uint32_t next = kNone;     ///< first operation behind all that belongs to this one
  std::uint32_t options = kNone;  ///< of variants and optionals: the first, in `Plan::options`
  std::uint32_t option_count = 0;
  std::uint32_t alignment = 1;
  std::uint64_t offset = 0;  ///< bits from the start of the block
  std::uint64_t length = 0;  ///< bits of a block, bytes of text and BLOBs, elements of arrays
  std::uint64_t stride = 0;  ///< bits from one scalar of an array to the next
};

/// A range of selector values, and the option it selects.
struct Choice {
  std::uint64_t lower = 0, upper = 0;
  bool is_signed = false;
  std::uint32_t field = kNone;  ///< of the option
  std::uint32_t body = kNone;   ///< the option's first operation

  [[nodiscard]] bool holds(std::uint64_t value) const {
    if (!is_signed) return value >= lower && value <= upper;
    const auto number = static_cast<std::int64_t>(value);
    return number >= static_cast<std::int64_t>(lower) && number <= static_cast<std::int64_t>(upper);
  }
};

/// Operations of one root structure, in `Plan::ops`; empty if the trace has no such structure.
struct ScopePlan {
  std::uint32_t first = 0, last = 0;
  std::uint32_t root = kNone;  ///< in `Plan::fields`

  [[nodiscard]] bool empty() const { return root == kNone; }
};

/// How the event records of one class are decoded.
struct EventPlan {
  const EventClass* event_class = nullptr;
  ScopePlan specific_context{}, payload{};
};

/// How the packets and event records of one data stream class are decoded.
struct StreamPlan {
  const DataStreamClass* stream_class = nullptr;
  ScopePlan packet_context{}, event_header{}, common_context{};
  std::vector<EventPlan> events{};
  /// None: the records of this class have no time.
  std::shared_ptr<const ClockClass> clock{};
  Roles packet_roles{};  ///< that fields of the packet context have

  /// The event record class with that number, or nullptr.
  [[nodiscard]] const EventPlan* find(std::uint64_t id) const {
    if (id < by_small_id.size()) {
      return by_small_id[id] == kNone ? nullptr : &events[by_small_id[id]];
    }
    const auto found = by_id.find(id);
    return found == by_id.end() ? nullptr : &events[found->second];
  }

  std::vector<std::uint32_t> by_small_id{};  ///< numbers below its size
  std::unordered_map<std::uint64_t, std::uint32_t> by_id{};
};

/// Bounds on what metadata may ask for.
///
/// Nesting: frames of a decoder are a fixed array. Fields: memory of a plan, some 200 bytes each.
struct PlanLimits {
  static constexpr std::uint32_t kNesting = 64;
  static constexpr std::uint32_t kFields = 4'000'000;
};

/// Everything that decoding the data streams of one trace needs.
///
/// Lifetime: keeps the model alive; fields point into it.
/// Threads:  never changes once compiled; any number of decoders may share it.
class Plan {
 public:
  /// Resolves names, alignments and offsets.
  ///
  /// Errors: kCorrupt     a length or selector that is not there, not an unsigned integer (lengths)
  ///                      or not an integer (selectors), or stands behind the field it describes;
  ///                      a clock without a frequency; two classes with the same number.
  ///         kUnsupported a float of 128 bits, or a field of more than 64 bits.
  ///         kLimit       nesting or number of fields beyond PlanLimits.
  [[nodiscard]] static Result<std::shared_ptr<const Plan>> compile(
      std::shared_ptr<const TraceModel> model);

  [[nodiscard]] const TraceModel& model() const { return *model_; }
  [[nodiscard]] const std::vector<Op>& ops() const { return ops_; }
  [[nodiscard]] const std::vector<Field>& fields() const { return fields_; }
  [[nodiscard]] const std::vector<Choice>& choices() const { return choices_; }
  [[nodiscard]] std::uint32_t slot_count() const { return slot_count_; }
  [[nodiscard]] const ScopePlan& packet_header() const { return packet_header_; }
  [[nodiscard]] const std::vector<StreamPlan>& streams() const { return streams_; }

  /// The data stream class with that number, or nullptr.
  [[nodiscard]] const StreamPlan* find_stream(std::uint64_t id) const;

  /// Where a field is in its root structure, for people: "args[].fd"; "" for roots.
  [[nodiscard]] std::string path(std::uint32_t field) const;

 private:
  friend class PlanCompiler;
  Plan() = default;

  std::shared_ptr<const TraceModel> model_;
  std::vector<Op> ops_;
  std::vector<Field> fields_;
  std::vector<Choice> choices_;
  std::uint32_t slot_count_ = 0;
  ScopePlan packet_header_;
  std::vector<StreamPlan> streams_;
};

}  // namespace sillage::ctf
