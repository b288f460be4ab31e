// SPDX-License-Identifier: MIT
// Bytes of packets into values: the bit-exact interpreter of a plan.
#pragma once

#include "base/result.hpp"
#include "ctf/decode_plan.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::ctf {

/// One field as it was decoded. Values stand in pre-order: a structure, then its members.
struct Value {
  std::uint32_t field = kNone;  ///< in Plan::fields()
  std::uint32_t extent = 1;     ///< values of this one and all inside it: the next is that far
  union {
    std::uint64_t number;  ///< integers (sign-extended), booleans, bits; of options: 1 if there
    double real;
    const char* data;  ///< text and BLOBs
  };
  std::uint32_t size = 0;  ///< bytes of text and BLOBs, elements of arrays
  ValueKind kind = ValueKind::kUnsigned;

  [[nodiscard]] std::string_view text() const { return {data, size}; }
};

/// Values of one root structure; empty if the trace has no such structure.
using Values = std::span<const Value>;

/// What the head of a packet says.
struct PacketInfo {
  const StreamPlan* stream = nullptr;
  std::optional<std::uint64_t> stream_id{};     ///< of the data stream within its class
  std::optional<std::uint64_t> begin{}, end{};  ///< cycles of the stream's clock
  std::optional<std::uint64_t> discarded_events{}, sequence_number{};
  std::uint64_t head_bits = 0;     ///< where the first event record may start
  std::uint64_t content_bits = 0;  ///< from the packet's first bit, what is there of it
  std::uint64_t total_bits = 0;    ///< content and padding, what is there of it
  /// The bytes end before the packet's content does: so many bits are missing.
  bool is_cut = false;
  std::uint64_t missing_bits = 0;
};

/// One event record.
///
/// Lifetime: until the next call of the decoder.
struct EventView {
  const StreamPlan* stream = nullptr;
  const EventPlan* event = nullptr;
  std::uint64_t clock = 0;  ///< cycles; only if the stream has a clock
  Values packet_context{}, header{}, common_context{}, specific_context{}, payload{};
};

/// Why decoding stopped.
struct Fault {
  enum class Kind : std::uint8_t {
    kNothing,
    kBounds,        ///< the field ends behind the content of the packet
    kMixedOrder,    ///< two bit fields in one byte, of different byte orders
    kVariableSize,  ///< a LEB128 integer of more than 64 bits
    kUnterminated,  ///< text without its NUL
    kNoOption,      ///< no option of a variant has that selector
    kTooMany,       ///< more values in one record than DecodeLimits allows
    kMagic,         ///< not a packet
    kUuid,          ///< a packet of another trace
    kStreamClass,   ///< no data stream class has that number
    kEventClass,    ///< no event record class has that number
    kSizes,         ///< content beyond the packet, or an end before the head's
    kEmptyRecord,   ///< an event record of no bits, of which there are endlessly many
  };
  Kind kind = Kind::kNothing;
  std::uint32_t field = kNone;
  std::uint64_t bit = 0;    ///< from the start of the packet
  std::uint64_t value = 0;  ///< what was found, or the bits that the field needs
  std::uint64_t bound = 0;  ///< what was expected, or the bit at which the content ends
};

/// Bounds on what data may ask for.
struct DecodeLimits {
  /// Values of one event record. Those without a bit cost a trace nothing, but 24 bytes and a text
  /// each here: so many, and one more for each byte of the packet.
  static constexpr std::uint32_t kFreeValues = 1u << 18;
  static constexpr std::uint32_t kValues = 1u << 21;
};

/// Decodes packets one after the other, and the event records of each.
///
/// Lifetime: what it returns points into itself and into the bytes of the packet, until the next
///           call.
/// Cost:     no allocation per event record once buffers have grown to the largest.
/// Source:   CTF2-SPEC-2.0 section 6 (decoding procedure); CTF 1.8.3 sections 4 to 6.
class Decoder {
 public:
  explicit Decoder(std::shared_ptr<const Plan> plan);

  /// Decodes header and context of the packet that starts with the first of `bytes`.
  ///
  /// `bytes` may go on behind the packet; without a length in the packet it ends with them.
  /// Errors: false, and `fault()` says why.
  [[nodiscard]] bool start_packet(std::span<const std::byte> bytes);

