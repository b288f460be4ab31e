// SPDX-License-Identifier: MIT
// Writes a small trace by hand, record by record, whose every value is known: ctf_make_trace
// DIRECTORY 1.8|2
//
// What it holds, and why, is beside the values. interop_test.py compares what independent readers
// say of it with expected_babeltrace2.txt and expected_events.jsonl.
#include "ctf/layout.hpp"
#include "ctf/metadata.hpp"
#include "ctf/packet.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace {

using namespace sillage::ctf;

constexpr std::uint64_t kStart = 1'000'000'000;
constexpr std::uint64_t kAll = 0, kEmpty = 1, kHostile = 2, kLong = 3, kFirstPlain = 4,
                        kEventCount = 40;

/// Event records, one behind the other, as a program's ring would hold them.
class Records {
 public:
  Records& compact(std::uint32_t id, std::uint64_t time) {
    return put(static_cast<std::uint32_t>(time << 5) | id);
  }
  Records& extended(std::uint32_t id, std::uint64_t time) {
    return put(std::uint8_t{31}).put(id).put(time);
  }
  template <class T>
  requires std::is_arithmetic_v<T> Records& put(T value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof value);
    return *this;
  }
  Records& put(std::string_view text) {
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    bytes_.insert(bytes_.end(), bytes, bytes + text.size());
    return *this;
  }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

void append(const std::filesystem::path& path, const void* data, std::size_t size) {
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  if (!file) {
    std::fprintf(stderr, "cannot write %s\n", path.c_str());
    std::exit(1);
  }
}

/// One data stream file and its index.
class StreamFile {
 public:
  StreamFile(const std::filesystem::path& directory, const std::string& name, const Uuid& uuid)
      : data_(directory / name), index_(directory / "index" / (name + ".idx")), uuid_(uuid) {
    const auto header = encode_index_header();
    append(index_, header.data(), header.size());
  }

  void packet(PacketHead head, const Records& records) {
    head.content_bytes = kPacketHeadBytes + records.bytes().size();
    std::vector<std::byte> bytes(packet_bytes(head.content_bytes));
    std::ranges::copy(records.bytes(), bytes.begin() + kPacketHeadBytes);
    encode_packet_head(std::span(bytes).first<kPacketHeadBytes>(), uuid_, head);
    const auto entry = encode_index_entry(offset_, head);
    append(data_, bytes.data(), bytes.size());
    append(index_, entry.data(), entry.size());
    offset_ += bytes.size();
  }

 private:
  std::filesystem::path data_, index_;
  Uuid uuid_;
  std::uint64_t offset_ = 0;
};

constexpr std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

/// Every kind of field, with the values at its edges.
FieldClassRef all_payload() {
  const IntegerFormat i32{.size_bytes = 4, .is_signed = true};
  return PayloadBuilder()
      .integer("i8", {.size_bytes = 1, .is_signed = true})
      .integer("u8", {.size_bytes = 1})
      .integer("i16", {.size_bytes = 2, .is_signed = true})
      .integer("x16", {.size_bytes = 2, .base = Base::kHexadecimal})
      .integer("o32", {.size_bytes = 4, .base = Base::kOctal})
      .integer("b8", {.size_bytes = 1, .base = Base::kBinary})
      .integer("i64", {.size_bytes = 8, .is_signed = true})
      .integer("u64", {.size_bytes = 8})
      .integer("n16", {.size_bytes = 2, .is_big_endian = true})
      .integer("n32x", {.size_bytes = 4, .base = Base::kHexadecimal, .is_big_endian = true})
      .integer("n64", {.size_bytes = 8, .is_signed = true, .is_big_endian = true})
      .boolean("yes")
      .boolean("no")
      .enumeration("color", i32,
                   {{"red", {0, 0}},
                    {"a \"quoted\" \\ label", {1, 5}},
                    {"negative", {bits(-3), bits(-1)}},
                    {"red", {7, 7}},                                   // one label, two ranges
                    {"never", {9, 8}}})                                // an empty range is dropped
      .enumeration("both", i32, {{"one", {1, 10}}, {"two", {5, 20}}})  // overlapping
      .enumeration("top", {.size_bytes = 8}, {{"max", {UINT64_MAX, UINT64_MAX}}})
      .enumeration("unknown", {.size_bytes = 1}, {{"zero", {0, 0}}})
      .enumeration("bare", {.size_bytes = 2}, {})
      .floating("f32", 4)
      .floating("f64", 8)
      .string("text")
      .string("nothing")
      .text_array("padded", 8)
      .text_array("full", 4)
      .text_sequence("words")
      .text_sequence("no_words")
      .array("ints", i32, 3)
      .array("bytes", {.size_bytes = 1, .base = Base::kHexadecimal}, 2)
      .array("ports", {.size_bytes = 2, .is_big_endian = true}, 2)
      .array("void", i32, 0)
      .float_array("doubles", 8, 2)
      .sequence("list", {.size_bytes = 2})
      .sequence("no_list", {.size_bytes = 8})
      .float_sequence("floats", 4)
      .blob("image", 4, "image/tiff")
      .blob("plain", 2, "")
      .blob_sequence("data", "application/json")
      .build();
}

