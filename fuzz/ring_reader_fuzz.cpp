// SPDX-License-Identifier: MIT
// Hostile ring contents against the ring reader and the record scanner (F06). The input is a program of steps: a
// sound writer at work, any field or byte of the shared memory set to anything, and the reader reading.
#include "base/byte_cursor.hpp"
#include "collect/record_scanner.hpp"
#include "ctf/layout.hpp"
#include "ring/geometry.hpp"
#include "ring/stream_reader.hpp"
#include "ring/test_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

namespace {

using namespace sillage;

constexpr std::uint64_t kBegin = UINT64_C(1) << 40;

// Unlike assert(), in every build.
void expect(bool condition) {
  if (!condition) std::abort();
}

collect::RecordScanner make_scanner() {
  collect::RecordScanner scanner;
  const auto add = [&](const ctf::FieldClassRef& payload) {
    scanner.add(*collect::RecordShape::compile(nullptr, nullptr, payload));
  };
  ctf::PayloadBuilder builder;
  add(builder.build());
  add(builder.integer("a", {}).build());
  add(builder.string("s").build());
  add(builder.sequence("q", {.size_bytes = 8})
          .text_sequence("t")
          .string("s")
          .integer("z", {})
          .build());
  add(builder.blob("b", 100, "").build());
  for (int id = 5; id < 40; ++id) add(builder.integer("a", {.size_bytes = 2}).string("s").build());
  return scanner;
}

// One stream in private memory: the control area and the data area, each of exactly its size.
class Stream {
 public:
  explicit Stream(const ring::RingGeometry& geometry, std::uint64_t first_sequence)
      : control_(geometry.stream_stride / sizeof(Line)),
        data_(geometry.data_stride),
        writer_(geometry, control(), data_.data()),
        reader_(geometry, control(), data_.data(), first_sequence, 0) {
    sillage_ring_stream& stream = writer_.stream();
    stream.position = first_sequence * geometry.subbuf_bytes & SILLAGE_RING_BYTES_MASK;
    stream.consumed = stream.position;
    stream.epoch = kBegin >> SILLAGE_RECORD_EPOCH_BITS;
    sillage_ring_entry& first = writer_.entry(first_sequence);
    first.sequence = first_sequence;
    first.begin_ns = kBegin;
    first.previous_end = stream.position;
  }

  [[nodiscard]] std::span<std::uint64_t> words() {
    return {reinterpret_cast<std::uint64_t*>(control()), control_.size() * sizeof(Line) / 8};
  }
  [[nodiscard]] std::span<std::byte> data() { return data_; }
  [[nodiscard]] ring::TestWriter& writer() { return writer_; }
  [[nodiscard]] ring::StreamReader& reader() { return reader_; }

 private:
  struct alignas(128) Line {
    std::byte bytes[128];
  };
  [[nodiscard]] std::byte* control() { return reinterpret_cast<std::byte*>(control_.data()); }

  std::vector<Line> control_;
  std::vector<std::byte> data_;
  ring::TestWriter writer_;
  ring::StreamReader reader_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const collect::RecordScanner scanner = make_scanner();
  ByteCursor input(std::as_bytes(std::span(data, size)));

  const std::uint8_t shape = input.take<std::uint8_t>().value_or(0);
  ring::RingOptions options;
  options.subbuf_bytes = ByteCount{4096};
  options.subbuf_count = 2u << (shape & 3);
  options.overwrite = (shape & 4) != 0;
  const auto geometry = ring::RingGeometry::make(options, 1);
  const std::uint64_t first = (shape & 8) != 0 ? SILLAGE_RING_BYTES_MASK / 4096 - 1 : 0;
  Stream stream(*geometry, first);
  std::vector<std::byte> buffer(geometry->subbuf_bytes);

  std::uint64_t time = kBegin, lost = 0;
  collect::StreamTime scanned = collect::StreamTime::at(kBegin);
  const auto read = [&](bool flush) {
    // More runs than this cannot come without a writer: each moves the reader on.
    int left = 64;
    while (const auto run = stream.reader().next_run(buffer, flush)) {
      expect(--left > 0);
      expect(run->bytes.data() == buffer.data());
      expect(run->offset + run->bytes.size() <= geometry->subbuf_bytes);
      expect(run->events <= run->bytes.size() / SILLAGE_RECORD_COMPACT_BYTES);
      expect(run->lost >= lost);
      lost = run->lost;
      if (run->offset == 0) scanned = collect::StreamTime::at(run->begin_ns);
      // A heap block of exactly its size, so that the sanitizer sees a byte too far.
      const std::vector<std::byte> records(run->bytes.begin(), run->bytes.end());
      const std::uint64_t before = scanned.last_ns;
      const collect::Scan scan = scanner.scan(records, UINT64_MAX, scanned);
      expect(scan.bytes <= records.size());
      expect(scan.damaged == (scan.bytes != records.size()));
      expect(scan.records <= records.size() / SILLAGE_RECORD_COMPACT_BYTES);
      expect(scanned.last_ns >= before);
    }
  };

  while (const auto step = input.take<std::uint8_t>()) {
    switch (*step & 7) {
      case 0: {  // any word of the control area
        const auto index = input.take<std::uint8_t>();
        const auto value = input.take<std::uint64_t>();
        if (!value) break;
        stream.words()[*index % stream.words().size()] = *value;
        break;
      }
      case 1: {  // a small change of one: more likely to pass for sound
        const auto index = input.take<std::uint8_t>();
        const auto change = input.take<std::int8_t>();
        if (!change) break;
        std::uint64_t& word = stream.words()[*index % stream.words().size()];
        word += static_cast<std::uint64_t>(std::int64_t{*change}) << (*step >> 3);
        break;
      }
      case 2: {  // any byte of the data
        const auto index = input.take<std::uint16_t>();
        const auto value = input.take<std::byte>();
        if (!value) break;
        stream.data()[*index % stream.data().size()] = *value;
        break;
      }
      case 3: {  // events
        const auto payload = input.take_bytes(*step >> 3);
        if (!payload) break;
        for (int i = 0; i < 8; ++i) stream.writer().emit(*step >> 4, ++time, *payload);
        break;
      }
      case 4: {  // a long one
        const std::vector<std::byte> payload(std::size_t{*step} * 16);
        stream.writer().emit(*step >> 3, time += UINT64_C(1) << (*step >> 3), payload);
        break;
      }
      case 5: stream.writer().switch_subbuf(++time); break;
      case 6: read(false); break;
      default: read(true); break;
    }
  }
  read(true);
  return 0;
}
