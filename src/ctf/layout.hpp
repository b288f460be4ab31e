// SPDX-License-Identifier: MIT
// Field classes of what Sillage records: packets, event headers, contexts and payloads, with
// LTTng-UST's names.
//
// From a site's catalogue (src/abi/catalog.h) to PayloadBuilder:
//
//   SILLAGE_KIND_          call                                     field class in CTF 1.8 INTEGER
//   integer(name, {size, signed, base, be})  Integer                         integer BOOL
//   boolean(name)                            Boolean, 8 bits                 integer, 8 bits ENUM
//   enumeration(name, format, labels)        Integer with mappings           enum : integer FLOAT
//   floating(name, size)                     Float                           floating_point STRING
//   string(name)                             NullTerminatedString            string TEXT_ARRAY
//   text_array(name, count)                  StaticString                    integer UTF8 [n]
//   TEXT_SEQUENCE          text_sequence(name)                      u32 length, DynamicString
//   integer UTF8 [len] ARRAY                  array(name, format, count)               StaticArray
//   of Integer          integer [n] ARRAY of floats        float_array(name, size, count)
//   StaticArray of Float            floating_point [n] SEQUENCE               sequence(name,
//   format)                   u32 length, DynamicArray        integer [len] SEQUENCE of floats
//   float_sequence(name, size)               u32 length, DynamicArray        floating_point [len]
//   BLOB                   blob(name, count, media type)            StaticBlob integer base 16 [n]
//   BLOB_SEQUENCE          blob_sequence(name, media type)          u32 length, DynamicBlob integer
//   base 16 [len] any, NOWRITE           (not in the record: not called)
//
// The length of NAME is a member of its own in front of it, `_NAME_length`, as LTTng writes it.
#pragma once

#include "ctf/model.hpp"
#include "ctf/text.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sillage::ctf {

/// The packet header that `encode_packet_head` writes.
[[nodiscard]] FieldClassRef packet_header_class();

/// What the data streams of a class are of: then the last member of their packet context is the CPU, `cpu_id`, or only says
/// which of a channel's buffers it was, `buffer_id`.
enum class StreamsOf : std::uint8_t { kCpu, kBuffer };

/// The packet context that `encode_packet_head` writes.
[[nodiscard]] FieldClassRef packet_context_class(StreamsOf streams = StreamsOf::kCpu);

/// The event record header of src/abi/ring.h: 5 bits of id and 27 of time, or id 31, u32 id, u64
/// time; packed.
[[nodiscard]] FieldClassRef compact_event_header_class();

/// The other event record header of src/abi/kernel_ring.h: u16 of id and u32 of time, or id 65535,
/// u32 id, u64 time; packed.
[[nodiscard]] FieldClassRef large_event_header_class();

/// A data stream class with our packet context; a null `common_context` is none.
[[nodiscard]] DataStreamClass data_stream_class(std::uint64_t id, FieldClassRef event_header,
                                                FieldClassRef common_context,
                                                const ClockClass& clock,
                                                StreamsOf streams = StreamsOf::kCpu);

/// The common context of a user-space channel; null if there are no contexts.
///
/// `contexts` are numbers of enum sillage_context (src/abi/app_protocol.h) in the order in which
/// they stand in the records. Unknown ones are left out: `is_context` tells them.
///
/// `app_names`: of contexts that the application brings, "$app.PROVIDER:TYPE", by number - SILLAGE_CONTEXT_APP. Each is two
/// members, as LTTng-UST has them: a tag and a variant. `counters`: the fields of counters, by number -
/// SILLAGE_CONTEXT_COUNTER.
[[nodiscard]] FieldClassRef contexts_class(const std::vector<std::uint32_t>& contexts,
                                           const std::vector<std::string>& app_names = {},
                                           const std::vector<std::string>& counters = {});

/// The data stream class of a user-space channel: packet context, compact event header, the
/// channel's contexts.
[[nodiscard]] DataStreamClass channel_stream_class(std::uint64_t id,
                                                   const std::vector<std::uint32_t>& contexts,
                                                   const ClockClass& clock);

/// Whether a number of enum sillage_context has a field class here; of the application's contexts and of counters those have
/// one that a channel has names for: so many from SILLAGE_CONTEXT_APP and from SILLAGE_CONTEXT_COUNTER on.
[[nodiscard]] bool is_context(std::uint32_t number, std::size_t app_count = 0,
                              std::size_t counter_count = 0);

/// LTTng's name of a context ("vpid", "procname" ...) as it appears in traces; empty if there is no
/// such number.
[[nodiscard]] std::string_view context_name(std::uint32_t number);

