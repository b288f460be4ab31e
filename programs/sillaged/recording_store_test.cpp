// SPDX-License-Identifier: MIT
#include "sillaged/recording_store.hpp"

#include "sillaged/recording_journal.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace sillage::daemon {
namespace {

v1::RecordingState some_state(std::uint64_t recording) {
  v1::RecordingState state;
  state.set_format(kStateFormat);
  state.set_recording(recording);
  state.mutable_request()->set_name("name");
  state.mutable_request()->set_output_path("/tmp/trace");
  state.mutable_request()->add_kernel_channels()->set_name("channel0");
  state.set_kernel_channels(1);
  state.add_kernel_files();
  state.mutable_owner()->set_pid(42);
  state.mutable_kernel()->set_uuid(std::string(16, 'u'));
  state.mutable_kernel()->set_body_bytes(1234);
  state.add_nested_lost(7);
  return state;
}

class RecordingStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = ::testing::TempDir() + "sillage-store-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    folder_ = paths_.directory = path;
  }
  ~RecordingStoreTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  apps::RuntimePaths paths_;
};

TEST_F(RecordingStoreTest, Saved_IsLoadedByTheNextDaemon) {
  const RecordingStore store(paths_);
  ASSERT_TRUE(store.save(some_state(5)));
  v1::RecordingState changed = some_state(6);
  ASSERT_TRUE(store.save(changed));
  changed.set_stop_ns(99);
  ASSERT_TRUE(store.save(changed));
  std::vector<std::string> refused;
  auto states = RecordingStore(paths_).load(&refused);
  EXPECT_TRUE(refused.empty());
  ASSERT_EQ(states.size(), 2u);
  if (states[0].recording() == 6) std::swap(states[0], states[1]);
  EXPECT_EQ(states[0].SerializeAsString(), some_state(5).SerializeAsString());
  EXPECT_EQ(states[1].stop_ns(), 99u);
  struct stat status {};
  ASSERT_EQ(::stat(paths_.state_file(5).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  store.remove(5);
  store.remove(6);
  EXPECT_TRUE(store.load(&refused).empty());
}

TEST_F(RecordingStoreTest, WhatIsNoState_IsPutAsideAndSaid) {
  const RecordingStore store(paths_);
  ASSERT_TRUE(store.save(some_state(1)));
  const std::filesystem::path states = folder_ / "recordings";
  std::ofstream(states / "2") << "not a state";
  std::ofstream(states / "3.new") << "half";
  // Under another's name; too large; elsewhere; no file.
  std::filesystem::copy_file(states / "1", states / "4");
  std::filesystem::copy_file(states / "1", states / "5");
  std::filesystem::resize_file(states / "5", kMaxStateBytes + 1);
  std::filesystem::create_symlink("1", states / "6");
  ASSERT_EQ(::mkfifo((states / "7").c_str(), 0600), 0);
  std::vector<std::string> refused;
  EXPECT_EQ(store.load(&refused).size(), 1u);
  EXPECT_EQ(refused.size(), 5u);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "refused" / "2"));
  int left = 0;
  for (const auto& entry : std::filesystem::directory_iterator(states)) {
    EXPECT_EQ(entry.path().filename(), "1");
    ++left;
  }
  EXPECT_EQ(left, 1);
}

TEST_F(RecordingStoreTest, Session_IsLoadedUnderItsName) {
  const RecordingStore store(paths_);
  v1::SessionState state;
  state.set_format(kStateFormat);
  state.mutable_session()->set_name("my.session");
  ASSERT_TRUE(store.save_session(state));
  std::ofstream(folder_ / "sessions" / "other") << "torn";
  std::vector<std::string> refused;
  const auto states = store.load_sessions(&refused);
  ASSERT_EQ(states.size(), 1u);
  EXPECT_EQ(states[0].session().name(), "my.session");
  EXPECT_EQ(refused.size(), 1u);
  store.remove_session("my.session");
  EXPECT_TRUE(store.load_sessions(&refused).empty());
}

TEST_F(RecordingStoreTest, Journal_IsReadUpToWhatIsWhole) {
  const std::string path = (folder_ / "journal").string();
  v1::JournalEntry entry;
  {
    auto journal = RecordingJournal::create(path);
    ASSERT_TRUE(journal);
    for (std::uint32_t i = 1; i <= 3; ++i) {
      entry.mutable_process()->set_registration(i);
      ASSERT_TRUE((*journal)->append(entry));
    }
  }
  const auto whole = std::filesystem::file_size(path);
  std::ofstream(path, std::ios::app) << "half";
  auto opened = RecordingJournal::open(path);
  ASSERT_TRUE(opened);
  ASSERT_EQ(opened->entries.size(), 3u);
  EXPECT_EQ(std::filesystem::file_size(path), whole);
  ASSERT_TRUE(opened->journal->append(entry));
  EXPECT_EQ(RecordingJournal::open(path)->entries.size(), 4u);
  // The last entry torn in its middle goes, too; damage in front of others is an error.
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_EQ(RecordingJournal::open(path)->entries.size(), 3u);
  std::fstream(path, std::ios::in | std::ios::out).seekp(9) << 'x';
  EXPECT_FALSE(RecordingJournal::open(path));
  EXPECT_FALSE(RecordingJournal::open(path + "-none"));
}

TEST(RecordingState, Contradictions_AreRefused) {
  EXPECT_TRUE(parse_state(some_state(1).SerializeAsString()));
  v1::RecordingState state = some_state(1);
  state.set_format(kStateFormat + 1);
  EXPECT_FALSE(parse_state(state.SerializeAsString()));
  state = some_state(0);
  EXPECT_FALSE(parse_state(state.SerializeAsString()));
  state = some_state(1);
  state.mutable_kernel()->set_uuid("short");
  EXPECT_FALSE(parse_state(state.SerializeAsString()));
  state = some_state(1);
  state.clear_kernel();
  EXPECT_FALSE(parse_state(state.SerializeAsString()));
  state = some_state(1);
  state.add_nested_lost(1);
  EXPECT_FALSE(parse_state(state.SerializeAsString()));
  state = some_state(1);
  state.add_replaced()->set_version(1);
  EXPECT_TRUE(parse_state(state.SerializeAsString()));
  state.add_replaced()->set_version(2);
  EXPECT_FALSE(parse_state(state.SerializeAsString()));
}

TEST(RecordingState, ForeignBytes_AreReadOrRefused) {
  const std::string good = some_state(1).SerializeAsString();
  std::mt19937 random(1);
  int read = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (std::uint32_t changes = random() % 4; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(random() % 4 == 0 ? random() % bytes.size() : bytes.size());
    const auto state = parse_state(bytes);
    if (!state) continue;
    ++read;
    EXPECT_TRUE(!state->has_kernel() || state->kernel().uuid().size() == 16u);
    EXPECT_LE(state->nested_lost_size(), state->kernel_channels());
  }
  EXPECT_GT(read, 1000);
}

TEST(DirectoryName, HasLettersDigitsAndNoTwoPathsShareOne) {
  EXPECT_EQ(directory_name("/run/sillage"), "-run-sillage");
  EXPECT_EQ(directory_name("/tmp/a.b-c_d"), "-tmp-a_2eb_2dc_5fd");
}

}  // namespace
}  // namespace sillage::daemon
