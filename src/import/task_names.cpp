// SPDX-License-Identifier: MIT
#include "import/task_names.hpp"

#include "import/integer_bytes.hpp"

#include <algorithm>

namespace sillage::import {
namespace {

struct NameRule {
  std::string_view system, event, tid_field, name_field;
  bool is_before;  // the name was the thread's before the event, too
};

constexpr std::array<NameRule, 5> kNameRules{{
    {"sched", "sched_switch", "prev_pid", "prev_comm", true},
    {"sched", "sched_switch", "next_pid", "next_comm", false},
    {"sched", "sched_process_fork", "child_pid", "child_comm", false},
    {"task", "task_newtask", "pid", "comm", false},
    {"task", "task_rename", "pid", "newcomm", false},
}};

}  // namespace

void TaskNames::set(std::int32_t tid, std::string_view name) {
  TaskName stored{};
  name = name.substr(0, std::min(name.find('\0'), kTaskNameBytes - 1));
  std::copy(name.begin(), name.end(), stored.begin());
  names_.insert_or_assign(tid, stored);
}

TaskName TaskNames::name(std::int32_t tid, std::uint32_t cpu) const {
  TaskName name{};
  if (tid == 0) {
    const std::string text = cpu == kNoCpu ? "swapper" : "swapper/" + std::to_string(cpu);
    std::copy_n(text.begin(), std::min(text.size(), kTaskNameBytes - 1), name.begin());
  } else if (const auto found = names_.find(tid); found != names_.end()) {
    name = found->second;
  }
  return name;
}

void TaskNames::copy(std::int32_t parent, std::int32_t child) {
  if (const auto found = names_.find(parent); found != names_.end()) {
    const TaskName name = found->second;
    names_.insert_or_assign(child, name);
  }
}

std::optional<NameSource> NameSource::of(const tracefs::EventFormat& format) {
  NameSource source;
  for (const NameRule& rule : kNameRules) {
    if (rule.system != format.system || rule.event != format.name) continue;
    const tracefs::FormatField* tid = format.find(rule.tid_field);
    const tracefs::FormatField* name = format.find(rule.name_field);
    if (tid == nullptr || name == nullptr || tid->size_bytes != 4 ||
        tid->place != tracefs::FieldPlace::kFixed || name->kind != tracefs::FieldKind::kText)
      continue;
    source.pairs_.push_back({*tid, *name, rule.is_before});
  }
  if (source.pairs_.empty()) return std::nullopt;
  return source;
}

void NameSource::learn(bool is_before, std::span<const std::byte> record, ctf::ByteOrder order,
                       TaskNames* names) const {
  const auto is_inside = [&](std::uint64_t offset, std::uint64_t size) {
    return offset <= record.size() && record.size() - offset >= size;
  };
  for (const Pair& pair : pairs_) {
    if (pair.is_before != is_before || !is_inside(pair.tid.offset, 4) ||
        !is_inside(pair.name.offset, pair.name.size_bytes))
      continue;
    std::uint64_t offset = pair.name.offset, size = pair.name.size_bytes;
    if (pair.name.place != tracefs::FieldPlace::kFixed) {
      const std::uint64_t location = load_integer(record.data() + offset, 4, order);
      offset =
          (location & 0xffff) + (pair.name.place == tracefs::FieldPlace::kRelLoc ? offset + 4 : 0);
      size = location >> 16;
      if (!is_inside(offset, size)) continue;
    }
    const auto tid =
        static_cast<std::int32_t>(load_integer(record.data() + pair.tid.offset, 4, order));
    names->set(tid, {reinterpret_cast<const char*>(record.data() + offset), size});
  }
}

void NameSource::learn_before(std::span<const std::byte> record, ctf::ByteOrder order,
                              TaskNames* names) const {
  learn(true, record, order, names);
}

void NameSource::learn_after(std::span<const std::byte> record, ctf::ByteOrder order,
                             TaskNames* names) const {
  learn(false, record, order, names);
}

}  // namespace sillage::import
