// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "session/channel_settings.hpp"
#include "session/inclusion_set.hpp"
#include "session/recording_rule.hpp"
#include "session/recording_session.hpp"
#include "session/rotation.hpp"
#include "session/snapshot_output.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::session {

/// One channel of a session: options, rules, contexts; what is disabled stays, and records nothing.
struct SessionChannel {
  struct Rule {
    RecordingRule rule;
    bool is_enabled = true;
    bool operator==(const Rule&) const = default;
  };
  ChannelSettings settings;
  bool is_enabled = true;
  std::vector<Rule> rules{};            ///< in the order in which they were first enabled
  std::vector<std::string> contexts{};  ///< names, in the order of the records
  bool operator==(const SessionChannel&) const = default;
};

/// What a request to enable something came to.
enum class Enabled : std::uint8_t {
  kCreated,
  kAgain,  ///< it was there, disabled
};

/// Which rules of a channel: those of a name and, if given, of a kind; or all.
struct RuleSelection {
  std::optional<std::string> name{};  ///< exactly as enabled: patterns stand for themselves
  std::optional<RecordingRule::Kind> kind{};
  std::optional<std::string> filter{};  ///< exactly as enabled
};

/// A recording session as its user steers it: what is to be recorded, and whether it is at this moment.
///
/// Every change is allowed in every state, unlike LTTng's; each function either makes its whole change or, with an
/// error, none. Messages begin with LTTng's words where it has some.
///
/// Threads: one.
class Session {
 public:
  enum class State : std::uint8_t { kCreated, kStarted, kStopped };
  struct Options {
    std::string name;
    OutputMode mode = OutputMode::kLocal;
    std::string output_path{};  ///< absolute; "" without output
    TraceFormat format = TraceFormat::kCtf18;
    std::string buffers_path{};   ///< as RecordingSession::Options has it
    std::string shown_format{};   ///< as the user asked for it; "" = default
    std::uint32_t owner_uid = 0;  ///< who may steer it, besides root and the daemon's own user
  };

  /// Errors: kInvalidArgument  a name or path that cannot be.
  [[nodiscard]] static Result<Session> create(Options options);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::vector<SessionChannel>& channels(Domain domain) const {
    return domains_[index(domain)].channels;
  }
  /// nullptr if there is none.
  [[nodiscard]] const SessionChannel* find_channel(Domain domain, std::string_view name) const;
  [[nodiscard]] const InclusionSets& inclusion_sets(Domain domain) const {
    return domains_[index(domain)].inclusion;
  }

  /// Errors: kAlreadyExists    tracing has started.
  ///         kInvalidArgument  there is no channel.
  [[nodiscard]] Status start();
  /// Errors: kInvalidArgument  tracing does not run.
  [[nodiscard]] Status stop();

  /// Makes a channel, or enables the one that is there and whose options stay as they were.
  ///
  /// Errors: kAlreadyExists  it is there and enabled; kLimit  64 channels of the domain are there;
  ///         those of settle().
  [[nodiscard]] Result<Enabled> enable_channel(Domain domain, const ChannelRequest& request);
  /// Makes a channel with all that belongs to it, as it was saved: what is disabled in it is disabled.
  ///
  /// Errors: those of enable_channel(), enable_rule() and add_context(); a rule or a context that is there twice.
  [[nodiscard]] Status add_channel(Domain domain, const ChannelRequest& request,
                                   const SessionChannel& content);
  /// Errors: kNotFound, with a suggestion; kAlreadyExists  it is disabled.
  [[nodiscard]] Status disable_channel(Domain domain, std::string_view name);

  /// Adds a rule to a channel, or enables the same one that is there. Without a channel's name it goes to
  /// channel0, which is made if the domain has no channel.
  ///
  /// Errors: kAlreadyExists    the same rule is there and enabled.
  ///         kNotFound         no such channel, with a suggestion.
  ///         kInvalidArgument  there are channels, but no channel0, and none is named; those of check_rule().
  [[nodiscard]] Result<Enabled> enable_rule(const std::optional<std::string>& channel,
                                            RecordingRule rule);
  /// Disables what is selected. Returns how many rules that were.
  ///
  /// Errors: kNotFound       no such channel, no such rule; with a suggestion.
  ///         kAlreadyExists  all of them are disabled.
  [[nodiscard]] Result<std::size_t> disable_rules(Domain domain,
                                                  const std::optional<std::string>& channel,
                                                  const RuleSelection& which);
  /// Forgets what is selected, enabled or not. Returns how many rules that were.
  ///
  /// Errors: kNotFound  no such channel, no such rule; with a suggestion.
  [[nodiscard]] Result<std::size_t> remove_rules(Domain domain,
                                                 const std::optional<std::string>& channel,
                                                 const RuleSelection& which);

  /// Adds a context to a channel, or to all of the domain; to channel0, which is made, if there are none.
  /// Which contexts there are is the tracers' to know.
  ///
  /// Errors: kAlreadyExists  the channel, or all of them, have it; kNotFound  no such channel;
  ///         kLimit          32 contexts are in one of them.
  [[nodiscard]] Status add_context(Domain domain, const std::optional<std::string>& channel,
                                   const std::string& context);

  /// The set of an attribute, to be changed.
  ///
  /// Errors: kInvalidArgument  the domain's tracer does not know the attribute.
  [[nodiscard]] Result<InclusionSet*> inclusion_set(Domain domain, ProcessAttribute attribute);

  /// Where its snapshots go; a snapshot session begins with one output, its own.
  [[nodiscard]] SnapshotOutputs& snapshot_outputs() { return snapshot_outputs_; }
  [[nodiscard]] const SnapshotOutputs& snapshot_outputs() const { return snapshot_outputs_; }
  /// Errors: kUnsupported  all of it is written to files; kNotReady  it was never started.
  [[nodiscard]] Status check_snapshot() const;

  [[nodiscard]] Rotation& rotation() { return rotation_; }
  [[nodiscard]] const Rotation& rotation() const { return rotation_; }
  /// Errors: kUnsupported  it has no files.
  [[nodiscard]] Status check_rotation() const;

  bool operator==(const Session& other) const;

 private:
  struct DomainPart {
    std::vector<SessionChannel> channels;
    InclusionSets inclusion;
    bool operator==(const DomainPart&) const = default;
  };
  explicit Session(Options options) : options_(std::move(options)) {}
  [[nodiscard]] static std::size_t index(Domain domain) { return static_cast<std::size_t>(domain); }
  [[nodiscard]] Result<SessionChannel*> channel_named(Domain domain, std::string_view name);
  /// The channel of a rule: the one named, or channel0.
  [[nodiscard]] Result<SessionChannel*> channel_of_rule(Domain domain,
                                                        const std::optional<std::string>& name);
  [[nodiscard]] Result<std::vector<SessionChannel::Rule*>> select(
      Domain domain, const std::optional<std::string>& channel, const RuleSelection& which);

  Options options_;
  State state_ = State::kCreated;
  std::array<DomainPart, 2> domains_;
  SnapshotOutputs snapshot_outputs_;
  Rotation rotation_;
};

}  // namespace sillage::session
