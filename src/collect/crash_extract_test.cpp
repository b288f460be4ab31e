// SPDX-License-Identifier: MIT
// What is left in files of buffers, as traces: each event that is not in the recording's own trace, once.
#include "collect/crash_extract.hpp"

#include "collect/test_recording.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace sillage::collect {
namespace {

namespace fs = std::filesystem;

class CrashExtractTest : public CollectorTest {
 protected:
  void record(const ring::RingOptions& ring = small_ring()) {
    start(output_.path() + "/trace", ring, false, {}, buffers());
  }
  [[nodiscard]] std::string buffers() const { return output_.path() + "/shm/s"; }
  [[nodiscard]] std::string file(const char* name) const {
    return buffers() + "/" + kTestTrace + "/" + name;
  }
  CrashExtract extract() {
    fs::remove_all(extracted());
    auto found = extract_buffers(output_.path() + "/shm", extracted());
    EXPECT_TRUE(found) << found.error().text();
    return found ? *std::move(found) : CrashExtract{};
  }
  [[nodiscard]] std::string extracted() const { return output_.path() + "/extracted"; }
  [[nodiscard]] std::vector<Packet> packets() const {
    return read_packets(fs::path(extracted()) / "s" / kTestTrace, "channel0_0");
  }
  // As if it had been killed behind the packet and before it was settled.
  void unsettle() const {
    std::fstream ledger(file("0-channel0.ledger"), std::ios::in | std::ios::out | std::ios::binary);
    std::uint64_t selected = 0;
    ledger.seekg(16).read(reinterpret_cast<char*>(&selected), sizeof selected);
    selected = 1 - selected;
    ledger.seekp(16).write(reinterpret_cast<const char*>(&selected), sizeof selected);
  }

