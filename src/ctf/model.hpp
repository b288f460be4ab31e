// SPDX-License-Identifier: MIT
// The trace model: what a metadata stream says, with the semantics and roles of CTF 2. CTF 1.8 is
// read into it and written from it. Value types: building one is filling in members, copying one
// shares its field classes. (Members say `{}` so that designated initializers may leave them out
// under -Wmissing-field-initializers.)
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sillage::ctf {

/// Format of a metadata stream. The data streams of Sillage are the same bytes in both.
enum class Version : std::uint8_t {
  kCtf18,  ///< CTF 1.8: TSDL text
  kCtf2,   ///< CTF 2: a JSON text sequence
};

enum class ByteOrder : std::uint8_t { kLittle, kBig };

/// The machine's byte order: that of every ring, so of every packet recorded here.
inline constexpr ByteOrder kNativeByteOrder =
    std::endian::native == std::endian::little ? ByteOrder::kLittle : ByteOrder::kBig;

/// Which element of the array of bits comes first; the usual one follows from the byte order.
enum class BitOrder : std::uint8_t { kFirstToLast, kLastToFirst };

enum class Encoding : std::uint8_t { kUtf8, kUtf16Be, kUtf16Le, kUtf32Be, kUtf32Le };

enum class Base : std::uint8_t { kBinary = 2, kOctal = 8, kDecimal = 10, kHexadecimal = 16 };

using Uuid = std::array<std::byte, 16>;

/// What a field means to a reader beyond its value.
///
/// Source: CTF2-SPEC-2.0 sections 5.6.1 and 5.8.1.
enum class Role : std::uint8_t {
  kPacketMagicNumber,
  kMetadataStreamUuid,
  kDataStreamClassId,
  kDataStreamId,
  kDefaultClockTimestamp,  ///< in packet contexts (begin) and event record headers
  kPacketEndDefaultClockTimestamp,
  kPacketTotalLength,
  kPacketContentLength,
  kPacketSequenceNumber,
  kDiscardedEventRecordCounterSnapshot,
  kEventRecordClassId,
};
inline constexpr std::size_t kRoleCount = 11;

/// A set of roles.
class Roles {
 public:
  Roles() = default;
  Roles(Role role) : bits_(bit(role)) {}  // NOLINT: one role is a set of roles

  [[nodiscard]] bool has(Role role) const { return (bits_ & bit(role)) != 0; }
  [[nodiscard]] bool empty() const { return bits_ == 0; }
  void add(Roles roles) { bits_ = static_cast<std::uint16_t>(bits_ | roles.bits_); }
  bool operator==(const Roles&) const = default;

 private:
  static constexpr std::uint16_t bit(Role role) {
    return static_cast<std::uint16_t>(1u << static_cast<unsigned>(role));
  }
  std::uint16_t bits_ = 0;
};

/// Both bounds included. The 64 bits are read as the class reads its own: two's complement where it
/// is signed.
struct IntegerRange {
  std::uint64_t lower = 0, upper = 0;
  bool operator==(const IntegerRange&) const = default;
};

/// A name for ranges of integers (labels of enumerations) or of bit numbers (flags of bit maps).
struct Mapping {
  std::string name{};
  std::vector<IntegerRange> ranges{};
  bool operator==(const Mapping&) const = default;
};

/// Root structures of a packet or event record, in the order in which they are decoded.
enum class Scope : std::uint8_t {
  kPacketHeader,
  kPacketContext,
  kEventRecordHeader,
  kCommonContext,
  kSpecificContext,
  kPayload,
};

/// Where the length or selector of a field is found.
struct FieldLocation {
  std::optional<Scope> origin{};  ///< none: start at the structure that holds the field itself
  /// Member names; none = the parent structure. Never empty, never ends in none.
  std::vector<std::optional<std::string>> path{};
  bool operator==(const FieldLocation&) const = default;
};

struct FieldClass;
/// A field class, immutable, so that copies of a class can share it. Never null where the model
/// requires one.
using FieldClassRef = std::shared_ptr<const FieldClass>;

/// Layout of all fixed-length bit arrays.
struct BitLayout {
  std::uint32_t length_bits = 32;
  std::uint32_t alignment_bits = 8;  ///< a power of two, from the start of the packet
  ByteOrder byte_order = kNativeByteOrder;
  std::optional<BitOrder> bit_order{};  ///< none: the usual one of the byte order
  bool operator==(const BitLayout&) const = default;
};

struct BitArray {
  BitLayout layout{};
};
struct BitMap {
  BitLayout layout{};
  std::vector<Mapping> flags{};
};
struct Boolean {
  BitLayout layout{.length_bits = 8};
};
/// An integer of fixed length; with mappings it is what CTF 1.8 calls an enumeration.
struct Integer {
  BitLayout layout{};
  bool is_signed = false;
  Base base = Base::kDecimal;
  std::vector<Mapping> mappings{};
  Roles roles{};
};
/// An integer in LEB128; CTF 2 only.
struct VariableInteger {
  bool is_signed = false;
  Base base = Base::kDecimal;
  std::vector<Mapping> mappings{};
  Roles roles{};
};
/// IEEE 754 binary16, 32, 64, 128: `layout.length_bits` says which.
struct Float {
  BitLayout layout{};
};
struct NullTerminatedString {
  Encoding encoding = Encoding::kUtf8;
};
/// Text that ends at its first NUL, or at the length.
struct StaticString {
  std::uint64_t length_bytes = 0;
  Encoding encoding = Encoding::kUtf8;
};
struct DynamicString {
  FieldLocation length_bytes{};
  Encoding encoding = Encoding::kUtf8;
};
inline constexpr const char* kDefaultMediaType = "application/octet-stream";
struct StaticBlob {
  std::uint64_t length_bytes = 0;
  std::string media_type = kDefaultMediaType;
  Roles roles{};
};
struct DynamicBlob {
  FieldLocation length_bytes{};
  std::string media_type = kDefaultMediaType;
};
struct StaticArray {
  std::uint64_t length = 0;  ///< elements
  FieldClassRef element{};
  std::uint32_t minimum_alignment_bits = 1;
};
struct DynamicArray {
  FieldLocation length{};  ///< elements
  FieldClassRef element{};
  std::uint32_t minimum_alignment_bits = 1;
};
struct Member {
  std::string name{};  ///< any UTF-8 text; unique in its structure
  FieldClassRef field_class{};
};
struct Structure {
  std::vector<Member> members{};
  std::uint32_t minimum_alignment_bits = 1;
};
/// A field that is there or not.
struct Optional {
  FieldLocation selector{};
  /// Values for which it is there; empty: the selector is a boolean.
  std::vector<IntegerRange> ranges{};
  bool selector_is_signed = false;  ///< how `ranges` are read
  FieldClassRef field_class{};
};
struct VariantOption {
  std::string name{};  ///< may be empty in CTF 2
  std::vector<IntegerRange> ranges{};
  FieldClassRef field_class{};
};
struct Variant {
  FieldLocation selector{};
  bool selector_is_signed = false;  ///< how the ranges of the options are read
  std::vector<VariantOption> options{};
};

/// One of the classes above.
struct FieldClass {
  std::variant<BitArray, BitMap, Boolean, Integer, VariableInteger, Float, NullTerminatedString,
               StaticString, DynamicString, StaticBlob, DynamicBlob, StaticArray, DynamicArray,
               Structure, Optional, Variant>
      kind;
  std::string attributes{};  ///< JSON text of a CTF 2 object; "" = none

  /// This class as a `T`, or nullptr if it is another kind.
  template <class T>
  [[nodiscard]] const T* as() const {
    return std::get_if<T>(&kind);
  }
};

/// Makes a field class of one of the kinds above.
template <class T>
[[nodiscard]] FieldClassRef make_field_class(T kind) {
  return std::make_shared<const FieldClass>(FieldClass{std::move(kind)});
}

/// Where a clock has its zero, if that is not the Unix epoch.
struct ClockOrigin {
  std::string name_space{}, name{}, uid{};  ///< "" = none, of the name space only
  bool operator==(const ClockOrigin&) const = default;
};

/// A clock: CLOCK_MONOTONIC in all that Sillage records.
struct ClockClass {
  std::string id = "monotonic";  ///< by which data stream classes refer to it; its name in CTF 1.8
  std::string name_space{};      ///< "" = none
  std::string name = "monotonic";
  std::string
      uid{};  ///< UUID text in CTF 1.8, for Linux the boot id: same uid, same clock; "" = none
  std::string description{};
  std::uint64_t frequency_hz = 1'000'000'000;
  /// Seconds and cycles (below the frequency) from the origin to the clock's zero.
  std::int64_t offset_seconds = 0;
  std::uint64_t offset_cycles = 0;
  bool origin_is_unix_epoch = true;
  std::optional<std::uint64_t> precision_cycles{};
  std::optional<std::uint64_t> accuracy_cycles{};
  std::optional<ClockOrigin> origin{};  ///< CTF 2 only; none and not the epoch: unknown
  std::string attributes{};             ///< JSON text of a CTF 2 object; "" = none

  /// Sets the offset from nanoseconds of a clock of 1 GHz, such as realtime minus CLOCK_MONOTONIC.
  void set_offset_ns(std::int64_t offset_ns) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    offset_seconds = offset_ns / kSecond - (offset_ns % kSecond < 0 ? 1 : 0);
    offset_cycles = static_cast<std::uint64_t>(offset_ns - offset_seconds * kSecond);
  }
};

