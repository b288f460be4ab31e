// SPDX-License-Identifier: MIT
#pragma once

#include "convert/output_file.hpp"
#include "convert/proto_writer.hpp"
#include "convert/timeline.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sillage::convert {

/// Writes Perfetto's trace format, whose viewer and trace processor open it.
///
/// Shape: threads are thread tracks of their processes, with the slices and instants of the
///        timeline; each CPU is a track of its interrupts. Switches are written as ftrace's, of which
///        the viewer makes its own tracks of CPUs and states of threads.
/// Times: nanoseconds; the trace's clock stands for CLOCK_REALTIME as well.
/// Source: google/perfetto, protos/perfetto/trace: field numbers of trace_packet.proto,
///         track_event/*.proto, interned_data.proto, ftrace/ftrace_event_bundle.proto,
///         ftrace/sched.proto, clock_snapshot.proto.
class PerfettoWriter : public TimelineWriter {
 public:
  explicit PerfettoWriter(OutputFile file);

  void name_track(const Track& track) override;
  void name_process(std::int64_t pid, std::string_view name) override;
  void begin(const Mark& mark) override { put_mark(kSliceBegin, mark); }
  void end(const Mark& mark) override { put_mark(kSliceEnd, mark); }
  void instant(const Mark& mark) override { put_mark(kInstant, mark); }
  void switch_thread(const ThreadSwitch& change) override;
  [[nodiscard]] bool has_failed() const override { return file_.has_failed(); }
  [[nodiscard]] Status finish() override;

 private:
  enum EventType : std::uint8_t { kSliceBegin = 1, kSliceEnd = 2, kInstant = 3 };

  /// Names that are written once and referred to by number afterwards.
  struct Names {
    std::uint32_t field = 0;  ///< of InternedData
    std::unordered_map<std::string, std::uint64_t> numbers{};
  };
  /// Switches of one CPU that are not written yet.
  struct Switches {
    ProtoWriter events{};
    std::size_t count = 0;
  };

  void put_packet(const ProtoWriter& packet);
  void put_clock(std::int64_t ns);
  void put_mark(EventType type, const Mark& mark);
  void put_switches(std::uint64_t cpu, Switches* switches);
  std::uint64_t number_of(Names* names, std::string_view name);
  void put_members(const Arguments& arguments, const ctf::Value* structure, std::uint32_t field);
  /// An annotation; `field`: of the message around it.
  void put_value(const Arguments& arguments, const ctf::Value* value, std::string_view name,
                 std::uint32_t field);
  void put_content(const Arguments& arguments, const ctf::Value* value);
  void put_number(const ctf::FieldClass& field_class, const ctf::Value& value);

  OutputFile file_;
  ProtoWriter packet_;    // TracePacket
  ProtoWriter event_;     // TrackEvent
  ProtoWriter interned_;  // InternedData of the packet
  Names categories_, names_, arguments_;
  std::unordered_map<std::uint64_t, Switches> switches_;  // by CPU
  bool has_clock_ = false;
  bool is_cleared_ = false;  // the first packet of the sequence says that names start anew
};

}  // namespace sillage::convert
