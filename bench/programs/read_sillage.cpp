// SPDX-License-Identifier: MIT
// Reads a trace with libsillage-trace, and says what it found: read_sillage CASE THREADS TRACE
// CASE: count, columns or iterate. "iterate" looks at each event's time, class and first payload field; "columns"
// gathers every column that there is.
#include <sillage/trace.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace sillage::trace;

struct Sum {
  std::uint64_t events = 0, check = 0;
};

Sum iterate(Reader* reader) {
  Sum sum;
  std::vector<std::size_t> first(reader->event_classes().size());
  for (const EventClass& event_class : reader->event_classes()) {
    std::size_t index = 0;
    while (index < event_class.fields.size() && event_class.fields[index].scope != Scope::kPayload)
      ++index;
    first[event_class.index] = index;
  }
  while (const Event* event = reader->next()) {
    ++sum.events;
    sum.check += static_cast<std::uint64_t>(event->time_ns());
    const Field field = (*event)[first[event->event_class().index]];
    if (field)
      sum.check += field.type() == FieldType::kText ? field.as_text().size() : field.as_unsigned();
  }
  return sum;
}

Sum iterate(Reader* reader, unsigned threads) {
  if (threads == 1) return iterate(reader);
  std::vector<Reader> parts = reader->split(4 * threads);
  std::vector<Sum> sums(parts.size());
  std::atomic<std::size_t> next = 0;
  {
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < threads; ++i) {
      workers.emplace_back([&] {
        for (std::size_t part = next++; part < parts.size(); part = next++)
          sums[part] = iterate(&parts[part]);
      });
    }
  }
  Sum all;
  for (const Sum& sum : sums) {
    all.events += sum.events;
    all.check += sum.check;
  }
  return all;
}

Sum columns(Reader* reader, unsigned threads) {
  struct alignas(64) Mine {
    Sum sum;
  };
  std::vector<Mine> sums(threads);
  reader->for_each_batch(threads, [&](const Batch& batch, unsigned thread) {
    sums[thread].sum.events += batch.size;
    for (const Column& column : batch.columns) {
      if (column.data != nullptr)
        sums[thread].sum.check += std::to_integer<unsigned>(column.data[0]);
    }
  });
  Sum all;
  for (const Mine& each : sums) {
    all.events += each.sum.events;
    all.check += each.sum.check;
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  auto reader = Reader::open({argv[3]}).value_or_throw();
  const std::string_view what = argv[1];
  const auto threads = static_cast<unsigned>(std::atoi(argv[2]));
  Sum sum;
  if (what == "iterate") {
    sum = iterate(&reader, threads);
  } else if (what == "columns") {
    sum = columns(&reader, threads);
  } else {
    for (const std::uint64_t count : reader.count(threads)) sum.events += count;
  }
  std::printf("%llu %llu\n", static_cast<unsigned long long>(sum.events),
              static_cast<unsigned long long>(sum.check));
  return reader.damages().empty() ? 0 : 1;
}