using EnvironmentValue = std::variant<std::int64_t, std::string>;
struct EnvironmentEntry {
  std::string name{};
  EnvironmentValue value{};
};

/// What all data streams of a trace have in common.
struct TraceClass {
  /// Of the trace and of its metadata stream; it stands in the packet headers.
  std::optional<Uuid> uuid{};
  ByteOrder byte_order =
      kNativeByteOrder;  ///< CTF 1.8 default of the fields that do not name theirs
  std::string name_space{}, name{}, uid{};  ///< CTF 2 only; "" = none
  std::vector<EnvironmentEntry> environment{};
  std::vector<ClockClass> clocks{};
  FieldClassRef packet_header{};  ///< a Structure; null: none
  std::string attributes{};       ///< JSON text of a CTF 2 object; "" = none
};

/// Data streams of one channel.
struct DataStreamClass {
  std::uint64_t id = 0;
  std::string name_space{}, name{}, uid{};  ///< CTF 2 only; "" = none
  std::optional<std::string> default_clock_id{};
  FieldClassRef packet_context{}, event_header{}, common_context{};  ///< Structures; null: none
  std::string attributes{};  ///< JSON text of a CTF 2 object; "" = none
};

/// LTTng's number of a log level that says nothing: TRACE_DEBUG_LINE.
inline constexpr std::uint8_t kDefaultLogLevel = 13;

/// Event records of one kind, in one data stream class.
struct EventClass {
  std::uint64_t id = 0;
  std::uint64_t stream_class_id = 0;
  std::string name{};                           ///< "provider:event"; any UTF-8 text; "" = none
  std::optional<std::uint8_t> log_level{};      ///< LTTng's 0 (EMERG) .. 14 (DEBUG)
  std::string emf_uri{};                        ///< "" = none
  FieldClassRef specific_context{}, payload{};  ///< Structures; null: none
  std::string name_space{}, uid{};              ///< CTF 2 only; "" = none
  std::string attributes{};                     ///< JSON text of a CTF 2 object; "" = none
};

/// A whole metadata stream, as a reader holds it.
struct TraceModel {
  Version version = Version::kCtf18;
  TraceClass trace;
  std::vector<DataStreamClass> streams;
  std::vector<EventClass> events;
};

}  // namespace sillage::ctf
