// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "base/units.hpp"
#include "session/log_level.hpp"
#include "session/perf_counters.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::session {

/// Who shares a channel's rings.
enum class BufferOwnership : std::uint8_t {
  kUser,     ///< all processes of a user share one ring
  kProcess,  ///< each process has its own
};

/// One channel as the user asked for it. Left-out sizes are LTTng's defaults for the ownership (parity C2).
struct ChannelOptions {
  std::string name = "channel0";
  bool overwrite = false;  ///< flight recorder: the oldest events are lost; else the newest
  std::optional<ByteCount> subbuf_bytes{};
  std::optional<std::uint32_t> subbuf_count{};
  /// How long a program that allows it waits for room: 0 = not at all, UINT64_MAX = for ever.
  Nanoseconds blocking_timeout{0};
  BufferOwnership ownership = BufferOwnership::kUser;
  bool one_buffer = false;            ///< for all CPUs; else one for each
  bool preallocate = true;            ///< all memory at once, so that no program waits for it later
  ByteCount tracefile_bytes{};        ///< of a trace file; 0: no limit
  std::uint32_t tracefile_count = 0;  ///< files of a stream, the oldest written over; 0: no limit
  std::optional<Nanoseconds> reclaim_age{};  ///< as ChannelSettings has it
  Nanoseconds switch_period{};  ///< how long a sub-buffer is written at most; 0: until it is full
};

/// Asks for events by name, level and contents. Two rules are the same if all members are.
struct EventRule {
  std::string pattern = "*";  ///< of "provider:name"
  std::vector<std::string>
      exclusions{};  ///< patterns of what not to record although `pattern` has it
  LogLevelRule level{};
  std::string filter{};  ///< expression of src/filter that an event must match; "" = none
  bool operator==(const EventRule&) const = default;
};

/// Whether a context is one that applications bring: "$app.PROVIDER:TYPE", of what names of fields can have.
[[nodiscard]] bool is_app_context(std::string_view name);

/// Why an event is recorded, or how close it came.
enum class Verdict : std::uint8_t {
  kNoRule,    ///< no pattern has its name
  kLevel,     ///< a pattern has it, but not at this level
  kExcluded,  ///< a rule would have it but for an exclusion
  kRecorded,
};

/// The context that tells where in the program an event happened: SILLAGE_CONTEXT_IP.
constexpr std::uint32_t kAddressContext = 5;

/// One channel: options, event rules, contexts.
///
/// An event that several rules want is recorded once (parity E9). Those of a program's state dump, lttng_ust_statedump:* and
/// lttng_ust_lib:*, are for who resolves addresses: a pattern that begins with `*` has them only where there are such, with
/// kAddressContext (docs/decisions/0007-state-dump-of-programs.md).
class Channel {
 public:
  /// Errors: kInvalidArgument  the name is empty, too long or cannot be a file's; overwrite with a blocking
  ///                           timeout; a size of 0 or beyond the ring's limits.
  [[nodiscard]] static Result<Channel> create(ChannelOptions options);

  [[nodiscard]] const ChannelOptions& options() const { return options_; }
  [[nodiscard]] const std::vector<EventRule>& rules() const { return rules_; }
  /// Numbers of enum sillage_context, in the order of the records.
  [[nodiscard]] const std::vector<std::uint32_t>& contexts() const { return contexts_; }
  /// Names of contexts that applications bring, by number - SILLAGE_CONTEXT_APP.
  [[nodiscard]] const std::vector<std::string>& app_contexts() const { return app_contexts_; }
  /// Counters of threads, by number - SILLAGE_CONTEXT_COUNTER.
  [[nodiscard]] const std::vector<PerfCounter>& counters() const { return counters_; }

  /// Errors: kAlreadyExists    the same rule is there.
  ///         kInvalidArgument  an empty or overlong pattern, or exclusions on a rule that names one event.
  [[nodiscard]] Status add_rule(EventRule rule);

  /// Errors: kNotFound  no rule is equal to this one.
  [[nodiscard]] Status remove_rule(const EventRule& rule);

  /// Errors: kAlreadyExists  the channel has it.
  ///         kLimit          more than a record can have.
  [[nodiscard]] Status add_context(std::uint32_t context);
  /// The same for a context that applications bring: "$app.PROVIDER:TYPE".
  ///
  /// Errors: kInvalidArgument  it is not called so.
  [[nodiscard]] Status add_app_context(const std::string& name);
  /// The same for a counter of threads: "perf:thread:NAME".
  ///
  /// Errors: kInvalidArgument, kNotFound  as parse_perf_counter().
  [[nodiscard]] Status add_counter(const std::string& context);

  /// What becomes of an event called `name` ("provider:name") of this level.
  [[nodiscard]] Verdict judge(std::string_view name, std::uint8_t level) const;

  /// Whether some rule wants events of a program's state dump.
  [[nodiscard]] bool wants_state() const;

  /// The rules that want it, whatever their filters.
  [[nodiscard]] std::vector<const EventRule*> rules_for(std::string_view name,
                                                        std::uint8_t level) const;

 private:
  explicit Channel(ChannelOptions options) : options_(std::move(options)) {}
  [[nodiscard]] Verdict judge_by(const EventRule& rule, std::string_view name,
                                 std::uint8_t level) const;

  ChannelOptions options_;
  std::vector<EventRule> rules_;
  std::vector<std::uint32_t> contexts_;
  std::vector<std::string> app_contexts_;
  std::vector<PerfCounter> counters_;
};

}  // namespace sillage::session
