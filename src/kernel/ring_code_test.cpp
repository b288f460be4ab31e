// SPDX-License-Identifier: MIT
#include "kernel/ring_code.hpp"

#include "bpf/program.hpp"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <bpf/bpf.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#include <bit>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

namespace sillage::kernel {
namespace {

using bpf::Alu;
using bpf::Size;
using enum bpf::Reg;

std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

// A ring of one CPU and a program that writes its first argument as the payload of event `id`.
class Machine {
 public:
  // None without permission.
  static std::unique_ptr<Machine> make(RingTarget target, std::uint32_t id,
                                       bool with_extra = false) {
    auto machine = std::unique_ptr<Machine>(new Machine);
    const std::uint64_t stride = target.geometry.stride;
    bpf_map_create_opts options{};
    options.sz = sizeof options;
    options.map_flags = BPF_F_MMAPABLE;
    machine->map_ = Fd(::bpf_map_create(BPF_MAP_TYPE_ARRAY, "test_ring", 4,
                                        static_cast<std::uint32_t>(stride), 1, &options));
    if (!machine->map_) return nullptr;
    void* memory =
        ::mmap(nullptr, stride, PROT_READ | PROT_WRITE, MAP_SHARED, machine->map_.value(), 0);
    if (memory == MAP_FAILED) {
      ADD_FAILURE() << std::strerror(errno);
      return nullptr;
    }
    machine->stream_ = static_cast<sillage_kernel_stream*>(memory);
    machine->stream_->entries[0].begin_ns = now_ns();
    target.ring_fd = machine->map_.value();
    machine->target_ = target;

    bpf::Assembler a;
    RingCode ring(a, target);
    const bpf::Label out = a.label();
    a.move(r6, r1);
    ring.open_stream(out);
    std::optional<std::int32_t> extra;
    if (with_extra) {  // the second argument says how many bytes more
      extra = -RingCode::kStackBytes - 8;
      a.load(Size::k8, r1, r6, 8);
      a.alu(Alu::kAnd, r1, 0x3fff);
      a.store(Size::k8, r10, *extra, r1);
    }
    ring.reserve(id, 8, extra, out);
    a.load(Size::k8, r1, r6, 0);
    a.store(Size::k8, r5, 0, r1);
    ring.commit();
    a.bind(out);
    a.move(r0, 0u);
    a.exit();
    ring.finish();
    const auto code = a.finish();
    auto program = bpf::load_program(
        *code, {.name = "test", .type = BPF_PROG_TYPE_RAW_TRACEPOINT, .attach_type = {}});
    if (!program) {
      ADD_FAILURE() << program.error().text();
      return nullptr;
    }
    machine->program_ = std::move(*program);
    // The ring has one CPU's stream: stay there.
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    if (::sched_setaffinity(0, sizeof first, &first) != 0) ADD_FAILURE() << "no CPU 0";
    return machine;
  }

  void emit(std::uint64_t value, std::uint64_t extra = 0) {
    std::uint64_t arguments[2] = {value, extra};
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.ctx_in = arguments;
    options.ctx_size_in = sizeof arguments;
    ASSERT_EQ(::bpf_prog_test_run_opts(program_.value(), &options), 0) << std::strerror(errno);
  }

  [[nodiscard]] sillage_kernel_stream& stream() { return *stream_; }
  template <class T>
  [[nodiscard]] T data(std::uint64_t offset) const {
    T value;
    std::memcpy(&value,
                reinterpret_cast<const char*>(stream_) + target_.geometry.data_offset + offset,
                sizeof value);
    return value;
  }

