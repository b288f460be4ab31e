// SPDX-License-Identifier: MIT
// Traces that other processes write to, cut off, replace and remove while they are read (F30).
#include "ctf/guarded_mapping.hpp"
#include "ctf/text_printer.hpp"
#include "ctf/trace_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace sillage::ctf {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t kHeadBytes = 24;
constexpr char kMetadata[] = R"(/* CTF 1.8 */
typealias integer { size = 32; align = 8; } := u32;
typealias integer { size = 64; align = 8; } := u64;
trace { major = 1; minor = 8; byte_order = le; packet.header := struct { u32 magic; u32 stream_id; }; };
stream { id = 0; packet.context := struct { u64 content_size; u64 packet_size; };
  event.header := struct { u32 id; }; };
event { name = "number"; id = 1; stream_id = 0; fields := struct { u32 n; string s; }; };
)";

/// The directory of a trace whose packets are full of numbers.
class ChangingTrace : public testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        std::filesystem::path(testing::TempDir()) / ("changing_test." + std::to_string(getpid()));
    std::filesystem::create_directories(directory_);
    write("metadata", kMetadata);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void write(const char* name, const std::string& bytes) const {
    std::ofstream(directory_ / name, std::ios::binary | std::ios::trunc) << bytes;
  }
  [[nodiscard]] std::string path(const char* name) const { return (directory_ / name).string(); }

  static std::string packet(std::uint32_t records, std::uint32_t padding = 0) {
    std::string body;
    for (std::uint32_t n = 1; n <= records; ++n) {
      append(&body, std::uint32_t{1});
      append(&body, n);
      body += std::string(n % 7, 'x') + '\0';
    }
    std::string bytes;
    append(&bytes, std::uint32_t{0xC1FC1FC1});
    append(&bytes, std::uint32_t{0});
    append(&bytes, std::uint64_t{8 * (kHeadBytes + body.size())});
    append(&bytes, std::uint64_t{8 * (kHeadBytes + body.size() + padding)});
    return bytes + body + std::string(padding, '\xaa');
  }

  struct Reading {
    std::uint64_t events = 0;
    std::uint64_t damages = 0;  ///< that count
    std::vector<std::string> reports{};
    std::string failure{};
  };

  /// Reads everything; calls `meanwhile` once, behind `first` events.
  template <class Meanwhile>
  Reading read(std::uint64_t first, Meanwhile meanwhile, bool is_strict = false) const {
    Reading reading;
    ReadOptions options;
    options.is_strict = is_strict;
    options.on_damage = [&](const Error& error) { reading.reports.push_back(error.text()); };
    auto reader = TraceReader::open({directory_.string()}, std::move(options));
    if (!reader) {
      reading.failure = reader.error().text();
      return reading;
    }
    while (const DataStream* stream = reader->next()) {
      if (stream->event().payload.size() == 3) ++reading.events;
      if (reading.events == first) meanwhile();
    }
    reading.damages = reader->damage_count();
    return reading;
  }
  [[nodiscard]] Reading read() const {
    return read(0, [] {});
  }
  [[nodiscard]] std::uint64_t count(std::vector<std::string>* reports) const {
    ReadOptions options;
    options.on_damage = [&](const Error& error) { reports->push_back(error.text()); };
    auto reader = TraceReader::open({directory_.string()}, std::move(options));
    std::filesystem::resize_file(path("stream"), 0);
    std::uint64_t events = 0;
    reader.value().count(
        2, [&](const DataStream&, std::span<const std::uint64_t> counts) { events += counts[0]; });
    return events;
  }

 private:
  template <class Number>
  static void append(std::string* out, Number number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    out->append(bytes, sizeof number);
  }

  std::filesystem::path directory_;
};

// However far a tracer has come: whole records are read, and nothing is called damage.
TEST_F(ChangingTrace, Growing_IsReadToTheLastWholeRecord) {
  const std::string whole = packet(5, 9) + packet(4);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    write("stream", whole.substr(0, size));
    const Reading reading = read();
    std::uint64_t events = 0;
    std::size_t end = 0;
    for (const std::uint32_t records : {5u, 4u}) {
      std::size_t record = end + kHeadBytes;
      for (std::uint32_t n = 1; n <= records; ++n) {
        record += 9 + n % 7;
        if (record <= size) ++events;
      }
      end = record + (records == 5 ? 9 : 0);
    }
    EXPECT_EQ(reading.events, events) << size << " bytes";
    const std::size_t second = packet(5, 9).size();
    const std::size_t content = size > second ? whole.size() : second - 9;
    // Less than a magic number is not known to be a packet's.
    const bool is_start = size > second ? size - second < 4 : size < 4;
    const bool is_whole =
        size == 0 || size == second || size >= content || (size > second - 9 && size <= second);
    if (is_whole) {
      EXPECT_THAT(reading.reports, IsEmpty()) << size << " bytes";
    } else {
      EXPECT_EQ(reading.reports.size(), 1u) << size << " bytes";
      EXPECT_EQ(reading.damages, is_start ? 1u : 0u) << size << " bytes";
    }
  }
}

