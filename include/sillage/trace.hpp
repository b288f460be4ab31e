// SPDX-License-Identifier: MIT
// Reads traces: CTF 1.8 and CTF 2, of any tracer. Link with sillage-trace.
//
//   auto reader = sillage::trace::Reader::open({"my-trace"}).value_or_throw();
//   while (const Event* event = reader.next()) {
//     std::cout << event->time_ns() << ' ' << event->name() << '\n';
//     if (Field fd = event->find("fd")) std::cout << fd.as_signed() << '\n';
//   }
//
// Two layers over the same records: events one by one, in order of time over all streams and traces
// (next()), and batches of columns, one event class and stream at a time (next_batch()), for who
// computes over many of them.
#pragma once

#include <sillage/detail/result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#if defined(__GNUC__)
#define SILLAGE_TRACE_API __attribute__((visibility("default")))
#else
#define SILLAGE_TRACE_API
#endif

namespace sillage::trace {

/// Why something failed.
struct Error {
  enum class Kind : std::uint8_t {
    kInvalidArgument,  ///< the caller asked for something that cannot be
    kNotFound,         ///< no such file, or no trace in it
    kCorrupt,          ///< the trace is damaged
    kIncomplete,       ///< the last packet of a file is not all there: it may still be written
    kLimit,            ///< it is larger or deeper than this library allows
    kUnsupported,      ///< CTF that this library does not read
    kSystem,           ///< the operating system refuses
  };
  Kind kind = Kind::kSystem;
  std::string message{};   ///< one sentence: what happened, and what to do
  std::string location{};  ///< "file:line:column", "file@byte", or empty

  [[nodiscard]] std::string text() const {
    return location.empty() ? message : location + ": " + message;
  }
};

/// A value, or why there is none.
template <class T>
using Result = detail::ValueOrError<T, Error>;

enum class FieldType : std::uint8_t {
  kUnsigned,
  kSigned,
  kBoolean,
  kBits,  ///< a bit array or bit map
  kFloat,
  kText,  ///< UTF-8, whatever the encoding in the trace
  kBlob,
  kArray,
  kStructure,
  kOptional,  ///< a field that is there or not
  kVariant,   ///< one of several fields
};

/// Which part of an event record, or of the packet around it, a field stands in.
enum class Scope : std::uint8_t { kPacketContext, kCommonContext, kSpecificContext, kPayload };

/// A name for the integers from `lower` to `upper`; of bit maps, for these bits.
///
/// The 64 bits are read as the field's own: two's complement if it is signed.
struct Label {
  std::string name{};
  std::uint64_t lower = 0, upper = 0;
};

/// What the metadata says about a field.
struct FieldInfo {
  std::string name{};  ///< "" of array elements and of what is in an optional
  FieldType type = FieldType::kUnsigned;
  Scope scope = Scope::kPayload;
  std::uint32_t bits = 0;             ///< of numbers; 0 if that varies
  std::uint32_t base = 10;            ///< in which integers are shown: 2, 8, 10 or 16
  std::vector<Label> labels{};        ///< of enumerations and bit maps
  std::vector<FieldInfo> children{};  ///< members, options, or the one element
  std::uint32_t number = 0;           ///< of the field in its trace, for the library itself
};

/// How the cells of a column are stored.
enum class CellType : std::uint8_t {
  kUnsigned8,
  kUnsigned16,
  kUnsigned32,
  kUnsigned64,
  kSigned8,
  kSigned16,
  kSigned32,
  kSigned64,
  kFloat32,
  kFloat64,
  kBoolean,  ///< one byte: 0 or 1
  kText,     ///< a Bytes
  kBlob,     ///< a Bytes
  kNumbers,  ///< a Bytes: elements of `ColumnInfo::element` behind each other, unaligned
};

/// A cell of variable length.
struct Bytes {
  const char* data = nullptr;
  std::size_t size = 0;  ///< bytes
};

/// A column that batches of a class have.
///
/// Members of structures, options and optionals have columns of their own; arrays of anything else
/// than numbers of whole bytes have none, and can be read with Event only.
struct ColumnInfo {
  std::string path{};  ///< "name", or "outer.name"
  CellType type = CellType::kUnsigned8;
  CellType element = CellType::kUnsigned8;  ///< of kNumbers
  Scope scope = Scope::kPayload;
  const FieldInfo* field = nullptr;
};

/// A kind of event, in one data stream class of one trace.
struct EventClass {
  std::size_t index = 0;  ///< in Reader::event_classes()
  std::size_t trace = 0;  ///< in Reader::traces()
  std::uint64_t stream_class_id = 0, id = 0;
  std::string name{};                       ///< "" if it has none
  std::optional<std::uint8_t> log_level{};  ///< LTTng's 0 (EMERG) .. 14 (DEBUG)
  std::string emf_uri{};
  /// Packet context, common context, specific context, payload, in this order; not the fields that
  /// only say where packets and records end and when.
  std::vector<FieldInfo> fields{};
  std::vector<ColumnInfo> columns{};  ///< those of the packet context first

