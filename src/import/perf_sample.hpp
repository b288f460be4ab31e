// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/model.hpp"
#include "import/perf_cursor.hpp"
#include "import/perf_file.hpp"
#include "import/trace_output.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sillage::import {

/// Which task, when and where: of a sample, or of another record with `sample_id_all`.
struct PerfIdentity {
  const PerfAttr* attr = nullptr;  ///< the event it is of, as far as that is known
  std::int32_t pid = -1, tid = -1;
  std::optional<std::uint64_t> time{};
  std::uint32_t cpu = kNoCpu;
};

/// The identity of a sample, with its event; none if the sample is cut off or its id is not known.
[[nodiscard]] std::optional<PerfIdentity> identify_sample(const PerfFile& file,
                                                          std::span<const std::byte> content);

/// The identity of another record, and the bytes that it takes at the record's end.
struct TrailingIdentity {
  PerfIdentity identity{};
  std::size_t bytes = 0;
};
[[nodiscard]] TrailingIdentity identify_record(const PerfFile& file,
                                               std::span<const std::byte> content);

/// The contexts of an event's samples: identity, then what stands in samples beside the tracepoint,
/// `perf_ip`, `perf_period` ..., call chains as LTTng's `callstack_kernel` and `callstack_user`.
[[nodiscard]] ctf::FieldClassRef sample_contexts(const PerfAttr& attr);

/// Whether samples of both events have the same contexts.
[[nodiscard]] bool have_same_contexts(const PerfAttr& a, const PerfAttr& b);

/// Appends those contexts but for the identity, and gives the raw data of the sample, which is not among
/// them; none, and nothing appended, if the sample is cut off.
[[nodiscard]] std::optional<std::span<const std::byte>> append_sample(
    const PerfAttr& attr, std::span<const std::byte> content, ctf::ByteOrder order,
    std::vector<std::byte>* out);

}  // namespace sillage::import
