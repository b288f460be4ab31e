// SPDX-License-Identifier: MIT
#include "ctf/layout.hpp"

#include "ctf/text.hpp"

#include <array>
#include <unordered_map>

namespace sillage::ctf {

namespace {

FieldClassRef unsigned_integer(std::uint32_t bits, Roles roles = {}, std::uint32_t alignment = 8) {
  return make_field_class(
      Integer{.layout = {.length_bits = bits, .alignment_bits = alignment}, .roles = roles});
}

FieldClassRef mapped_integer(const IntegerFormat& format, std::vector<Mapping> mappings) {
  return make_field_class(
      Integer{.layout = {.length_bits = format.size_bytes * 8,
                         .byte_order = format.is_big_endian ? ByteOrder::kBig : kNativeByteOrder},
              .is_signed = format.is_signed,
              .base = format.base,
              .mappings = std::move(mappings)});
}

FieldClassRef float_class(std::uint32_t size_bytes) {
  return make_field_class(Float{.layout = {.length_bits = size_bytes * 8}});
}

struct Context {
  std::string_view name;
  std::uint32_t bits;
  bool is_signed;
};

// Index: enum sillage_context. Names, sizes and signs: LTTng-UST 2.13's metadata of a 64-bit
// program, all in base 10 but the instruction pointer, which its users know as a hexadecimal
// number.
constexpr std::uint32_t kProcname = 3;
constexpr std::uint32_t kInstructionPointer = 5;
constexpr std::uint64_t kProcnameBytes = 17;
constexpr std::array<Context, 21> kContexts{{
    {"", 0, false},         {"vpid", 32, true},        {"vtid", 32, true},
    {"procname", 8, true},  {"pthread_id", 64, false}, {"ip", 64, false},
    {"cpu_id", 32, true},   {"cgroup_ns", 64, false},  {"ipc_ns", 64, false},
    {"mnt_ns", 64, false},  {"net_ns", 64, false},     {"pid_ns", 64, false},
    {"time_ns", 64, false}, {"user_ns", 64, false},    {"uts_ns", 64, false},
    {"vuid", 32, false},    {"veuid", 32, false},      {"vsuid", 32, false},
    {"vgid", 32, false},    {"vegid", 32, false},      {"vsgid", 32, false},
}};

FieldClassRef context_class(std::uint32_t number) {
  if (number == kProcname) return make_field_class(StaticString{.length_bytes = kProcnameBytes});
  const Context& context = kContexts[number];
  return make_field_class(
      Integer{.layout = {.length_bits = context.bits},
              .is_signed = context.is_signed,
              .base = number == kInstructionPointer ? Base::kHexadecimal : Base::kDecimal});
}

constexpr std::uint32_t kFirstAppContext = 128, kFirstCounter = 160;

FieldClassRef integer_class(std::uint32_t bits, bool is_signed) {
  return make_field_class(Integer{.layout = {.length_bits = bits}, .is_signed = is_signed});
}

// Names, order and numbers: LTTng-UST 2.13's metadata.
void add_app_context(std::string_view name, Structure* to) {
  const std::pair<std::string, FieldClassRef> kinds[] = {
      {"_none", make_field_class(Structure{})},
      {"_int8", integer_class(8, true)},
      {"_int16", integer_class(16, true)},
      {"_int32", integer_class(32, true)},
      {"_int64", integer_class(64, true)},
      {"_uint8", integer_class(8, false)},
      {"_uint16", integer_class(16, false)},
      {"_uint32", integer_class(32, false)},
      {"_uint64", integer_class(64, false)},
      {"_float", float_class(4)},
      {"_double", float_class(8)},
      {"_string", make_field_class(NullTerminatedString{})},
  };
  std::string field;
  for (const char c : name)
    field += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
  Integer tag{.layout = {.length_bits = 8}, .is_signed = true};
  Variant value{.selector = {Scope::kCommonContext, {field + "_tag"}}, .selector_is_signed = true};
  for (std::uint64_t number = 0; number < std::size(kinds); ++number) {
    const auto& [kind, field_class] = kinds[number];
    tag.mappings.push_back({kind, {{number, number}}});
    value.options.push_back({kind, {{number, number}}, field_class});
  }
  to->members.push_back({field + "_tag", make_field_class(std::move(tag))});
  to->members.push_back({field, make_field_class(std::move(value))});
}

// An id that is followed by the low bits of the time or, if it is `extended_id`, by id and time in full.
FieldClassRef event_header_class(std::uint32_t id_bits, std::uint64_t extended_id,
                                 std::uint32_t time_bits, std::uint32_t alignment) {
  const FieldClassRef id = make_field_class(Integer{
      .layout = {.length_bits = id_bits, .alignment_bits = alignment},
      .mappings = {{"compact", {{0, extended_id - 1}}}, {"extended", {{extended_id, extended_id}}}},
      .roles = Role::kEventRecordClassId});
  const FieldClassRef compact = make_field_class(Structure{
      .members = {
          {"timestamp", unsigned_integer(time_bits, Role::kDefaultClockTimestamp, alignment)}}});
  const FieldClassRef extended = make_field_class(
      Structure{.members = {{"id", unsigned_integer(32, Role::kEventRecordClassId)},
                            {"timestamp", unsigned_integer(64, Role::kDefaultClockTimestamp)}}});
  return make_field_class(Structure{
      .members = {{"id", id},
                  {"v", make_field_class(Variant{
                            .selector = {Scope::kEventRecordHeader, {"id"}},
                            .options = {{"compact", {{0, extended_id - 1}}, compact},
                                        {"extended", {{extended_id, extended_id}}, extended}}})}},
      .minimum_alignment_bits = 8});
}

}  // namespace

FieldClassRef packet_header_class() {
  return make_field_class(Structure{
      .members = {
          {"magic", unsigned_integer(32, Role::kPacketMagicNumber)},
          {"uuid",
           make_field_class(StaticBlob{.length_bytes = 16, .roles = Role::kMetadataStreamUuid})},
          {"stream_id", unsigned_integer(32, Role::kDataStreamClassId)},
          {"stream_instance_id", unsigned_integer(64, Role::kDataStreamId)},
      }});
}

FieldClassRef packet_context_class(StreamsOf streams) {
  return make_field_class(Structure{
      .members = {
          {"timestamp_begin", unsigned_integer(64, Role::kDefaultClockTimestamp)},
          {"timestamp_end", unsigned_integer(64, Role::kPacketEndDefaultClockTimestamp)},
          {"content_size", unsigned_integer(64, Role::kPacketContentLength)},
          {"packet_size", unsigned_integer(64, Role::kPacketTotalLength)},
          {"packet_seq_num", unsigned_integer(64, Role::kPacketSequenceNumber)},
          {"events_discarded", unsigned_integer(64, Role::kDiscardedEventRecordCounterSnapshot)},
          {streams == StreamsOf::kCpu ? "cpu_id" : "buffer_id", unsigned_integer(32)},
      }});
}

FieldClassRef compact_event_header_class() { return event_header_class(5, 31, 27, 1); }

FieldClassRef large_event_header_class() { return event_header_class(16, 65535, 32, 8); }

bool is_context(std::uint32_t number, std::size_t app_count, std::size_t counter_count) {
  const auto is_numbered = [&](std::uint32_t first, std::size_t count) {
    return number >= first && number - first < count;
  };
  return (number > 0 && number < kContexts.size()) || is_numbered(kFirstAppContext, app_count) ||
         is_numbered(kFirstCounter, counter_count);
}

std::string_view context_name(std::uint32_t number) {
  return is_context(number) ? kContexts[number].name : std::string_view();
}

DataStreamClass data_stream_class(std::uint64_t id, FieldClassRef event_header,
                                  FieldClassRef common_context, const ClockClass& clock,
                                  StreamsOf streams) {
  DataStreamClass stream{.id = id,
                         .default_clock_id = clock.id,
                         .packet_context = packet_context_class(streams),
                         .event_header = std::move(event_header)};
  stream.common_context = std::move(common_context);
  return stream;
}

FieldClassRef contexts_class(const std::vector<std::uint32_t>& contexts,
                             const std::vector<std::string>& app_names,
                             const std::vector<std::string>& counters) {
  Structure context;
  for (const std::uint32_t number : contexts) {
    if (is_context(number))
      context.members.push_back({std::string(kContexts[number].name), context_class(number)});
    else if (number >= kFirstCounter && number - kFirstCounter < counters.size())
      context.members.push_back({counters[number - kFirstCounter], integer_class(64, false)});
    else if (number >= kFirstAppContext && number - kFirstAppContext < app_names.size())
      add_app_context(app_names[number - kFirstAppContext], &context);
  }
  return context.members.empty() ? nullptr : make_field_class(std::move(context));
}

DataStreamClass channel_stream_class(std::uint64_t id, const std::vector<std::uint32_t>& contexts,
                                     const ClockClass& clock) {
  return data_stream_class(id, compact_event_header_class(), contexts_class(contexts), clock);
}

TraceClass recording_trace_class(const Uuid& uuid, std::vector<EnvironmentEntry> environment,
                                 ClockClass clock) {
  TraceClass trace{.uuid = uuid,
                   .name_space = "lttng.org,2009",
                   .uid = uuid_text(uuid),
                   .environment = std::move(environment),
                   .packet_header = packet_header_class()};
  trace.clocks.push_back(std::move(clock));
  return trace;
}

std::vector<EnvironmentEntry> ust_environment(const UstEnvironment& environment) {
  const auto& process = environment.process;
  std::vector<EnvironmentEntry> entries{
      {"domain", "ust"},
      {"tracer_name", "sillage"},
      {"tracer_major", environment.version_major},
      {"tracer_minor", environment.version_minor},
      {"tracer_buffering_scheme", process ? "pid" : "uid"},
      {"tracer_buffering_id", process ? process->vpid : environment.user_id},
      {"architecture_bit_width", environment.word_bits},
      {"trace_name", environment.session_name},
      {"trace_creation_datetime", environment.creation_datetime},
      {"hostname", environment.hostname},
      {"tracer_patchlevel", environment.version_patch},
  };
  if (process) {
    entries.push_back({"vpid", process->vpid});
    entries.push_back({"procname", process->name});
    entries.push_back({"vpid_datetime", process->start_datetime});
  }
  return entries;
}

ClockClass monotonic_clock_class(std::string boot_id, std::int64_t offset_ns) {
  ClockClass clock{.uid = std::move(boot_id), .description = "Monotonic Clock"};
  clock.set_offset_ns(offset_ns);
  return clock;
}

FieldClassRef integer_class(const IntegerFormat& format,
                            const std::vector<EnumerationLabel>& labels) {
  std::vector<Mapping> mappings;
  std::unordered_map<std::string, std::size_t> index;  // of a label in `mappings`
  for (const EnumerationLabel& label : labels) {
    const IntegerRange range = label.range;
    const bool is_empty = format.is_signed ? static_cast<std::int64_t>(range.lower) >
                                                 static_cast<std::int64_t>(range.upper)
                                           : range.lower > range.upper;
    if (is_empty) continue;
    const std::string text = valid_utf8(label.name);
    const auto [same, is_new] = index.try_emplace(text, mappings.size());
    if (is_new) mappings.push_back({text, {}});
    mappings[same->second].ranges.push_back(range);
  }
  return mapped_integer(format, std::move(mappings));
}

std::string PayloadBuilder::unique(std::string_view name) {
  return names_.unique(name.empty() ? "_" : valid_utf8(name));
}

void PayloadBuilder::add(std::string_view name, FieldClassRef field_class) {
  structure_.members.push_back({unique(name), std::move(field_class)});
}

FieldLocation PayloadBuilder::add_length(std::string_view name, std::string_view length_name,
                                         std::uint32_t length_bytes) {
  const std::string length =
      unique(length_name.empty() ? "_" + std::string(name) + "_length" : length_name);
  structure_.members.push_back({length, unsigned_integer(length_bytes * 8)});
  return {Scope::kPayload, {length}};
}

PayloadBuilder& PayloadBuilder::integer(std::string_view name, const IntegerFormat& format) {
  add(name, integer_class(format));
  return *this;
}

PayloadBuilder& PayloadBuilder::boolean(std::string_view name) {
  add(name, make_field_class(Boolean{}));
  return *this;
}

PayloadBuilder& PayloadBuilder::enumeration(std::string_view name, const IntegerFormat& format,
                                            const std::vector<EnumerationLabel>& labels) {
  add(name, integer_class(format, labels));
  return *this;
}

PayloadBuilder& PayloadBuilder::floating(std::string_view name, std::uint32_t size_bytes) {
  add(name, float_class(size_bytes));
  return *this;
}

PayloadBuilder& PayloadBuilder::string(std::string_view name) {
  add(name, make_field_class(NullTerminatedString{}));
  return *this;
}

PayloadBuilder& PayloadBuilder::text_array(std::string_view name, std::uint64_t length_bytes) {
  add(name, make_field_class(StaticString{.length_bytes = length_bytes}));
  return *this;
}

PayloadBuilder& PayloadBuilder::text_sequence(std::string_view name, std::uint32_t length_bytes) {
  FieldLocation length = add_length(name, {}, length_bytes);
  add(name, make_field_class(DynamicString{.length_bytes = std::move(length)}));
  return *this;
}

PayloadBuilder& PayloadBuilder::array(std::string_view name, const IntegerFormat& element,
                                      std::uint64_t length) {
  add(name, make_field_class(StaticArray{.length = length, .element = integer_class(element)}));
  return *this;
}

PayloadBuilder& PayloadBuilder::float_array(std::string_view name, std::uint32_t size_bytes,
                                            std::uint64_t length) {
  add(name, make_field_class(StaticArray{.length = length, .element = float_class(size_bytes)}));
  return *this;
}

PayloadBuilder& PayloadBuilder::sequence(std::string_view name, const IntegerFormat& element,
                                         std::uint32_t length_bytes) {
  FieldLocation length = add_length(name, {}, length_bytes);
  add(name, make_field_class(
                DynamicArray{.length = std::move(length), .element = integer_class(element)}));
  return *this;
}

PayloadBuilder& PayloadBuilder::float_sequence(std::string_view name, std::uint32_t size_bytes,
                                               std::uint32_t length_bytes) {
  FieldLocation length = add_length(name, {}, length_bytes);
  add(name, make_field_class(
                DynamicArray{.length = std::move(length), .element = float_class(size_bytes)}));
  return *this;
}

PayloadBuilder& PayloadBuilder::blob(std::string_view name, std::uint64_t length_bytes,
                                     std::string_view media_type) {
  add(name, make_field_class(
                StaticBlob{.length_bytes = length_bytes, .media_type = std::string(media_type)}));
  return *this;
}

PayloadBuilder& PayloadBuilder::blob_sequence(std::string_view name, std::string_view media_type) {
  FieldLocation length = add_length(name);
  add(name, make_field_class(DynamicBlob{.length_bytes = std::move(length),
                                         .media_type = std::string(media_type)}));
  return *this;
}

PayloadBuilder& PayloadBuilder::field(std::string_view name, FieldClassRef field_class) {
  add(name, std::move(field_class));
  return *this;
}

PayloadBuilder& PayloadBuilder::elements(std::string_view name, FieldClassRef element,
                                         std::string_view length_name) {
  FieldLocation length = add_length(name, length_name);
  add(name,
      make_field_class(DynamicArray{.length = std::move(length), .element = std::move(element)}));
  return *this;
}

FieldClassRef PayloadBuilder::build() {
  names_ = {};
  return make_field_class(std::exchange(structure_, {}));
}

}  // namespace sillage::ctf