  static constexpr std::size_t kNotFound = ~std::size_t{0};
  /// The place in `fields` of the field with that name, the payload's first; kNotFound if none has.
  [[nodiscard]] SILLAGE_TRACE_API std::size_t find_field(std::string_view field_name) const;
  /// The place in `columns` of the column with that path, the payload's first; kNotFound.
  [[nodiscard]] SILLAGE_TRACE_API std::size_t find_column(std::string_view path) const;
};

struct ClockInfo {
  std::string name{}, uid{}, description{};
  std::uint64_t frequency_hz = 0;
  std::int64_t offset_seconds = 0;  ///< with the cycles: from the origin to its zero
  std::uint64_t offset_cycles = 0;
  bool origin_is_unix_epoch = false;
  std::optional<std::uint64_t> precision_cycles{};
};

using EnvironmentValue = std::variant<std::int64_t, std::string>;

struct TraceInfo {
  std::string path{};  ///< of its first directory
  std::string name{};  ///< the host's, or ""
  std::string uuid{};  ///< its text, or ""
  std::vector<std::pair<std::string, EnvironmentValue>> environment{};
  std::vector<ClockInfo> clocks{};
};

/// A data stream: what one CPU, thread or ring recorded.
struct StreamInfo {
  std::size_t index = 0;  ///< in Reader::streams()
  std::size_t trace = 0;  ///< in Reader::traces()
  std::uint64_t class_id = 0, id = 0;
  std::string path{};  ///< of its first file
  /// Of its packets, in nanoseconds from the clock's origin, if they say.
  std::optional<std::int64_t> begin_ns{}, end_ns{};
  bool has_time = false;  ///< otherwise its events have no time: 0, and they come first
};

/// Events or packets that the tracer says it lost.
struct Loss {
  bool is_packets = false;
  std::optional<std::uint64_t> count{};              ///< none: some, nobody knows how many
  std::optional<std::int64_t> begin_ns{}, end_ns{};  ///< when, if that is known
  std::size_t stream = 0;                            ///< in Reader::streams()
};

struct Options {
  /// Only events whose name matches one of these, as in a shell ("sched_*"); empty: all.
  std::vector<std::string> events{};
  /// Only events of this time, both bounds included, in nanoseconds from the clock's origin.
  std::optional<std::int64_t> begin_ns{}, end_ns{};
  std::int64_t clock_offset_ns = 0;  ///< added to all times
  bool stream_intersection =
      false;               ///< only the time in which all streams of a trace were recorded
  bool is_strict = false;  ///< end at the first damage instead of skipping it
};

namespace detail {
struct Event;
struct ReaderState;
}  // namespace detail

/// The value of a field.
///
/// Lifetime: until the reader that gave the event goes on.
/// Cost:     numbers and text are read where they stand in the trace; no allocation. What is inside
///           optionals, variants, structures and arrays of such: the whole event is decoded once.
class Field {
 public:
  Field() = default;

  /// It is there; all below is for those that are.
  [[nodiscard]] explicit operator bool() const { return info_ != nullptr; }
  [[nodiscard]] const FieldInfo& info() const { return *info_; }
  [[nodiscard]] FieldType type() const { return info_->type; }

  /// Of kUnsigned, kSigned, kBoolean and kBits: the number. Others: 0.
  [[nodiscard]] std::uint64_t as_unsigned() const { return is_number() ? number_ : 0; }
  [[nodiscard]] std::int64_t as_signed() const { return static_cast<std::int64_t>(as_unsigned()); }
  /// Of all kinds of numbers; others: 0.
  [[nodiscard]] double as_double() const {
    if (type() == FieldType::kFloat) return real_;
    return type() == FieldType::kSigned ? static_cast<double>(as_signed())
                                        : static_cast<double>(as_unsigned());
  }
  /// Of kText and kBlob: the bytes. Others: "".
  [[nodiscard]] std::string_view as_text() const {
    if (type() != FieldType::kText && type() != FieldType::kBlob) return {};
    return {data_, size_};
  }
  /// The first label of an enumeration's value, the first flag that is set of a bit map; "" if there is none.
  [[nodiscard]] SILLAGE_TRACE_API std::string_view label() const;

