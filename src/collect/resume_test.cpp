// SPDX-License-Identifier: MIT
// A collector that is killed at any moment, and the one after it: every event once in the files, or counted as lost.
#include "collect/test_recording.hpp"
#include "ctf/kernel_layout.hpp"
#include "ring/kernel_ring.hpp"
#include "ring/test_kernel_writer.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

namespace sillage::collect {
namespace {

constexpr std::uint32_t kCpu = 0;  // the one stream that is written

ring::KernelRingGeometry small_geometry() {
  return *ring::KernelRingGeometry::make(
      {.subbuf_bytes = ByteCount{4096}, .subbuf_count = 4, .overwrite = false}, 2);
}

/// A kernel channel that collectors, each a process of its own, read one after the other.
class ResumeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    map_ = Fd(ring::make_test_map(geometry_));
    ledger_ = Fd(::memfd_create("ledger", MFD_CLOEXEC));
    ASSERT_EQ(
        ::ftruncate(ledger_.value(), static_cast<off_t>(kernel_ledger_bytes(geometry_.cpu_count))),
        0);
    auto ring =
        ring::KernelRing::create(duplicate(), geometry_, {ring::TestKernelWriter::monotonic()});
    ASSERT_TRUE(ring) << ring.error().text();
    ring_ = std::make_unique<ring::KernelRing>(std::move(*ring));
    // What the first collector tells the next one: TraceIdentity.
    identity_ = static_cast<TraceIdentity*>(
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(identity_, MAP_FAILED);
  }
  ~ResumeTest() override { ::munmap(identity_, 4096); }

  [[nodiscard]] Fd duplicate() const { return Fd(::fcntl(map_.value(), F_DUPFD_CLOEXEC, 0)); }

  [[nodiscard]] TraceOptions options() const {
    return {.directory = "kernel",
            .environment = ctf::kernel_environment({.hostname = "h"}),
            .clock_offset_ns = 1};
  }
  [[nodiscard]] static ctf::EventClass event() {
    return {.name = "event",
            .payload = ctf::PayloadBuilder().integer("number", {.size_bytes = 8}).build()};
  }

  /// A collector in this process, the first or a later one.
  std::unique_ptr<Collector> collect(const ClockKeeper& clock) {
    auto collector = std::move(*Collector::create({.output_path = output_.path()}, clock));
    auto ring = ring::KernelRing::open(duplicate(), geometry_.stride, geometry_.cpu_count);
    if (!ring) throw std::runtime_error(ring.error().text());
    KernelChannelOptions channel{.name = "channel0", .ring = std::move(*ring), .contexts = nullptr};
    channel.ledger = Fd(::fcntl(ledger_.value(), F_DUPFD_CLOEXEC, 0));
    const bool is_first = identity_->body_bytes == 0;
    const auto trace = is_first ? collector->open_trace(options())
                                : collector->resume_trace(options(), *identity_);
    if (!trace) throw std::runtime_error(trace.error().text());
    const auto id = is_first ? collector->add_kernel_channel(*trace, std::move(channel))
                             : collector->resume_kernel_channel(*trace, std::move(channel));
    if (!id) throw std::runtime_error(id.error().text());
    if (is_first) {
      if (!collector->add_event(*id, event())) throw std::runtime_error("no event");
      *identity_ = *collector->identity(*trace);
    }
    return collector;
  }

