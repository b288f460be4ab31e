// SPDX-License-Identifier: MIT
#include <sillage/trace.hpp>
#include "ctf/layout.hpp"
#include "ctf/metadata.hpp"
#include "ctf/packet.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>

namespace sillage::trace {
namespace {

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

}  // namespace
}  // namespace sillage::trace
