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
  /// where that goes; 0 = none. With a `predecessor`, whose events it is to record instead, nothing is recorded until
  /// take_turn().
  ///
  /// Errors: those of the maps.
  [[nodiscard]] static Result<std::unique_ptr<KernelChannel>> create(
      const ring::KernelRingGeometry& geometry, std::vector<FieldPlan> contexts,
      const PointerCasts& casts, std::uint32_t excluded_process, std::uint64_t reader_bytes = 0,
      const KernelChannel* predecessor = nullptr);

  /// Makes one without a ring, which records nothing: its programs count. Events have ids below `events`, and
  /// `questions` filters at most in EventPlan::counted.
  ///
  /// Errors: those of the maps.
  [[nodiscard]] static Result<std::unique_ptr<KernelChannel>> create_counter(
      std::uint32_t events, std::uint32_t questions, const PointerCasts& casts,
      std::uint32_t cpu_count, std::uint32_t excluded_process);

  /// Takes over what an earlier process pinned, running. No events can be added.
  ///
  /// Errors: kNotFound  it is not all there.
  [[nodiscard]] static Result<std::unique_ptr<KernelChannel>> adopt(PinDirectory pins,
                                                                    std::uint32_t excluded_process);

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
  /// Detaches and forgets the programs of an event that are numbered below `before`.
  void remove_event(EventId id, std::uint64_t before);
  /// The same for the program of a system call.
  void remove_syscall(const SyscallPlace& place, std::uint64_t before);
  /// Forgets programs numbered `first` and above, none of which may have been attached.
  void forget_programs(std::uint64_t first);

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
  /// Pins all that is needed to go on without this process; between start() and stop().
  ///
  /// Cost:   some 10 us an event.
  /// Errors: those of PinDirectory.
  [[nodiscard]] Status pin(PinDirectory pins);
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
  };
  /// A system call's program until start().
  struct LoadedSyscall {
    SyscallPlace place;
    Fd program;
    std::vector<bpf_insn> gate;
    std::uint64_t number = 0;
  };
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
  [[nodiscard]] Result<Fd> load(const EventPlan& plan, EventId id, const Btf* btf) const;

  void detach_adopted();

  Fd ring_, wakeup_, scratch_, addresses_, excluded_, reader_, turn_, tally_;
  Fd writer_;  // once there is a record of user space's
  std::unique_ptr<SetMaps> sets_ = std::make_unique<SetMaps>();
  std::uint32_t tally_events_ = 0;
  ProgramTarget target_;
  std::vector<LoadedEvent> events_;
  std::unique_ptr<SyscallDispatch> syscalls_;  // once there is one
  std::vector<LoadedSyscall> new_syscalls_;
  std::set<SyscallPlace> syscall_places_;  // that have a program
  std::uint64_t next_program_ = 0;
  std::uint64_t removed_misses_ = 0;  // of programs that are gone
  std::optional<PinDirectory> pins_;  // once there are any
  std::vector<AdoptedLink> adopted_;  // instead of events_ and syscalls_
  std::vector<Fd> tables_;            // adopted, too
};

}  // namespace sillage::kernel
