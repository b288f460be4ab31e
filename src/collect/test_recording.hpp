// SPDX-License-Identifier: MIT
// A recording made by a writer double, and its files read back: for tests of the collector.
#pragma once

#include "collect/collector.hpp"
#include "ctf/layout.hpp"
#include "ctf/packet.hpp"
#include "ring/ring.hpp"
#include "ring/test_writer.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sillage::collect {
constexpr const char* kTestTrace = "ust/uid/0/64-bit";

/// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char name[] = "/tmp/sillage-collect-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A packet as it stands on disk.
struct Packet {
  std::uint64_t begin, end, content_bits, size_bits, sequence, discarded;
  std::uint32_t magic, stream_id, cpu;
  std::vector<std::byte> records;
};

inline std::vector<std::byte> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::vector<char> chars((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::byte> bytes(chars.size());
  std::memcpy(bytes.data(), chars.data(), chars.size());
  return bytes;
}

template <class T>
T value_at(const std::vector<std::byte>& bytes, std::size_t offset) {
  T value{};
  if (offset + sizeof value <= bytes.size())
    std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// All packets of a stream file; fails the test if they do not fill it, or if the index disagrees.
inline std::vector<Packet> read_packets(const std::filesystem::path& directory,
                                        const std::string& name) {
  const auto bytes = read_file(directory / name);
  const auto index = read_file(directory / "index" / (name + ".idx"));
  std::vector<Packet> packets;
  for (std::size_t start = 0; start < bytes.size();) {
    Packet packet{};
    packet.magic = value_at<std::uint32_t>(bytes, start);
    packet.stream_id = value_at<std::uint32_t>(bytes, start + 20);
    packet.begin = value_at<std::uint64_t>(bytes, start + 32);
    packet.end = value_at<std::uint64_t>(bytes, start + 40);
    packet.content_bits = value_at<std::uint64_t>(bytes, start + 48);
    packet.size_bits = value_at<std::uint64_t>(bytes, start + 56);
    packet.sequence = value_at<std::uint64_t>(bytes, start + 64);
    packet.discarded = value_at<std::uint64_t>(bytes, start + 72);
    packet.cpu = value_at<std::uint32_t>(bytes, start + 80);
    EXPECT_EQ(packet.magic, 0xC1FC1FC1u);
    EXPECT_LE(packet.begin, packet.end);
    if (!packets.empty()) {
      EXPECT_GE(packet.begin, packets.back().end);
      EXPECT_GT(packet.sequence, packets.back().sequence);
      EXPECT_GE(packet.discarded, packets.back().discarded);
    }
    if (packet.size_bits == 0 || start + packet.size_bits / 8 > bytes.size()) {
      ADD_FAILURE() << "packet at " << start << " of " << packet.size_bits << " bits";
      return packets;
    }
    const std::size_t entry = ctf::kIndexHeaderBytes + packets.size() * ctf::kIndexEntryBytes;
    EXPECT_EQ(__builtin_bswap64(value_at<std::uint64_t>(index, entry)), start);
    packet.records.assign(bytes.begin() + static_cast<long>(start + ctf::kPacketHeadBytes),
                          bytes.begin() + static_cast<long>(start + packet.content_bits / 8));
    start += packet.size_bits / 8;
    packets.push_back(std::move(packet));
  }
  EXPECT_EQ(index.size(), ctf::kIndexHeaderBytes + packets.size() * ctf::kIndexEntryBytes);
  return packets;
}

/// A recording with one trace and one channel, whose single event (id 0) has one u64.
class CollectorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto clock = ClockKeeper::create();
    ASSERT_TRUE(clock);
    clock_ = std::move(*clock);
  }

  static ring::RingOptions small_ring() {
    ring::RingOptions options;
    options.subbuf_bytes = ByteCount{4096};
    options.preallocate = false;
    return options;
  }

  void start(const std::string& path, const ring::RingOptions& ring = small_ring(),
             bool in_memory = false, const FileOptions& files = {},
             const std::string& buffers = {}) {
    auto collector = Collector::create(
        {.output_path = path, .in_memory = in_memory, .buffers_path = buffers}, *clock_);
    ASSERT_TRUE(collector) << collector.error().text();
    collector_ = std::move(*collector);
    directory_ = std::filesystem::path(path) / kTestTrace;
    const auto trace =
        collector_->open_trace({.directory = kTestTrace,
                                .environment = {{"hostname", "h"}, {"tracer_major", 1}},
                                .clock_offset_ns = sample_realtime_offset_ns()});
    ASSERT_TRUE(trace) << trace.error().text();
    trace_ = *trace;
    auto channel = collector_->add_channel(
        trace_, {.name = "channel0", .ring = ring, .contexts = {}, .files = files});
    ASSERT_TRUE(channel) << channel.error().text();
    channel_ = channel->id;
    const auto id = collector_->add_event(
        channel_, {.name = "app:number",
                   .log_level = 14,
                   .payload = ctf::PayloadBuilder().integer("number", {.size_bytes = 8}).build()});
    ASSERT_TRUE(id) << id.error().text();
    EXPECT_EQ(id->value, 0u);
    ring_fd_ = std::move(channel->ring);
    geometry_ = *ring::RingGeometry::make(ring, *ring::possible_cpu_count());
    program_ = std::make_unique<ring::TestMapping>(ring_fd_.value(), geometry_);
  }

  std::uint64_t emit(ring::TestWriter& writer, std::uint64_t count, std::uint32_t id = 0) {
    std::uint64_t recorded = 0;
    for (std::uint64_t i = 0; i < count; ++i, ++number_)
      recorded +=
          writer.emit(id, clock_->now().value, std::as_bytes(std::span(&number_, 1))) ? 1 : 0;
    return recorded;
  }

  // Sleeps until `done` or five seconds have passed.
  template <class Done>
  static bool eventually(Done done) {
    for (int i = 0; i < 5000; ++i) {
      if (done()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  std::unique_ptr<ClockKeeper> clock_;
  std::unique_ptr<Collector> collector_;
  std::filesystem::path directory_;
  TraceId trace_;
  ChannelId channel_;
  Fd ring_fd_;
  ring::RingGeometry geometry_;
  std::unique_ptr<ring::TestMapping> program_;
  std::uint64_t number_ = 0;
};

}  // namespace sillage::collect
