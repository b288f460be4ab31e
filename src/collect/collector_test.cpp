// SPDX-License-Identifier: MIT
#include "collect/collector.hpp"

#include "ctf/layout.hpp"
#include "ctf/packet.hpp"
#include "ring/ring.hpp"
#include "ring/test_writer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sillage::collect {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr const char* kTrace = "ust/uid/0/64-bit";

// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char name[] = "/tmp/sillage-collect-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A packet as it stands on disk.
struct Packet {
  std::uint64_t begin, end, content_bits, size_bits, sequence, discarded;
  std::uint32_t magic, stream_id, cpu;
  std::vector<std::byte> records;
};

std::vector<std::byte> read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::vector<char> chars((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::byte> bytes(chars.size());
  std::memcpy(bytes.data(), chars.data(), chars.size());
  return bytes;
}

template <class T>
T at(const std::vector<std::byte>& bytes, std::size_t offset) {
  T value{};
  if (offset + sizeof value <= bytes.size())
    std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// All packets of a stream file; fails the test if they do not fill it, or if the index disagrees.
std::vector<Packet> read_packets(const fs::path& directory, const std::string& name) {
  const auto bytes = read_file(directory / name);
  const auto index = read_file(directory / "index" / (name + ".idx"));
  std::vector<Packet> packets;
  for (std::size_t start = 0; start < bytes.size();) {
    Packet packet{};
    packet.magic = at<std::uint32_t>(bytes, start);
    packet.stream_id = at<std::uint32_t>(bytes, start + 20);
    packet.begin = at<std::uint64_t>(bytes, start + 32);
    packet.end = at<std::uint64_t>(bytes, start + 40);
    packet.content_bits = at<std::uint64_t>(bytes, start + 48);
    packet.size_bits = at<std::uint64_t>(bytes, start + 56);
    packet.sequence = at<std::uint64_t>(bytes, start + 64);
    packet.discarded = at<std::uint64_t>(bytes, start + 72);
    packet.cpu = at<std::uint32_t>(bytes, start + 80);
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
    EXPECT_EQ(__builtin_bswap64(at<std::uint64_t>(index, entry)), start);
    packet.records.assign(bytes.begin() + static_cast<long>(start + ctf::kPacketHeadBytes),
                          bytes.begin() + static_cast<long>(start + packet.content_bits / 8));
    start += packet.size_bits / 8;
    packets.push_back(std::move(packet));
  }
  EXPECT_EQ(index.size(), ctf::kIndexHeaderBytes + packets.size() * ctf::kIndexEntryBytes);
  return packets;
}

std::size_t open_files() {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), {}));
}

// A recording with one trace and one channel, whose single event (id 0) has one u64.
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

  void start(const std::string& path, const ring::RingOptions& ring = small_ring()) {
    auto collector = Collector::create({.output_path = path}, *clock_);
    ASSERT_TRUE(collector) << collector.error().text();
    collector_ = std::move(*collector);
    directory_ = fs::path(path) / kTrace;
    const auto trace =
        collector_->open_trace({.directory = kTrace,
                                .environment = {{"hostname", "h"}, {"tracer_major", 1}},
                                .clock_offset_ns = sample_realtime_offset_ns()});
    ASSERT_TRUE(trace) << trace.error().text();
    trace_ = *trace;
    auto channel =
        collector_->add_channel(trace_, {.name = "channel0", .ring = ring, .contexts = {}});
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
      std::this_thread::sleep_for(milliseconds(1));
    }
    return false;
  }

  std::unique_ptr<ClockKeeper> clock_;
  std::unique_ptr<Collector> collector_;
  fs::path directory_;
  TraceId trace_;
  ChannelId channel_;
  Fd ring_fd_;
  ring::RingGeometry geometry_;
  std::unique_ptr<ring::TestMapping> program_;
  std::uint64_t number_ = 0;
};

TEST_F(CollectorTest, FewEvents_AreOnDiskAfterStop) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 3);
  const Stats stats = collector_->stop();
  EXPECT_EQ(stats.events, 3u);
  EXPECT_EQ(stats.packets, 1u);
  EXPECT_EQ(stats.lost.total(), 0u);
  const auto packets = read_packets(directory_, "channel0_0");
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(packets[0].records.size(), 36u);
  EXPECT_EQ(packets[0].cpu, 0u);
  EXPECT_EQ(stats.bytes, packets[0].size_bits / 8);
  EXPECT_FALSE(fs::exists(directory_ / "channel0_1"));
  EXPECT_TRUE(fs::exists(directory_ / "metadata"));
}

TEST_F(CollectorTest, NoEvents_LeavesMetadataOnly) {
  TemporaryDirectory output;
  start(output.path());
  EXPECT_EQ(collector_->stop().packets, 0u);
  EXPECT_EQ(collector_->stop().packets, 0u);  // again: the same
  EXPECT_GT(fs::file_size(directory_ / "metadata"), 100u);
  EXPECT_FALSE(fs::exists(directory_ / "channel0_0"));
}

