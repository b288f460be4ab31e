// SPDX-License-Identifier: MIT
#pragma once

#include "convert/output_file.hpp"
#include "convert/timeline.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>

namespace sillage::convert {

/// Writes Chrome's trace event format: JSON that chrome://tracing, Perfetto and Speedscope open.
///
/// Shape: process 0 is "CPUs", its threads are the CPUs; all other processes and threads are as they
///        were. Threads that run are slices of CPUs.
/// Times: microseconds with three digits from the first mark, whose time is `otherData.begin_ns`: as
///        a double, which readers make of it, no nanosecond since the epoch would be exact.
/// Source: "Trace Event Format", Google, 2016: phases B, E, i, M.
class ChromeWriter : public TimelineWriter {
 public:
  explicit ChromeWriter(OutputFile file);

  void name_track(const Track& track) override;
  void name_process(std::int64_t pid, std::string_view name) override;
  void begin(const Mark& mark) override { put_mark('B', mark); }
  void end(const Mark& mark) override { put_mark('E', mark); }
  void instant(const Mark& mark) override { put_mark('i', mark); }
  void switch_thread(const ThreadSwitch& change) override;
  [[nodiscard]] bool has_failed() const override { return file_.has_failed(); }
  [[nodiscard]] Status finish() override;

 private:
  struct Place {
    std::int64_t pid = 0, tid = 0;
  };
  [[nodiscard]] static Place place_of(const Track& track);
  void start(char phase, const Place& place, std::optional<std::int64_t> ns);
  void end_event();
  void put_mark(char phase, const Mark& mark);
  void put_metadata(const Place& place, std::string_view what, std::string_view name);
  void put_arguments(const Arguments& arguments);
  const ctf::Value* put_value(const Arguments& arguments, const ctf::Value* value);
  bool put_members(const Arguments& arguments, const ctf::Value* structure, bool is_first);
  void put_number(const ctf::FieldClass& field_class, const ctf::Value& value);
  void put_text(std::string_view text);

  OutputFile file_;
  std::string text_;
  bool is_first_ = true;
  std::optional<std::int64_t> begin_ns_;
  std::unordered_set<std::uint64_t> running_;  // CPUs with a thread's slice open
};

}  // namespace sillage::convert
