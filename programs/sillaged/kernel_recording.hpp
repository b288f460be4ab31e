// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "collect/collector.hpp"
#include "kernel/kernel_channel.hpp"
#include "kernel/perf_counters.hpp"
#include "kernel/probe_plan.hpp"
#include "kernel/state_dump.hpp"
#include "kernel/tracer.hpp"
#include "session/kernel_channel.hpp"
#include "sillaged/kernel_filters.hpp"
#include "sillaged/load_progress.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::daemon {

/// One kernel channel of a recording: the programs that feed it, and its place in the trace.
///
/// Threads: one at a time.
class KernelRecording {
 public:
  /// Loads the programs of what the channel's rules want; nothing runs yet.
  ///
  /// Cost:   some 3 ms an event.
  /// Errors: kNotFound  a rule that names what there is not; a context that cannot be recorded;
  ///         what keeps any program from being loaded: permissions, kernel options;
  ///         kNotReady  `progress` says that nobody wants it any more.
  /// `file_name`: of the channel's files. `predecessor`: whose events it is to record from take_over() on; may be null.
  [[nodiscard]] static Result<std::unique_ptr<KernelRecording>> create(
      const session::KernelChannel& wanted, const std::string& file_name,
      const kernel::Tracer& tracer, collect::Collector& collector, collect::TraceId trace,
      LoadProgress& progress, const KernelRecording* predecessor = nullptr);
  /// One that records nothing: its programs count what becomes of the events that the channel's rules want, while it is started.
  ///
  /// Cost:   some 3 ms an event; then some 10 ns whenever one happens.
  /// Errors: those of create().
  [[nodiscard]] static Result<std::unique_ptr<KernelRecording>> create_counter(
      const session::KernelChannel& wanted, const kernel::Tracer& tracer, LoadProgress& progress);
  /// Attaches its programs, which record from take_turn() on, if it shares_turn().
  [[nodiscard]] Status attach();
  /// From now on its events are recorded, and no more those of its predecessor.
  [[nodiscard]] Status take_turn() { return programs_->take_turn(); }
  /// Whether its predecessor, if it has one, is one that it can take the turn from: not of an earlier version.
  [[nodiscard]] bool shares_turn() const { return programs_->shares_turn(); }

  /// Goes on with a channel whose programs and ring an earlier daemon has pinned. `nested_lost`: what its programs had
  /// missed when they were detached, if they were. `programs`, `has_turn`: as KernelChannel::adopt() has them.
  ///
  /// Errors: kNotFound  not all of it is there; those of the ring and of the trace's files.
  [[nodiscard]] static Result<std::unique_ptr<KernelRecording>> adopt(
      const session::KernelChannel& wanted, const std::string& file_name, const std::string& pins,
      const kernel::PinnedPrograms* programs, bool has_turn, std::uint64_t nested_lost,
      collect::Collector& collector, collect::TraceId trace);

  /// Has all ready to record what the rules of `wanted` want instead, in its running state; nothing is recorded otherwise before
  /// settle(). Events for which nothing changes are not touched. accept() or give_up() has to follow.
  ///
  /// Errors: those of create(); given up then.
  [[nodiscard]] Status prepare(const session::KernelChannel& wanted, const kernel::Tracer& tracer,
                               LoadProgress& progress);
  void give_up();
  /// From now on pinned_programs() is about what will be.
  void accept();
  /// Does it: KernelChannel::settle().
  [[nodiscard]] Status settle() { return programs_->settle(); }

  /// Pins all that adopt() needs and that is not pinned yet.
  ///
  /// Errors: those of kernel::PinDirectory.
  [[nodiscard]] Status pin(const std::string& pins);
  [[nodiscard]] std::optional<kernel::PinnedPrograms> pinned_programs() const {
    return programs_->pinned_programs();
  }
  /// Takes the pins away.
  void unpin() { programs_->unpin(); }
  /// Whether rules and contexts name what this kernel or a program has, filters can be read and a ring can have
  /// these sizes.
  ///
  /// Errors: kNotFound, kInvalidArgument, with a suggestion or a column.
  [[nodiscard]] static Status check(const session::KernelChannel& wanted,
                                    const kernel::Tracer& tracer);