  TemporaryDirectory output_;
};

TEST_F(CrashExtractTest, Events_AreThoseThatAreNotInTheTrace) {
  record();
  auto writer = program_->writer(0);
  EXPECT_EQ(emit(writer, 10), 10u);
  EXPECT_EQ(extract().events, 10u);
  collector_->flush();
  EXPECT_EQ(extract().events, 0u);
  EXPECT_EQ(emit(writer, 5), 5u);
  const CrashExtract found = extract();
  EXPECT_EQ(found.events, 5u);
  EXPECT_EQ(found.packets, 1u);
  EXPECT_EQ(found.lost, 0u);
  EXPECT_TRUE(found.refused.empty());
  // Its number goes on behind the packet that is in the trace, and both say that they are of one.
  ASSERT_EQ(packets().size(), 1u);
  EXPECT_EQ(packets()[0].sequence, 1u);
  EXPECT_EQ(read_file(directory_ / "metadata"),
            read_file(fs::path(extracted()) / "s" / kTestTrace / "metadata"));
  EXPECT_EQ(collector_->stop().events, 15u);
  EXPECT_FALSE(fs::exists(file("0-channel0.ring")));
  EXPECT_FALSE(fs::exists(file("metadata")));
}

TEST_F(CrashExtractTest, Announced_PacketIsTakenForWrittenWhereTheTraceHasIt) {
  record();
  auto writer = program_->writer(0);
  emit(writer, 4);
  collector_->flush();
  emit(writer, 3);
  collector_->flush();
  unsettle();
  EXPECT_EQ(extract().events, 0u);
  // Its entry in the index was yet to be written.
  const fs::path index = directory_ / "index" / "channel0_0.idx";
  fs::resize_file(index, fs::file_size(index) - ctf::kIndexEntryBytes);
  EXPECT_EQ(extract().events, 0u);
  // And so was its last byte.
  fs::resize_file(directory_ / "channel0_0", fs::file_size(directory_ / "channel0_0") - 1);
  EXPECT_EQ(extract().events, 3u);
  fs::rename(output_.path() + "/trace", output_.path() + "/elsewhere");
  const CrashExtract found = extract();
  EXPECT_EQ(found.events, 3u);
  EXPECT_EQ(found.doubtful_streams, 1u);
  unsettle();
}

TEST_F(CrashExtractTest, Overwritten_NewestAreThereAndTheRestIsCounted) {
  ring::RingOptions options = small_ring();
  options.overwrite = true;
  collector_.reset();
  start(output_.path() + "/memory", options, true, {}, buffers());
  auto writer = program_->writer(0);
  EXPECT_EQ(emit(writer, 5000), 5000u);
  const CrashExtract found = extract();
  EXPECT_EQ(found.events + found.lost, 5000u);
  EXPECT_GT(found.events, 500u);
  const auto records = packets().back().records;
  EXPECT_EQ(value_at<std::uint64_t>(records, records.size() - 8), 4999u);
}

TEST_F(CrashExtractTest, Torn_LastClassOfTheMetadataIsNobodys) {
  record();
  auto writer = program_->writer(0);
  emit(writer, 2);
  std::ofstream(file("metadata"), std::ios::app) << "event {\n\tname = \"app:o";
  EXPECT_EQ(extract().events, 2u);
}

TEST_F(CrashExtractTest, Hostile_FilesAreRefusedWithTheirPlace) {
  record();
  auto writer = program_->writer(0);
  emit(writer, 2);
  const auto refused = [&]() -> std::string {
    const CrashExtract found = extract();
    return found.refused.size() == 1 ? found.refused[0].location : "";
  };
  const auto put = [&](const char* name, std::streamoff offset, const std::string& bytes) {
    std::fstream to(file(name), std::ios::in | std::ios::out | std::ios::binary);
    to.seekp(offset).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  };
  put("0-channel0.ledger", 16, std::string(1, '\2'));
  EXPECT_EQ(refused(), file("0-channel0.ledger") + "@16");
  put("0-channel0.ledger", 0, "none");
  EXPECT_EQ(refused(), file("0-channel0.ledger") + "@0");
  fs::resize_file(file("0-channel0.ledger"), 7);
  EXPECT_EQ(refused(), file("0-channel0.ledger") + "@7");
  put("0-channel0.ring", 0, "none");
  EXPECT_EQ(refused(), file("0-channel0.ring") + "@0");
  fs::rename(file("0-channel0.ring"), file("7-channel0.ring"));
  EXPECT_NE(refused(), "-");
  fs::rename(file("7-channel0.ring"), file("channel0.ring"));
  EXPECT_EQ(refused(), file("channel0.ring"));
  std::ofstream(file("metadata")) << "trace {";
  EXPECT_EQ(refused(), file("metadata"));
}

TEST_F(CrashExtractTest, Truncated_CollectorLivesAndSaysSo) {
  record();
  auto writer = program_->writer(0);
  emit(writer, 7);
  ASSERT_TRUE(eventually([&] { return collector_->stats().pending == 7; }));
  for (const char* name : {"0-channel0.ring", "0-channel0.ledger"})
    ASSERT_EQ(::truncate(file(name).c_str(), 0), 0);
  ASSERT_TRUE(eventually([&] { return !collector_->stats().input_error.empty(); }));
  const Stats stats = collector_->stop();
  EXPECT_NE(stats.input_error.find("at least 7 events"), std::string::npos) << stats.input_error;
  EXPECT_EQ(stats.lost.corrupt, 7u);
  EXPECT_EQ(stats.pending, 0u);
}

TEST_F(CrashExtractTest, Directory_OfSomebodyElseOrInUseIsRefused) {
  record();
  EXPECT_EQ(
      Collector::create({.output_path = output_.path() + "/2", .buffers_path = buffers()}, *clock_)
          .error()
          .code,
      Code::kAlreadyExists);
  fs::create_directory(output_.path() + "/open");
  ASSERT_EQ(::chmod((output_.path() + "/open").c_str(), 0755), 0);
  fs::create_directory_symlink(buffers(), output_.path() + "/link");
  for (const char* name : {"/open", "/link"})
    EXPECT_FALSE(Collector::create(
        {.output_path = output_.path() + "/2", .buffers_path = output_.path() + name}, *clock_));
  EXPECT_FALSE(extract_buffers(output_.path() + "/open", extracted()));
}

}  // namespace
}  // namespace sillage::collect
