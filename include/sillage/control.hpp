// SPDX-License-Identifier: MIT
// Steers recording sessions of sillaged, as the command `sillage` does. Link with sillage-control.
//
//   auto client = sillage::control::Client::connect().value_or_throw();
//   client.create({.name = "web", .output_path = "/tmp/web"}).value_or_throw();
//   client.enable_rule("web", {.name = "http:*", .filter = "status >= 500"}).value_or_throw();
//   client.start("web").value_or_throw();
//   ...
//   std::cout << client.destroy("web").value_or_throw().statistics.events << " events\n";
//
// Sessions are the daemon's: they go on when the client ends, until one is destroyed. A request that fails changes
// nothing. What the words mean: docs/guide/words.md; what the options do: sillage-session(1).
#pragma once

#include <sillage/detail/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#if defined(__GNUC__)
#define SILLAGE_CONTROL_API __attribute__((visibility("default")))
#else
#define SILLAGE_CONTROL_API
#endif

namespace sillage::control {

/// Why something failed.
struct Error {
  enum class Kind : std::uint8_t {
    kInvalidArgument,  ///< the caller asked for something that cannot be
    kNotFound,         ///< no such session, channel, rule, file; no daemon
    kAlreadyExists,    ///< the name is taken; it is so already
    kPermission,       ///< the daemon, or the system, does not allow it to this user
    kNotReady,         ///< nothing yet; ask again later
    kCorrupt,          ///< the daemon is of another release
    kLimit,            ///< more, larger or longer than there may be
    kNoSpace,          ///< disk or memory is full
    kUnsupported,      ///< this daemon, machine or kernel cannot
    kTimeout,          ///< no answer within the deadline; whether it was done is not known
    kSystem,           ///< the operating system refuses, or the daemon went away
  };
  Kind kind = Kind::kSystem;
  std::string
      message{};  ///< one sentence, the daemon's where it refused: what happened, what to do

