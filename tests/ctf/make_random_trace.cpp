// SPDX-License-Identifier: MIT
// Writes a trace of 20 events whose every name is random bytes: ctf_make_random_trace DIRECTORY 1.8|2 SEED
// Applications choose these names; whatever they are, readers must get through the metadata to the next event.
#include "ctf/layout.hpp"
#include "ctf/metadata.hpp"
#include "ctf/packet.hpp"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sillage::ctf;

constexpr std::uint32_t kEvents = 20;
constexpr std::uint64_t kTime = 1000;

class RandomTrace {
 public:
  explicit RandomTrace(unsigned seed) : random_(seed) {}

  void write(const std::filesystem::path& directory, Version version) {
    const ClockClass clock = monotonic_clock_class("01234567-89ab-cdef-0123-456789abcdef", 0);
    const TraceClass trace = recording_trace_class(
        Uuid{}, {{"hostname", name()}, {"procname", name()}, {name(), name()}}, clock);
    std::string metadata = metadata_head(version, trace);
    metadata += metadata_stream_class(version, trace, channel_stream_class(0, {}, clock));
    for (std::uint32_t id = 0; id < kEvents; ++id)
      metadata += metadata_event_class(version, trace, event(id));

    const PacketHead head{
        .begin = kTime, .end = kTime, .content_bytes = kPacketHeadBytes + records_.size()};
    std::string packet(packet_bytes(head.content_bytes), '\0');
    packet.replace(kPacketHeadBytes, records_.size(), records_);
    const auto bytes = std::as_writable_bytes(std::span(packet));
    encode_packet_head(bytes.first<kPacketHeadBytes>(), *trace.uuid, head);

    std::filesystem::create_directories(directory);
    std::ofstream(directory / "metadata", std::ios::binary) << metadata;
    std::ofstream(directory / "channel_0", std::ios::binary) << packet;
  }

 private:
  unsigned below(unsigned bound) { return static_cast<unsigned>(random_()) % bound; }

  std::string name() {
    constexpr std::string_view kSyntax = "\"\\{};/*<>[]'?%:=";
    constexpr std::string_view kLetters = "abcXYZ019_";
    std::string name;
    for (unsigned left = below(6) == 0 ? below(300) : below(8); left > 0; --left) {
      switch (below(4)) {
        case 0: name += static_cast<char>(below(256)); break;
        case 1: name += static_cast<char>(below(32)); break;
        case 2: name += kSyntax[below(kSyntax.size())]; break;
        default: name += kLetters[below(kLetters.size())]; break;
      }
    }
    return name;
  }

  std::vector<EnumerationLabel> labels() {
    std::vector<EnumerationLabel> labels(below(5));
    for (EnumerationLabel& label : labels) {
      const std::uint64_t lower = below(2) == 0 ? below(10) : 0 - std::uint64_t{below(10)};
      label = {name(), {lower, lower + below(4)}};
    }
    return labels;
  }

  /// Appends the record of an event with random fields and returns its class.
  EventClass event(std::uint32_t id) {
    put(static_cast<std::uint32_t>(kTime << 5) | id);
    PayloadBuilder payload;
    for (unsigned left = below(8); left > 0; --left) field(payload);
    return {.id = id,
            .name = name(),
            .log_level = static_cast<std::uint8_t>(below(15)),
            .emf_uri = name(),
            .payload = payload.build()};
  }

  void field(PayloadBuilder& payload) {
    constexpr std::uint32_t kTwo = 2;
    switch (below(10)) {
      case 0:
        payload.integer(name(), {.size_bytes = 8});
        put(std::uint64_t{0});
        break;
      case 1:
        payload.enumeration(name(), {.size_bytes = 8, .is_signed = below(2) == 0}, labels());
        put(std::uint64_t{0});
        break;
      case 2:
        payload.string(name());
        put(std::uint16_t{'a'});
        break;
      case 3:
        payload.text_array(name(), 4);
        put(std::uint32_t{'a'});
        break;
      case 4:
        payload.text_sequence(name());
        put(kTwo);
        put(std::uint16_t{'a'});
        break;
      case 5: payload.blob(name(), 0, name()); break;
      case 6:
        payload.blob_sequence(name(), name());
        put(kTwo);
        put(std::uint16_t{0});
        break;
      case 7:
        payload.boolean(name());
        put(std::uint8_t{1});
        break;
      case 8: payload.array(name(), {.size_bytes = 1}, 0); break;
      default:
        payload.float_sequence(name(), 4);
        put(kTwo);
        put(std::uint64_t{0});
        break;
    }
  }

  template <class T>
  void put(T value) {
    records_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  std::mt19937 random_;
  std::string records_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const Version version = std::string_view(argv[2]) == "2" ? Version::kCtf2 : Version::kCtf18;
  RandomTrace(static_cast<unsigned>(std::atoi(argv[3]))).write(argv[1], version);
  return 0;
}