TEST_F(ChangingTrace, Incomplete_IsSaidAndDamageIfStrict) {
  const std::string whole = packet(5) + packet(100);
  write("stream", whole.substr(0, whole.size() - 700));
  const Reading reading = read();
  EXPECT_THAT(reading.reports,
              ElementsAre(AllOf(HasSubstr("stream@" + std::to_string(packet(5).size())),
                                HasSubstr("incomplete last packet: 700 bytes are not there"))));
  EXPECT_EQ(reading.damages, 0u);
  const Reading strict = read(
      0, [] {}, true);
  EXPECT_EQ(strict.damages, 1u);
  EXPECT_EQ(strict.events, reading.events);
}

TEST_F(ChangingTrace, SizeThatHidesPackets_IsDamageAndTheyAreRead) {
  std::string lying = packet(3);
  lying[15] = 1;  // some PiB of content and packet
  lying[23] = 1;
  write("stream", packet(2) + lying + packet(4) + packet(5));
  const Reading reading = read();
  EXPECT_EQ(reading.events, 14u);
  EXPECT_EQ(reading.damages, 1u);
  EXPECT_THAT(reading.reports, ElementsAre(HasSubstr("the packet's size is wrong: another")));
}

TEST_F(ChangingTrace, Appended_IsNotThere) {
  write("stream", packet(2000));
  const Reading reading = read(10, [&] {
    std::ofstream(path("stream"), std::ios::binary | std::ios::app) << packet(3);
    std::ofstream(path("metadata"), std::ios::binary | std::ios::app) << "event { name = ";
  });
  EXPECT_EQ(reading.events, 2000u);
  EXPECT_THAT(reading.reports, IsEmpty());
}

TEST_F(ChangingTrace, CutOff_EndsInOneError) {
  std::string bytes;
  for (int i = 0; i < 50; ++i) bytes += packet(2000);
  for (const std::size_t left : {std::size_t{0}, std::size_t{5000}, bytes.size() - 1}) {
    write("stream", bytes);
    const Reading reading = read(10, [&] { std::filesystem::resize_file(path("stream"), left); });
    EXPECT_EQ(reading.damages, 1u) << left;
    ASSERT_EQ(reading.reports.size(), 1u) << left;
    EXPECT_THAT(reading.reports[0], AllOf(HasSubstr("made shorter while it was read"),
                                          HasSubstr(std::to_string(left))));
    EXPECT_GE(reading.events, 10u);
  }
}

TEST_F(ChangingTrace, CutOffWhileCounted_EndsInOneError) {
  std::string bytes;
  for (int i = 0; i < 800; ++i) bytes += packet(2000);
  write("stream", bytes);
  std::vector<std::string> reports;
  EXPECT_EQ(count(&reports), 0u);
  EXPECT_THAT(reports, ElementsAre(HasSubstr("made shorter while it was read")));
}

TEST_F(ChangingTrace, RemovedOrReplaced_IsReadToItsEnd) {
  write("stream", packet(3000));
  EXPECT_EQ(read(10, [&] { std::filesystem::remove(path("stream")); }).events, 3000u);
  write("stream", packet(3000));
  const Reading reading = read(10, [&] {
    write("other", "");
    std::filesystem::rename(path("other"), path("stream"));
  });
  EXPECT_EQ(reading.events, 3000u);
  EXPECT_THAT(reading.reports, IsEmpty());
}

// What is read of bytes that change in the middle is anything, but never an access beyond them.
TEST_F(ChangingTrace, Rewritten_IsSurvived) {
  const std::string bytes = packet(3000);
  for (int i = 0; i < 20; ++i) {
    write("stream", bytes);
    const Reading reading = read(10, [&] {
      std::ofstream file(path("stream"), std::ios::binary | std::ios::in | std::ios::out);
      file.seekp(static_cast<std::streamoff>(kHeadBytes) + i);
      file << std::string(bytes.size() - kHeadBytes - i, static_cast<char>(13 * i + 1));
    });
    EXPECT_GE(reading.events, 10u);
  }
}

