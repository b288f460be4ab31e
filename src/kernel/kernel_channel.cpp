// SPDX-License-Identifier: MIT
#include "kernel/kernel_channel.hpp"

#include "bpf/program.hpp"
#include "kernel/maps.hpp"

#include <bpf/bpf.h>
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <utility>

namespace sillage::kernel {
namespace {

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
    const PointerCasts& casts, std::uint32_t excluded_process) {
  auto ring = create_ring_map(geometry.stride, geometry.cpu_count);
  if (!ring) return tl::unexpected(std::move(ring).error());
  auto wakeup = create_wakeup_map();
  if (!wakeup) return tl::unexpected(std::move(wakeup).error());
  auto scratch = create_scratch_map(geometry.cpu_count);
  if (!scratch) return tl::unexpected(std::move(scratch).error());
  ProgramTarget target;
  target.ring = {ring->value(), wakeup->value(), geometry};
  target.scratch_fd = scratch->value();
  target.contexts = std::move(contexts);
  target.current = {casts, -1, geometry.cpu_count};
  Fd addresses;
  if (casts.function != 0 && casts.current) {
    auto made = create_address_map(geometry.cpu_count);
    if (!made) return tl::unexpected(std::move(made).error());
    addresses = std::move(*made);
    target.current.addresses_fd = addresses.value();
  }
  target.excluded_process = excluded_process;
  std::unique_ptr<KernelChannel> channel(new KernelChannel(std::move(target)));
  channel->ring_ = std::move(*ring);
  channel->wakeup_ = std::move(*wakeup);
  channel->scratch_ = std::move(*scratch);
  channel->addresses_ = std::move(addresses);
  return channel;
}

Result<Fd> KernelChannel::duplicate(int fd) {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return fail_errno("cannot duplicate the descriptor of a map");
  return copy;
}

Result<Fd> KernelChannel::load(const EventPlan& plan, EventId id, const Btf* btf) const {
  bpf::ProgramOptions options = program_options(plan);
  Fd module;
  if (plan.attach.target.object != 0 && btf != nullptr) {
    auto opened = bpf::open_module_btf(btf->object_name(plan.attach.target.object));
    if (!opened) return opened;
    module = std::move(*opened);
    options.attach_btf_fd = module.value();
  }
  auto code = ProgramBuilder(target_).build(plan, id.value);
  if (!code) return tl::unexpected(std::move(code).error());
  return bpf::load_program(*code, options);
}

Status KernelChannel::add_event(const EventPlan& plan, EventId id, const Btf* btf) {
  auto program = load(plan, id, btf);
  if (!program) return tl::unexpected(std::move(program).error());
  // Of a function the kernel says only now whether it can be traced: not if it has too many arguments, for one.
  if (plan.attach.kind == AttachPlan::Kind::kFunctionEntry ||
      plan.attach.kind == AttachPlan::Kind::kFunctionExit) {
    const auto tried = attach(plan.attach, program->value());
    if (!tried) return tl::unexpected(tried.error());
  }
  events_.push_back({plan.attach, std::move(*program), {}, id, next_program_++});
  return {};
}

Status KernelChannel::add_syscall(const SyscallEvent& event, EventId id, const Btf& btf) {
  if (!syscalls_) {
    auto made = SyscallDispatch::create(btf, target_.current, target_.excluded_process);
    if (!made) return tl::unexpected(std::move(made).error());
    syscalls_ = std::move(*made);
  }
  auto program = load(event.plan, id, &btf);
  if (!program) return tl::unexpected(std::move(program).error());
  SILLAGE_TRY(SyscallDispatch::check(event.place));
  new_syscalls_.push_back({event.place, std::move(*program), next_program_++});
  return {};
}

void KernelChannel::remove_event(EventId id, std::uint64_t before) {
  std::vector<Fd> slow;
  std::erase_if(events_, [&](LoadedEvent& event) {
    if (event.id != id || event.number >= before) return false;
    event.attachment.link.reset();
    if (event.attachment.event) slow.push_back(std::move(event.attachment.event));
    removed_misses_ += bpf::recursion_misses(event.program.value()).value_or(0);
    return true;
  });
  if (!slow.empty()) release_slowly(std::move(slow));
}

void KernelChannel::remove_syscall(const SyscallPlace& place, std::uint64_t before) {
  std::erase_if(new_syscalls_, [&](const LoadedSyscall& loaded) {
    return loaded.place == place && loaded.number < before;
  });
  if (syscall_places_.erase(place) != 0) syscalls_->remove(place);
}

void KernelChannel::forget_programs(std::uint64_t first) {
  std::erase_if(events_, [&](const LoadedEvent& event) { return event.number >= first; });
  std::erase_if(new_syscalls_, [&](const LoadedSyscall& loaded) { return loaded.number >= first; });
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

Status KernelChannel::start() {
  for (LoadedEvent& event : events_) {
    if (event.attachment.link) continue;
    auto attached = attach(event.attach, event.program.value());
    if (!attached) return tl::unexpected(std::move(attached).error());
    event.attachment = std::move(*attached);
  }
  for (const LoadedSyscall& loaded : new_syscalls_) {
    SILLAGE_TRY(syscalls_->put(loaded.place, loaded.program.value()));
    syscall_places_.insert(loaded.place);
  }
  new_syscalls_.clear();
  if (syscalls_) SILLAGE_TRY(syscalls_->start());
  return {};
}

void KernelChannel::stop() {
  if (syscalls_) syscalls_->stop();
  std::vector<Attachment*> slow;
  for (LoadedEvent& event : events_) {
    if (event.attachment.event) {
      slow.push_back(&event.attachment);
    } else {
      event.attachment.link.reset();
    }
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
  for (Attachment* attachment : slow) released.push_back(std::move(attachment->event));
  release_slowly(std::move(released));
}

std::size_t KernelChannel::event_count() const {
  std::set<SyscallPlace> places = syscall_places_;
  for (const LoadedSyscall& loaded : new_syscalls_) places.insert(loaded.place);
  return events_.size() + places.size();
}

std::uint64_t KernelChannel::recursion_misses() const {
  std::uint64_t misses = removed_misses_;
  for (const LoadedEvent& event : events_)
    misses += bpf::recursion_misses(event.program.value()).value_or(0);
  if (syscalls_) misses += syscalls_->recursion_misses();
  return misses;
}

}  // namespace sillage::kernel