  [[nodiscard]] const std::string& text() const { return message; }
};

/// A value, or why there is none.
template <class T>
using Result = detail::ValueOrError<T, Error>;

/// Nothing but that it was done.
struct Done {};
using Status = Result<Done>;

/// Whose events: of programs, or of the kernel (which root's daemon records).
enum class Domain : std::uint8_t { kUser, kKernel };

/// Where a session's events go.
enum class Mode : std::uint8_t {
  kLocal,     ///< into files, all the time
  kSnapshot,  ///< nowhere until a snapshot is recorded
  kNoOutput,  ///< nowhere: only counted
};

enum class State : std::uint8_t { kCreated, kStarted, kStopped };

/// A session as it is asked for.
struct SessionOptions {
  std::string name{};  ///< "": auto-DATETIME
  Mode mode = Mode::kLocal;
  std::string output_path{};   ///< absolute; "": LTTNG_HOME or HOME, /lttng-traces/NAME-DATETIME
  std::string trace_format{};  ///< "ctf-1.8" or "ctf-2"; "": the daemon's default
  /// Absolute: programs' buffers are files below BUFFERS_PATH/NAME-DATETIME, which outlive a crash; "": they are not files.
  std::string buffers_path{};
};

/// How long a program may wait for room: until there is some.
inline constexpr std::chrono::nanoseconds kForEver = std::chrono::nanoseconds::max();

/// A channel's options. What is left out in a request is the daemon's to choose; in what it says nothing is.
struct ChannelOptions {
  std::string name = "channel0";
  std::optional<bool>
      overwrite{};  ///< flight recorder: the oldest events are lost; else the newest
  std::optional<std::uint64_t> subbuf_bytes{};
  std::optional<std::uint64_t> subbuf_count{};
  std::optional<std::chrono::nanoseconds> switch_timer{}, read_timer{}, monitor_timer{},
      watchdog_timer{};
  std::optional<std::chrono::nanoseconds> blocking_timeout{};         ///< kForEver, or how long
  std::optional<std::uint64_t> tracefile_bytes{}, tracefile_count{};  ///< 0: no limit
  std::optional<bool> per_process{};  ///< buffers of each process; else all of a user share them
  std::optional<bool> one_buffer{};   ///< for all CPUs; else one for each
  std::optional<bool> on_demand{};    ///< memory is taken when it is needed; else at once
  /// Memory of sub-buffers that were read and ended so long ago is given back to the system; else none is.
  std::optional<std::chrono::nanoseconds> reclaim_age{};
  bool operator==(const ChannelOptions&) const = default;
};

/// Asks for events. Two rules are the same if all members but `is_enabled` are.
struct Rule {
  enum class Kind : std::uint8_t {
    kUserTracepoint,
    kKernelTracepoint,
    kSyscall,         ///< entry and exit
    kFunction,        ///< entry and exit of a function of the kernel
    kProbe,           ///< a place in the kernel
    kUserspaceProbe,  ///< a place in programs
  };
  enum class Levels : std::uint8_t { kAny, kAtLeastAsSevere, kOnly };
  Kind kind = Kind::kUserTracepoint;
  std::string name =
      "*";              ///< pattern of tracepoints and system calls; else what the event is called
  std::string place{};  ///< of functions and probes: SYMBOL+OFFSET, PATH:SYMBOL ...
  std::vector<std::string> exclusions{};  ///< patterns of what not to record although `name` has it
  Levels levels = Levels::kAny;           ///< of user tracepoints
  std::uint8_t level = 0;                 ///< 0 (EMERG) to 14 (DEBUG)
  std::string filter{};                   ///< expression, sillage-filter; "": none
  bool is_enabled = true;                 ///< of sessions that are listed or loaded
  bool operator==(const Rule&) const = default;
};

/// A channel of a session.
struct Channel {
  ChannelOptions options{};
  bool is_enabled = true;
  std::vector<Rule> rules{};
  std::vector<std::string> contexts{};
  std::uint64_t discarded_events = 0, lost_packets = 0;
  bool operator==(const Channel&) const = default;
};

/// What of a process decides whether it is recorded; with "v": as the process itself sees it.
enum class Attribute : std::uint8_t { kPid, kVpid, kUid, kVuid, kGid, kVgid };

/// One that may record, by number or by the name of a user or group.
struct AttributeValue {
  std::uint32_t number = 0;
  std::string name{};  ///< by which it was added; "": by number
  bool operator==(const AttributeValue&) const = default;
};

/// Which processes may record; there is none where all may.
struct InclusionSet {
  Attribute attribute = Attribute::kVpid;
  std::vector<AttributeValue> values{};  ///< none: nobody
  bool operator==(const InclusionSet&) const = default;
};

/// What a session has of one domain: there if it has a channel or an inclusion set.
struct SessionDomain {
  Domain domain = Domain::kUser;
  std::vector<Channel> channels{};
  std::vector<InclusionSet> inclusion_sets{};
  bool operator==(const SessionDomain&) const = default;
};

/// Where snapshots go.
struct SnapshotOutput {
  std::uint32_t id = 0;         ///< the daemon's to give
  std::string name{};           ///< each snapshot is NAME-DATETIME-NUMBER; "": snapshot-ID
  std::string path{};           ///< absolute; what each snapshot's directory is made in
  std::uint64_t max_bytes = 0;  ///< of one snapshot; 0: no limit
  bool operator==(const SnapshotOutput&) const = default;
};

/// When a session is rotated by itself.
struct RotationSchedule {
  std::optional<std::chrono::nanoseconds> period{};
  std::optional<std::uint64_t> bytes{};  ///< of a chunk
  bool operator==(const RotationSchedule&) const = default;
};

/// All that a session is.
struct Session {
  std::string name{};
  std::string path{};  ///< "" without output
  Mode mode = Mode::kLocal;
  State state = State::kCreated;
  std::string trace_format{};
  std::vector<SessionDomain> domains{};
  std::vector<SnapshotOutput> snapshot_outputs{};
  RotationSchedule rotation{};
  std::string buffers_path{};   ///< where programs' buffers are files; ""
  std::uint32_t owner_uid = 0;  ///< who made it, and steers it beside root
  bool operator==(const Session&) const = default;
};

/// Events that were sent and are not in the trace, by cause.
struct LostEvents {
  std::uint64_t full = 0;     ///< no room in the buffers
  std::uint64_t too_big = 0;  ///< larger than a sub-buffer
  std::uint64_t busy = 0;     ///< every stream was taken by others
  std::uint64_t timeout = 0;  ///< no room within the blocking timeout
  std::uint64_t overrun = 0;  ///< overwritten before they were read
  std::uint64_t corrupt = 0;  ///< records that cannot be
  std::uint64_t disk = 0;     ///< the output had no room, or failed
  std::uint64_t nested = 0;   ///< in the kernel, while the same event was being recorded
  std::uint64_t other = 0;    ///< causes that this release does not know
  [[nodiscard]] std::uint64_t total() const {
    return full + too_big + busy + timeout + overrun + corrupt + disk + nested + other;
  }
};

/// What a session recorded: sent = events + pending + lost.total().
struct Statistics {
  std::uint64_t events = 0;   ///< in the trace
  std::uint64_t pending = 0;  ///< in the buffers, not read yet
  std::uint64_t packets = 0, bytes = 0;
  std::uint64_t rejected = 0;  ///< events that filters did not want
  LostEvents lost{};
  std::string output_error{};  ///< why the output fails; "": it does not
};

/// Kernel events that were asked for and cannot be recorded.
struct LeftOut {
  std::uint64_t count = 0;
  std::vector<std::string> reasons{};  ///< "EVENT: why", of a few of them
};

/// A rule, or a channel, that is on now.
struct Enabled {
  bool is_new = false;  ///< else it was there, disabled
  LeftOut left_out{};
};

struct Stopped {
  Statistics statistics{};
  std::string warning{};  ///< what went wrong while it recorded; "": nothing
};

struct Destroyed {
  Session session{};  ///< as it was
  Statistics statistics{};
  std::string warning{};  ///< as of Stopped
  std::string archive{};  ///< path of its last chunk, if it was rotated; ""
};

/// Which rules: those of a channel with this name, kind and filter, exactly as enabled; what is left out: all.
struct RuleSelection {
  Domain domain = Domain::kUser;
  std::optional<std::string> channel{};
  std::optional<std::string> name{};
  std::optional<Rule::Kind> kind{};
  std::optional<std::string> filter{};
};

/// A snapshot to record; what is left out is the outputs' to say.
struct SnapshotRequest {
  std::string name{};
  std::string path{};  ///< absolute: there alone; "": to all outputs
  std::uint64_t max_bytes = 0;
};

struct Snapshot {
  std::vector<std::string> paths{};  ///< one for each output
  std::uint64_t events = 0, bytes = 0;
};

/// A filter that cannot match an event which its rule is for.
struct FilterProblem {
  std::string filter{}, event{}, program{}, reason{};
};

/// A rule's pattern that no event has, and names of events that are like it.
struct UnmatchedPattern {
  std::string pattern{};
  std::vector<std::string> nearest{};
};

struct SeenEvent {
  std::string name{};
  std::uint8_t level = 0;
  std::uint64_t programs = 0;  ///< that have it
};

struct EventCount {
  std::string name{};
  std::uint64_t happened = 0, wanted = 0;
};

/// What a rule met while it was watched: happened = untracked + wanted + what its filter did not want.
struct RuleCount {
  Domain domain = Domain::kUser;
  std::string channel{};
  std::size_t rule = 0;         ///< of the channel's in `Findings::session`
  std::uint64_t happened = 0;   ///< events that it names; of programs, in those that are tracked
  std::uint64_t untracked = 0;  ///< of the kernel's, of processes that are not tracked
  std::uint64_t wanted = 0;
  std::vector<EventCount> events{};  ///< of the kernel's, what happened most often
  std::uint64_t event_count = 0;     ///< how many different ones happened ...
  std::uint64_t watched_events = 0;  ///< ... of how many
};

/// What became of a rule of the kernel's.
struct KernelRule {
  std::string channel{};
  std::size_t rule = 0;               ///< of the channel's in `Findings::session`
  std::vector<std::string> events{};  ///< of this kernel that are recorded for it; a few
  std::uint64_t event_count = 0;
  std::uint64_t missed = 0;  ///< because the CPU was recording for it already
};

/// What a session's rules met: why its trace is empty, or emptier than expected.
struct Findings {
  Session session{};
  std::optional<Statistics> statistics{};  ///< none if it never started
  std::uint64_t programs = 0;              ///< that it is about and that came while it was started
  std::uint64_t other_programs = 0;        ///< that its inclusion sets leave out
  std::uint64_t refused_programs = 0;      ///< that the daemon could not take
  std::string last_refusal{};
  std::vector<SeenEvent> events{};         ///< that those programs have, by name
  std::uint64_t events_matched = 0;        ///< of these, wanted by a rule
  std::vector<std::string> below_level{};  ///< a rule has their name, but not their level; a few
  std::vector<std::string> excluded{};     ///< a few
  std::vector<UnmatchedPattern> unmatched{};
  std::vector<FilterProblem> filter_problems{};
  LeftOut left_out{};
  std::string warning{};
  std::vector<KernelRule> kernel_rules{};             ///< of those that are enabled
  std::optional<std::chrono::nanoseconds> watched{};  ///< how long rules were watched, if they were
  std::vector<RuleCount> counts{};                    ///< of those that are enabled
};

struct FieldDescription {
  std::string name{}, type{};
};

struct EventDescription {
  std::string name{};  ///< "provider:name"
  std::uint8_t level = 0;
  std::string source{};  ///< "file:line"
  std::vector<FieldDescription> fields{};
};

/// A program that has tracepoints and runs now.
struct Program {
  std::int32_t pid = 0;
  std::uint32_t uid = 0;
  std::string name{};
  std::vector<EventDescription> events{};
};

struct DaemonInfo {
  std::string version{};
  std::uint32_t pid = 0;
  std::string clock{};  ///< "tsc" or "monotonic"
  std::uint64_t programs = 0, refused_programs = 0;
  std::string last_refusal{};
};

/// Whether an answer comes when all is done, or at once.
enum class Wait : std::uint8_t { kUntilComplete, kNo };

/// A connection to the daemon that serves the calling user: root's, if the user is in its group (`Options::group`) and it runs; else
/// the user's own.
///
/// Threads:  one at a time; several clients of a process know nothing of each other.
/// Errors:   of every request: kTimeout; kSystem  the daemon went away; kNotFound  there is none. After these the next
///           request connects anew. The others are the daemon's refusals.
/// Lifetime: what it returns is the caller's.
class SILLAGE_CONTROL_API Client {
 public:
  struct Options {
    std::string socket_path{};  ///< of control.sock; "": of the daemon that serves this user
    bool starts_daemon = true;  ///< starts `sillaged` if none runs; with `socket_path`: never
    /// Of each request. Stopping or destroying a session waits for the disk.
    std::chrono::milliseconds deadline{600'000};
    std::string group = "tracing";  ///< whose members root's daemon serves
  };