Records& put_all(Records& out) {
  return out.put(std::int8_t{-128})
      .put(std::uint8_t{255})
      .put(std::int16_t{-2})
      .put(std::uint16_t{0xbeef})
      .put(std::uint32_t{0755})
      .put(std::uint8_t{0b101})
      .put(INT64_MIN)
      .put(UINT64_MAX)
      .put(__builtin_bswap16(443))
      .put(__builtin_bswap32(0x01020304))
      .put(__builtin_bswap64(bits(-2)))
      .put(std::uint8_t{1})
      .put(std::uint8_t{0})
      .put(std::int32_t{3})
      .put(std::int32_t{7})
      .put(UINT64_MAX)
      .put(std::uint8_t{9})
      .put(std::uint16_t{77})
      .put(1.5f)
      .put(-2.25)
      .put(std::string_view("h\xc3\xa9llo \"w\"\0", 11))
      .put(std::string_view("\0", 1))
      .put(std::string_view("abc\0\0\0\0\0", 8))
      .put("1234")
      .put(std::uint32_t{3})
      .put("xyz")
      .put(std::uint32_t{0})
      .put(std::int32_t{-1})
      .put(std::int32_t{0})
      .put(std::int32_t{1})
      .put(std::uint8_t{0xde})
      .put(std::uint8_t{0xad})
      .put(__builtin_bswap16(80))
      .put(__builtin_bswap16(8080))
      .put(0.5)
      .put(1e300)
      .put(std::uint32_t{3})
      .put(std::uint16_t{1})
      .put(std::uint16_t{2})
      .put(std::uint16_t{65535})
      .put(std::uint32_t{0})
      .put(std::uint32_t{1})
      .put(0.25f)
      .put(std::string_view("II*\0", 4))
      .put(std::string_view("\x01\xff", 2))
      .put(std::uint32_t{2})
      .put("{}");
}

/// Field names that are no identifiers, are keywords, collide once they are, or are no text at all.
FieldClassRef hostile_payload() {
  PayloadBuilder payload;
  for (const std::string_view name : {"int", "struct", "7", "a-b", "a_b", "", "x\"y", "new\nline",
                                      "\xff\xfe", "caf\xc3\xa9", "_", "same", "same"})
    payload.integer(name, {.size_bytes = 1});
  return payload.text_sequence("in;}").build();
}

EventClass event_class(std::uint64_t id) {
  EventClass event{.id = id, .log_level = kDefaultLogLevel};
  switch (id) {
    case kAll:
      event.name = "demo:all";
      event.log_level = 4;
      event.emf_uri = "http://example.com/?q=\"quoted\"";
      event.payload = all_payload();
      break;
    case kEmpty:
      event.name = "demo:empty";
      event.log_level = 14;
      event.payload = PayloadBuilder().build();
      break;
    case kHostile:
      event.name = "demo:\"quotes\" \\ and\ttabs\nlines \x01\x7f \xe2\x82\xac \xff";
      event.payload = hostile_payload();
      break;
    case kLong:
      event.name = "demo:" + std::string(4096, 'n');
      event.payload = PayloadBuilder().integer(std::string(4096, 'f'), {.size_bytes = 1}).build();
      break;
    default:
      event.name = "demo:plain_" + std::to_string(id);
      event.payload = PayloadBuilder().integer("value", {.size_bytes = 4}).build();
      break;
  }
  return event;
}

