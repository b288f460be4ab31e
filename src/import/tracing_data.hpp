// SPDX-License-Identifier: MIT
// What trace-cmd and perf both store of tracefs: the layout of ring buffer pages, the formats of
// events, names of tasks.
#pragma once

#include "base/result.hpp"
#include "ctf/model.hpp"
#include "import/input.hpp"
#include "tracefs/event_format.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sillage::import {

/// Where things stand in a page of the kernel's ring buffer: events/header_page.
struct PageLayout {
  std::uint32_t commit_offset = 8;  ///< of the count of bytes in use, and of flags
  std::uint32_t commit_bytes = 8;   ///< 4 or 8
  std::uint32_t data_offset = 16;   ///< of the first record
};

/// The headers of a trace-cmd file, or of the part of a perf file that was made like one.
struct TracingData {
  std::string version{};  ///< "6", "7"; perf writes "0.6"
  ctf::ByteOrder order = ctf::kNativeByteOrder;
  std::uint32_t long_bytes = 8;
  std::uint32_t page_bytes = 4096;
  PageLayout page{};
  std::unordered_map<std::uint32_t, tracefs::EventFormat> events{};  ///< by id
  std::unordered_map<std::int32_t, std::string> task_names{};        ///< by thread id
  std::uint32_t unreadable_formats = 0;  ///< their events will be unknown
};

/// Reads the magic, version, byte order, size of long and size of page, and sets the cursor's order.
///
/// Errors: kCorrupt  not such a file.
/// Source: trace-cmd.dat.v6(5), trace-cmd.dat.v7(5).
[[nodiscard]] Status read_initial_format(InputCursor* cursor, TracingData* data);

/// The sections behind it, one function each, in the order of version 6.
[[nodiscard]] Status read_page_headers(InputCursor* cursor, TracingData* data);
[[nodiscard]] Status read_ftrace_formats(InputCursor* cursor, TracingData* data);
[[nodiscard]] Status read_event_formats(InputCursor* cursor, TracingData* data);
[[nodiscard]] Status skip_kallsyms_and_printk(InputCursor* cursor);
[[nodiscard]] Status read_task_names(InputCursor* cursor, TracingData* data);

/// All of these.
[[nodiscard]] Status read_tracing_data(InputCursor* cursor, TracingData* data);

}  // namespace sillage::import