  /// Errors: kNotFound    no daemon runs, and none can be started.
  ///         kPermission  it is not for this user.
  ///         kTimeout     one was started and does not come up.
  [[nodiscard]] static Result<Client> connect(Options options);
  [[nodiscard]] static Result<Client> connect() { return connect(Options()); }
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  ~Client();

  [[nodiscard]] std::chrono::milliseconds deadline() const;
  void change_deadline(std::chrono::milliseconds deadline);

  [[nodiscard]] Result<DaemonInfo> daemon();
  /// Programs that are registered now; their events once by name.
  [[nodiscard]] Result<std::vector<Program>> programs(bool with_fields = false);
  /// All sessions, by name.
  [[nodiscard]] Result<std::vector<Session>> sessions();
  [[nodiscard]] Result<Session> session(const std::string& name);

  [[nodiscard]] Result<Session> create(const SessionOptions& options);
  /// Without waiting nothing is known of what was recorded.
  [[nodiscard]] Result<Destroyed> destroy(const std::string& session,
                                          Wait wait = Wait::kUntilComplete);
  [[nodiscard]] Result<LeftOut> start(const std::string& session);
  /// Without waiting nothing is known of what was recorded.
  [[nodiscard]] Result<Stopped> stop(const std::string& session, Wait wait = Wait::kUntilComplete);

