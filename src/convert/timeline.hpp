// SPDX-License-Identifier: MIT
// Events of traces as a picture over time: tracks of CPUs and threads with slices and instants.
#pragma once

#include "base/result.hpp"
#include "ctf/data_stream.hpp"
#include "ctf/decoder.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace sillage::convert {

/// A row of the picture.
struct Track {
  enum class Kind : std::uint8_t {
    kCpu,
    kThread,
    kStream,  ///< of what says neither CPU nor thread
  };
  std::uint64_t id = 0;  ///< from 1, for the writer
  Kind kind = Kind::kCpu;
  std::uint64_t cpu = 0;
  std::int64_t pid = 0, tid = 0;  ///< of threads; a process that nobody named is its thread
  std::string name{};             ///< of threads their command's; "" = not known
};

/// Fields that are shown with an event.
struct Arguments {
  const ctf::Plan* plan = nullptr;
  ctf::Values payload{};
  std::array<ctf::Values, 2> contexts{};
  /// Fields that the track says already, in Plan::fields().
  const std::unordered_set<std::uint32_t>* left_out = nullptr;

  [[nodiscard]] bool is_shown(const ctf::Value& value) const {
    return (left_out == nullptr || !left_out->contains(value.field)) &&
           !plan->fields()[value.field].is_hidden;
  }
};

/// A slice's begin or end, or an instant.
struct Mark {
  const Track* track = nullptr;
  std::int64_t ns = 0;
  std::string_view name{};
  std::string_view category{};
  const Arguments* arguments = nullptr;  ///< null: none
};

/// One CPU goes from one thread to another.
struct ThreadSwitch {
  const Track* cpu = nullptr;
  std::int64_t ns = 0;
  std::int64_t previous_tid = 0, next_tid = 0;  ///< 0: idle
  std::string_view previous_name{}, next_name{};
  std::int64_t previous_priority = 0, next_priority = 0;
  std::int64_t previous_state = 0;
};

/// Writes the file of a viewer.
///
/// Order: of time in each track; ends close what was begun last in their track.
class TimelineWriter {
 public:
  TimelineWriter() = default;
  TimelineWriter(const TimelineWriter&) = delete;
  TimelineWriter& operator=(const TimelineWriter&) = delete;
  virtual ~TimelineWriter() = default;

  /// A track that was not used before, or has another name now.
  virtual void name_track(const Track& track) = 0;
  virtual void name_process(std::int64_t pid, std::string_view name) = 0;
  virtual void begin(const Mark& mark) = 0;
  virtual void end(const Mark& mark) = 0;
  virtual void instant(const Mark& mark) = 0;
  /// `is_running`: a thread's slice is open on the CPU's track.
  virtual void switch_thread(const ThreadSwitch& change) = 0;
  /// Whether more would be lost: the disk is full.
  [[nodiscard]] virtual bool has_failed() const = 0;
  /// Ends the file.
  [[nodiscard]] virtual Status finish() = 0;
};

/// Makes marks of events, by LTTng's names.
///
///   sched_switch                         the CPU runs another thread
///   syscall_entry_NAME, _exit_NAME       slice NAME of the thread
///   irq_, x86_irq_vectors_, timer_ with  slice of the CPU
///     _entry, _exit
///   others with _entry, _exit; _enter,   slice of the thread
///     _exit; _begin, _end
///   all others                           instant of the thread
///
/// Pairs are pairs only if both halves are in the trace's metadata. A thread is what contexts `vtid`
/// or `tid` say, else what runs on the CPU by the last sched_switch, else nobody: then the CPU's
/// track has the event.
/// Source: LTTng 2.13's event names.
class Timeline {
 public:
  explicit Timeline(TimelineWriter* writer) : writer_(*writer) {}

  /// Adds the event that the stream has read last. In order of time.
  void add(const ctf::DataStream& stream);

  /// Adds what a tracer lost.
  void add_loss(const ctf::Discarded& lost);

 private:
  enum class What : std::uint8_t { kInstant, kBegin, kEnd, kSwitch };
  enum class Place : std::uint8_t { kThread, kCpu };

  /// What is worked out once for a class of events.
  struct Kind {
    What what = What::kInstant;
    Place place = Place::kThread;
    bool is_syscall = false;
    std::string name{};      ///< of the mark
    std::string category{};  ///< "syscall", "irq", or the provider
    std::uint32_t pair = 0;  ///< equal for the halves of a pair
    std::uint32_t cpu = ctf::kNone, tid = ctf::kNone, pid = ctf::kNone, procname = ctf::kNone;
    /// Of sched_switch, and of events that introduce threads.
    std::uint32_t previous_tid = ctf::kNone, previous_name = ctf::kNone,
                  previous_priority = ctf::kNone, previous_state = ctf::kNone;
    std::uint32_t next_tid = ctf::kNone, next_name = ctf::kNone, next_priority = ctf::kNone;
    std::uint32_t other_tid = ctf::kNone, other_pid = ctf::kNone, other_name = ctf::kNone;
    std::unordered_set<std::uint32_t> left_out{};
  };
  struct Open {
    std::uint32_t pair = 0;
    bool is_syscall = false;
  };
  struct Row {
    Track track{};
    std::vector<Open> open{};
  };
  struct Cpu {
    Row row{};
    std::optional<std::int64_t> tid{};  ///< what runs, if it is known
  };
  struct Person {
    std::string name{};
    std::optional<std::int64_t> pid{};
  };

  const Kind& kind_of(const ctf::DataStream& stream);
  Kind make_kind(const ctf::DataStream& stream);
  void make_pair(const ctf::Plan& plan, Kind* kind);
  std::uint32_t pair_number(const std::string& key);

  Row& cpu_row(std::uint64_t cpu);
  Row& thread_row(std::int64_t tid);
  Row& stream_row(const ctf::DataStream& stream);
  void learn(std::int64_t tid, std::optional<std::int64_t> pid, std::string_view name);
  void introduce(const ctf::EventView& event, const Kind& kind);
  void change_thread(const ctf::EventView& event, const Kind& kind, std::uint64_t cpu,
                     std::int64_t ns);
  void mark(Row* row, const Kind& kind, const Mark& mark);
  void close(Row* row, std::size_t count, std::int64_t ns);

  TimelineWriter& writer_;
  std::unordered_map<const ctf::EventPlan*, Kind> kinds_;
  std::unordered_map<std::string, std::uint32_t> pairs_;
  std::map<std::uint64_t, Cpu> cpus_;
  std::unordered_map<std::int64_t, Row> threads_;
  std::unordered_map<std::int64_t, Person> people_;  // by thread
  std::unordered_map<const ctf::DataStream*, Row> streams_;
  std::unordered_map<const ctf::DataStream*, std::uint64_t> last_cpu_;
  std::unordered_map<const ctf::Plan*, std::unordered_set<std::string>> names_;  // of events
  std::uint64_t next_track_ = 1;
};

}  // namespace sillage::convert
