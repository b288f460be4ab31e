// SPDX-License-Identifier: MIT
// perf's files: header, features, descriptions of the events that were recorded.
#pragma once

#include "base/result.hpp"
#include "import/input.hpp"
#include "import/perf_cursor.hpp"
#include "import/tracing_data.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace sillage::import {

/// Bits of struct perf_event_attr's `sample_type`.
///
/// Source: include/uapi/linux/perf_event.h.
enum SampleBit : std::uint64_t {
  kSampleIp = 1u << 0,
  kSampleTid = 1u << 1,
  kSampleTime = 1u << 2,
  kSampleAddr = 1u << 3,
  kSampleRead = 1u << 4,
  kSampleCallchain = 1u << 5,
  kSampleId = 1u << 6,
  kSampleCpu = 1u << 7,
  kSamplePeriod = 1u << 8,
  kSampleStreamId = 1u << 9,
  kSampleRaw = 1u << 10,
  kSampleBranchStack = 1u << 11,
  kSampleRegsUser = 1u << 12,
  kSampleStackUser = 1u << 13,
  kSampleWeight = 1u << 14,
  kSampleDataSrc = 1u << 15,
  kSampleIdentifier = 1u << 16,
  kSampleTransaction = 1u << 17,
  kSampleRegsIntr = 1u << 18,
  kSamplePhysAddr = 1u << 19,
  kSampleAux = 1u << 20,
  kSampleCgroup = 1u << 21,
  kSampleDataPageSize = 1u << 22,
  kSampleCodePageSize = 1u << 23,
  kSampleWeightStruct = 1u << 24,
  kSampleKnown = (1u << 25) - 1,
};

/// An event as it was asked for: struct perf_event_attr, as far as its samples depend on it.
struct PerfAttr {
  std::uint32_t type = 0;
  std::uint64_t config = 0;
  std::uint64_t sample_type = 0;
  std::uint64_t read_format = 0;
  std::uint64_t branch_sample_type = 0;
  std::uint64_t regs_user = 0, regs_intr = 0;
  std::int32_t clock = 0;
  bool has_clock = false;      ///< times are of `clock`, not perf's own
  bool sample_id_all = false;  ///< other records say where and when, too
  std::string name{};          ///< as perf calls it; "" = not said

  [[nodiscard]] bool is_tracepoint() const { return type == 2; }
  [[nodiscard]] bool has(SampleBit bit) const { return (sample_type & bit) != 0; }
};

/// A point of the time of day and of the trace's clock.
struct ClockPair {
  std::uint64_t wall_clock_ns = 0, clock_ns = 0;
};

/// What a file says beside its records. In files that came through a pipe it comes in records: then the
/// `add_` functions fill it while they are read.
struct PerfFile {
  ctf::ByteOrder order = ctf::kNativeByteOrder;
  bool is_pipe = false;
  bool is_of_directory = false;                ///< there are files with more records beside it
  std::uint64_t data_begin = 0, data_end = 0;  ///< where the records are
  std::vector<PerfAttr> attrs{};
  std::unordered_map<std::uint64_t, std::size_t> attr_by_id{};
  TracingData tracing{};
  std::string hostname{}, kernel_release{}, version{}, machine{};
  std::optional<ClockPair> clock_pair{};

  /// The event of a sample id; nullptr if there is none of that id and it is not the only one.
  [[nodiscard]] const PerfAttr* find(std::uint64_t id) const;

  /// Adds the event of a PERF_RECORD_HEADER_ATTR; `content` is the record without its head.
  [[nodiscard]] Status add_attr(std::span<const std::byte> content);
  /// Adds a feature of the header by its number.
  void add_feature(std::uint64_t number, std::span<const std::byte> content);
  /// Names an event: PERF_RECORD_EVENT_UPDATE.
  void add_update(std::span<const std::byte> content);
};

/// Reads all of a file but its records.
///
/// Errors: kCorrupt  not such a file, or its header leads out of it.
///         kLimit    more events or larger parts than any machine makes.
/// Source: tools/perf/Documentation/perf.data-file-format.txt, tools/perf/util/header.c of Linux 6.1.
[[nodiscard]] Result<PerfFile> read_perf_file(const Input& input);

}  // namespace sillage::import
