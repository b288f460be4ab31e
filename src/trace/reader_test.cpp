// SPDX-License-Identifier: MIT
#include <sillage/trace.hpp>
#include "ctf/layout.hpp"
#include "ctf/metadata.hpp"
#include "ctf/packet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::trace {
namespace {

using namespace std::string_literals;  // NUL bytes

constexpr std::uint64_t kStreams = 2, kPackets = 20, kEvents = 50;
constexpr std::uint64_t kAll = kStreams * kPackets * kEvents;

template <class T>
void put(std::string* out, T value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Two streams of packets; event n of a packet has its number as `count`, every third one a `text`.
// Of stream 1 two events were lost in packet 5.
class ReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::path(testing::TempDir()) / ("reader_test." + std::to_string(getpid()));
    std::filesystem::create_directories(path_);
    const auto version = ctf::Version::kCtf18;
    const auto clock = ctf::monotonic_clock_class("01234567-89ab-cdef-0123-456789abcdef", 0);
    const auto trace = ctf::recording_trace_class(ctf::Uuid{}, {{"hostname", "here"}}, clock);
    std::string metadata = ctf::metadata_head(version, trace);
    metadata += ctf::metadata_stream_class(version, trace, ctf::channel_stream_class(0, {}, clock));
    ctf::PayloadBuilder plain, with_text;
    plain.integer("count", {.size_bytes = 4});
    with_text.string("text");
    with_text.integer("count", {.size_bytes = 8, .is_signed = true});
    metadata += ctf::metadata_event_class(version, trace,
                                          {.id = 0, .name = "a:plain", .payload = plain.build()});
    metadata += ctf::metadata_event_class(
        version, trace, {.id = 1, .name = "a:text", .payload = with_text.build()});
    std::ofstream(path_ / "metadata", std::ios::binary) << metadata;
    for (std::uint64_t stream = 0; stream < kStreams; ++stream) write_stream(stream);
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  void write_stream(std::uint64_t stream) const {
    std::string file;
    for (std::uint64_t packet = 0; packet < kPackets; ++packet) {
      std::string bytes(ctf::kPacketHeadBytes, '\0');
      const std::uint64_t begin = 1000 * (packet + 1);
      for (std::uint64_t n = 0; n < kEvents; ++n) {
        const std::uint64_t time = begin + 10 * n + stream;
        const bool has_text = n % 3 == 0;
        put(&bytes, static_cast<std::uint32_t>(time << 5 | (has_text ? 1 : 0)));
        if (has_text) {
          bytes += "text " + std::to_string(n);
          bytes += '\0';
          put(&bytes, -static_cast<std::int64_t>(n));
        } else {
          put(&bytes, static_cast<std::uint32_t>(n));
        }
      }
      const ctf::PacketHead head{.stream_instance_id = stream,
                                 .begin = begin,
                                 .end = begin + 900,
                                 .content_bytes = bytes.size(),
                                 .sequence_number = packet,
                                 .events_discarded = stream == 1 && packet >= 5 ? 2u : 0u,
                                 .cpu_id = static_cast<std::uint32_t>(stream)};
      bytes.resize(ctf::packet_bytes(bytes.size()));
      ctf::encode_packet_head(
          std::as_writable_bytes(std::span(bytes)).first<ctf::kPacketHeadBytes>(), ctf::Uuid{},
          head);
      file += bytes;
    }
    std::ofstream(path_ / ("channel_" + std::to_string(stream)), std::ios::binary) << file;
  }

  [[nodiscard]] Reader open(Options options = {}) const {
    return Reader::open({path_.string()}, std::move(options)).value_or_throw();
  }

  std::filesystem::path path_;
};

TEST(Reader, NoTrace_SaysWhatIsMissing) {
  auto reader = Reader::open({"/nonexistent"});
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().kind, Error::Kind::kNotFound);
  EXPECT_THROW(std::move(reader).value_or_throw(), std::runtime_error);
}