  /// Elements of an array, members of a structure, 1 or 0 of an optional, 1 of a variant.
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Element, member or content `index`; nothing if there are fewer.
  ///
  /// Cost: constant in arrays of numbers, and in others for the next element; otherwise it grows with
  ///       the index.
  [[nodiscard]] SILLAGE_TRACE_API Field operator[](std::size_t index) const;
  /// The member of that name of a structure.
  [[nodiscard]] SILLAGE_TRACE_API Field find(std::string_view name) const;
  /// All elements of an array of numbers: their values into `out`, at most size() of them.
  SILLAGE_TRACE_API void copy_numbers(std::span<std::uint64_t> out) const;
  SILLAGE_TRACE_API void copy_numbers(std::span<double> out) const;

 private:
  friend struct detail::Event;
  [[nodiscard]] bool is_number() const { return type() <= FieldType::kBits; }

  const FieldInfo* info_ = nullptr;
  const detail::Event* event_ = nullptr;
  // NOLINTBEGIN(readability-identifier-naming): members of a union count as public there
  union {
    std::uint64_t number_ = 0;
    double real_;
    const char* data_;   // text, BLOBs, elements as they stand in the trace
    const void* value_;  // a decoded array, structure, optional or variant
  };
  // NOLINTEND(readability-identifier-naming)
  std::size_t size_ = 0;
  bool is_decoded_ = false;
};

/// Where an event stands: a few words to be kept, and copied, where the event itself cannot be.
///
/// Lifetime: as the reader's that gave the event; see Reader::at().
class EventPlace {
 public:
  EventPlace() = default;

 private:
  friend struct detail::Event;
  const void* stream_ = nullptr;
  const StreamInfo* stream_info_ = nullptr;
  const EventClass* classes_ = nullptr;
  const std::byte* packet_ = nullptr;
  std::size_t packet_bytes_ = 0;
  std::uint64_t clock_ = 0, bit_ = 0;
  std::uint32_t event_ = 0, body_ = 0;
};

/// An event.
///
/// Lifetime: until the reader that gave it goes on.
class Event {
 public:
  [[nodiscard]] const EventClass& event_class() const { return *class_; }
  [[nodiscard]] const std::string& name() const { return class_->name; }
  [[nodiscard]] const StreamInfo& stream() const { return *stream_; }
  /// Nanoseconds from the clock's origin, usually the Unix epoch; 0 if the stream has no time.
  [[nodiscard]] std::int64_t time_ns() const { return time_ns_; }
  /// The clock's value as recorded.
  [[nodiscard]] std::uint64_t cycles() const { return cycles_; }
  /// Where it stands, for Reader::at().
  [[nodiscard]] SILLAGE_TRACE_API EventPlace place() const;

  /// Field `index` of event_class().fields; nothing if there are fewer.
  [[nodiscard]] SILLAGE_TRACE_API Field operator[](std::size_t index) const;
  /// The field with that name, the payload's first.
  ///
  /// Cost: compares names; EventClass::find_field() does it once for all events of a class.
  [[nodiscard]] Field find(std::string_view field_name) const {
    const std::size_t index = event_class().find_field(field_name);
    return index == EventClass::kNotFound ? Field() : (*this)[index];
  }

 private:
  friend struct detail::Event;
  Event() = default;

  const EventClass* class_ = nullptr;
  const StreamInfo* stream_ = nullptr;
  std::int64_t time_ns_ = 0;
  std::uint64_t cycles_ = 0;
};

/// Cells of one field, of the events of a batch.
struct Column {
  const ColumnInfo* info = nullptr;
  /// The first cell; cell i is `stride` * i bytes behind it, in the machine's byte order. Fields of
  /// the packet context are the same for all events of a batch: their stride is 0.
  const std::byte* data = nullptr;
  std::ptrdiff_t stride = 0;
  /// One byte for each event, 0 where the field is not there (its cell is 0 or empty then);
  /// nullptr: it always is.
  const std::uint8_t* present = nullptr;
};

/// Events of one class, one after the other in one packet of one stream.
///
/// Lifetime: until the next batch of the same reader, or until the callback returns; times, cycles
///           and cells also for as long as `memory` is held. Text and BLOBs point into `memory` or
///           into the trace, which is there as long as the reader.
struct Batch {
  const EventClass* event_class = nullptr;
  const StreamInfo* stream = nullptr;
  std::size_t size = 0;  ///< events; never 0
  const std::int64_t* times_ns = nullptr;
  const std::uint64_t* cycles = nullptr;
  std::span<const Column> columns{};  ///< as EventClass::columns
  /// Who keeps it makes the reader use other memory for the batches that follow.
  std::shared_ptr<const void> memory{};
};

/// Reads one or several traces as one.
///
/// Lifetime: files stay mapped, and all `const` members valid, until it is destroyed or assigned to.
/// Threads:  one at a time; readers that split() gave are independent of each other.
class Reader {
 public:
  /// Finds the traces at or below each path.
  ///
  /// Errors: kNotFound     a path is not there, or has no trace at or below it.
  ///         kCorrupt, kUnsupported, kLimit  metadata that cannot be read.
  /// Cost:   reads the metadata and the head of each packet, or the index files instead.
  [[nodiscard]] SILLAGE_TRACE_API static Result<Reader> open(const std::vector<std::string>& paths,
                                                             Options options = {});
  SILLAGE_TRACE_API Reader(Reader&&) noexcept;
  SILLAGE_TRACE_API Reader& operator=(Reader&&) noexcept;
  SILLAGE_TRACE_API ~Reader();