  /// Makes a channel, or enables the one that is there, whose options stay as they were. Returns it.
  ///
  /// Errors: kAlreadyExists  it is there and enabled.
  [[nodiscard]] Result<Channel> enable_channel(const std::string& session, Domain domain,
                                               const ChannelOptions& options);
  [[nodiscard]] Status disable_channel(const std::string& session, Domain domain,
                                       const std::string& channel);

  /// Adds a rule to a channel, or enables the same one that is there. Without a channel's name it goes to channel0,
  /// which is made if the domain has no channel.
  ///
  /// Errors: kAlreadyExists  it is there and enabled.
  [[nodiscard]] Result<Enabled> enable_rule(const std::string& session, const Rule& rule,
                                            const std::optional<std::string>& channel = {});
  /// Disables rules; they stay, and can be enabled again. Returns how many.
  [[nodiscard]] Result<std::uint64_t> disable_rules(const std::string& session,
                                                    const RuleSelection& which);
  /// Forgets rules. Returns how many.
  [[nodiscard]] Result<std::uint64_t> remove_rules(const std::string& session,
                                                   const RuleSelection& which);
  /// Adds a context, such as "vtid", to a channel, or to all of the domain.
  [[nodiscard]] Status add_context(const std::string& session, Domain domain,
                                   const std::string& context,
                                   const std::optional<std::string>& channel = {});

