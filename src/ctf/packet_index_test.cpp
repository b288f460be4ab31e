// SPDX-License-Identifier: MIT
#include "ctf/packet_index.hpp"

#include "ctf/layout.hpp"
#include "ctf/packet.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace sillage::ctf {
namespace {

constexpr std::uint64_t kPackets = IndexTrust::kLeastPackets + 44;

/// A data stream file of empty packets, and its index.
class PacketIndex : public testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        std::filesystem::path(testing::TempDir()) / ("index_test." + std::to_string(getpid()));
    std::filesystem::create_directories(directory_ / "index");
    const ClockClass clock = monotonic_clock_class("01234567-89ab-cdef-0123-456789abcdef", 0);
    auto model = std::make_shared<TraceModel>();
    model->trace = recording_trace_class(Uuid{}, {}, clock);
    model->streams.push_back(channel_stream_class(0, {}, clock));
    plan_ = Plan::compile(model).value();
    std::string data;
    const auto header = encode_index_header();
    index_.assign(reinterpret_cast<const char*>(header.data()), header.size());
    for (std::uint64_t i = 0; i < kPackets; ++i) {
      const PacketHead head{.begin = 100 * i, .end = 100 * i + 50, .sequence_number = i};
      const auto entry = encode_index_entry(data.size(), head);
      index_.append(reinterpret_cast<const char*>(entry.data()), entry.size());
      std::string packet(packet_bytes(head.content_bytes), '\0');
      encode_packet_head(std::as_writable_bytes(std::span(packet)).first<kPacketHeadBytes>(),
                         Uuid{}, head);
      data += packet;
    }
    std::ofstream(directory_ / "channel_0", std::ios::binary) << data;
    file_ = StreamFile::open((directory_ / "channel_0").string()).value();
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::optional<PacketList> read_index() {
    std::ofstream(directory_ / "index" / "channel_0.idx", std::ios::binary) << index_;
    return read_packet_index(plan_, *file_);
  }
  PacketList read_heads() {
    return list_packets(plan_, *file_, [](const Error& error) { ADD_FAILURE() << error.text(); });
  }
  char& byte_of(std::uint64_t entry, std::size_t byte) {
    return index_[kIndexHeaderBytes + entry * kIndexEntryBytes + byte];
  }

  std::filesystem::path directory_;
  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<const StreamFile> file_;
  std::string index_;
};

TEST_F(PacketIndex, Right_SaysWhatTheHeadsSay) {
  const auto list = read_index();
  ASSERT_TRUE(list);
  const PacketList heads = read_heads();
  EXPECT_EQ(list->stream, heads.stream);
  EXPECT_EQ(list->stream_id, heads.stream_id);
  ASSERT_EQ(list->packets.size(), kPackets);
  ASSERT_EQ(heads.packets.size(), kPackets);
  for (std::size_t i = 0; i < kPackets; ++i) {
    EXPECT_TRUE(list->packets[i].is_copy_of(heads.packets[i]));
    EXPECT_EQ(list->packets[i].byte, heads.packets[i].byte);
  }
}

TEST_F(PacketIndex, Missing_IsNotThere) { EXPECT_FALSE(read_packet_index(plan_, *file_)); }

TEST_F(PacketIndex, Wrong_IsNotBelieved) {
  const std::string right = index_;
  const auto refuses = [&](const char* what) {
    EXPECT_FALSE(read_index()) << what;
    index_ = right;
  };
  index_[0] = 0;
  refuses("the magic number");
  index_[7] = 9;
  refuses("another version");
  index_.resize(index_.size() - 1);
  refuses("half an entry");
  index_.resize(index_.size() - kIndexEntryBytes);
  refuses("one packet less than the file has");
  byte_of(100, 7) = 1;
  refuses("an offset inside another packet");
  byte_of(100, 8) = static_cast<char>(0xff);
  refuses("a size beyond all files");
  byte_of(0, 31) = 1;
  refuses("another begin than the first head's");
  byte_of(kPackets - 1, 71) = 1;
  refuses("another sequence number than the last head's");
  byte_of(50, 55) = 7;
  refuses("a data stream class that is not there");
}

}  // namespace
}  // namespace sillage::ctf