  [[nodiscard]] SILLAGE_TRACE_API const std::vector<TraceInfo>& traces() const;
  [[nodiscard]] SILLAGE_TRACE_API const std::vector<EventClass>& event_classes() const;
  [[nodiscard]] SILLAGE_TRACE_API const std::vector<StreamInfo>& streams() const;

  /// The next event, earliest first; nullptr at the end.
  ///
  /// Events without time come first; equal times are ordered as babeltrace2 orders them.
  /// Cost: no allocation once buffers have grown; fields are not decoded before they are asked for.
  [[nodiscard]] SILLAGE_TRACE_API const Event* next();

  /// The event at a place that an event of this reader gave. next() goes on where it was.
  ///
  /// Lifetime: until the next at(); the event that next() gave is another one.
  /// Cost:     as next(); fields of one event may be asked for with an at() each.
  [[nodiscard]] SILLAGE_TRACE_API const Event& at(const EventPlace& place);

  /// Leaves out the events of other classes than these, which are places in event_classes(). To be
  /// called before anything is read; a second call leaves what both select.
  SILLAGE_TRACE_API void select(std::span<const std::size_t> classes);

  /// The next batch; nullptr at the end. Not for a reader whose next() was called, or the reverse.
  ///
  /// Order: stream by stream; in a stream by time, but for events of different classes, which come
  ///        in batches of their own for every 4096 events or packet.
  /// Cost:  no allocation once buffers have grown.
  [[nodiscard]] SILLAGE_TRACE_API const Batch* next_batch();

  /// All batches, in any order, on `threads` threads at a time; 0: as many as there are CPUs.
  ///
  /// `take(batch, thread)`: `thread` is below `threads`; calls of one thread come one by one.
  SILLAGE_TRACE_API void for_each_batch(
      unsigned threads, const std::function<void(const Batch& batch, unsigned thread)>& take);

  /// How many events there are, by event class (the places of event_classes()).
  ///
  /// Cost: nothing is decoded. To be called instead of next() and next_batch().
  [[nodiscard]] SILLAGE_TRACE_API std::vector<std::uint64_t> count(unsigned threads = 1);

  /// Readers of the same events in up to `parts` times of about as many bytes each, for as many
  /// threads. This one must not have been read from, and stays usable.
  [[nodiscard]] SILLAGE_TRACE_API std::vector<Reader> split(unsigned parts) const;

  /// What was lost and damaged, as far as was read. Damage that opening found comes first.
  [[nodiscard]] SILLAGE_TRACE_API const std::vector<Loss>& losses() const;
  [[nodiscard]] SILLAGE_TRACE_API const std::vector<Error>& damages() const;

  /// Makes range-based `for` work: `for (const Event& event : reader)`.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Event;
    using difference_type = std::ptrdiff_t;
    using pointer = const Event*;
    using reference = const Event&;

    Iterator() = default;
    explicit Iterator(Reader* reader) : reader_(reader), event_(reader->next()) {}
    [[nodiscard]] const Event& operator*() const { return *event_; }
    [[nodiscard]] const Event* operator->() const { return event_; }
    Iterator& operator++() {
      event_ = reader_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    [[nodiscard]] bool operator==(const Iterator& other) const { return event_ == other.event_; }

   private:
    Reader* reader_ = nullptr;
    const Event* event_ = nullptr;
  };
  [[nodiscard]] Iterator begin() { return Iterator(this); }
  [[nodiscard]] Iterator end() { return {}; }

 private:
  explicit Reader(std::unique_ptr<detail::ReaderState> state);
  std::unique_ptr<detail::ReaderState> state_;
};

}  // namespace sillage::trace