  /// One that is killed after so long; the first not before it has told what the next one needs.
  void collect_and_die(std::chrono::microseconds after) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        const auto clock = std::move(*ClockKeeper::create());
        const auto collector = collect(*clock);
        for (;;) ::pause();
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        ::_exit(1);
      }
    }
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!is_told() && std::chrono::steady_clock::now() < give_up)
      emit_for(std::chrono::milliseconds(1));
    emit_for(after + std::chrono::milliseconds(15));  // the clock's calibration
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }

  [[nodiscard]] bool is_told() const {
    return __atomic_load_n(&identity_->body_bytes, __ATOMIC_ACQUIRE) != 0;
  }

  void emit_for(std::chrono::microseconds time) {
    ring::TestKernelWriter writer(geometry_,
                                  reinterpret_cast<std::byte*>(&ring_->stream(kCpu).shared()));
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
      for (int i = 0; i < 20; ++i, ++sent_)
        (void)writer.emit(0, std::as_bytes(std::span(&sent_, 1)));
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }

  /// Sent = in the files + lost, none twice, in order; and the last collector's account says the same.
  void expect_exact(const Stats& stats) {
    std::uint64_t read = 0, next = 0, discarded = 0;
    for (const Packet& packet :
         read_packets(std::filesystem::path(output_.path()) / "kernel", "channel0_0")) {
      for (std::size_t at = 0; at < packet.records.size(); ++read) {
        const auto word = value_at<std::uint32_t>(packet.records, at);
        at += (word & SILLAGE_RECORD_ID_EXTENDED) == SILLAGE_RECORD_ID_EXTENDED ? 13 : 4;
        const auto number = value_at<std::uint64_t>(packet.records, at);
        EXPECT_GE(number, next);
        next = number + 1;
        at += sizeof number;
      }
      discarded = packet.discarded;
    }
    EXPECT_EQ(read + discarded, sent_);
    EXPECT_EQ(stats.events, read);
    EXPECT_EQ(stats.lost.total(), discarded);
  }

  const ring::KernelRingGeometry geometry_ = small_geometry();
  TemporaryDirectory output_;
  Fd map_, ledger_;
  std::unique_ptr<ring::KernelRing> ring_;
  TraceIdentity* identity_ = nullptr;
  std::uint64_t sent_ = 0;
};

TEST_F(ResumeTest, KilledAtAnyMoment_NothingIsWrittenTwiceOrMissing) {
  for (int round = 0; round < 40; ++round) {
    collect_and_die(std::chrono::microseconds(137 * round % 3000));
    // Nobody reads: what does not fit is counted.
    emit_for(std::chrono::microseconds(500));
    if (HasFatalFailure()) return;
  }
  const auto clock = std::move(*ClockKeeper::create());
  const Stats stats = collect(*clock)->stop();
  EXPECT_GT(stats.events, 1'000u);  // how many, is the machine's
  expect_exact(stats);
}

TEST_F(ResumeTest, TornFiles_AreCutToWholePackets) {
  emit_for(std::chrono::milliseconds(5));
  collect_and_die(std::chrono::milliseconds(5));
  const std::filesystem::path kernel = std::filesystem::path(output_.path()) / "kernel";
  // A packet whose entry was not written any more, and half an entry.
  std::ofstream(kernel / "channel0_0", std::ios::app) << std::string(5000, 'x');
  std::ofstream(kernel / "index" / "channel0_0.idx", std::ios::app) << std::string(30, 'x');
  // A declaration that was not finished.
  const auto whole = std::filesystem::file_size(kernel / "metadata");
  std::ofstream(kernel / "metadata", std::ios::app) << "event { name = \"ha";
  emit_for(std::chrono::milliseconds(5));
  const auto clock = std::move(*ClockKeeper::create());
  expect_exact(collect(*clock)->stop());
  EXPECT_EQ(std::filesystem::file_size(kernel / "metadata"), whole);
}

TEST_F(ResumeTest, IndexBehindData_IsCutToo) {
  collect_and_die(std::chrono::milliseconds(5));
  const std::filesystem::path kernel = std::filesystem::path(output_.path()) / "kernel";
  // As after a loss of power: an entry of a packet that is not there.
  std::string entry(ctf::kIndexEntryBytes, '\xff');
  std::ofstream(kernel / "index" / "channel0_0.idx", std::ios::app) << entry;
  const auto clock = std::move(*ClockKeeper::create());
  expect_exact(collect(*clock)->stop());
}

TEST_F(ResumeTest, NoTrace_IsRefused) {
  *identity_ = {.uuid = {}, .body_bytes = 100};
  const auto clock = std::move(*ClockKeeper::create());
  EXPECT_THROW((void)collect(*clock), std::runtime_error);
}

}  // namespace
}  // namespace sillage::collect