  /// The head of the packet.
  [[nodiscard]] const PacketInfo& head() const { return head_; }

  /// Values of the packet's header and context, those that were decoded before a fault included.
  [[nodiscard]] Values packet_header() const;
  [[nodiscard]] Values packet_context() const;

  enum class Step : std::uint8_t { kEvent, kEnd, kFault };

  /// Decodes the next event record of the packet into `event()`.
  ///
  /// After kEnd or kFault the packet is over.
  [[nodiscard]] Step next_event();

  /// The record that next_event() decoded.
  [[nodiscard]] const EventView& event() const { return event_; }

  /// Decodes the event record that starts at `bit` of the packet, whichever was decoded last.
  ///
  /// `clock`: the time of the record in front of it, or its own.
  [[nodiscard]] Step event_at(std::uint64_t bit, std::uint64_t clock);

  /// Where the next event record may start, in bits from the start of the packet, and the time up
  /// to there.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  [[nodiscard]] std::uint64_t clock() const { return clock_; }
  /// For who skips records by other means: time has come this far.
  void set_clock(std::uint64_t clock) { clock_ = clock; }

  /// Lets time go on to the end of the packet: timestamps of the next one may be partial.
  void finish_packet();

  [[nodiscard]] const Fault& fault() const { return fault_; }

  /// The fault as an error: what, expected bound, field path; location "FILE@BYTE".
  [[nodiscard]] Error error(const std::string& file, std::uint64_t packet_byte) const;

  [[nodiscard]] const Plan& plan() const { return *plan_; }

 private:
  struct Frame {
    const Op* op;
    std::uint32_t value;
    std::uint64_t left;  // elements of an array, this one included
  };

  bool run(const ScopePlan& scope);
  bool read_head();
  bool check_head();
  bool read_scalar(const Op& op);
  bool read_scalars(const Op& op);
  bool read_variable(const Op& op);
  bool read_terminated_text(const Op& op);
  bool read_bytes(const Op& op);
  bool fail_block(const Op& block, const Op* last, std::uint64_t start);
  bool enter_array(const Op& op);
  const Op* enter_choice(const Op& op);
  const Op* leave(const Op& end);

  Value* push(std::uint32_t field, ValueKind kind);
  bool reserve(std::uint64_t more);
  void set_scalar(const Op& op, std::uint64_t bits, Value* value);
  void apply_roles(Roles roles, std::uint64_t value, unsigned bits);
  std::string_view to_utf8(std::string_view bytes, Encoding encoding);
  bool fail(Fault::Kind kind, std::uint32_t field, std::uint64_t bit, std::uint64_t value = 0,
            std::uint64_t bound = 0);
  [[nodiscard]] Values since(std::uint32_t first) const {
    return {values_.data() + first, count_ - first};
  }

  std::shared_ptr<const Plan> plan_;
  const Op* ops_ = nullptr;
  const std::uint8_t* data_ = nullptr;
  std::uint64_t bytes_ = 0;  // that may be loaded
  std::uint64_t limit_ = 0;  // bits that fields may take
  std::uint64_t value_limit_ = 0;
  std::uint64_t position_ = 0;  // bits
  std::uint64_t base_ = 0;      // of the block
  bool last_is_big_ = false;    // byte order of the last bit field
  std::uint64_t clock_ = 0;
  std::vector<std::uint64_t> slots_;
  std::array<std::uint64_t, kRoleCount> role_values_{};
  Roles seen_;
  unsigned end_bits_ = 64;  // of the timestamp at the packet's end
  std::vector<Value> values_;
  std::uint32_t count_ = 0;  // of values_ in use
  std::array<Frame, PlanLimits::kNesting + 1> frames_{};
  std::uint32_t depth_ = 0;
  std::vector<char> text_;  // UTF-8 of the record's UTF-16 and UTF-32
  std::size_t text_size_ = 0;
  PacketInfo head_;
  std::vector<Value> packet_values_;
  std::vector<char> packet_text_;
  std::uint32_t packet_context_ = 0;  // first of its values, behind the header's
  EventView event_;
  Fault fault_;
};

}  // namespace sillage::ctf