// Rows were found in other bytes than those that are printed: no length may be believed twice.
TEST_F(ChangingTrace, RewrittenBehindScanning_PrintsALineForEachRow) {
  const std::string classes = kMetadata;
  const std::string fields = classes.substr(0, classes.find("u32 n; string s;"));
  const std::string bytes = packet(3000);
  for (const char* payload : {"u32 n; string s;", "u32 n; u8 a[n]; u8 s;", "u32 n; u16 a[n]; u8 s;",
                              "u32 n; string s; integer { size = 16; align = 16; } a;",
                              "u32 n; char_array s[n]; u8 b;"}) {
    write("metadata",
          "/* CTF 1.8 */ typealias integer { size = 8; align = 8; } := u8;"
          "typealias integer { size = 16; align = 8; } := u16;"
          "typealias integer { size = 8; align = 8; encoding = UTF8; } := char_array;" +
              fields.substr(fields.find('\n')) + payload + " }; };\n");
    for (int fill = 0; fill < 256; fill += 51) {
      write("stream", bytes);
      auto reader = TraceReader::open({path("")}, ReadOptions{});
      ASSERT_TRUE(reader) << reader.error().text();
      const auto run = reader->next_run();
      ASSERT_TRUE(run) << payload;
      std::fstream(path("stream"), std::ios::binary | std::ios::in | std::ios::out)
          .seekp(kHeadBytes)
          .write(std::string(bytes.size() - kHeadBytes, static_cast<char>(fill)).data(),
                 static_cast<std::streamsize>(bytes.size() - kHeadBytes));
      TextPrinter printer(TextOptions{});
      EXPECT_EQ(printer.print(*run->stream, run->batch, PaddedText(), SIZE_MAX),
                run->batch.rows.size());
      EXPECT_EQ(std::ranges::count(printer.text(), '\n'),
                static_cast<std::ptrdiff_t>(run->batch.rows.size()))
          << payload << ' ' << fill;
    }
  }
}

TEST_F(ChangingTrace, MetadataThatIsCut_IsRefusedWithItsPlace) {
  write("metadata", std::string(kMetadata).substr(0, sizeof kMetadata - 20));
  write("stream", packet(3));
  EXPECT_THAT(read().failure, HasSubstr("metadata: line "));
}

// A tracer writes metadata packet by packet: some reading will come in the middle of it.
TEST_F(ChangingTrace, MetadataThatGrows_IsReadOrRefused) {
  write("stream", packet(3));
  std::jthread writer([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::ofstream file(path("metadata"), std::ios::binary | std::ios::trunc);
      for (const char character : std::string_view(kMetadata)) file.put(character).flush();
    }
  });
  for (int i = 0; i < 50; ++i) {
    const Reading reading = read();
    if (reading.failure.empty()) continue;
    EXPECT_THAT(reading.failure, HasSubstr("metadata"));
  }
}

TEST(GuardedMapping, CutOff_IsZeroesAndBroken) {
  const std::string path = testing::TempDir() + "/guarded_test." + std::to_string(getpid());
  std::ofstream(path) << std::string(std::size_t{3} << 20, 'x');
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  {
    const auto mapping = GuardedMapping::map(fd, std::size_t{3} << 20).value();
    const auto other = GuardedMapping::map(fd, 4096).value();
    EXPECT_EQ(mapping.bytes()[2 << 20], std::byte{'x'});
    ASSERT_EQ(ftruncate(fd, 8192), 0);
    EXPECT_FALSE(mapping.is_broken());
    EXPECT_EQ(mapping.bytes()[8191], std::byte{'x'});
    EXPECT_EQ(mapping.bytes()[8192], std::byte{0});
    EXPECT_EQ(mapping.bytes().back(), std::byte{0});
    EXPECT_TRUE(mapping.is_broken());
    EXPECT_EQ(other.bytes().back(), std::byte{'x'});
    EXPECT_FALSE(other.is_broken());
  }
  close(fd);
  std::filesystem::remove(path);
}

// Only its own mappings are mended: a program's own mistakes still end it.
TEST(GuardedMappingDeathTest, ForeignSignal_GoesToWhoHadItBefore) {
  const std::string path = testing::TempDir() + "/foreign_test." + std::to_string(getpid());
  std::ofstream(path) << "x";
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const auto mapping = GuardedMapping::map(fd, 1).value();
  EXPECT_DEATH(
      {
        auto* bytes =
            static_cast<volatile char*>(mmap(nullptr, 8192, PROT_READ, MAP_PRIVATE, fd, 0));
        static_cast<void>(bytes[4096]);
      },
      "");
  EXPECT_DEATH(raise(SIGBUS), "");
  close(fd);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace sillage::ctf
