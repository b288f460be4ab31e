// SPDX-License-Identifier: MIT
// Where event records end, and where their fields are, found without decoding them.
//
// A class of event records is compiled into a few steps, each of which passes bytes of fixed number
// and then one part of variable length. The place behind a variable part is an anchor; every field
// stands at a fixed distance from one:
//
//   struct { i32 pid; i32 tid; char procname[16]; } { i64 fd; string name; u8 size; u32 data[size]; }
//
//   anchor 0   pid +0, tid +4, procname +8, fd +24, name +32        step: pass 32 bytes, then text
//   anchor 1   size +0, data +1                                     step: pass 1 byte, then
//                                                                   4 * [anchor 1 + 0] bytes
//   anchor 2   the end
//
// What this cannot say (LEB128, UTF-16, parts that end inside a byte ...) is left to the decoder:
// such a class, or a record that looks damaged, is decoded bit-exactly instead.
#pragma once

#include "ctf/bit_load.hpp"
#include "ctf/decode_plan.hpp"

#include <cstdint>
#include <vector>

namespace sillage::ctf {

/// Bounds of what is scanned fast. Classes beyond them are left to the decoder.
struct ScanLimits {
  /// Anchors of one class: they stand on the stack. LTTng's classes have at most 9.
  static constexpr std::uint32_t kAnchors = 32;
  /// Arrays inside each other.
  static constexpr std::uint32_t kLoops = 4;
  /// Elements of all arrays of a record: fewer than the decoder always allows, so that what is
  /// scanned can be decoded.
  static constexpr std::uint64_t kElements = 1u << 16;
  /// Bytes between two anchors.
  static constexpr std::uint64_t kFixedBytes = 1u << 28;
};

/// Where a field is in a record of its class.
struct Place {
  std::uint32_t op = kNone;  ///< in Plan::ops(): how to read it
  std::uint32_t bit = 0;     ///< from the anchor; of text and arrays: the first element's
  std::uint16_t anchor = 0;
  std::uint16_t guard = 0;  ///< an anchor that is set if the field is there; 0: it always is
  /// Of variable length: the anchor behind it (and behind the NUL); 0: its length is fixed.
  std::uint16_t behind = 0;
};

/// A length or selector that is read from the record.
struct Key {
  const Op* op = nullptr;
  std::uint32_t bit = 0;
  std::uint32_t anchor = 0;

  [[nodiscard]] std::uint64_t read(const std::uint8_t* const* anchors) const {
    const std::uint8_t* from = anchors[anchor];
    if (op->load == Load::kLittle32 && op->kind == ValueKind::kUnsigned) [[likely]] {
      return load_bits(Load::kLittle32, from, bit, 32);
    }
    return integer_of(*op, load_bits(op->load, from, bit, op->length_bits));
  }
};

enum class ScanCode : std::uint8_t {
  kEnd,
  kText,     ///< up to a NUL
  kBytes,    ///< `unit` * key bytes
  kAlign,    ///< up to a multiple of `unit` bytes from the start of the packet
  kChoice,   ///< one of the options
  kJoin,     ///< end of an option: goes on at `next`
  kLoop,     ///< `count` or key times up to its kLoopEnd
  kLoopEnd,  ///< `next`: its kLoop
};

/// One step: passes `fixed` bytes, then does what `code` says.
struct ScanStep {
  ScanCode code = ScanCode::kEnd;
  std::uint8_t anchor = 0;  ///< that is set behind it; of kLoop: in front of each element
  std::uint8_t first_anchor = 0, last_anchor = 0;  ///< of kChoice: those inside its options
  std::uint32_t fixed = 0;
  std::uint32_t unit = 1;
  std::uint32_t key = kNone;
  std::uint32_t next = 0;                       ///< of kLoop and kChoice: behind it all
  std::uint32_t options = 0, option_count = 0;  ///< in ClassScan::options
  std::uint64_t count = 0;
};

struct ScanOption {
  std::uint64_t lower = 0, upper = 0;
  bool is_signed = false;
  std::uint8_t anchor = 0;  ///< that is set in front of it
  std::uint32_t step = 0;
};

/// How event records of one class are passed, from behind their header on.
struct ClassScan {
  bool is_fast = false;  ///< otherwise: leave it to the decoder
  std::vector<ScanStep> steps{};
  std::vector<ScanOption> options{};
  std::vector<Key> keys{};
  std::uint32_t anchor_count = 1;
  /// Fields outside arrays: scalars, text, BLOBs and arrays of scalars, in order.
  std::vector<Place> places{};
};

/// A number in an event record header.
struct HeaderField {
  const Op* op = nullptr;
  std::uint32_t bit = 0;  ///< from the start of the header
};

/// One form of an event record header.
struct HeaderForm {
  std::uint64_t lower = 0, upper = ~std::uint64_t{0};  ///< selectors of this form
  std::uint32_t bytes = 0;
  HeaderField id{}, time{};
};

/// How event record headers of a data stream class are read.
struct HeaderScan {
  enum class Kind : std::uint8_t {
    kDecoded,  ///< leave it to the decoder
    kLarge,    ///< LTTng's: u16 id, then u32 time; for id 65535 u32 id and u64 time; little-endian
    kCompact,  ///< LTTng's: 5 bits of id, 27 of time; for id 31 then u32 id, u64 time; little-endian
    kForms,    ///< anything of fixed places: `forms`
  };
  Kind kind = Kind::kDecoded;
  std::uint32_t alignment_bytes = 1;
  HeaderField selector{};
  std::vector<HeaderForm> forms{};
  std::uint32_t least_bytes = 0;  ///< that can be read before the form is known
};

/// How the event records of a data stream class are scanned.
///
/// Lifetime: points into the plan.
/// Threads:  never changes once made.
struct StreamScan {
  HeaderScan header{};
  std::vector<ClassScan> classes{};  ///< as StreamPlan::events
};

/// Compiles the scanning of a data stream class.
[[nodiscard]] StreamScan compile_scan(const Plan& plan, const StreamPlan& stream);

}  // namespace sillage::ctf