TEST_F(ReaderTest, Events_ComeInOrderWithTheirFields) {
  Reader reader = open();
  std::uint64_t count = 0;
  std::int64_t last = 0;
  for (const Event& event : reader) {
    ASSERT_GE(event.time_ns(), last);
    last = event.time_ns();
    const std::uint64_t n = count / kStreams % kEvents, stream = count % kStreams;
    ASSERT_EQ(event.time_ns() % 1000, static_cast<std::int64_t>(10 * n + stream));
    ASSERT_EQ(event.stream().id, stream);
    ASSERT_EQ(event.find("cpu_id").as_unsigned(), stream);
    ASSERT_FALSE(event.find("nothing"));
    if (n % 3 == 0) {
      ASSERT_EQ(event.name(), "a:text");
      ASSERT_EQ(event.find("count").as_signed(), -static_cast<std::int64_t>(n));
      ASSERT_EQ(event.find("text").as_text(), "text " + std::to_string(n));
    } else {
      ASSERT_EQ(event.name(), "a:plain");
      ASSERT_EQ(event.find("count").as_unsigned(), n);
    }
    ++count;
  }
  EXPECT_EQ(count, kAll);
  EXPECT_TRUE(reader.damages().empty());
  ASSERT_EQ(reader.losses().size(), 1u);
  EXPECT_EQ(reader.losses()[0].count, 2u);
  EXPECT_EQ(reader.streams()[reader.losses()[0].stream].id, 1u);
}

TEST_F(ReaderTest, Batches_HoldTheSameOnAnyNumberOfThreads) {
  std::int64_t expected = 0;
  Reader events = open();
  for (const Event& event : events) expected += event.find("count").as_signed();
  for (const unsigned threads : {1u, 2u, 5u}) {
    Reader reader = open();
    std::vector<std::int64_t> sums(threads);
    std::vector<std::uint64_t> counts(threads);
    reader.for_each_batch(threads, [&](const Batch& batch, unsigned thread) {
      counts[thread] += batch.size;
      const Column& column = batch.columns[batch.event_class->find_column("count")];
      for (std::size_t i = 0; i < batch.size; ++i) {
        const std::byte* cell = column.data + static_cast<std::ptrdiff_t>(i) * column.stride;
        if (column.info->type == CellType::kSigned64) {
          std::int64_t value = 0;
          std::memcpy(&value, cell, sizeof value);
          sums[thread] += value;
        } else {
          ASSERT_EQ(column.info->type, CellType::kUnsigned32);
          std::uint32_t value = 0;
          std::memcpy(&value, cell, sizeof value);
          sums[thread] += value;
        }
      }
    });
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}), kAll);
    EXPECT_EQ(std::accumulate(sums.begin(), sums.end(), std::int64_t{0}), expected);
    EXPECT_EQ(reader.losses().size(), 1u);
    const auto by_class = open().count(threads);
    EXPECT_EQ(std::accumulate(by_class.begin(), by_class.end(), std::uint64_t{0}), kAll);
  }
}

TEST_F(ReaderTest, Split_EachEventIsInOnePart) {
  for (const unsigned parts : {1u, 2u, 7u}) {
    std::uint64_t count = 0, losses = 0;
    std::int64_t last = 0;
    for (Reader& part : open().split(parts)) {
      for (const Event& event : part) {
        ASSERT_GE(event.time_ns(), last);
        last = event.time_ns();
        ++count;
      }
      losses += part.losses().size();
    }
    EXPECT_EQ(count, kAll);
    EXPECT_EQ(losses, 1u);
  }
}