/// The contexts of channel `alpha`, as numbers of enum sillage_context: vpid, procname, ip.
Records& put_contexts(Records& out) {
  return out.put(std::int32_t{-7})
      .put(std::string_view("demo\0\0\0\0\0\0\0\0\0\0\0\0\0", 17))
      .put(std::uint64_t{0xdeadbeef});
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view format = argc == 3 ? argv[2] : "";
  if (format != "1.8" && format != "2") {
    std::fprintf(stderr, "usage: %s DIRECTORY 1.8|2\n", argv[0]);
    return 2;
  }
  const Version version = format == "2" ? Version::kCtf2 : Version::kCtf18;
  const std::filesystem::path directory = argv[1];
  std::filesystem::create_directories(directory / "index");

  Uuid uuid;
  for (std::size_t i = 0; i < uuid.size(); ++i) uuid[i] = static_cast<std::byte>(0xa0 + i);
  const ClockClass clock =
      monotonic_clock_class("01234567-89ab-cdef-0123-456789abcdef", 1'700'000'000'500'000'000);
  const TraceClass trace = recording_trace_class(uuid,
                                                 {{"domain", "ust"},
                                                  {"tracer_name", "sillage"},
                                                  {"tracer_major", std::int64_t{0}},
                                                  {"hostname", "host \"x\""}},
                                                 clock);
  std::string metadata = metadata_head(version, trace);
  metadata += metadata_stream_class(version, trace, channel_stream_class(0, {1, 3, 5}, clock));
  metadata += metadata_stream_class(version, trace, channel_stream_class(1, {}, clock));
  for (std::uint64_t id = 0; id < kEventCount; ++id)
    metadata += metadata_event_class(version, trace, event_class(id));
  EventClass beta = event_class(kFirstPlain);
  beta.id = 0;
  beta.stream_class_id = 1;
  beta.name = "other:event";
  metadata += metadata_event_class(version, trace, beta);
  append(directory / "metadata", metadata.data(), metadata.size());

  StreamFile alpha0(directory, "alpha_0", uuid);
  Records first;
  put_all(put_contexts(first.compact(kAll, kStart)));
  put_contexts(first.compact(kEmpty, kStart + 1));
  put_contexts(first.compact(kHostile, kStart + 2));
  for (std::uint8_t value = 1; value <= 13; ++value) first.put(value);
  first.put(std::uint32_t{2}).put("ok");
  put_contexts(first.compact(kLong, kStart + 3)).put(std::uint8_t{99});
  // The largest compact id, the smallest extended one, and one more.
  put_contexts(first.compact(30, kStart + 4)).put(std::uint32_t{30});
  put_contexts(first.extended(31, kStart + 5)).put(std::uint32_t{31});
  put_contexts(first.extended(39, kStart + 6)).put(std::uint32_t{39});
  // A small id in an extended header, and 27 bits that wrap after it.
  constexpr std::uint64_t kWrap = std::uint64_t{1} << 27;
  constexpr std::uint64_t kBefore = kStart / kWrap * kWrap + kWrap - 10;
  put_contexts(first.extended(5, kBefore)).put(std::uint32_t{5});
  put_contexts(first.compact(6, kBefore + 20)).put(std::uint32_t{6});
  alpha0.packet({.begin = kStart, .end = kBefore + 20, .cpu_id = 0}, first);
  // A packet without events, after which 5 events had been lost.
  alpha0.packet(
      {.begin = kBefore + 30, .end = kBefore + 40, .sequence_number = 1, .events_discarded = 5},
      Records());
  Records last;
  put_contexts(last.extended(7, kBefore + 1'000'000'000)).put(std::uint32_t{7});
  alpha0.packet({.begin = kBefore + 50,
                 .end = kBefore + 1'000'000'100,
                 .sequence_number = 2,
                 .events_discarded = 5},
                last);

  // Another stream of the same channel, in the same time, which misses its packet number 1.
  StreamFile alpha1(directory, "alpha_1", uuid);
  Records other;
  put_contexts(other.compact(8, kStart + 2)).put(std::uint32_t{108});
  alpha1.packet({.stream_instance_id = 1, .begin = kStart + 2, .end = kStart + 9, .cpu_id = 1},
                other);
  Records later;
  put_contexts(later.compact(9, kStart + 50)).put(std::uint32_t{109});
  alpha1.packet({.stream_instance_id = 1,
                 .begin = kStart + 40,
                 .end = kStart + 60,
                 .sequence_number = 2,
                 .cpu_id = 1},
                later);

  StreamFile beta0(directory, "beta_0", uuid);
  Records second;
  second.compact(0, kStart + 7).put(std::uint32_t{7});
  beta0.packet({.stream_class_id = 1, .begin = kStart, .end = kStart + 10, .cpu_id = 3}, second);
  return 0;
}
