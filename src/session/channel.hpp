// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "base/units.hpp"
#include "session/log_level.hpp"

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
  bool preallocate = true;            ///< all memory at once, so that no program waits for it later
  ByteCount tracefile_bytes{};        ///< of a trace file; 0: no limit
  std::uint32_t tracefile_count = 0;  ///< files of a stream, the oldest written over; 0: no limit
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

/// Why an event is recorded, or how close it came.
enum class Verdict : std::uint8_t {
  kNoRule,    ///< no pattern has its name
  kLevel,     ///< a pattern has it, but not at this level
  kExcluded,  ///< a rule would have it but for an exclusion
  kRecorded,
};

/// One channel: options, event rules, contexts.
///
/// An event that several rules want is recorded once (parity E9).
class Channel {
 public:
  /// Errors: kInvalidArgument  the name is empty, too long or cannot be a file's; overwrite with a blocking
  ///                           timeout; a size of 0 or beyond the ring's limits.
  [[nodiscard]] static Result<Channel> create(ChannelOptions options);

  [[nodiscard]] const ChannelOptions& options() const { return options_; }
  [[nodiscard]] const std::vector<EventRule>& rules() const { return rules_; }
  /// Numbers of enum sillage_context, in the order of the records.
  [[nodiscard]] const std::vector<std::uint32_t>& contexts() const { return contexts_; }

  /// Errors: kAlreadyExists    the same rule is there.
  ///         kInvalidArgument  an empty or overlong pattern, or exclusions on a rule that names one event.
  [[nodiscard]] Status add_rule(EventRule rule);

  /// Errors: kNotFound  no rule is equal to this one.
  [[nodiscard]] Status remove_rule(const EventRule& rule);

  /// Errors: kAlreadyExists  the channel has it.
  ///         kLimit          more than a record can have.
  [[nodiscard]] Status add_context(std::uint32_t context);

  /// What becomes of an event called `name` ("provider:name") of this level.
  [[nodiscard]] Verdict judge(std::string_view name, std::uint8_t level) const;

  /// The rules that want it, whatever their filters.
  [[nodiscard]] std::vector<const EventRule*> rules_for(std::string_view name,
                                                        std::uint8_t level) const;

 private:
  explicit Channel(ChannelOptions options) : options_(std::move(options)) {}

  ChannelOptions options_;
  std::vector<EventRule> rules_;
  std::vector<std::uint32_t> contexts_;
};

}  // namespace sillage::session
