// SPDX-License-Identifier: MIT
// A CTF trace of kernel events being written: metadata, data streams per CPU, their indexes.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "ctf/model.hpp"
#include "ctf/packet.hpp"
#include "ctf/text.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sillage::import {

/// What an import wrote.
struct OutputCounts {
  std::uint64_t events = 0;
  std::uint64_t discarded = 0;  ///< events, as the traces' counters say
  std::uint64_t late = 0;  ///< of the discarded: before an event of their stream, so not writable
  std::uint64_t streams = 0;
};

/// The CPU of events of which the input does not say it.
inline constexpr std::uint32_t kNoCpu = 0xffffffff;

/// How many data streams a trace may have: CPUs times channels.
inline constexpr std::size_t kMaxStreams = 65536;

/// A file below a directory that grows by whole pieces; open only while one is written, because a
/// trace has two files per CPU.
class GrowingFile {
 public:
  /// `directory` must outlive the file; -1: nothing is written.
  GrowingFile(int directory, std::string name) : directory_(directory), name_(std::move(name)) {}

  /// Appends bytes; the first time makes the file, which must not exist.
  [[nodiscard]] Status append(std::span<const std::byte> bytes);

  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  int directory_;
  std::string name_;
  std::uint64_t size_ = 0;
  bool is_made_ = false;
};

/// One data stream: the events of one CPU in one channel.
class StreamOutput {
 public:
  /// `directory` and `index_directory` must outlive the stream.
  StreamOutput(int directory, int index_directory, const std::string& name, const ctf::Uuid& uuid,
               const ctf::PacketHead& head);

  /// Writes an event. `body`: contexts and payload. An event before the last one is counted as
  /// discarded and late instead: CTF cannot say it.
  [[nodiscard]] Status event(std::uint64_t time, std::uint32_t event_id,
                             std::span<const std::byte> body, OutputCounts* counts);

  /// Counts events that are missing here, between the last event and the next one. `time`: about when,
  /// for streams that never have an event.
  void discard(std::uint64_t count, std::uint64_t time, OutputCounts* counts);

  /// Writes what is left, and the index.
  [[nodiscard]] Status finish();

 private:
  [[nodiscard]] Status flush();
  // A packet without events, with as many more missing ones; there must be no events waiting.
  [[nodiscard]] Status write_empty(std::uint64_t begin, std::uint64_t end, std::uint64_t missing);

  GrowingFile data_, index_;
  ctf::Uuid uuid_;
  ctf::PacketHead head_;       // of the packet being filled; its counter without `missing_`
  std::uint64_t missing_ = 0;  // discarded since the last event, not yet in a packet
  std::uint64_t last_time_ = 0;
  bool has_events_ = false;
  std::vector<std::byte> packet_;   // head and event records; empty between packets
  std::vector<std::byte> entries_;  // of the index
};

/// A trace: a directory `kernel` with LTTng's files in it.
class TraceOutput {
 public:
  /// Makes DIRECTORY/kernel, which must not hold a trace yet, and the head of its metadata. With ""
  /// nothing is written, only counted.
  ///
  /// Errors: kAlreadyExists  there is a trace; those of mkdir and open.
  [[nodiscard]] static Result<std::unique_ptr<TraceOutput>> create(
      const std::string& directory, ctf::Version version,
      std::vector<ctf::EnvironmentEntry> environment, ctf::ClockClass clock);

  /// Declares a channel whose events have these contexts, and returns its number. Its files are named
  /// after it as far as `name` can be a file's name.
  [[nodiscard]] Result<std::uint32_t> add_channel(std::string_view name,
                                                  ctf::FieldClassRef contexts);

  /// Declares an event and returns its id in its channel.
  [[nodiscard]] Result<std::uint32_t> add_event(std::uint32_t channel, ctf::EventClass event);

  /// The data stream of a CPU; made at the first call.
  ///
  /// Errors: kLimit  more than kMaxStreams.
  [[nodiscard]] Result<StreamOutput*> stream(std::uint32_t channel, std::uint32_t cpu);

  [[nodiscard]] OutputCounts* counts() { return &counts_; }

  /// Writes what is left.
  [[nodiscard]] Status finish();

 private:
  struct Channel {
    std::string name;
    std::uint32_t next_event_id = 0;
    std::map<std::uint32_t, StreamOutput> streams{};  // by CPU
  };

  TraceOutput(Fd directory, Fd index, ctf::Version version, ctf::TraceClass trace);
  [[nodiscard]] Status append_metadata(const std::string& text);

  Fd directory_, index_;
  ctf::Version version_;
  ctf::TraceClass trace_;
  GrowingFile metadata_;
  ctf::UniqueNames names_;
  std::vector<Channel> channels_;
  OutputCounts counts_;
};

/// The contexts that LTTng's kernel tracer calls by these names: `pid` (if `has_pid`), `tid`, `procname`.
[[nodiscard]] ctf::Structure task_contexts(bool has_pid);

/// Bytes of `procname` and of the kernel's names of tasks, their NUL among them.
inline constexpr std::size_t kTaskNameBytes = 16;

}  // namespace sillage::import