 private:
  Machine() = default;
  Fd map_, program_;
  sillage_kernel_stream* stream_ = nullptr;
  RingTarget target_;
};

#define MACHINE(name, ...)                                                    \
  const auto name##_owner = Machine::make(__VA_ARGS__);                       \
  if (!name##_owner) GTEST_SKIP() << "no BPF here: " << std::strerror(errno); \
  Machine& name = *name##_owner

RingTarget small(sillage_kernel_header header, bool overwrite = false) {
  const auto geometry = ring::KernelRingGeometry::make(
      {.subbuf_bytes = {4096}, .subbuf_count = 2, .overwrite = overwrite, .header = header}, 1);
  return {.geometry = *geometry};
}

// For tests that know the size of each record: the first one of an epoch, which a test of 1 ms meets once in 134, has a
// larger header. What a run found counts if the run lay within one epoch; another takes its place otherwise.
template <class Body>
void in_one_epoch(const Body& body) {
  const auto epoch = [] { return now_ns() >> SILLAGE_RECORD_EPOCH_BITS; };
  for (;;) {
    testing::TestPartResultArray found;
    const std::uint64_t before = epoch();
    {
      const testing::ScopedFakeTestPartResultReporter reporter(
          testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &found);
      body();
    }
    if (epoch() != before) continue;
    for (int i = 0; i < found.size(); ++i) {
      const testing::TestPartResult& part = found.GetTestPartResult(i);
      GTEST_MESSAGE_AT_(part.file_name(), part.line_number(), part.message(), part.type());
    }
    return;
  }
}

TEST(RingCode, WritesCompactRecords) {
  in_one_epoch([] {
    MACHINE(machine, small(SILLAGE_KERNEL_HEADER_COMPACT), 5);
    const std::uint64_t before = now_ns();
    machine.emit(0x1122334455667788u);
    machine.emit(7);
    const std::uint64_t after = now_ns();
    sillage_kernel_stream& stream = machine.stream();
    // The epoch of an untouched stream is 0, so the first record has the full time.
    EXPECT_EQ(stream.position, 2 * SILLAGE_RING_ONE_EVENT + 13 + 8 + 4 + 8);
    EXPECT_EQ(stream.committed[0], 13u + 8 + 4 + 8);
    EXPECT_EQ(machine.data<std::uint8_t>(0), 31);
    EXPECT_EQ(machine.data<std::uint32_t>(1), 5u);
    const auto time = machine.data<std::uint64_t>(5);
    EXPECT_GE(time, before);
    EXPECT_LE(time, after);
    EXPECT_EQ(machine.data<std::uint64_t>(13), 0x1122334455667788u);
    const auto header = machine.data<std::uint32_t>(21);
    EXPECT_EQ(header & 31, 5u);
    EXPECT_GE(header >> 5, static_cast<std::uint32_t>(time) & 0x7ffffffu);
    EXPECT_EQ(machine.data<std::uint64_t>(25), 7u);
    EXPECT_EQ(stream.epoch, time >> SILLAGE_RECORD_EPOCH_BITS);
  });
}

TEST(RingCode, WritesLargeRecords) {
  MACHINE(machine, small(SILLAGE_KERNEL_HEADER_LARGE), 300);
  machine.stream().epoch = now_ns() >> SILLAGE_KERNEL_LARGE_EPOCH_BITS;
  machine.emit(1);
  machine.stream().epoch = 0;
  machine.emit(2);
  EXPECT_EQ(machine.data<std::uint16_t>(0), 300);
  EXPECT_EQ(machine.data<std::uint64_t>(6), 1u);
  EXPECT_EQ(machine.data<std::uint16_t>(14), 65535);
  EXPECT_EQ(machine.data<std::uint32_t>(16), 300u);
  EXPECT_EQ(machine.data<std::uint64_t>(28), 2u);
  EXPECT_EQ(machine.stream().position, 2 * SILLAGE_RING_ONE_EVENT + 14 + 22);
}

TEST(RingCode, IdsBeyondTheShortOnesAlwaysHaveTheFullHeader) {
  MACHINE(machine, small(SILLAGE_KERNEL_HEADER_COMPACT), 31);
  machine.emit(1);
  machine.emit(2);
  EXPECT_EQ(machine.stream().position, 2 * SILLAGE_RING_ONE_EVENT + 2 * 21);
}

TEST(RingCode, EndsAndBeginsSubBuffersAndThenCountsWhatIsLost) {
  in_one_epoch([] {
    MACHINE(machine, small(SILLAGE_KERNEL_HEADER_COMPACT), 0);
    sillage_kernel_stream& stream = machine.stream();
    machine.emit(0);  // 21 bytes
    const std::uint64_t in_first = 1 + (4095 - 21) / 12;
    for (std::uint64_t i = 1; i < in_first; ++i) machine.emit(i);
    const std::uint64_t end = stream.position;
    EXPECT_EQ(stream.committed[0], end & SILLAGE_RING_BYTES_MASK);
    machine.emit(in_first);
    EXPECT_EQ(stream.committed[0], 4096u);
    EXPECT_EQ(stream.entries[0].end_position, end);
    EXPECT_EQ(stream.entries[1].sequence, 1u);
    EXPECT_EQ(stream.entries[1].events, in_first);
    EXPECT_EQ(stream.entries[1].begin_ns, stream.entries[0].end_ns);
    EXPECT_EQ(stream.events_total, in_first);
    EXPECT_EQ(machine.data<std::uint64_t>(4096 + 4), in_first);
    const std::uint64_t left = (4095 - 12) / 12;
    for (std::uint64_t i = 0; i < left; ++i) machine.emit(0);
    EXPECT_EQ(stream.lost[SILLAGE_KERNEL_LOST_FULL], 0u);
    machine.emit(0);
    machine.emit(0);
    EXPECT_EQ(stream.lost[SILLAGE_KERNEL_LOST_FULL], 2u);
    // Once the reader has released the first one, its slot is begun again.
    stream.consumed = 4096;
    machine.emit(99);
    EXPECT_EQ(stream.entries[0].sequence, 2u);
    EXPECT_EQ(stream.entries[0].events, in_first + 1 + left);
    EXPECT_EQ(stream.entries[1].lost, 2u);
    EXPECT_EQ(machine.data<std::uint64_t>(4), 99u);
  });
}

TEST(RingCode, OverwritesTheOldest) {
  MACHINE(machine, small(SILLAGE_KERNEL_HEADER_COMPACT, true), 0);
  for (std::uint64_t i = 0; i < 5000; ++i) machine.emit(i);
  const sillage_kernel_stream& stream = machine.stream();
  EXPECT_EQ(stream.position >> SILLAGE_RING_POSITION_BITS, 5000u);
  EXPECT_EQ(stream.lost[SILLAGE_KERNEL_LOST_FULL] + stream.lost[SILLAGE_KERNEL_LOST_BUSY], 0u);
}

TEST(RingCode, DoesNotBeginASlotThatIsStillWritten) {
  MACHINE(machine, small(SILLAGE_KERNEL_HEADER_COMPACT, true), 0);
  sillage_kernel_stream& stream = machine.stream();
  stream.committed[1] -= 12;  // as if a record of an earlier lap was not committed
  for (std::uint64_t i = 0; i < 1000; ++i) machine.emit(i);
  EXPECT_EQ(stream.entries[1].sequence, 0u);
  EXPECT_EQ((stream.position >> SILLAGE_RING_POSITION_BITS) + stream.lost[SILLAGE_KERNEL_LOST_BUSY],
            1000u);
}

TEST(RingCode, SizesThatVary) {
  in_one_epoch([] {
    MACHINE(machine, small(SILLAGE_KERNEL_HEADER_COMPACT), 0, true);
    sillage_kernel_stream& stream = machine.stream();
    machine.emit(1, 100);
    EXPECT_EQ(stream.position, SILLAGE_RING_ONE_EVENT + 13 + 8 + 100);
    machine.emit(1, 5000);
    EXPECT_EQ(stream.lost[SILLAGE_KERNEL_LOST_TOO_BIG], 1u);
    machine.emit(1, 4096 - 12 - 1);  // as much as fits
    EXPECT_EQ(stream.entries[1].sequence, 1u);
    EXPECT_EQ(stream.committed[0], 4096u);
  });
}

TEST(RingCode, PositionsWrap) {
  MACHINE(machine, small(SILLAGE_KERNEL_HEADER_COMPACT), 0);
  sillage_kernel_stream& stream = machine.stream();
  const std::uint64_t start = SILLAGE_RING_BYTES_MASK + 1 - 4096;  // the last sub-buffer before it
  const std::uint64_t events = (UINT64_C(1) << 24) - 10;
  stream.position = events << SILLAGE_RING_POSITION_BITS | start;
  stream.events_total = events;
  stream.consumed = start;
  stream.committed[1] = start / 2 - 2048;
  stream.committed[0] = 0;  // modulo 2^39
  stream.entries[1] = {.sequence = start / 4096,
                       .begin_ns = now_ns(),
                       .events = events,
                       .end_position = 0,
                       .end_ns = 0,
                       .lost = 0,
                       .reserved = {}};
  for (std::uint64_t i = 0; i < 400; ++i) machine.emit(i);
  EXPECT_EQ(stream.lost[SILLAGE_KERNEL_LOST_FULL] + stream.lost[SILLAGE_KERNEL_LOST_BUSY], 0u);
  EXPECT_EQ(stream.entries[0].sequence, 0u);
  const std::uint64_t in_last = stream.entries[0].events - events;
  EXPECT_GT(in_last, 300u);
  EXPECT_EQ(stream.position >> SILLAGE_RING_POSITION_BITS, (events + 400) & 0xffffff);
  EXPECT_EQ(stream.committed[1] & (SILLAGE_RING_BYTES_MASK >> 1),
            (start / 2 + 2048) & (SILLAGE_RING_BYTES_MASK >> 1));
}

}  // namespace
}  // namespace sillage::kernel
