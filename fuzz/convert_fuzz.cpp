// SPDX-License-Identifier: MIT
// Hostile traces (F29) through every conversion. The input is that of ctf_trace_fuzz.cpp, with one data stream; the byte of
// options: 8 the sound metadata's version, 1 a part of time. What is sound must have as many events afterwards.
#include "base/byte_cursor.hpp"
#include "convert/chrome_writer.hpp"
#include "convert/output_file.hpp"
#include "convert/perfetto_writer.hpp"
#include "convert/timeline.hpp"
#include "convert/trace_copy.hpp"
#include "ctf/trace_reader.hpp"
#include "ctf_samples.hpp"
#include "limits.hpp"
#include "trace_directory.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace sillage;
using fuzzing::expect;

// How many events there are; none if the trace cannot be opened or has damage.
std::optional<std::uint64_t> count_sound(const std::string& path) {
  auto reader = ctf::TraceReader::open({path}, {});
  if (!reader) return std::nullopt;
  std::uint64_t count = 0;
  while (reader->next() != nullptr) ++count;
  if (reader->damage_count() != 0) return std::nullopt;
  return count;
}

template <class Writer>
void draw(const fuzzing::TraceDirectory& directory) {
  auto reader = ctf::TraceReader::open({directory.in()}, {});
  auto file = convert::OutputFile::create(directory.fresh());
  expect(file.has_value(), "a file can be made");
  Writer writer(std::move(*file));
  convert::Timeline timeline(&writer);
  while (const ctf::DataStream* stream = reader->next()) timeline.add(*stream);
  expect(writer.finish().has_value(), "a file can be written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzzing::TraceDirectory directory;
  ByteCursor input(std::as_bytes(std::span(data, size)));
  const auto options = input.take<std::uint8_t>();
  const auto metadata_size = input.take<std::uint16_t>();
  if (!metadata_size) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 3, size - 3);
  if (*metadata_size == 0) {
    directory.write("metadata", (*options & 8) != 0 ? fuzzing::kJsonSample : fuzzing::kTsdlSample);
  } else {
    directory.write("metadata", rest.substr(0, *metadata_size));
    rest.remove_prefix(std::min<std::size_t>(*metadata_size, rest.size()));
  }
  directory.write("a", rest);
  auto reader = ctf::TraceReader::open({directory.in()}, {});
  if (!reader) return 0;
  const auto before = count_sound(directory.in());
  for (const ctf::Version version : {ctf::Version::kCtf18, ctf::Version::kCtf2}) {
    const std::string out = directory.fresh();
    const auto copied = convert::copy_traces({directory.in()}, out, {.version = version});
    expect(copied || !copied.error().message.empty(), "an error says what is wrong");
    if (copied && copied->damages == 0 && before)
      expect(count_sound(out) == before, "no event is lost");
  }
  if ((*options & 1) != 0) {
    const std::int64_t begin = reader->begin_ns().value_or(0);
    convert::CopyOptions part;
    const auto behind = [begin](std::int64_t ns) {
      return begin < INT64_MAX - ns ? begin + ns : INT64_MAX;
    };
    part.range = {.begin_ns = behind(1), .end_ns = behind(1000)};
    const auto copied = convert::copy_traces({directory.in()}, directory.fresh(), part);
    expect(copied || !copied.error().message.empty(), "an error says what is wrong");
  }
  draw<convert::ChromeWriter>(directory);
  draw<convert::PerfettoWriter>(directory);
  return 0;
}