  /// Attaches the programs and, if that is wanted, records the kernel's state as it is then.
  [[nodiscard]] Status start();
  /// Detaches the programs and tells the collector what they missed.
  void stop();
  /// Tells the collector what the programs have missed until now, and returns it.
  std::uint64_t report_nested();

  /// Its place in the trace.
  [[nodiscard]] collect::ChannelId channel() const { return channel_; }
  /// Records the kernel's state as it is now; false if the channel is one without.
  [[nodiscard]] Result<bool> dump_state();
  /// Records a text as LTTng's event of texts, if a rule wants that.
  [[nodiscard]] Status log(std::string_view text);

  /// What became of a rule.
  struct RuleReport {
    std::vector<std::string> events;  ///< that are recorded for it
    std::uint64_t missed = 0;  ///< by their programs, but for system calls', as they ran already
  };
  /// Of the channel's rules, in their order; none if an earlier daemon loaded the programs.
  [[nodiscard]] std::vector<RuleReport> rule_reports() const;

  /// What a rule met.
  struct RuleCount {
    struct Event {
      std::string name;
      std::uint64_t happened = 0, wanted = 0;
    };
    std::vector<Event> events{};  ///< those that it names and that its filter can want
    std::uint64_t happened = 0;   ///< of all of them
    std::uint64_t untracked = 0;  ///< of these, by processes that are not tracked
    std::uint64_t wanted = 0;     ///< of the others, as its filter has it
  };
  /// Of create_counter(): of the channel's rules, in their order.
  [[nodiscard]] Result<std::vector<RuleCount>> rule_counts() const;

  [[nodiscard]] std::size_t event_count() const {
    return programs_->event_count() + (takes_texts_ ? 1 : 0);
  }
  /// "EVENT: why" for those that rules want and this kernel does not let be recorded.
  [[nodiscard]] const std::vector<std::string>& left_out() const { return left_out_; }

