// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/units.hpp"
#include "kernel/attach.hpp"
#include "kernel/btf.hpp"
#include "kernel/pins.hpp"
#include "kernel/program_builder.hpp"
#include "kernel/program_plan.hpp"
#include "kernel/syscall_dispatch.hpp"
#include "kernel/syscall_plan.hpp"
#include "ring/kernel_geometry.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace sillage::kernel {

/// Which of a channel's pins are to go on, and how: said beside them (in one step), so that a change of many programs is one.
struct PinnedPrograms {
  struct Call {
    SyscallPlace place;
    std::optional<std::uint64_t> program;  ///< by its number; none: the place is to be empty
  };
  std::vector<std::uint64_t> events;      ///< numbers of programs, but those of system calls
  std::vector<std::uint8_t> event_turns;  ///< by the event's id
  std::vector<Call> calls;                ///< that may not be in their places yet
};

/// The programs of one channel and what they share: maps, one program an event, links.
///
/// Programs are loaded by add_event(), which takes milliseconds, and run between start() and stop(), which are
/// quick.
///
/// Lifetime: with the object everything goes: pins, links, programs, and the maps that nobody else holds. Killed, the
///           process leaves what it has pinned; adopt() takes that over.
/// Threads:  one at a time.
class KernelChannel {
 public:
  /// Makes the maps. `contexts` stand in front of every payload. What `excluded_process`, the one that reads the
  /// ring, causes itself is not recorded; 0 = nothing is excluded. `reader_bytes`: of memory for who reads the ring, which goes
  /// where that goes; 0 = none. With `may_change` or a `predecessor`, whose events it is to record instead, nothing is recorded
  /// until take_turn(); `may_change`: replace() may be called while it is started.
  ///
  /// Errors: those of the maps.
  [[nodiscard]] static Result<std::unique_ptr<KernelChannel>> create(
      const ring::KernelRingGeometry& geometry, std::vector<FieldPlan> contexts,
      const PointerCasts& casts, std::uint32_t excluded_process, std::uint64_t reader_bytes = 0,
      const KernelChannel* predecessor = nullptr, bool may_change = false);

  /// Makes one without a ring, which records nothing: its programs count. Events have ids below `events`, and
  /// `questions` filters at most in EventPlan::counted.
  ///
  /// Errors: those of the maps.
  [[nodiscard]] static Result<std::unique_ptr<KernelChannel>> create_counter(
      std::uint32_t events, std::uint32_t questions, const PointerCasts& casts,
      std::uint32_t cpu_count, std::uint32_t excluded_process);

  /// Takes over what an earlier process pinned, running, and completes the change that it was in the middle of. No events can be
  /// added. `programs`: what of it goes on; null: all of it. `has_turn`: it has no successor.
  ///
  /// Errors: kNotFound  it is not all there.
  [[nodiscard]] static Result<std::unique_ptr<KernelChannel>> adopt(PinDirectory pins,
                                                                    std::uint32_t excluded_process,
                                                                    const PinnedPrograms* programs,
                                                                    bool has_turn);

  ~KernelChannel();
  KernelChannel(const KernelChannel&) = delete;
  KernelChannel& operator=(const KernelChannel&) = delete;

  /// The map of the ring, for ring::KernelRing; a duplicate.
  [[nodiscard]] Result<Fd> ring_fd() const { return duplicate(target_.ring.ring_fd); }
  /// What becomes readable when a program begins a sub-buffer of an armed stream; a duplicate.
  [[nodiscard]] Result<Fd> wakeup_fd() const { return duplicate(target_.ring.wakeup_fd); }

  /// The reader's memory; a duplicate.
  [[nodiscard]] Result<Fd> reader_fd() const { return duplicate(reader_.value()); }

  /// Loads the program of an event, whose records get that id.
  ///
  /// Errors: kUnsupported  the kernel refuses it, with its reason; the event is left out.
  [[nodiscard]] Status add_event(const EventPlan& plan, EventId id, const Btf* btf);

  /// Loads the program of a system call, whose records get that id; from the next start() on it takes the place of
  /// the one that was there. Only calls that have one cost more than a look at their number.
  ///
  /// Errors: kUnsupported  the kernel refuses it, with its reason; the event is left out.
  [[nodiscard]] Status add_syscall(const SyscallEvent& event, EventId id, const Btf& btf);

  /// The number of the next program that is loaded; those loaded so far have smaller ones.
  [[nodiscard]] std::uint64_t next_program() const { return next_program_; }
  /// Forgets programs numbered `first` and above, which do not record yet.
  void forget_programs(std::uint64_t first);

  /// Attaches what was loaded since start(); it records from settle() on.
  [[nodiscard]] Status attach_new();
  /// Decides what goes: of these events and system calls, the programs numbered below `before`. They run until settle().
  void replace(const std::vector<EventId>& events, const std::vector<SyscallPlace>& calls,
               std::uint64_t before);
  /// What was loaded records, what goes does not any more. An event has one of two programs at any time; one that
  /// happens on another CPU in this moment may be recorded by both, unless it is a system call.
  ///
  /// Cost: some us a system call; detaching.
  [[nodiscard]] Status settle();

  /// Loads the program of an iterator and gives its link, for run_iterator().
  ///
  /// Errors: kUnsupported  the kernel refuses it, with its reason.
  [[nodiscard]] Result<Fd> make_iterator(const IteratorPlan& plan) const;