TEST_F(ReaderTest, Options_ChooseEventsAndTime) {
  std::uint64_t count = 0;
  Reader named = open({.events = {"*:te?t"}});
  for (const Event& event : named) {
    EXPECT_EQ(event.name(), "a:text");
    ++count;
  }
  EXPECT_EQ(count, kStreams * kPackets * ((kEvents + 2) / 3));
  // From within packet 18 to within packet 19.
  Options time{.begin_ns = 18'200, .end_ns = 19'100};
  count = 0;
  Reader some = open(time);
  for (const Event& event : some) {
    EXPECT_GE(event.time_ns(), 18'200);
    EXPECT_LE(event.time_ns(), 19'100);
    ++count;
  }
  EXPECT_EQ(count, (30 + 11) + (30 + 10));
  const auto by_class = open(time).count();
  EXPECT_EQ(std::accumulate(by_class.begin(), by_class.end(), std::uint64_t{0}), count);
}

std::string text_of(const Event& event) {
  const Field text = event.find("text");
  return text ? std::string(text.as_text()) : "";
}

TEST_F(ReaderTest, Place_GivesTheEventAgain) {
  Reader reader = open();
  struct Kept {
    EventPlace place{};
    std::int64_t time_ns = 0;
    std::string name{}, text{};
    std::int64_t count = 0;
    std::uint64_t stream = 0;
  };
  std::vector<Kept> kept;
  for (std::uint64_t i = 0; const Event* event = reader.next(); ++i) {
    if (i % 7 != 0) continue;
    kept.push_back({.place = event->place(),
                    .time_ns = event->time_ns(),
                    .name = event->name(),
                    .text = text_of(*event),
                    .count = event->find("count").as_signed(),
                    .stream = event->stream().id});
    if (kept.size() == 100) break;
  }
  ASSERT_EQ(kept.size(), 100u);
  const Event* const before = reader.next();
  const std::int64_t time = before->time_ns();
  // Backwards, so that no packet is the one that is being read.
  for (auto each = kept.rbegin(); each != kept.rend(); ++each) {
    const Event& event = reader.at(each->place);
    ASSERT_EQ(event.time_ns(), each->time_ns);
    ASSERT_EQ(event.cycles(), static_cast<std::uint64_t>(each->time_ns));
    ASSERT_EQ(event.name(), each->name);
    ASSERT_EQ(text_of(event), each->text);
    ASSERT_EQ(event.find("count").as_signed(), each->count);
    ASSERT_EQ(event.find("cpu_id").as_unsigned(), each->stream);
    ASSERT_EQ(event.stream().id, each->stream);
  }
  // The event of next() is another one, and next() goes on where it was.
  EXPECT_EQ(before->time_ns(), time);
  const Event* const after = reader.next();
  ASSERT_NE(after, nullptr);
  EXPECT_GE(after->time_ns(), time);
  EXPECT_LE(after->time_ns(), time + 10);
}

TEST_F(ReaderTest, Select_LeavesOnlyTheseClasses) {
  Reader reader = open();
  std::vector<std::size_t> plain;
  for (const EventClass& each : reader.event_classes()) {
    EXPECT_EQ(&each, &reader.event_classes()[each.index]);
    if (each.name == "a:plain") plain.push_back(each.index);
  }
  ASSERT_EQ(plain.size(), 1u);
  reader.select(plain);
  std::uint64_t count = 0;
  for (const Event& event : reader) {
    ASSERT_EQ(event.name(), "a:plain");
    ++count;
  }
  EXPECT_EQ(count, kStreams * kPackets * (kEvents - (kEvents + 2) / 3));
  // Both choices hold: nothing is left.
  Reader none = open({.events = {"a:text"}});
  none.select(plain);
  EXPECT_EQ(none.next(), nullptr);
  const auto by_class = none.count();
  EXPECT_EQ(std::accumulate(by_class.begin(), by_class.end(), std::uint64_t{0}), 0u);
}

TEST_F(ReaderTest, NextBatch_OneClassAndStreamInOrderOfTime) {
  Reader reader = open();
  std::vector<std::uint64_t> counts(reader.event_classes().size());
  std::vector<std::int64_t> last(reader.streams().size() * counts.size());
  std::shared_ptr<const void> memory;
  const std::int64_t* first_times = nullptr;
  std::int64_t first_time = 0;
  while (const Batch* batch = reader.next_batch()) {
    ASSERT_NE(batch->size, 0u);
    ASSERT_EQ(batch->columns.size(), batch->event_class->columns.size());
    counts[batch->event_class->index] += batch->size;
    std::int64_t& newest = last[batch->stream->index * counts.size() + batch->event_class->index];
    for (std::size_t i = 0; i < batch->size; ++i) {
      ASSERT_GE(batch->times_ns[i], newest);
      ASSERT_EQ(batch->cycles[i], static_cast<std::uint64_t>(batch->times_ns[i]));
      newest = batch->times_ns[i];
    }
    const Column& cpu = batch->columns[batch->event_class->find_column("cpu_id")];
    ASSERT_EQ(cpu.info->type, CellType::kUnsigned32);
    ASSERT_EQ(cpu.stride, 0);
    std::uint32_t id = 0;
    std::memcpy(&id, cpu.data, sizeof id);
    ASSERT_EQ(id, batch->stream->id);
    const std::size_t text = batch->event_class->find_column("text");
    ASSERT_EQ(text != EventClass::kNotFound, batch->event_class->name == "a:text");
    if (text != EventClass::kNotFound) {
      Bytes cell;
      std::memcpy(&cell, batch->columns[text].data, sizeof cell);
      ASSERT_TRUE(std::string_view(cell.data, cell.size).starts_with("text "));
    }
    if (memory == nullptr) {
      memory = batch->memory;
      first_times = batch->times_ns;
      first_time = *first_times;
    }
  }
  // What is held is not written over.
  ASSERT_NE(first_times, nullptr);
  EXPECT_EQ(*first_times, first_time);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}), kAll);
}