/// The trace class of a recording: packet header, given UUID, environment and clock.
///
/// In CTF 2 its namespace is LTTng's, whose conventions the trace follows, and its uid the UUID.
[[nodiscard]] TraceClass recording_trace_class(const Uuid& uuid,
                                               std::vector<EnvironmentEntry> environment,
                                               ClockClass clock);

/// What the environment of a user-space trace says, beside what is the same in all of them.
struct UstEnvironment {
  /// The process, if the trace is of one process; none: buffers are shared by all of a user's.
  struct Process {
    std::int64_t vpid = 0;  ///< in its own PID namespace
    std::string name{};
    std::string start_datetime{};  ///< as `creation_datetime`
  };
  std::string session_name{};
  std::string creation_datetime{};  ///< local time as strftime's "%Y%m%dT%H%M%S%z"
  std::string hostname{};
  std::int64_t user_id = 0;  ///< whose buffers; unused with a process
  std::int64_t word_bits = 64;
  std::int64_t version_major = 0, version_minor = 0, version_patch = 0;  ///< of Sillage
  std::optional<Process> process{};
};

/// The environment entries of a user-space trace: LTTng-UST's names in LTTng's order, with an
/// honest tracer_name.
///
/// Source: metadata of LTTng-UST 2.13, buffers per user and per process.
[[nodiscard]] std::vector<EnvironmentEntry> ust_environment(const UstEnvironment& environment);

/// The kernel's monotonic clock: 1 GHz, Unix epoch as origin, `boot_id` (UUID text, may be empty)
/// as its identity.
[[nodiscard]] ClockClass monotonic_clock_class(std::string boot_id, std::int64_t offset_ns);

/// How an integer, or each of an array's, is stored and shown.
struct IntegerFormat {
  std::uint32_t size_bytes = 4;  ///< 1, 2, 4 or 8
  bool is_signed = false;
  Base base = Base::kDecimal;
  bool is_big_endian = false;  ///< whatever the machine's order is
};

/// A label of an enumeration, with one range; equal labels are joined.
struct EnumerationLabel {
  std::string name;
  IntegerRange range;  ///< dropped if its lower bound is above its upper one
};

/// The class of an integer, with labels an enumeration.
[[nodiscard]] FieldClassRef integer_class(const IntegerFormat& format,
                                          const std::vector<EnumerationLabel>& labels = {});

/// Collects the fields of an event's payload, in the order of the record; packed, alignment 1 byte.
///
/// Names may be anything: empty ones become "_", and one that was used before in the payload gets a
/// number behind it.
class PayloadBuilder {
 public:
  PayloadBuilder& integer(std::string_view name, const IntegerFormat& format);
  PayloadBuilder& boolean(std::string_view name);
  PayloadBuilder& enumeration(std::string_view name, const IntegerFormat& format,
                              const std::vector<EnumerationLabel>& labels);
  PayloadBuilder& floating(std::string_view name, std::uint32_t size_bytes);
  PayloadBuilder& string(std::string_view name);
  PayloadBuilder& text_array(std::string_view name, std::uint64_t length_bytes);
  /// Here and below, `length_bytes` is the size of the length in front.
  PayloadBuilder& text_sequence(std::string_view name, std::uint32_t length_bytes = 4);
  PayloadBuilder& array(std::string_view name, const IntegerFormat& element, std::uint64_t length);
  PayloadBuilder& float_array(std::string_view name, std::uint32_t size_bytes,
                              std::uint64_t length);
  PayloadBuilder& sequence(std::string_view name, const IntegerFormat& element,
                           std::uint32_t length_bytes = 4);
  PayloadBuilder& float_sequence(std::string_view name, std::uint32_t size_bytes,
                                 std::uint32_t length_bytes = 4);
  PayloadBuilder& blob(std::string_view name, std::uint64_t length_bytes,
                       std::string_view media_type);
  PayloadBuilder& blob_sequence(std::string_view name, std::string_view media_type);

  /// A field of any class: structures, integers of some bits.
  PayloadBuilder& field(std::string_view name, FieldClassRef field_class);
  /// u32 length, DynamicArray of `element`. The length's name is `_NAME_length` unless one is given.
  PayloadBuilder& elements(std::string_view name, FieldClassRef element,
                           std::string_view length_name = {});

  /// The payload; the builder is empty afterwards.
  [[nodiscard]] FieldClassRef build();

 private:
  void add(std::string_view name, FieldClassRef field_class);
  /// Adds the length field of `name` and returns where it is.
  FieldLocation add_length(std::string_view name, std::string_view length_name = {},
                           std::uint32_t length_bytes = 4);
  [[nodiscard]] std::string unique(std::string_view name);

  Structure structure_;
  UniqueNames names_;
};

}  // namespace sillage::ctf