TEST_F(CollectorTest, ManyStreams_SentIsReadPlusLost) {
  for (const bool overwrite : {false, true}) {
    TemporaryDirectory output;
    ring::RingOptions options = small_ring();
    options.overwrite = overwrite;
    start(output.path(), options);
    constexpr std::uint64_t kEach = 100'000;
    std::vector<std::thread> threads;
    for (std::uint32_t stream = 0; stream < geometry_.stream_count; ++stream)
      threads.emplace_back([this, stream] {
        ring::TestWriter writer = program_->writer(stream);
        for (std::uint64_t i = 0; i < kEach; ++i)
          writer.emit(0, clock_->now().value, std::as_bytes(std::span(&i, 1)));
      });
    for (auto& thread : threads) thread.join();
    const Stats stats = collector_->stop();
    EXPECT_EQ(stats.events + stats.lost.total(), kEach * geometry_.stream_count)
        << "overwrite " << overwrite;
    EXPECT_EQ(stats.lost.corrupt, 0u);
    EXPECT_EQ(overwrite ? stats.lost.full : stats.lost.overrun, 0u);
    std::uint64_t discarded = 0;
    for (std::uint32_t stream = 0; stream < geometry_.stream_count; ++stream) {
      const auto packets = read_packets(directory_, "channel0_" + std::to_string(stream));
      ASSERT_FALSE(packets.empty());
      discarded += packets.back().discarded;
    }
    EXPECT_EQ(discarded, stats.lost.full);
  }
}

TEST_F(CollectorTest, RunningWriter_IsReadWhileItGoesOn) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 2000);  // sub-buffers of 338, four of them: most of it is gone or read
  EXPECT_TRUE(eventually([&] {
    const Stats stats = collector_->stats();
    return stats.events > 0 && stats.events + stats.pending + stats.lost.full == 2000;
  }));
}

TEST_F(CollectorTest, ProgramsDoorbell_EndsTheSleep) {
  TemporaryDirectory output;
  start(output.path());
  ASSERT_TRUE(eventually(
      [&] { return __atomic_load_n(&program_->header().armed, __ATOMIC_ACQUIRE) == 1; }));
}

TEST_F(CollectorTest, IdleCollector_CostsNextToNothing) {
  TemporaryDirectory output;
  start(output.path());
  std::this_thread::sleep_for(milliseconds(50));
  const auto cpu = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1'000'000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
  };
  const long before = cpu();
  std::this_thread::sleep_for(milliseconds(1000));
  // Half a percent; with sanitizers it is some 0.1 %.
  EXPECT_LT(cpu() - before, 5000);
}

TEST_F(CollectorTest, EventsAddedWhileRunning_AreKnownWhenTheyAppear) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  std::uint64_t sent = 0;
  for (std::uint32_t id = 1; id < 60; ++id) {
    const auto added = collector_->add_event(
        channel_, {.name = "app:event" + std::to_string(id),
                   .payload = ctf::PayloadBuilder().integer("n", {.size_bytes = 8}).build()});
    ASSERT_TRUE(added);
    ASSERT_EQ(added->value, id);
    sent += emit(writer, 20, id);
  }
  const Stats stats = collector_->stop();
  EXPECT_EQ(stats.events, sent);
  EXPECT_EQ(stats.lost.corrupt, 0u);
}

TEST_F(CollectorTest, UnknownIdInARun_KeepsWhatIsInFront) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 10);
  emit(writer, 1, 9);
  emit(writer, 5);
  const Stats stats = collector_->stop();
  EXPECT_EQ(stats.events, 10u);
  EXPECT_EQ(stats.lost.corrupt, 6u);
  EXPECT_EQ(stats.corrupt_packets, 1u);
  const auto packets = read_packets(directory_, "channel0_0");
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(packets[0].records.size(), 120u);
  EXPECT_EQ(packets[0].discarded, 6u);
}

TEST_F(CollectorTest, LossBehindTheLastPacket_StandsInAnEmptyOne) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 1);
  ASSERT_FALSE(writer.emit(0, clock_->now().value, std::vector<std::byte>(8192)));
  Stats stats = collector_->stop();
  EXPECT_EQ(stats.lost.too_big, 1u);
  EXPECT_EQ(read_packets(directory_, "channel0_0").back().discarded, 1u);

  // And in a stream that recorded nothing at all.
  TemporaryDirectory other;
  start(other.path());
  ring::TestWriter idle = program_->writer(1);
  ASSERT_FALSE(idle.emit(0, clock_->now().value, std::vector<std::byte>(8192)));
  stats = collector_->stop();
  EXPECT_EQ(stats.lost.too_big, 1u);
  const auto packets = read_packets(directory_, "channel0_1");
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_TRUE(packets[0].records.empty());
  EXPECT_EQ(packets[0].discarded, 1u);
}