TEST_F(ReaderTest, Descriptions_SayWhatTheMetadataSays) {
  const Reader reader = open();
  ASSERT_EQ(reader.traces().size(), 1u);
  const TraceInfo& trace = reader.traces()[0];
  EXPECT_EQ(trace.path, path_.string());
  EXPECT_EQ(trace.name, "here");
  EXPECT_EQ(trace.uuid, "00000000-0000-0000-0000-000000000000");
  ASSERT_EQ(trace.clocks.size(), 1u);
  EXPECT_EQ(trace.clocks[0].frequency_hz, 1'000'000'000u);
  ASSERT_EQ(reader.streams().size(), kStreams);
  for (const StreamInfo& stream : reader.streams()) {
    EXPECT_EQ(stream.path, (path_ / ("channel_" + std::to_string(stream.id))).string());
    EXPECT_TRUE(stream.has_time);
    EXPECT_EQ(stream.begin_ns, 1000);
    EXPECT_EQ(stream.end_ns, 1000 * kPackets + 900);
  }
  for (const EventClass& each : reader.event_classes()) {
    EXPECT_EQ(each.find_field("nothing"), EventClass::kNotFound);
    EXPECT_EQ(each.find_column("nothing"), EventClass::kNotFound);
    const FieldInfo& count = each.fields[each.find_field("count")];
    EXPECT_EQ(count.scope, Scope::kPayload);
    EXPECT_EQ(count.type, each.name == "a:text" ? FieldType::kSigned : FieldType::kUnsigned);
    EXPECT_EQ(count.bits, each.name == "a:text" ? 64u : 32u);
    const ColumnInfo& column = each.columns[each.find_column("count")];
    EXPECT_EQ(column.field, &count);
    EXPECT_EQ(each.fields[each.find_field("cpu_id")].scope, Scope::kPacketContext);
  }
}

TEST_F(ReaderTest, Options_OffsetAndIntersection) {
  Reader moved = open({.clock_offset_ns = 5});
  EXPECT_EQ(moved.next()->time_ns(), 1005);
  EXPECT_EQ(moved.next()->cycles(), 1001u);
  // Assigned to: reads the other trace from its start.
  moved = open({.stream_intersection = true});
  EXPECT_EQ(moved.next()->time_ns(), 1000);
}

TEST_F(ReaderTest, Damage_SkippedAndReportedOrTheEnd) {
  // The last packet of stream 0 is longer than what is left of the file.
  const auto file = path_ / "channel_0";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 500);
  Reader reader = open();
  std::uint64_t count = 0;
  while (reader.next() != nullptr) ++count;
  EXPECT_LT(count, kAll);
  EXPECT_GE(count, kAll - kEvents);
  ASSERT_FALSE(reader.damages().empty());
  EXPECT_THAT(reader.damages()[0].text(), testing::HasSubstr("channel_0"));
  Reader strict = open({.is_strict = true});
  std::uint64_t until_damage = 0;
  while (strict.next() != nullptr) ++until_damage;
  EXPECT_LT(until_damage, count);
  EXPECT_EQ(strict.damages().size(), 1u);
}