  /// Loads the program of write_record(), which does so itself if need be.
  ///
  /// Cost:   some ms, once.
  /// Errors: kUnsupported  the kernel has no programs that user space runs (Linux 5.14).
  [[nodiscard]] Status prepare_writer();
  /// Writes a record now, with the channel's contexts as they are in this thread.
  ///
  /// Cost:   2 us.
  /// Errors: kLimit  more than ProgramBuilder::kMaxInputBytes.
  [[nodiscard]] Status write_record(EventId id, std::span<const std::byte> payload);

  /// Attaches every program that is loaded and not attached. On an error those before it stay attached.
  [[nodiscard]] Status start();
  /// Pins all that is needed to go on without this process: what is attached, the ring, and what is to be put into its place by
  /// settle().
  ///
  /// Cost:   some 10 us an event.
  /// Errors: those of PinDirectory.
  [[nodiscard]] Status pin(PinDirectory pins);
  [[nodiscard]] bool is_pinned() const { return pins_.has_value(); }
  /// The same, of what is not pinned yet.
  [[nodiscard]] Status pin_new();
  /// What adopt() is to be told of the pins: as it is now, or will be behind settle(). None if an earlier version pinned them.
  [[nodiscard]] std::optional<PinnedPrograms> pinned_programs() const;
  /// Removes the pins, if there are any.
  void unpin();
  /// Whether it has a predecessor whose events end when its own begin. Else, as that was made by an earlier version, they are
  /// not to run both at once.
  [[nodiscard]] bool shares_turn() const { return target_.turn != 0; }
  /// From now on its programs record, and no more those of its predecessor, attached or not.
  [[nodiscard]] Status take_turn();
  /// Detaches all programs. Programs under way on other CPUs end within microseconds.
  void stop();

  /// Events that were missed because their program ran already on that CPU.
  [[nodiscard]] std::uint64_t recursion_misses() const;
  /// Of one event that is no system call, by the programs that it has now.
  [[nodiscard]] std::uint64_t recursion_misses(EventId id) const;
  /// What programs of create_counter() have counted.
  struct Tallies {
    std::uint32_t count = 0;  ///< of each event
    std::vector<std::uint64_t> all{};
    /// How often it happened, then how often each of EventPlan::counted wanted it.
    [[nodiscard]] std::span<const std::uint64_t> of(EventId id) const {
      return std::span(all).subspan(std::size_t{count} * id.value, count);
    }
  };
  [[nodiscard]] Result<Tallies> tallies() const;

  /// How many programs of events there are, attached or not.
  [[nodiscard]] std::size_t event_count() const;

 private:
  struct LoadedEvent {
    AttachPlan attach;
    Fd program;
    Attachment attachment;
    EventId id;
    std::uint64_t number = 0;
    std::uint8_t turn = 0;  // of the event
    bool is_old = false;    // goes with the next settle()
    bool is_pinned = false;
  };
  /// A system call's program until start().
  struct LoadedSyscall {
    SyscallPlace place;
    Fd program;
    std::vector<bpf_insn> gate;
    std::uint64_t number = 0;
  };
  [[nodiscard]] static std::string link_pin(const LoadedEvent& event);
  /// A link of an earlier process, with the program behind it.
  struct AdoptedLink {
    Fd link, program;
    bool is_slow = false;  // of a perf event
  };

  explicit KernelChannel(ProgramTarget target) : target_(std::move(target)) {
    target_.sets = sets_.get();
  }
  [[nodiscard]] static Result<Fd> duplicate(int fd);
  /// What all programs need that look at events.
  [[nodiscard]] Status make_maps(const PointerCasts& casts, std::uint32_t cpu_count,
                                 std::uint32_t excluded_process);
  [[nodiscard]] Result<Fd> load(const EventPlan& plan, EventId id, const Btf* btf,
                                std::optional<std::uint8_t> event_turn) const;
  [[nodiscard]] Status adopt_links(const PinnedPrograms* programs);
  [[nodiscard]] Status put_calls();
  void drop_old();
  void detach_adopted();

  Fd ring_, wakeup_, scratch_, addresses_, excluded_, reader_, turn_, tally_;
  Fd event_turns_map_;
  std::vector<std::uint8_t> event_turns_;  // what it has, or will have behind settle()
  Fd writer_;                              // once there is a record of user space's
  std::unique_ptr<SetMaps> sets_ = std::make_unique<SetMaps>();
  std::uint32_t tally_events_ = 0;
  ProgramTarget target_;
  std::vector<LoadedEvent> events_;
  std::unique_ptr<SyscallDispatch> syscalls_;  // once there is one
  std::vector<LoadedSyscall> new_syscalls_;
  std::set<SyscallPlace> syscall_places_;  // that have a program
  std::vector<SyscallPlace> old_calls_;    // that have none behind settle()
  bool is_attached_ = false;
  std::uint64_t next_program_ = 0;
  std::uint64_t removed_misses_ = 0;  // of programs that are gone
  std::optional<PinDirectory> pins_;  // once there are any
  std::vector<AdoptedLink> adopted_;  // instead of events_ and syscalls_
  std::optional<PinnedPrograms> adopted_programs_;
  bool is_adopted_ = false;
  std::vector<Fd> tables_;  // adopted, too
};

}  // namespace sillage::kernel
