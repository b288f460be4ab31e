// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "collect/append_file.hpp"
#include "collect/stream_recorder.hpp"
#include "collect/trace_identity.hpp"
#include "ctf/model.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::collect {

/// One trace on disk but for its packets: the directory, its index folder, and the metadata, which
/// grows.
///
/// Threads: any.
class TraceWriter {
 public:
  /// Makes the folders (`directory` below `parent`) and the head of the metadata.
  ///
  /// Errors: kAlreadyExists    there is a trace already.
  ///         kInvalidArgument  the directory leads out of `parent`.
  [[nodiscard]] static Result<std::unique_ptr<TraceWriter>> create(
      int parent, std::string_view directory, ctf::Version version,
      std::vector<ctf::EnvironmentEntry> environment, std::int64_t clock_offset_ns);

  /// Goes on with a trace that an earlier collector made, with the same arguments. What its metadata has behind
  /// `identity.metadata_bytes` goes.
  ///
  /// Errors: kNotFound  there is none; kCorrupt  its metadata has become shorter.
  [[nodiscard]] static Result<std::unique_ptr<TraceWriter>> resume(
      int parent, std::string_view directory, ctf::Version version,
      std::vector<ctf::EnvironmentEntry> environment, std::int64_t clock_offset_ns,
      const TraceIdentity& identity);
  /// The trace as resume() wants to know it.
  [[nodiscard]] TraceIdentity identity();

  /// Declares the data streams of a channel and gives them the trace's next class id.
  [[nodiscard]] Result<ctf::DataStreamClass> add_channel(ctf::FieldClassRef event_header,
                                                         ctf::FieldClassRef common_context);
  /// The same for a channel that an earlier collector declared, in the same order.
  [[nodiscard]] ctf::DataStreamClass resume_channel(ctf::FieldClassRef event_header,
                                                    ctf::FieldClassRef common_context);

  /// Declares an event class, ids and all as they stand in it.
  [[nodiscard]] Status add_event(const ctf::EventClass& event);

  [[nodiscard]] TraceOutput output() const {
    return {directory_.value(), index_directory_.value(), trace_.uuid.value_or(ctf::Uuid{})};
  }

 private:
  TraceWriter(Fd directory, Fd index_directory, AppendFile metadata, ctf::Version version,
              ctf::TraceClass trace)
      : directory_(std::move(directory)),
        index_directory_(std::move(index_directory)),
        version_(version),
        trace_(std::move(trace)),
        metadata_(std::move(metadata)) {}

  const Fd directory_, index_directory_;
  const ctf::Version version_;
  const ctf::TraceClass trace_;
  std::mutex mutex_;  // guards what follows
  AppendFile metadata_;
  std::uint64_t next_stream_class_ = 0;
};

}  // namespace sillage::collect
