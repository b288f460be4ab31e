// SPDX-License-Identifier: MIT
#include "kernel/kernel_channel.hpp"

#include "bpf/program.hpp"
#include "kernel/maps.hpp"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>

namespace sillage::kernel {
namespace {

// Names of pins; SyscallDispatch's begin with the last two.
constexpr char kRingPin[] = "ring", kWakeupPin[] = "wakeup", kExcludedPin[] = "excluded";
constexpr char kReaderPin[] = "reader", kTurnPrefix[] = "turn_";
constexpr char kEventTurnsPin[] = "event_turns", kCallPrefix[] = "call_";
constexpr char kSlowPrefix[] = "slow_", kLinkPrefix[] = "link_", kTablePrefix[] = "table_";
// Of a channel that may change; there are some 4,000, with all system calls.
constexpr std::uint32_t kMaxEventTurns = 32768;
// How long the kernel's threads may take to detach what they have been left.
constexpr int kDetachTries = 3000;
constexpr timespec kDetachPause{0, 10'000'000};

bpf::ProgramOptions program_options(const EventPlan& plan) {
  bpf::ProgramOptions options;
  options.name = plan.name;
  options.attach_btf_id = plan.attach.target.id;
  switch (plan.attach.kind) {
    case AttachPlan::Kind::kTypedTracepoint: break;
    case AttachPlan::Kind::kFunctionEntry: options.attach_type = BPF_TRACE_FENTRY; break;
    case AttachPlan::Kind::kFunctionExit: options.attach_type = BPF_TRACE_FEXIT; break;
    case AttachPlan::Kind::kIterator: options.attach_type = BPF_TRACE_ITER; break;
    case AttachPlan::Kind::kRawTracepoint:
    case AttachPlan::Kind::kTracepoint:
    case AttachPlan::Kind::kProbe:
      options.type = plan.attach.kind == AttachPlan::Kind::kRawTracepoint
                         ? BPF_PROG_TYPE_RAW_TRACEPOINT
                     : plan.attach.kind == AttachPlan::Kind::kTracepoint ? BPF_PROG_TYPE_TRACEPOINT
                                                                         : BPF_PROG_TYPE_KPROBE;
      options.attach_type = {};
      options.attach_btf_id = 0;
      break;
  }
  return options;
}

// Never 0, which is nobody's.
std::uint8_t turn_behind(std::uint8_t turn) {
  return turn == UINT8_MAX ? 1 : static_cast<std::uint8_t>(turn + 1);
}

// Of names as pin() gives them; none of a link that does not belong to an event.
std::optional<std::uint64_t> number_behind(const std::string& name, std::string_view prefix) {
  std::uint64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + prefix.size(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

Result<Attachment> attach(const AttachPlan& plan, int program_fd) {
  switch (plan.kind) {
    case AttachPlan::Kind::kRawTracepoint: return attach_raw_tracepoint(program_fd, plan.name);
    case AttachPlan::Kind::kTracepoint:
      return attach_tracepoint(program_fd, plan.event_id, "the tracepoint " + plan.name);
    case AttachPlan::Kind::kProbe: return attach_probe(program_fd, plan.place);
    case AttachPlan::Kind::kTypedTracepoint:
    case AttachPlan::Kind::kFunctionEntry:
    case AttachPlan::Kind::kFunctionExit:
    case AttachPlan::Kind::kIterator: break;
  }
  return attach_tracing(program_fd, plan.name);
}

}  // namespace

Result<std::unique_ptr<KernelChannel>> KernelChannel::create(
    const ring::KernelRingGeometry& geometry, std::vector<FieldPlan> contexts,
    const PointerCasts& casts, std::uint32_t excluded_process, std::uint64_t reader_bytes,
    const KernelChannel* predecessor, bool may_change) {
  auto ring = create_ring_map(geometry.stride, geometry.cpu_count);
  if (!ring) return tl::unexpected(std::move(ring).error());
  auto wakeup = create_wakeup_map();
  if (!wakeup) return tl::unexpected(std::move(wakeup).error());
  ProgramTarget target;
  target.ring = {ring->value(), wakeup->value(), geometry};
  target.contexts = std::move(contexts);
  Fd reader;
  if (reader_bytes != 0) {
    auto map = create_reader_map(reader_bytes);
    if (!map) return tl::unexpected(std::move(map).error());
    reader = std::move(*map);
  }
  const bool follows = predecessor != nullptr && predecessor->turn_;
  auto turn = follows ? duplicate(predecessor->turn_.value()) : create_number_map(0);
  if (!turn) return tl::unexpected(std::move(turn).error());
  target.turn_fd = turn->value();
  if (follows) {
    target.turn = predecessor->target_.turn + 1;
  } else if (may_change && predecessor == nullptr) {
    target.turn = 1;
  }
  Fd event_turns;
  if (may_change) {
    auto map = create_flags_map(kMaxEventTurns);
    if (!map) return tl::unexpected(std::move(map).error());
    event_turns = std::move(*map);
    target.event_turns_fd = event_turns.value();
  }
  std::unique_ptr<KernelChannel> channel(new KernelChannel(std::move(target)));
  channel->turn_ = std::move(*turn);
  channel->ring_ = std::move(*ring);
  channel->wakeup_ = std::move(*wakeup);
  channel->reader_ = std::move(reader);
  if (event_turns) channel->event_turns_.resize(kMaxEventTurns);
  channel->event_turns_map_ = std::move(event_turns);
  SILLAGE_TRY(channel->make_maps(casts, geometry.cpu_count, excluded_process));
  return channel;
}

Status KernelChannel::make_maps(const PointerCasts& casts, std::uint32_t cpu_count,
                                std::uint32_t excluded_process) {
  auto scratch = create_scratch_map(cpu_count);
  if (!scratch) return tl::unexpected(std::move(scratch).error());
  scratch_ = std::move(*scratch);
  target_.scratch_fd = scratch_.value();
  target_.current = {casts, -1, cpu_count};
  if (casts.function != 0 && casts.current) {
    auto made = create_address_map(cpu_count);
    if (!made) return tl::unexpected(std::move(made).error());
    addresses_ = std::move(*made);
    target_.current.addresses_fd = addresses_.value();
  }
  if (excluded_process != 0) {
    auto map = create_number_map(excluded_process);
    if (!map) return tl::unexpected(std::move(map).error());
    excluded_ = std::move(*map);
  }
  target_.excluded_fd = excluded_.value();
  return {};
}

Result<std::unique_ptr<KernelChannel>> KernelChannel::create_counter(
    std::uint32_t events, std::uint32_t questions, const PointerCasts& casts,
    std::uint32_t cpu_count, std::uint32_t excluded_process) {
  ProgramTarget target;
  target.tally_count = 1 + questions;
  auto tally = create_tally_map(std::size_t{events} * target.tally_count);
  if (!tally) return tl::unexpected(std::move(tally).error());
  target.tally_fd = tally->value();
  std::unique_ptr<KernelChannel> channel(new KernelChannel(std::move(target)));
  channel->tally_ = std::move(*tally);
  channel->tally_events_ = events;
  SILLAGE_TRY(channel->make_maps(casts, cpu_count, excluded_process));
  return channel;
}

Result<KernelChannel::Tallies> KernelChannel::tallies() const {
  Tallies made{target_.tally_count, {}};
  made.all.resize(std::size_t{tally_events_} * target_.tally_count);
  SILLAGE_TRY(read_tallies(tally_.value(), made.all));
  return made;
}

KernelChannel::~KernelChannel() {
  stop();
  if (pins_) pins_->remove();
}

void KernelChannel::unpin() {
  if (!pins_) return;
  // So that from now on our links are the only ones.
  pins_->unpin_all(kLinkPrefix);
  pins_->unpin_all(kSlowPrefix);
  pins_->remove();
  pins_.reset();
}

Status KernelChannel::pin(PinDirectory pins) {
  pins_ = std::move(pins);
  SILLAGE_TRY(pins_->pin(ring_.value(), kRingPin));
  SILLAGE_TRY(pins_->pin(wakeup_.value(), kWakeupPin));
  if (excluded_) SILLAGE_TRY(pins_->pin(excluded_.value(), kExcludedPin));
  if (reader_) SILLAGE_TRY(pins_->pin(reader_.value(), kReaderPin));
  if (turn_) SILLAGE_TRY(pins_->pin(turn_.value(), kTurnPrefix + std::to_string(target_.turn)));
  if (event_turns_map_) SILLAGE_TRY(pins_->pin(event_turns_map_.value(), kEventTurnsPin));
  return pin_new();
}

std::string KernelChannel::link_pin(const LoadedEvent& event) {
  return std::string(event.attachment.event ? kSlowPrefix : kLinkPrefix) +
         std::to_string(event.number);
}

Status KernelChannel::pin_new() {
  for (LoadedEvent& event : events_) {
    if (!event.attachment.link || event.is_pinned || event.is_old) continue;
    SILLAGE_TRY(pins_->pin(event.attachment.link.value(), link_pin(event)));
    event.is_pinned = true;
  }
  if (!is_attached_) return {};
  for (const LoadedSyscall& loaded : new_syscalls_)
    SILLAGE_TRY(pins_->pin(loaded.program.value(), kCallPrefix + std::to_string(loaded.number)));
  return syscalls_ ? syscalls_->pin(*pins_) : Status();
}

std::optional<PinnedPrograms> KernelChannel::pinned_programs() const {
  if (is_adopted_) return adopted_programs_;
  PinnedPrograms programs;
  for (const LoadedEvent& event : events_)
    if (event.is_pinned && !event.is_old) programs.events.push_back(event.number);
  const auto last = std::find_if(event_turns_.rbegin(), event_turns_.rend(),
                                 [](std::uint8_t turn) { return turn != 0; });
  programs.event_turns.assign(event_turns_.begin(), last.base());
  if (!is_attached_) return programs;
  for (const LoadedSyscall& loaded : new_syscalls_)
    programs.calls.push_back({loaded.place, loaded.number});
  for (const SyscallPlace& place : old_calls_) programs.calls.push_back({place, {}});
  return programs;
}

Result<std::unique_ptr<KernelChannel>> KernelChannel::adopt(PinDirectory pins,
                                                            std::uint32_t excluded_process,
                                                            const PinnedPrograms* programs,
                                                            bool has_turn) {
  std::unique_ptr<KernelChannel> channel(new KernelChannel(ProgramTarget{}));
  channel->is_adopted_ = true;
  for (const auto& [name, fd] :
       {std::pair{kRingPin, &channel->ring_}, std::pair{kWakeupPin, &channel->wakeup_}}) {
    auto opened = pins.open(name);
    if (!opened) return tl::unexpected(std::move(opened).error());
    *fd = std::move(*opened);
  }
  channel->target_.ring.ring_fd = channel->ring_.value();
  channel->target_.ring.wakeup_fd = channel->wakeup_.value();
  if (auto excluded = pins.open(kExcludedPin)) {
    channel->excluded_ = std::move(*excluded);
    SILLAGE_TRY(set_number(channel->excluded_.value(), excluded_process));
  }
  if (auto reader = pins.open(kReaderPin)) channel->reader_ = std::move(*reader);
  for (const std::string& name : pins.names(kTurnPrefix)) {
    auto turn = pins.open(name);
    if (!turn) return tl::unexpected(std::move(turn).error());
    channel->turn_ = std::move(*turn);
    channel->target_.turn = static_cast<std::uint32_t>(
        std::strtoul(name.c_str() + sizeof kTurnPrefix - 1, nullptr, 10));
    // Its daemon may have been killed when it had just decided to.
    if (has_turn) SILLAGE_TRY(channel->take_turn());
  }
  for (const std::string& name : pins.names(kTablePrefix)) {
    auto table = pins.open(name);
    if (!table) return tl::unexpected(std::move(table).error());
    channel->tables_.push_back(std::move(*table));
  }
  channel->pins_ = std::move(pins);
  SILLAGE_TRY(channel->adopt_links(programs));
  return channel;
}

// Each step is what settle() does, and does nothing where that was done.
Status KernelChannel::adopt_links(const PinnedPrograms* programs) {
  if (programs != nullptr) {
    adopted_programs_ = *programs;
    if (auto turns = pins_->open(kEventTurnsPin)) {
      event_turns_map_ = std::move(*turns);
      const auto shape = map_shape(event_turns_map_.value());
      if (!shape) return tl::unexpected(shape.error());
      event_turns_ = programs->event_turns;
      event_turns_.resize(shape->value_bytes);
      SILLAGE_TRY(set_flags(event_turns_map_.value(), event_turns_));
    }
    for (const PinnedPrograms::Call& call : programs->calls) {
      Fd program;
      if (call.program) {
        auto pinned = pins_->open(kCallPrefix + std::to_string(*call.program));
        // It is in its place.
        if (!pinned && pinned.error().code == Code::kNotFound) continue;
        if (!pinned) return tl::unexpected(std::move(pinned).error());
        program = std::move(*pinned);
      }
      auto table = pins_->open(SyscallDispatch::table_pin(call.place));
      if (!table) return tl::unexpected(std::move(table).error());
      SILLAGE_TRY(SyscallDispatch::put(table->value(), call.place, program.value()));
    }
  }
  for (const char* prefix : {kLinkPrefix, kSlowPrefix}) {
    for (const std::string& name : pins_->names(prefix)) {
      const auto number = number_behind(name, prefix);
      if (programs != nullptr && number &&
          std::find(programs->events.begin(), programs->events.end(), *number) ==
              programs->events.end()) {
        pins_->unpin(name);
        continue;
      }
      auto link = pins_->open(name);
      if (!link) return tl::unexpected(std::move(link).error());
      auto program = bpf::program_of_link(link->value());
      if (!program) return tl::unexpected(std::move(program).error());
      adopted_.push_back({std::move(*link), std::move(*program), prefix == kSlowPrefix});
    }
  }
  for (const std::string& name : pins_->names(kCallPrefix)) pins_->unpin(name);
  return {};
}

// Closing the last descriptor of a perf event's link takes some 70 ms, one after the other, where nobody holds the event
// as well. Behind the last pin a thread of the kernel's does it, and detaches all programs before.
void KernelChannel::detach_adopted() {
  std::vector<std::uint32_t> ending;
  for (AdoptedLink& adopted : adopted_) {
    if (!adopted.is_slow) continue;
    if (const auto id = bpf::link_id(adopted.link.value())) ending.push_back(*id);
    adopted.link.reset();
  }
  pins_->unpin_all(kLinkPrefix);
  pins_->unpin_all(kSlowPrefix);
  for (AdoptedLink& adopted : adopted_) adopted.link.reset();
  if (ending.empty()) return;
  for (int tries = kDetachTries; tries > 0 && !ending.empty(); --tries) {
    // The number goes first, then the program is detached: that takes the last pause.
    std::erase_if(ending, [](std::uint32_t id) { return !bpf::has_link(id); });
    ::nanosleep(&kDetachPause, nullptr);
  }
}

Result<Fd> KernelChannel::duplicate(int fd) {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return fail_errno("cannot duplicate the descriptor of a map");
  return copy;
}

Result<Fd> KernelChannel::load(const EventPlan& plan, EventId id, const Btf* btf,
                               std::optional<std::uint8_t> event_turn) const {
  bpf::ProgramOptions options = program_options(plan);
  Fd module;
  if (plan.attach.target.object != 0 && btf != nullptr) {
    auto opened = bpf::open_module_btf(btf->object_name(plan.attach.target.object));
    if (!opened) return opened;
    module = std::move(*opened);
    options.attach_btf_fd = module.value();
  }
  if (tally_ && (id.value >= tally_events_ || plan.counted.size() >= target_.tally_count))
    return fail(Code::kLimit, "there is no room to count " + plan.name);
  ProgramBuilder builder(target_);
  auto code =
      tally_ ? builder.build_counter(plan, id.value) : builder.build(plan, id.value, event_turn);
  if (!code) return tl::unexpected(std::move(code).error());
  return bpf::load_program(*code, options);
}

Status KernelChannel::add_event(const EventPlan& plan, EventId id, const Btf* btf) {
  std::optional<std::uint8_t> turn;
  if (event_turns_map_) {
    if (id.value >= event_turns_.size())
      return fail(Code::kLimit, "a channel that may change has no more than " +
                                    std::to_string(event_turns_.size()) + " events");
    turn = turn_behind(event_turns_[id.value]);
  }
  auto program = load(plan, id, btf, turn);
  if (!program) return tl::unexpected(std::move(program).error());
  // Of a function the kernel says only now whether it can be traced: not if it has too many arguments, for one.
  if (plan.attach.kind == AttachPlan::Kind::kFunctionEntry ||
      plan.attach.kind == AttachPlan::Kind::kFunctionExit) {
    const auto tried = attach(plan.attach, program->value());
    if (!tried) return tl::unexpected(tried.error());
  }
  events_.push_back(
      {plan.attach, std::move(*program), {}, id, next_program_++, turn.value_or(0), false, false});
  return {};
}

Status KernelChannel::add_syscall(const SyscallEvent& event, EventId id, const Btf& btf) {
  if (!syscalls_) {
    auto made = SyscallDispatch::create(btf, target_.current, target_.excluded_fd,
                                        static_cast<bool>(event_turns_map_));
    if (!made) return tl::unexpected(std::move(made).error());
    syscalls_ = std::move(*made);
  }
  auto program = load(event.plan, id, &btf, {});
  if (!program) return tl::unexpected(std::move(program).error());
  SILLAGE_TRY(SyscallDispatch::check(event.place));
  auto gate = ProgramBuilder(target_).build_gate(event.plan);
  if (!gate) return tl::unexpected(std::move(gate).error());
  new_syscalls_.push_back({event.place, std::move(*program), std::move(*gate), next_program_++});
  return {};
}

void KernelChannel::forget_programs(std::uint64_t first) {
  for (LoadedEvent& event : events_) event.is_old = event.number >= first;
  drop_old();
  std::erase_if(new_syscalls_, [&](const LoadedSyscall& loaded) { return loaded.number >= first; });
}

void KernelChannel::drop_old() {
  std::vector<Fd> slow;
  std::erase_if(events_, [&](LoadedEvent& event) {
    if (!event.is_old) return false;
    const std::string pin = link_pin(event);
    event.attachment.link.reset();
    if (event.is_pinned && pins_) pins_->unpin(pin);
    if (event.attachment.event) slow.push_back(std::move(event.attachment.event));
    removed_misses_ += bpf::recursion_misses(event.program.value()).value_or(0);
    return true;
  });
  if (!slow.empty()) release_slowly(std::move(slow));
}

void KernelChannel::replace(const std::vector<EventId>& events,
                            const std::vector<SyscallPlace>& calls, std::uint64_t before) {
  for (LoadedEvent& event : events_)
    event.is_old =
        event.number < before && std::find(events.begin(), events.end(), event.id) != events.end();
  for (const SyscallPlace& place : calls) {
    std::erase_if(new_syscalls_, [&](const LoadedSyscall& loaded) {
      return loaded.place == place && loaded.number < before;
    });
    if (syscall_places_.erase(place) != 0) old_calls_.push_back(place);
  }
  if (!event_turns_map_) return;
  for (const LoadedEvent& event : events_)
    event_turns_[event.id.value] = event.is_old ? turn_behind(event.turn) : event.turn;
}

Status KernelChannel::settle() {
  if (event_turns_map_) SILLAGE_TRY(set_flags(event_turns_map_.value(), event_turns_));
  std::vector<std::uint64_t> put;
  if (is_attached_) {
    for (const LoadedSyscall& loaded : new_syscalls_) put.push_back(loaded.number);
    SILLAGE_TRY(put_calls());
  }
  for (const SyscallPlace& place : old_calls_) syscalls_->remove(place);
  old_calls_.clear();
  // No sooner: a pin that is not there says that the program is in its place.
  if (pins_)
    for (const std::uint64_t number : put) pins_->unpin(kCallPrefix + std::to_string(number));
  drop_old();
  return {};
}

Result<Fd> KernelChannel::make_iterator(const IteratorPlan& plan) const {
  const auto code = ProgramBuilder(target_).build_iterator(plan);
  if (!code) return tl::unexpected(code.error());
  bpf::ProgramOptions options;
  options.name = plan.attach.name;
  options.attach_type = BPF_TRACE_ITER;
  options.attach_btf_id = plan.attach.target.id;
  const auto program = bpf::load_program(*code, options);
  if (!program) return tl::unexpected(program.error());
  return link_iterator(program->value(), plan.attach.name);
}

Status KernelChannel::prepare_writer() {
  if (writer_) return {};
  const auto code = ProgramBuilder(target_).build_writer();
  if (!code) return tl::unexpected(code.error());
  bpf::ProgramOptions options;
  options.name = "write_record";
  options.type = BPF_PROG_TYPE_SYSCALL;
  options.attach_type = {};
  options.sleepable = true;
  auto program = bpf::load_program(*code, options);
  if (!program) return tl::unexpected(std::move(program).error());
  writer_ = std::move(*program);
  return {};
}

Status KernelChannel::write_record(EventId id, std::span<const std::byte> payload) {
  if (payload.size() > ProgramBuilder::kMaxInputBytes)
    return fail(Code::kLimit, "a record of " + std::to_string(payload.size()) +
                                  " bytes; there may be " +
                                  std::to_string(ProgramBuilder::kMaxInputBytes));
  SILLAGE_TRY(prepare_writer());
  const std::uint32_t head[2] = {id.value, static_cast<std::uint32_t>(payload.size())};
  std::vector<std::byte> context(sizeof head + payload.size());
  std::memcpy(context.data(), head, sizeof head);
  if (!payload.empty()) std::memcpy(context.data() + sizeof head, payload.data(), payload.size());
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.ctx_in = context.data();
  options.ctx_size_in = static_cast<std::uint32_t>(context.size());
  if (::bpf_prog_test_run_opts(writer_.value(), &options) != 0)
    return fail_errno("cannot write a record to the ring");
  return {};
}

Status KernelChannel::attach_new() {
  for (LoadedEvent& event : events_) {
    if (event.attachment.link) continue;
    auto attached = attach(event.attach, event.program.value());
    if (!attached) return tl::unexpected(std::move(attached).error());
    event.attachment = std::move(*attached);
  }
  for (const LoadedSyscall& loaded : new_syscalls_)
    SILLAGE_TRY(syscalls_->expect(loaded.place, loaded.gate));
  if (syscalls_) SILLAGE_TRY(syscalls_->start());
  is_attached_ = true;
  return {};
}

Status KernelChannel::put_calls() {
  for (const LoadedSyscall& loaded : new_syscalls_) {
    SILLAGE_TRY(syscalls_->put(loaded.place, loaded.program.value(), loaded.gate));
    syscall_places_.insert(loaded.place);
  }
  new_syscalls_.clear();
  return {};
}

Status KernelChannel::start() {
  // Before the programs that jump to them are attached: what is entered has an exit.
  SILLAGE_TRY(put_calls());
  return attach_new();
}

Status KernelChannel::take_turn() {
  return turn_ ? set_number(turn_.value(), target_.turn) : Status();
}

void KernelChannel::stop() {
  if (!adopted_.empty()) return detach_adopted();
  is_attached_ = false;
  // The maps stay pinned: what is in the ring can still be read by the next daemon.
  if (pins_) {
    pins_->unpin_all(kLinkPrefix);
    pins_->unpin_all(kSlowPrefix);
  }
  if (syscalls_) syscalls_->stop();
  std::vector<Attachment*> slow;
  for (LoadedEvent& event : events_) {
    if (event.attachment.event) {
      slow.push_back(&event.attachment);
    } else {
      event.attachment.link.reset();
    }
    event.is_pinned = false;
  }
  // With each of these the kernel waits for its readers (RCU); those that wait together wait once.
  constexpr std::size_t kTogether = 64;
  std::atomic<std::size_t> next{0};
  const auto detach = [&] {
    for (std::size_t i = next++; i < slow.size(); i = next++) slow[i]->link.reset();
  };
  std::vector<std::thread> threads;
  while (threads.size() + 1 < std::min(slow.size(), kTogether)) threads.emplace_back(detach);
  detach();
  for (std::thread& thread : threads) thread.join();
  std::vector<Fd> released;
  released.reserve(slow.size());
  for (Attachment* attachment : slow) released.push_back(std::move(attachment->event));
  release_slowly(std::move(released));
}

std::size_t KernelChannel::event_count() const {
  std::set<SyscallPlace> places = syscall_places_;
  for (const LoadedSyscall& loaded : new_syscalls_) places.insert(loaded.place);
  return events_.size() + places.size();
}

std::uint64_t KernelChannel::recursion_misses(EventId id) const {
  std::uint64_t misses = 0;
  for (const LoadedEvent& event : events_)
    if (event.id == id) misses += bpf::recursion_misses(event.program.value()).value_or(0);
  return misses;
}

std::uint64_t KernelChannel::recursion_misses() const {
  std::uint64_t misses = removed_misses_;
  for (const AdoptedLink& adopted : adopted_)
    misses += bpf::recursion_misses(adopted.program.value()).value_or(0);
  for (const LoadedEvent& event : events_)
    misses += bpf::recursion_misses(event.program.value()).value_or(0);
  if (syscalls_) misses += syscalls_->recursion_misses();
  return misses;
}

}  // namespace sillage::kernel
