// SPDX-License-Identifier: MIT
#include "import/import.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace sillage::import {

Result<FileFormat> recognize(const Input& input) {
  std::array<char, 8> magic{};
  const auto size = std::min<std::uint64_t>(magic.size(), input.size());
  SILLAGE_TRY(input.read(0, std::as_writable_bytes(std::span(magic).first(size))));
  const std::string_view text(magic.data(), magic.size());
  if (text.starts_with("\x17\x08\x44tra")) return FileFormat::kTraceDat;
  if (text == "PERFILE2" || text == "2ELIFREP") return FileFormat::kPerfData;
  return fail(Code::kUnsupported,
              input.name() + " is neither a trace.dat of trace-cmd nor a perf.data of perf");
}

Result<ImportSummary> import_file(const Input& input, const ImportOptions& options) {
  const auto format = recognize(input);
  if (!format) return tl::unexpected<Error>(format.error());
  return *format == FileFormat::kTraceDat ? import_trace_dat(input, options)
                                          : import_perf_data(input, options);
}

}  // namespace sillage::import
