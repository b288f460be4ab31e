// SPDX-License-Identifier: MIT
#pragma once

#include "import/trace_output.hpp"
#include "tracefs/event_format.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sillage::import {

/// The name of a task as `procname` has it: NUL behind it.
using TaskName = std::array<char, kTaskNameBytes>;

/// What tasks are called at a point of a trace.
class TaskNames {
 public:
  /// The thread is called `name` from now on.
  void set(std::int32_t tid, std::string_view name);
  /// The name of a thread that runs on a CPU; empty if it is not known. Threads 0 are the idle
  /// tasks, "swapper/CPU".
  [[nodiscard]] TaskName name(std::int32_t tid, std::uint32_t cpu) const;
  /// The child has its parent's name.
  void copy(std::int32_t parent, std::int32_t child);

 private:
  std::unordered_map<std::int32_t, TaskName> names_;
};

/// What events of one kind say about the names of tasks: the scheduler's switches, forks, renamings.
class NameSource {
 public:
  /// None if events of this format say nothing.
  [[nodiscard]] static std::optional<NameSource> of(const tracefs::EventFormat& format);

  /// What a record says of the time before it, and of the time after it. Records that are too short
  /// say nothing.
  void learn_before(std::span<const std::byte> record, ctf::ByteOrder order,
                    TaskNames* names) const;
  void learn_after(std::span<const std::byte> record, ctf::ByteOrder order, TaskNames* names) const;

 private:
  struct Pair {
    tracefs::FormatField tid, name;
    bool is_before;
  };
  void learn(bool is_before, std::span<const std::byte> record, ctf::ByteOrder order,
             TaskNames* names) const;

  std::vector<Pair> pairs_;
};

}  // namespace sillage::import