// All types of fields, in one event of a trace that has no packet head.
class FieldTest : public ReaderTest {
 protected:
  void SetUp() override {
    ReaderTest::SetUp();
    std::filesystem::remove(path_ / "channel_0");
    std::filesystem::remove(path_ / "channel_1");
    std::ofstream(path_ / "metadata", std::ios::binary) << kMetadata;
    std::string bytes;
    put(&bytes, std::uint64_t{42});  // the time
    put(&bytes, std::int16_t{-2});   // number
    bytes += "\1\5"s;                // truth, flags
    put(&bytes, 0.5);                // real
    bytes += "h\xc3\xa9\0\xff\0"s;   // text, blob
    put(&bytes, std::uint16_t{7});   // list
    put(&bytes, std::uint16_t{9});
    bytes += "a\0b\0"s;            // texts
    put(&bytes, std::int16_t{1});  // pair
    bytes += "in\0"s;
    bytes += "\1\x2a"s;  // selector, maybe
    std::ofstream(path_ / "stream", std::ios::binary) << bytes;
  }

  static constexpr const char* kMetadata =
      "\x1e{\"type\":\"preamble\",\"version\":2}\n"
      "\x1e{\"type\":\"trace-class\"}\n"
      "\x1e{\"type\":\"clock-class\",\"id\":\"c\",\"frequency\":1000000000}\n"
      "\x1e{\"type\":\"data-stream-class\",\"default-clock-class-id\":\"c\","
      "\"event-record-header-field-class\":{\"type\":\"structure\",\"member-classes\":["
      "{\"name\":\"t\",\"field-class\":{\"type\":\"fixed-length-unsigned-integer\",\"length\":64,"
      "\"byte-order\":\"little-endian\",\"roles\":[\"default-clock-timestamp\"]}}]}}\n"
      "\x1e{\"type\":\"event-record-class\",\"name\":\"all\",\"payload-field-class\":"
      "{\"type\":\"structure\",\"member-classes\":["
      "{\"name\":\"number\",\"field-class\":{\"type\":\"fixed-length-signed-integer\",\"length\":"
      "16,"
      "\"byte-order\":\"little-endian\",\"mappings\":{\"minus\":[[-9,-1]],\"plus\":[[1,9]]}}},"
      "{\"name\":\"truth\",\"field-class\":{\"type\":\"fixed-length-boolean\",\"length\":8,"
      "\"byte-order\":\"little-endian\"}},"
      "{\"name\":\"flags\",\"field-class\":{\"type\":\"fixed-length-bit-map\",\"length\":8,"
      "\"byte-order\":\"little-endian\",\"flags\":{\"high\":[[4,7]],\"low\":[[1,2]]}}},"
      "{\"name\":\"real\",\"field-class\":{\"type\":\"fixed-length-floating-point-number\","
      "\"length\":64,\"byte-order\":\"little-endian\"}},"
      "{\"name\":\"text\",\"field-class\":{\"type\":\"null-terminated-string\"}},"
      "{\"name\":\"blob\",\"field-class\":{\"type\":\"static-length-blob\",\"length\":2}},"
      "{\"name\":\"list\",\"field-class\":{\"type\":\"static-length-array\",\"length\":2,"
      "\"element-field-class\":{\"type\":\"fixed-length-unsigned-integer\",\"length\":16,"
      "\"byte-order\":\"little-endian\"}}},"
      "{\"name\":\"texts\",\"field-class\":{\"type\":\"static-length-array\",\"length\":2,"
      "\"element-field-class\":{\"type\":\"null-terminated-string\"}}},"
      "{\"name\":\"pair\",\"field-class\":{\"type\":\"structure\",\"member-classes\":["
      "{\"name\":\"x\",\"field-class\":{\"type\":\"fixed-length-signed-integer\",\"length\":16,"
      "\"byte-order\":\"little-endian\"}},"
      "{\"name\":\"name\",\"field-class\":{\"type\":\"null-terminated-string\"}}]}},"
      "{\"name\":\"selector\",\"field-class\":{\"type\":\"fixed-length-boolean\",\"length\":8,"
      "\"byte-order\":\"little-endian\"}},"
      "{\"name\":\"maybe\",\"field-class\":{\"type\":\"optional\",\"selector-field-location\":"
      "{\"path\":[\"selector\"]},\"field-class\":{\"type\":\"fixed-length-unsigned-integer\","
      "\"length\":8,\"byte-order\":\"little-endian\"}}}"
      "]}}\n";
};

