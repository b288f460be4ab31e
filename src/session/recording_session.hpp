// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "session/channel.hpp"
#include "session/inclusion_set.hpp"
#include "session/kernel_channel.hpp"

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace sillage::session {

enum class TraceFormat : std::uint8_t { kCtf18, kCtf2 };

/// "ctf-1.8" or "ctf-2".
///
/// Errors: kInvalidArgument  neither.
[[nodiscard]] Result<TraceFormat> parse_trace_format(std::string_view text);
[[nodiscard]] std::string_view trace_format_name(TraceFormat format);

/// Which processes a session records: all, or those listed.
///
/// A process is in if its pid is in `pids`, or if it is `root_pid` or comes from it (its ancestors or the mark
/// that its environment inherited say so; the daemon finds that out).
struct ProcessSet {
  std::set<pid_t> pids;
  pid_t root_pid = 0;  ///< 0: none
  std::string mark;    ///< NAME=VALUE in the environment of what `root_pid` starts; "" = none
  [[nodiscard]] bool is_everyone() const { return pids.empty() && root_pid == 0 && mark.empty(); }
};

/// One recording session: what to record, from whom, and where to.
class RecordingSession {
 public:
  struct Options {
    std::string name;
    std::string output_path;  ///< absolute; "" with `in_memory`
    bool in_memory = false;   ///< nothing is written but snapshots
    std::string
        buffers_path{};  ///< absolute: programs' buffers are files there; "": memory without a name
    TraceFormat format = TraceFormat::kCtf18;
    ProcessSet processes;
    InclusionSets inclusion{};  ///< of programs, too: all of them must have a process
  };

  /// Errors: kInvalidArgument  an empty, overlong or slashed name; an output path that is not absolute, or not wanted; a path
  ///                           of buffers that is not absolute.
  [[nodiscard]] static Result<RecordingSession> create(Options options);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const std::vector<Channel>& channels() const { return channels_; }

  /// Errors: kAlreadyExists  a channel of this name is there.
  ///         kLimit          as many channels as one image can feed.
  [[nodiscard]] Status add_channel(Channel channel);

  /// Channels of the kernel's events.
  [[nodiscard]] const std::vector<KernelChannel>& kernel_channels() const {
    return kernel_channels_;
  }

  /// Errors: kAlreadyExists  a kernel channel of this name is there.
  ///         kLimit          as many as there may be.
  [[nodiscard]] Status add_kernel_channel(KernelChannel channel);

  /// Names the process whose descendants are recorded, before the recording starts.
  void set_root_process(pid_t pid) { options_.processes.root_pid = pid; }

 private:
  explicit RecordingSession(Options options) : options_(std::move(options)) {}

  Options options_;
  std::vector<Channel> channels_;
  std::vector<KernelChannel> kernel_channels_;
};

}  // namespace sillage::session
