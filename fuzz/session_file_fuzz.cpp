// SPDX-License-Identifier: MIT
// Files of sessions (XML). What is read is written and read again: the same sessions.
#include "limits.hpp"
#include "lttng/session_file.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace sillage;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzzing::Limits limits(size);
  const auto read = lttng::read_session_file({reinterpret_cast<const char*>(data), size}, "file");
  if (!read) {
    fuzzing::expect(read.error().message.starts_with("file:"), "an error without its place");
    return 0;
  }
  for (const lttng::SavedSession& saved : *read) {
    const std::string written = lttng::write_session_file(saved.session);
    const auto again = lttng::read_session_file(written, "written");
    fuzzing::expect(again.has_value() && again->size() == 1, "what was written is not read");
    const std::string second = lttng::write_session_file((*again)[0].session);
    fuzzing::expect(second == written, "what is written changes");
  }
  return 0;
}