TEST_F(FieldTest, EveryType_HasItsValueAndNoOther) {
  Reader reader = open();
  const Event* event = reader.next();
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->time_ns(), 42);
  EXPECT_FALSE((*event)[event->event_class().fields.size()]);

  const Field number = event->find("number");
  EXPECT_EQ(number.type(), FieldType::kSigned);
  EXPECT_EQ(number.info().name, "number");
  EXPECT_EQ(number.as_signed(), -2);
  EXPECT_EQ(number.as_double(), -2.0);
  EXPECT_EQ(number.label(), "minus");
  EXPECT_EQ(number.as_text(), "");
  EXPECT_FALSE(number[0]);
  EXPECT_EQ(event->find("truth").type(), FieldType::kBoolean);
  EXPECT_EQ(event->find("truth").as_unsigned(), 1u);
  const Field flags = event->find("flags");
  EXPECT_EQ(flags.type(), FieldType::kBits);
  EXPECT_EQ(flags.as_unsigned(), 5u);
  EXPECT_EQ(flags.label(), "low");
  EXPECT_EQ(event->find("real").as_double(), 0.5);
  EXPECT_EQ(event->find("real").as_unsigned(), 0u);
  EXPECT_EQ(event->find("text").as_text(), "h\xc3\xa9");
  EXPECT_EQ(event->find("text").as_unsigned(), 0u);
  EXPECT_EQ(event->find("blob").type(), FieldType::kBlob);
  EXPECT_EQ(event->find("blob").as_text(), "\xff\0"s);

  const Field list = event->find("list");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1].as_unsigned(), 9u);
  EXPECT_FALSE(list[2]);
  std::uint64_t numbers[3] = {0, 0, 5};
  list.copy_numbers(numbers);
  EXPECT_THAT(numbers, testing::ElementsAre(7u, 9u, 5u));
  double one[1] = {};
  list.copy_numbers(one);
  EXPECT_EQ(one[0], 7.0);
  const Field texts = event->find("texts");
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_EQ(texts[1].as_text(), "b");
  EXPECT_EQ(texts[0].as_text(), "a");

  const Field pair = event->find("pair");
  EXPECT_EQ(pair.type(), FieldType::kStructure);
  EXPECT_EQ(pair.size(), 2u);
  EXPECT_EQ(pair.find("x").as_signed(), 1);
  EXPECT_EQ(pair[1].as_text(), "in");
  EXPECT_FALSE(pair.find("y"));
  const Field maybe = event->find("maybe");
  EXPECT_EQ(maybe.type(), FieldType::kOptional);
  ASSERT_EQ(maybe.size(), 1u);
  EXPECT_EQ(maybe[0].as_unsigned(), 42u);
  EXPECT_EQ(reader.next(), nullptr);
}

}  // namespace
}  // namespace sillage::trace
