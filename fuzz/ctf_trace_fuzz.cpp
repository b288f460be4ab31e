// SPDX-License-Identifier: MIT
// Hostile traces (F29) through every way to read them, which must agree. The input: a byte of options, the length of the
// metadata (two bytes; 0: that of a sound trace), the metadata, and one or two data streams.
#include "base/byte_cursor.hpp"
#include "ctf/columns.hpp"
#include "ctf/text_pipeline.hpp"
#include "ctf/text_printer.hpp"
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

struct Totals {
  std::uint64_t events = 0, damages = 0, lost = 0;

  bool operator==(const Totals&) const = default;
};

class Reading {
 public:
  Reading(const std::string& path, bool is_strict, bool intersection) {
    ctf::ReadOptions options;
    options.is_strict = is_strict;
    options.stream_intersection = intersection;
    options.on_damage = [this](const Error& error) {
      expect(!error.message.empty() && !error.location.empty(), "damage is said with its place");
      ++totals_.damages;
    };
    options.on_discarded = [this](const ctf::Discarded& what) {
      totals_.lost += what.count.value_or(1);
    };
    auto reader = ctf::TraceReader::open({path}, std::move(options));
    if (!reader) {
      expect(!reader.error().message.empty(), "an error says what is wrong");
      return;
    }
    reader_.emplace(std::move(*reader));
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  [[nodiscard]] bool is_open() const { return reader_.has_value(); }

  // One event after the other.
  Totals print(const ctf::TextOptions& options, std::string* text) {
    ctf::TextPrinter printer(options);
    while (const ctf::DataStream* stream = reader_->next()) {
      printer.print(*stream);
      ++totals_.events;
      *text += printer.text();
      printer.clear();
    }
    return totals_;
  }

  // The fast way.
  std::string print_all(const ctf::TextOptions& options) {
    ctf::TextPrinter printer(options);
    std::string text;
    ctf::TextPipeline pipeline(&*reader_, &printer, 1, [&text](std::string_view piece) {
      text += piece;
      return true;
    });
    pipeline.run(UINT64_MAX);
    return text;
  }

  Totals take_runs() {
    while (const auto run = reader_->next_run()) totals_.events += run->batch.rows.size();
    return totals_;
  }

  Totals count() {
    reader_->count(1, [this](const ctf::DataStream&, std::span<const std::uint64_t> counts) {
      for (const std::uint64_t count : counts) totals_.events += count;
    });
    return totals_;
  }

  Totals columns() {
    for (ctf::DataStream* stream : reader_->streams()) {
      ctf::ColumnReader columns(stream);
      while (const ctf::ColumnBatch* batch = columns.next())
        totals_.events += batch->times_ns.size();
    }
    return totals_;
  }

 private:
  std::optional<ctf::TraceReader> reader_;
  Totals totals_;
};

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
  const std::size_t first = (*options & 1) != 0 ? rest.size() / 2 : rest.size();
  directory.write("a", rest.substr(0, first));
  directory.write("b", rest.substr(first));

  const fuzzing::Limits limits(size);
  const bool is_strict = (*options & 2) != 0, intersection = (*options & 4) != 0;
  Reading reading(directory.in(), is_strict, intersection);
  if (!reading.is_open()) return 0;
  ctf::TextOptions shown;
  shown.payload_names = shown.context_names = (*options & 16) != 0;
  shown.clock_gmt = true;
  std::string lines;
  const Totals wanted = reading.print(shown, &lines);
  // What strict reading has seen when it ends depends on the way.
  if (is_strict) return 0;
  expect(Reading(directory.in(), false, intersection).print_all(shown) == lines,
         "all ways print the same");
  expect(Reading(directory.in(), false, intersection).take_runs() == wanted,
         "runs are the same events");
  expect(Reading(directory.in(), false, intersection).count() == wanted, "counting is reading");
  expect(Reading(directory.in(), false, intersection).columns() == wanted,
         "columns are the same events");
  return 0;
}
