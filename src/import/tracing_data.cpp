// SPDX-License-Identifier: MIT
#include "import/tracing_data.hpp"

#include <charconv>
#include <utility>

namespace sillage::import {
namespace {

// The largest kernels have some 3,000 events in some 150 systems, 4 MiB of text.
constexpr std::uint32_t kMaxEvents = 1u << 16;
constexpr std::uint64_t kMaxNameBytes = 256;
constexpr std::uint64_t kMaxTaskNamesBytes = std::uint64_t{16} << 20;

void read_one_format(InputCursor* cursor, std::string_view system, TracingData* data) {
  const std::uint64_t size = cursor->u64();
  const std::string text = cursor->text(size, tracefs::kMaxFormatBytes);
  if (!cursor->ok()) return;
  auto format = tracefs::parse_event_format(system, text, data->long_bytes);
  if (!format) {
    // The others may still be all right.
    ++data->unreadable_formats;
    return;
  }
  const std::uint32_t id = format->id;
  data->events.insert_or_assign(id, std::move(*format));
}

void read_formats(InputCursor* cursor, std::string_view system, TracingData* data) {
  const std::uint32_t count = cursor->u32();
  if (count > kMaxEvents)
    cursor->refuse(Code::kLimit, std::to_string(count) + " events in one system are too many");
  for (std::uint32_t i = 0; i < count && cursor->ok(); ++i) read_one_format(cursor, system, data);
}

}  // namespace

Status read_initial_format(InputCursor* cursor, TracingData* data) {
  const std::string magic = cursor->text(10, 10);
  if (cursor->ok() && magic != "\x17\x08\x44tracing")
    cursor->refuse(Code::kCorrupt, "not the beginning of a trace-cmd file");
  data->version = cursor->c_string(kMaxNameBytes);
  const bool is_big = cursor->u8() != 0;
  data->order = is_big ? ctf::ByteOrder::kBig : ctf::ByteOrder::kLittle;
  cursor->set_order(data->order);
  data->long_bytes = cursor->u8();
  data->page_bytes = cursor->u32();
  if (cursor->ok() && data->long_bytes != 4 && data->long_bytes != 8)
    cursor->refuse(Code::kCorrupt, "a long of " + std::to_string(data->long_bytes) + " bytes");
  return cursor->status();
}

Status read_page_headers(InputCursor* cursor, TracingData* data) {
  using std::string_literals::operator""s;
  if (cursor->text(12, 12) != "header_page\0"s)
    cursor->refuse(Code::kCorrupt, "the description of pages is missing");
  const std::uint64_t page_size = cursor->u64();
  const std::string page = cursor->text(page_size, tracefs::kMaxFormatBytes);
  if (cursor->text(13, 13) != "header_event\0"s)
    cursor->refuse(Code::kCorrupt, "the description of records is missing");
  // All kernels that a version 6 file can come from have the same records.
  cursor->skip(cursor->u64());
  SILLAGE_TRY(cursor->status());
  auto fields = tracefs::parse_format_fields(page, data->long_bytes);
  if (!fields) return tl::unexpected(std::move(fields).error());
  for (const tracefs::FormatField& field : *fields) {
    if (field.name == "commit" && (field.size_bytes == 4 || field.size_bytes == 8)) {
      data->page.commit_offset = field.offset;
      data->page.commit_bytes = field.size_bytes;
      // The kernel's long; the one in front was that of trace-cmd.
      data->long_bytes = field.size_bytes;
    } else if (field.name == "data") {
      data->page.data_offset = field.offset;
    }
  }
  constexpr std::uint32_t kMaxHead = 4096;
  if (data->page.commit_offset > kMaxHead || data->page.data_offset > kMaxHead)
    return fail(Code::kCorrupt, "the heads of pages are larger than pages", cursor->input().name());
  return {};
}

Status read_ftrace_formats(InputCursor* cursor, TracingData* data) {
  read_formats(cursor, "ftrace", data);
  return cursor->status();
}

Status read_event_formats(InputCursor* cursor, TracingData* data) {
  const std::uint32_t systems = cursor->u32();
  if (systems > kMaxEvents)
    cursor->refuse(Code::kLimit, std::to_string(systems) + " systems of events are too many");
  for (std::uint32_t i = 0; i < systems && cursor->ok(); ++i) {
    const std::string system = cursor->c_string(kMaxNameBytes);
    read_formats(cursor, system, data);
  }
  return cursor->status();
}

Status skip_kallsyms_and_printk(InputCursor* cursor) {
  cursor->skip(cursor->u32());
  cursor->skip(cursor->u32());
  return cursor->status();
}

Status read_task_names(InputCursor* cursor, TracingData* data) {
  const std::uint64_t size = cursor->u64();
  const std::string text = cursor->text(size, kMaxTaskNamesBytes);
  SILLAGE_TRY(cursor->status());
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    std::int32_t tid = 0;
    const auto [at, status] = std::from_chars(line.data(), line.data() + line.size(), tid);
    const auto used = static_cast<std::size_t>(at - line.data());
    if (status == std::errc() && used < line.size() && line[used] == ' ')
      data->task_names.insert_or_assign(tid, std::string(line.substr(used + 1)));
  }
  return {};
}

Status read_tracing_data(InputCursor* cursor, TracingData* data) {
  SILLAGE_TRY(read_initial_format(cursor, data));
  SILLAGE_TRY(read_page_headers(cursor, data));
  SILLAGE_TRY(read_ftrace_formats(cursor, data));
  SILLAGE_TRY(read_event_formats(cursor, data));
  SILLAGE_TRY(skip_kallsyms_and_printk(cursor));
  // perf's first version of it ended here.
  return data->version == "0.5" ? Status() : read_task_names(cursor, data);
}

}  // namespace sillage::import
