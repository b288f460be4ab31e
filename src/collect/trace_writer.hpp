// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "collect/append_file.hpp"
#include "collect/buffer_files.hpp"
#include "collect/stream_recorder.hpp"
#include "collect/trace_identity.hpp"
#include "ctf/layout.hpp"
#include "ctf/model.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::collect {

/// Where the files of a trace are: its directory, and the index folder in it.
struct TraceFolder {
  Fd directory, index;

  /// Makes both, `directory` below `parent`.
  ///
  /// Errors: kInvalidArgument  the directory leads out of `parent`.
  [[nodiscard]] static Result<TraceFolder> make(int parent, std::string_view directory);
};

/// One trace on disk but for its packets: the directory, its index folder, and the metadata, which
/// grows. Of a trace in memory the metadata alone is there, for snapshots to be made of it.
///
/// Threads: any.
class TraceWriter {
 public:
  /// What a trace is, wherever it goes.
  struct Description {
    std::string directory;  ///< below whatever it is in
    ctf::Version version = ctf::Version::kCtf18;
    std::vector<ctf::EnvironmentEntry> environment;
    std::int64_t clock_offset_ns = 0;
    std::optional<ctf::ClockClass> clock{};  ///< none: CLOCK_MONOTONIC
    std::uint64_t clock_value = 0;           ///< what `clock` said before anything was recorded
    bool is_in_memory = false;
    int buffers =
        -1;  ///< directory of the buffers of all traces, where they are files; -1: they are not
  };

  /// Makes the folders below `parent` and the head of the metadata.
  ///
  /// Errors: kAlreadyExists    there is a trace already.
  ///         kInvalidArgument  the directory leads out of `parent`.
  [[nodiscard]] static Result<std::unique_ptr<TraceWriter>> create(int parent,
                                                                   Description description);
  /// Goes on with a trace that an earlier collector made, with the same arguments but for the clock's offset: one of
  /// `clock_offsets`. What its metadata has behind `identity.body_bytes` goes.
  ///
  /// Errors: kNotFound  there is none; kCorrupt  its metadata has become shorter, or begins otherwise.
  [[nodiscard]] static Result<std::unique_ptr<TraceWriter>> resume(
      int parent, Description description, const TraceIdentity& identity,
      const std::vector<std::int64_t>& clock_offsets);
  /// The trace as resume() wants to know it.
  [[nodiscard]] TraceIdentity identity();

  /// Declares the data streams of a channel and gives them the trace's next class id.
  [[nodiscard]] Result<ctf::DataStreamClass> add_channel(
      ctf::FieldClassRef event_header, ctf::FieldClassRef common_context,
      ctf::StreamsOf streams = ctf::StreamsOf::kCpu);
  /// The same for a channel that an earlier collector declared, in the same order.
  [[nodiscard]] ctf::DataStreamClass resume_channel(ctf::FieldClassRef event_header,
                                                    ctf::FieldClassRef common_context,
                                                    ctf::StreamsOf streams = ctf::StreamsOf::kCpu);

  /// Declares an event class, ids and all as they stand in it.
  [[nodiscard]] Status add_event(const ctf::EventClass& event);

  [[nodiscard]] bool is_in_memory() const { return description_.is_in_memory; }
  /// Of what times the collector's own clock says nothing: what that clock said at first.
  [[nodiscard]] std::optional<std::uint64_t> other_clock_value() const {
    return description_.clock ? std::optional(description_.clock_value) : std::nullopt;
  }
  /// Below whatever it is in.
  [[nodiscard]] const std::string& directory() const { return description_.directory; }
  /// Where packets go; nowhere for a trace in memory.
  ///
  /// Threads: those between which no Move of it is completed.
  [[nodiscard]] TraceOutput output() const {
    if (is_in_memory()) return {-1, -1, trace_.uuid.value_or(ctf::Uuid{})};
    return {folder_.directory.value(), folder_.index.value(), trace_.uuid.value_or(ctf::Uuid{})};
  }

  /// Of its channels; nullptr where they are not files.
  [[nodiscard]] BufferFiles* buffers() const { return buffers_.get(); }
  /// The number of the next channel's data streams.
  [[nodiscard]] std::uint64_t next_stream_class();

  /// A trace with the same classes and an identity of its own: readers take traces of one identity for parts that
  /// fit together, which snapshots that have the same events are not.
  struct Copy {
    TraceFolder folder;
    ctf::Uuid uuid{};
    [[nodiscard]] TraceOutput output() const {
      return {folder.directory.value(), folder.index.value(), uuid};
    }
  };
  /// Makes its folders below another parent.
  [[nodiscard]] Result<Copy> begin_copy(int parent) const;
  /// Gives it the metadata, as it is now.
  ///
  /// Errors: kAlreadyExists  there is some.
  [[nodiscard]] Status write_metadata(const Copy& copy);

  /// A trace that goes on in another folder, prepared: complete() makes it go on there, otherwise all stays as it is.
  /// No event is declared while one of these is there.
  class Move;
  /// Makes the folders below another parent, and the metadata in it.
  [[nodiscard]] Result<Move> prepare_move(int parent);

  /// Writes the metadata anew with another offset of the clock; nothing reads half of it.
  ///
  /// Errors: those of the new file; the old one stays then.
  [[nodiscard]] Status set_clock_offset(std::int64_t clock_offset_ns);

 private:
  TraceWriter(Description description, ctf::TraceClass trace, TraceFolder folder,
              AppendFile metadata, std::uint64_t head_bytes)
      : description_(std::move(description)),
        trace_(std::move(trace)),
        folder_(std::move(folder)),
        metadata_(std::move(metadata)),
        head_bytes_(head_bytes) {}
  [[nodiscard]] Status make_buffers();
  [[nodiscard]] Status declare(const std::string& text);
  [[nodiscard]] static Result<ctf::TraceClass> describe(const Description& description);

  const Description description_;
  ctf::TraceClass trace_;  // of whose clock the offset changes, under the mutex
  TraceFolder folder_;
  std::mutex mutex_;  // guards what follows
  AppendFile metadata_;
  std::unique_ptr<BufferFiles> buffers_;
  std::uint64_t head_bytes_;  // of the metadata: what set_clock_offset() writes anew
  std::uint64_t next_stream_class_ = 0;
};

class TraceWriter::Move {
 public:
  void complete();

 private:
  friend class TraceWriter;
  Move(TraceWriter& writer, std::unique_lock<std::mutex> lock, TraceFolder folder,
       AppendFile metadata)
      : writer_(&writer),
        lock_(std::move(lock)),
        folder_(std::move(folder)),
        metadata_(std::move(metadata)) {}

  TraceWriter* writer_;
  std::unique_lock<std::mutex> lock_;
  TraceFolder folder_;
  AppendFile metadata_;
};

}  // namespace sillage::collect