  /// Adds a value to an inclusion set; from all, that leaves the one value.
  [[nodiscard]] Status track(const std::string& session, Domain domain, Attribute attribute,
                             const AttributeValue& value);
  [[nodiscard]] Status track_all(const std::string& session, Domain domain, Attribute attribute);
  [[nodiscard]] Status untrack(const std::string& session, Domain domain, Attribute attribute,
                               const AttributeValue& value);
  [[nodiscard]] Status untrack_all(const std::string& session, Domain domain, Attribute attribute);

  [[nodiscard]] Result<Snapshot> record_snapshot(const std::string& session,
                                                 const SnapshotRequest& request = {});
  /// Returns it with the number that it was given.
  [[nodiscard]] Result<SnapshotOutput> add_snapshot_output(const std::string& session,
                                                           const SnapshotOutput& output);
  /// By name or number. Returns it as it was.
  [[nodiscard]] Result<SnapshotOutput> remove_snapshot_output(const std::string& session,
                                                              const std::string& output);

  /// Archives what was recorded until now. Returns the path of the archive.
  [[nodiscard]] Result<std::string> rotate(const std::string& session,
                                           Wait wait = Wait::kUntilComplete);
  /// Rotates from now on by itself: of both, the one that a chunk meets first.
  [[nodiscard]] Status schedule_rotation(const std::string& session,
                                         const RotationSchedule& schedule);
  /// What is there of `which` is rotated by no more; the numbers in it do not matter.
  [[nodiscard]] Status cancel_rotation(const std::string& session, const RotationSchedule& which);
  /// Forgets what was recorded until now, but for archives and snapshots.
  [[nodiscard]] Status clear(const std::string& session);
  /// Gives memory of a channel of programs back to the system: of sub-buffers that were read and ended so long ago. Returns how
  /// many bytes. Two sub-buffers of each stream keep theirs; channels in overwrite mode all.
  [[nodiscard]] Result<std::uint64_t> reclaim_memory(const std::string& session,
                                                     const std::string& channel,
                                                     std::chrono::nanoseconds older_than = {});
  [[nodiscard]] Status regenerate_metadata(const std::string& session);
  [[nodiscard]] Status regenerate_state_dump(const std::string& session);

  /// Writes a session, as it is now, into a file of LTTng's XML; what is there is replaced.
  [[nodiscard]] Status save(const std::string& session, const std::string& file);
  /// Makes the sessions of such a file, and starts those that were started when it was written. Returns them.
  ///
  /// With `replaces`, sessions of their names are destroyed before. Those made before one that fails stay.
  ///
  /// Errors: kInvalidArgument, kUnsupported  "FILE:LINE: why".
  [[nodiscard]] Result<std::vector<Session>> load(const std::string& file, bool replaces = false);

  /// With `watch`, which is added to the deadline, also counts what each rule meets meanwhile: up to 300 s; of programs' events for
  /// the first 32 rules. The session need not be started.
  ///
  /// Errors: kInvalidArgument  it is longer, or negative.
  [[nodiscard]] Result<Findings> why_empty(const std::string& session,
                                           std::chrono::milliseconds watch = {});

 private:
  struct Connection;
  explicit Client(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace sillage::control
