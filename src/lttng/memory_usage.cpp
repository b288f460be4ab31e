// SPDX-License-Identifier: MIT
#include "lttng/memory_usage.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <iterator>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;

struct Usage {
  std::uint64_t bytes = 0, max_bytes = 0;
};

Usage usage_of(const v1::BufferMemory& buffers) {
  Usage sum;
  for (const v1::StreamMemory& stream : buffers.streams()) {
    sum.bytes += stream.bytes();
    sum.max_bytes += stream.max_bytes();
  }
  return sum;
}

Usage usage_of(const v1::SessionChannel& channel) {
  Usage sum;
  for (const v1::BufferMemory& buffers : channel.memory()) {
    const Usage one = usage_of(buffers);
    sum.bytes += one.bytes;
    sum.max_bytes += one.max_bytes;
  }
  return sum;
}

std::string line(int indent, const std::string& what, const Usage& usage) {
  return fmt::format("{:{}}{} {} / {}\n", "", indent, what, bytes_text(usage.bytes),
                     bytes_text(usage.max_bytes));
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {" B", " KiB", " MiB", " GiB", " TiB"};
  if (bytes < 1024) return std::to_string(bytes) + kUnits[0];
  std::size_t unit = 1;
  while (unit + 1 < std::size(kUnits) && bytes >> (10 * (unit + 1)) != 0) ++unit;
  const std::uint64_t hundredths = (bytes >> (10 * (unit - 1))) * 100 / 1024;
  const std::string digits = std::to_string(hundredths % 100 + 100);
  return std::to_string(hundredths / 100) + "." + digits.substr(1) + kUnits[unit];
}

std::string memory_text(const v1::SessionChannel& channel, MemoryShown shown) {
  if (shown == MemoryShown::kNothing || channel.memory().empty()) return {};
  std::string text = line(6, "Memory usage:    ", usage_of(channel));
  if (shown == MemoryShown::kTotal) return text;
  for (const v1::BufferMemory& buffers : channel.memory()) {
    text += line(8,
                 fmt::format("For {} {} ({}-bit):", buffers.per_process() ? "PID" : "UID",
                             buffers.owner(), buffers.word_bits()),
                 usage_of(buffers));
    if (shown != MemoryShown::kFull) continue;
    for (const v1::StreamMemory& stream : buffers.streams())
      if (stream.has_cpu())
        text +=
            line(10, fmt::format("CPU {}:", stream.cpu()), {stream.bytes(), stream.max_bytes()});
  }
  return text;
}

void write_memory(const v1::SessionChannel& channel, MiDocument* document) {
  document->open("data_stream_info_sets");
  document->number("total_memory_usage_bytes", usage_of(channel).bytes);
  document->open("sets");
  for (const v1::BufferMemory& buffers : channel.memory()) {
    document->open("data_stream_info_set");
    if (buffers.per_process()) {
      document->number("pid", buffers.owner());
    } else {
      document->open("uid");
      document->number("id", buffers.owner());
      document->close();
    }
    document->number("app_bitness", buffers.word_bits());
    document->number("total_memory_usage_bytes", usage_of(buffers).bytes);
    document->open("data_stream_info_list");
    for (const v1::StreamMemory& stream : buffers.streams()) {
      document->open("data_stream_info");
      if (stream.has_cpu()) document->number("cpu_id", stream.cpu());
      document->number("memory_usage_bytes", stream.bytes());
      document->close();
    }
    document->close();
    document->close();
  }
  document->close();
  document->close();
}

}  // namespace sillage::lttng