TEST_F(CollectorTest, TimeOfTheFuture_IsNotTaken) {
  TemporaryDirectory output;
  start(output.path());
  ring::TestWriter writer = program_->writer(0);
  emit(writer, 2);
  writer.emit(0, clock_->now().value + 3'600'000'000'000, std::as_bytes(std::span(&number_, 1)));
  const Stats stats = collector_->stop();
  EXPECT_EQ(stats.events, 2u);
  EXPECT_EQ(stats.lost.corrupt, 1u);
  EXPECT_LE(read_packets(directory_, "channel0_0").back().end, clock_->now().value);
}

TEST_F(CollectorTest, ClosedTrace_IsCompleteWhileTheRestGoesOn) {
  TemporaryDirectory output;
  start(output.path());
  const auto trace =
      collector_->open_trace({.directory = "ust/pid/app-1-20260101-000000", .environment = {}});
  ASSERT_TRUE(trace);
  auto channel = collector_->add_channel(
      *trace, {.name = "channel0", .ring = small_ring(), .contexts = {SILLAGE_CONTEXT_VTID}});
  ASSERT_TRUE(channel);
  ASSERT_TRUE(collector_->add_event(channel->id, {.name = "a:b"}));
  ring::TestMapping program(channel->ring.value(), geometry_);
  ring::TestWriter writer = program.writer(0);
  const std::int32_t vtid = 7;
  writer.emit(0, clock_->now().value, std::as_bytes(std::span(&vtid, 1)));
  collector_->close_trace(*trace);
  EXPECT_FALSE(collector_->add_event(channel->id, {.name = "a:c"}));
  EXPECT_FALSE(collector_->add_channel(*trace, {.name = "x", .ring = {}, .contexts = {}}));
  ASSERT_TRUE(eventually([&] { return collector_->stats().events == 1; }));
  EXPECT_EQ(
      read_packets(fs::path(output.path()) / "ust/pid/app-1-20260101-000000", "channel0_0").size(),
      1u);

  ring::TestWriter first = program_->writer(0);
  emit(first, 4);
  EXPECT_EQ(collector_->stop().events, 5u);
}

TEST_F(CollectorTest, NamesThatLeadElsewhere_AreRefused) {
  TemporaryDirectory output;
  start(output.path());
  for (const char* directory : {"", "/etc", "..", "a/../../b", "a//b", ".hidden"})
    EXPECT_FALSE(collector_->open_trace({.directory = directory, .environment = {}})) << directory;
  ::symlink("/tmp", (output.path() + "/link").c_str());
  EXPECT_FALSE(collector_->open_trace({.directory = "link/x", .environment = {}}));
  for (const char* name : {"", "..", "a/b"})
    EXPECT_FALSE(collector_->add_channel(trace_, {.name = name, .ring = {}, .contexts = {}}))
        << name;
  EXPECT_FALSE(collector_->open_trace({.directory = kTrace, .environment = {}}));  // holds a trace
}

TEST_F(CollectorTest, ManyRecordings_LeaveNoFilesOpen) {
  const std::size_t before = open_files();
  for (int i = 0; i < 5; ++i) {
    TemporaryDirectory output;
    start(output.path());
    ring::TestWriter writer = program_->writer(0);
    emit(writer, 3);
    collector_.reset();
    program_.reset();
    ring_fd_.reset();
  }
  EXPECT_EQ(open_files(), before);
}

// F20 without root: a limit of the file size stands for the disk.
TEST_F(CollectorTest, WriteFails_FileEndsOnAPacketAndTheRestIsCounted) {
  TemporaryDirectory output;
  start(output.path());
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{10'000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  ring::TestWriter writer = program_->writer(0);
  std::uint64_t lost = 0;
  for (int i = 0; i < 20; ++i) {
    lost += 500 - emit(writer, 500);
    std::this_thread::sleep_for(milliseconds(2));
  }
  EXPECT_TRUE(eventually([&] { return collector_->stats().output_failing; }));
  EXPECT_FALSE(collector_->stats().output_error.empty());
  // Room again.
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::this_thread::sleep_for(milliseconds(120));
  lost += 500 - emit(writer, 500);
  const Stats stats = collector_->stop();
  EXPECT_FALSE(stats.output_failing);
  EXPECT_GT(stats.lost.disk, 0u);
  EXPECT_EQ(stats.lost.full, lost);
  EXPECT_EQ(stats.events + stats.lost.total(), number_);
  const auto packets = read_packets(directory_, "channel0_0");
  EXPECT_EQ(packets.back().discarded, stats.lost.total());
  EXPECT_GT(packets.back().records.size(), 0u);
}

}  // namespace
}  // namespace sillage::collect
