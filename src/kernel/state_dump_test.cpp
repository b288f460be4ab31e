// SPDX-License-Identifier: MIT
#include "kernel/state_dump.hpp"

#include "kernel/tracer.hpp"
#include "ring/kernel_ring.hpp"

#include <gtest/gtest.h>

#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace sillage::kernel {
namespace {

std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text << '\n';
}

TEST(SystemFacts, ReadsFilesOfTheKernel) {
  const auto root =
      std::filesystem::path(::testing::TempDir()) / ("system_facts." + std::to_string(::getpid()));
  write_file(root / "sys/class/block/cciss!c0d0/dev", "104:1");
  write_file(root / "sys/class/block/cciss!c0d0/size", "8");
  write_file(root / "sys/class/block/loop0/dev", "7:0");
  write_file(root / "sys/class/block/loop0/size", "0");
  write_file(root / "sys/class/block/odd/dev", "no number");
  write_file(root / "sys/kernel/irq/9/chip_name", "IO-APIC");
  write_file(root / "sys/kernel/irq/9/actions", "acpi,a-long-name-of-it");
  write_file(root / "sys/kernel/irq/10/actions", "timer");
  write_file(root / "sys/kernel/irq/11/actions", "");
  write_file(root / "proc/77/comm", "irq/9-a-long-na");
  const SystemFacts facts(root / "sys", root / "proc");

  const auto disks = facts.block_devices();
  ASSERT_EQ(disks.size(), 1u);
  EXPECT_EQ(disks[0].name, "cciss/c0d0");
  EXPECT_EQ(disks[0].device, 104u << 20 | 1u);
  const auto interrupts = facts.interrupts();
  ASSERT_EQ(interrupts.size(), 3u);
  EXPECT_EQ(interrupts[0].action, "acpi");
  EXPECT_EQ(interrupts[0].tid, 0);
  EXPECT_EQ(interrupts[1].action, "a-long-name-of-it");
  EXPECT_EQ(interrupts[1].chip, "IO-APIC");
  EXPECT_EQ(interrupts[1].tid, 77);
  EXPECT_EQ(interrupts[2].irq, 10u);
  EXPECT_EQ(interrupts[2].chip, "unnamed_irq_chip");
  EXPECT_TRUE(facts.processors().empty());
  std::filesystem::remove_all(root);
}

TEST(StateDump, RecordsWhatIsThere) {
  const auto tracer = Tracer::open();
  if (!tracer || tracer->btf() == nullptr) GTEST_SKIP() << "no types";
  const auto cpus = static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_CONF));
  const auto geometry = ring::KernelRingGeometry::make({}, cpus);
  ASSERT_TRUE(geometry);
  auto channel = KernelChannel::create(*geometry, {}, tracer->casts(), 0);
  if (!channel && channel.error().code == Code::kPermission) GTEST_SKIP() << channel.error().text();
  ASSERT_TRUE(channel) << channel.error().text();
  auto ring = ring::KernelRing::create(std::move(*(*channel)->ring_fd()), *geometry, {now_ns()});
  ASSERT_TRUE(ring) << ring.error().text();

  std::uint32_t next = 0;
  const auto declare = [&](const std::string&, const ctf::FieldClassRef&) -> Result<EventId> {
    return EventId{next++};
  };
  auto dump = StateDump::create(**channel, tracer->btf(), {.memory_maps = true}, declare);
  ASSERT_TRUE(dump) << dump.error().text();
  for (const std::string& why : dump->left_out()) ADD_FAILURE() << why;
  const std::uint64_t begin = now_ns();
  const Status ran = dump->run();
  ASSERT_TRUE(ran) << ran.error().text();
  RecordProperty("dump_us", static_cast<int>((now_ns() - begin) / 1000));

  std::string bytes;
  std::uint64_t events = 0;
  std::vector<std::byte> buffer(geometry->subbuf_bytes);
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    auto reader = ring->reader(cpu);
    while (const auto run = reader.next_run(buffer, true)) {
      events += run->events;
      bytes.append(reinterpret_cast<const char*>(run->bytes.data()), run->bytes.size());
    }
    EXPECT_EQ(reader.lost_by_writers(), 0u);
  }
  EXPECT_GT(events, 100u);
  EXPECT_NE(bytes.find("kernel_state_du"), std::string::npos) << "this process's name";
  EXPECT_NE(bytes.find("/dev/null"), std::string::npos) << "somebody's file";
}

}  // namespace
}  // namespace sillage::kernel