 private:
  /// nullptr: it only counts.
  explicit KernelRecording(collect::Collector* collector) : collector_(collector) {}
  /// An event that rules wanted once: its id is its own for ever.
  struct Event {
    std::string name;
    std::optional<EventId> id;
    std::optional<kernel::SyscallPlace> place;  // of a system call
    std::vector<session::KernelRule> rules;     // that its programs carry out
    std::vector<bool> can_match;                // each of these, if they are counted
    bool is_loaded = false;
    std::uint64_t wanted = 0;  // the last change() that wanted it
  };
  /// What a change() loads, until it is known to succeed.
  struct Staged {
    Event* event = nullptr;
    std::vector<session::KernelRule> rules;
  };
  /// What of this kernel the rules of a channel are about.
  struct Matches {
    kernel::SystemCalls all_calls;  // none if no rule is about them
    std::vector<const kernel::KernelTracepoint*> tracepoints;
    std::vector<const kernel::SystemCall*> calls;  // of all_calls
  };
  /// Errors: kNotFound  a rule that is about nothing.
  [[nodiscard]] static Result<Matches> find_matches(const session::KernelChannel& wanted,
                                                    const kernel::Tracer& tracer);
  /// How many events there may come to be.
  [[nodiscard]] static std::size_t most_events(const session::KernelChannel& wanted,
                                               const Matches& matches);
  [[nodiscard]] Status prepare(const session::KernelChannel& wanted, const Matches& matches,
                               const kernel::Tracer& tracer, LoadProgress& progress);
  [[nodiscard]] Status open(const session::KernelChannel& wanted, const std::string& file_name,
                            const kernel::Tracer& tracer, collect::TraceId trace,
                            LoadProgress& progress, const KernelRecording* predecessor);
  [[nodiscard]] Status load(const session::KernelChannel& wanted, const Matches& matches,
                            const kernel::Tracer& tracer, LoadProgress& progress);
  /// Has the event's program do what the rules want. False: they cannot want it.
  [[nodiscard]] Result<bool> apply(const std::vector<const session::KernelRule*>& rules,
                                   const kernel::Tracer& tracer, kernel::EventPlan* plan);
  /// Whether the event is loaded with these rules; if not, it is to be loaded and stage()d.
  [[nodiscard]] bool is_as_wanted(const std::string& key,
                                  const std::vector<const session::KernelRule*>& rules);
  [[nodiscard]] EventId id_of(const std::string& key);
  /// Declares the event if it is new, and has it kept.
  [[nodiscard]] Status stage(const std::string& key, const kernel::EventPlan& plan,
                             const std::vector<const session::KernelRule*>& rules);
  [[nodiscard]] Status add_contexts(const session::KernelChannel& wanted,
                                    const kernel::Tracer& tracer, std::uint32_t cpu_count,
                                    std::vector<kernel::FieldPlan>* plans,
                                    ctf::FieldClassRef* field_class);
  [[nodiscard]] Status add_tracepoints(
      const session::KernelChannel& wanted,
      const std::vector<const kernel::KernelTracepoint*>& tracepoints, const kernel::Tracer& tracer,
      LoadProgress& progress);
  /// Functions and probes.
  [[nodiscard]] Status add_places(const session::KernelChannel& wanted,
                                  const kernel::Tracer& tracer, LoadProgress& progress);
  [[nodiscard]] Status add_events(const session::KernelRule& rule,
                                  const std::vector<kernel::PlacedEvent>& events,
                                  const kernel::Tracer& tracer);
  [[nodiscard]] Status add_place(const session::KernelRule& rule, kernel::PlacedEvent event,
                                 const kernel::Tracer& tracer);
  /// Entry and exit of the system calls that rules want; of those without a number, too, where all are wanted.
  [[nodiscard]] Status add_syscalls(const session::KernelChannel& wanted, const Matches& matches,
                                    const kernel::Tracer& tracer, LoadProgress& progress);
  [[nodiscard]] Status add_syscall(kernel::SyscallEvent event,
                                   const std::vector<const session::KernelRule*>& rules,
                                   const kernel::Tracer& tracer);
  /// The event of texts, which user space writes.
  [[nodiscard]] Status add_logger(const session::KernelChannel& wanted);
  [[nodiscard]] Status add_state_dump(const session::KernelChannel& wanted,
                                      const kernel::Tracer& tracer);
  /// Declares an event under the next id.
  [[nodiscard]] Result<EventId> declare(const std::string& name, ctf::FieldClassRef payload);
  /// Notes an event that cannot be recorded; an error only if that is so for all.
  [[nodiscard]] Status leave_out(const std::string& name, Error why);
  [[nodiscard]] Status add_event(std::vector<kernel::EventPlan> plans,
                                 const std::vector<const session::KernelRule*>& rules,
                                 const kernel::Tracer& tracer);

  collect::Collector* const collector_;
  collect::ChannelId channel_;
  std::vector<kernel::PerfCounter> counters_;  // of contexts
  std::unique_ptr<kernel::KernelChannel> programs_;
  std::optional<kernel::StateDump> dump_;  // if it is wanted
  std::optional<EventId> logger_id_;       // once it was wanted
  bool wants_texts_ = false, takes_texts_ = false;
  std::uint32_t next_id_ = 0;
  std::unique_ptr<session::KernelChannel> wanted_;  // filters_ point into it
  std::map<std::string, Event> events_;             // by kind and name
  std::vector<Staged> staged_;
  std::uint64_t changes_ = 0;
  std::uint64_t first_program_ = 0;  // of this change
  std::uint64_t missed_before_ = 0;  // by programs that are gone
  bool is_running_ = false;
  KernelFilters filters_;
  std::vector<std::string> left_out_;
  /// As it was before prepare().
  struct Before {
    std::unique_ptr<session::KernelChannel> wanted;
    KernelFilters filters;
    std::vector<std::string> left_out;
  };
  Before before_;
};

}  // namespace sillage::daemon
