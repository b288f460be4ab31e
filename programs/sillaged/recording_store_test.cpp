// SPDX-License-Identifier: MIT
#include "sillaged/recording_store.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace sillage::daemon {
namespace {

v1::RecordingState some_state(std::uint64_t recording) {
  v1::RecordingState state;
  state.set_format(kStateFormat);
  state.set_recording(recording);
  state.mutable_request()->set_name("name");
  state.mutable_request()->set_output_path("/tmp/trace");
  state.mutable_request()->add_kernel_channels()->set_name("channel0");
  state.mutable_owner()->set_pid(42);
  state.mutable_kernel()->set_uuid(std::string(16, 'u'));
  state.mutable_kernel()->set_metadata_bytes(1234);
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
  auto states = RecordingStore(paths_).load();
  ASSERT_EQ(states.size(), 2u);
  if (states[0].recording() == 6) std::swap(states[0], states[1]);
  EXPECT_EQ(states[0].SerializeAsString(), some_state(5).SerializeAsString());
  EXPECT_EQ(states[1].stop_ns(), 99u);
  struct stat status {};
  ASSERT_EQ(::stat(paths_.state_file(5).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  store.remove(5);
  store.remove(6);
  EXPECT_TRUE(store.load().empty());
}

TEST_F(RecordingStoreTest, WhatIsNoState_IsRemoved) {
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
  EXPECT_EQ(store.load().size(), 1u);
  int left = 0;
  for (const auto& entry : std::filesystem::directory_iterator(states)) {
    EXPECT_EQ(entry.path().filename(), "1");
    ++left;
  }
  EXPECT_EQ(left, 1);
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
    EXPECT_LE(state->nested_lost_size(), state->request().kernel_channels_size());
  }
  EXPECT_GT(read, 1000);
}

TEST(DirectoryName, HasLettersDigitsAndNoTwoPathsShareOne) {
  EXPECT_EQ(directory_name("/run/sillage"), "-run-sillage");
  EXPECT_EQ(directory_name("/tmp/a.b-c_d"), "-tmp-a_2eb_2dc_5fd");
}

}  // namespace
}  // namespace sillage::daemon
