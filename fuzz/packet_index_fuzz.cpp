// SPDX-License-Identifier: MIT
// Hostile index files (F29) beside data stream files, sound or not: with and without the index the same packets are
// found, or the index is not believed. The input: a byte of options, what is done to a right index (five bytes each: the
// entry, the byte in it, what it is xor-ed with), or with option 1 an index file as it comes.
#include "base/byte_cursor.hpp"
#include "ctf/layout.hpp"
#include "ctf/packet.hpp"
#include "ctf/packet_index.hpp"
#include "limits.hpp"
#include "trace_directory.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace {

using namespace sillage;
using fuzzing::expect;

constexpr std::uint64_t kPackets = ctf::IndexTrust::kLeastPackets + 7;

/// A sound data stream file of empty packets and its right index.
struct Sound {
  std::shared_ptr<const ctf::Plan> plan;
  std::string data, index;

  Sound() {
    const auto clock = ctf::monotonic_clock_class("01234567-89ab-cdef-0123-456789abcdef", 0);
    auto model = std::make_shared<ctf::TraceModel>();
    model->trace = ctf::recording_trace_class(ctf::Uuid{}, {}, clock);
    model->streams.push_back(ctf::channel_stream_class(0, {}, clock));
    plan = ctf::Plan::compile(model).value();
    const auto header = ctf::encode_index_header();
    index.assign(reinterpret_cast<const char*>(header.data()), header.size());
    for (std::uint64_t i = 0; i < kPackets; ++i) {
      const ctf::PacketHead head{.begin = 100 * i, .end = 100 * i + 50, .sequence_number = i};
      const auto entry = ctf::encode_index_entry(data.size(), head);
      index.append(reinterpret_cast<const char*>(entry.data()), entry.size());
      std::string packet(ctf::packet_bytes(head.content_bytes), '\0');
      ctf::encode_packet_head(std::as_writable_bytes(std::span(packet)).first<84>(), ctf::Uuid{},
                              head);
      data += packet;
    }
  }
};

// Packets cover the file without a gap, in order.
void expect_sound(const ctf::PacketList& list, std::uint64_t file_bytes) {
  expect(list.stream != nullptr, "packets have a stream");
  std::uint64_t next = 0;
  for (const ctf::PacketPlace& packet : list.packets) {
    expect(packet.byte == next, "packets follow each other");
    expect(packet.byte_count != 0 && packet.byte_count <= file_bytes - next,
           "packets are in the file");
    next += packet.byte_count;
  }
  expect(next == file_bytes, "packets cover the file");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzzing::TraceDirectory directory;
  static const Sound sound;
  static_cast<void>(std::filesystem::create_directory(directory.in() + "/index"));
  ByteCursor input(std::as_bytes(std::span(data, size)));
  const auto options = input.take<std::uint8_t>();
  if (!options) return 0;
  std::string index = sound.index, stream = sound.data;
  if ((*options & 1) != 0) {
    index.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
    // Long enough to be looked at.
    if ((*options & 2) != 0) index.insert(0, sound.index);
  } else {
    while (input.left() >= 5) {
      std::string& changed = (*input.take<std::uint8_t>() & 1) != 0 ? stream : index;
      const std::size_t at = *input.take<std::uint16_t>() * 3u + *input.take<std::uint8_t>();
      char& byte = changed[at % changed.size()];
      byte = static_cast<char>(byte ^ *input.take<std::uint8_t>());
    }
    if ((*options & 4) != 0) stream.resize(stream.size() - size % stream.size());
  }
  directory.write("a", stream);
  directory.write("index/a.idx", index);

  const fuzzing::Limits limits(index.size() + stream.size());
  const auto file = ctf::StreamFile::open(directory.in() + "/a");
  expect(file.has_value(), "a file can be opened");
  const auto believed = ctf::read_packet_index(sound.plan, **file);
  if (believed) expect_sound(*believed, stream.size());
  // Only reported, and never the end: whatever the bytes are.
  const ctf::PacketList listed = ctf::list_packets(sound.plan, **file, [](const Error& error) {
    expect(!error.message.empty() && !error.location.empty(), "damage is said with its place");
  });
  if (believed && stream == sound.data) {
    expect(listed.packets.size() == believed->packets.size(), "an index that lies is not believed");
  }
  return 0;
}
