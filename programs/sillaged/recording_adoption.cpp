// SPDX-License-Identifier: MIT
// Recordings that outlive their daemon: what is left behind, and how the next daemon goes on.
#include "apps/proc_files.hpp"
#include "sillaged/event_class.hpp"
#include "sillaged/other_clock.hpp"
#include "sillaged/recording.hpp"
#include "sillaged/recording_options.hpp"
#include "sillaged/site_state.hpp"
#include "sillaged/stats_message.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace sillage::daemon {

namespace {

std::string ring_name(std::uint64_t ring) { return "ring-" + std::to_string(ring); }
std::string ledger_name(std::uint64_t ring) { return "ledger-" + std::to_string(ring); }

void fill(const kernel::PinnedPrograms& from, v1::KernelPrograms* to) {
  to->mutable_events()->Add(from.events.begin(), from.events.end());
  to->set_event_turns(from.event_turns.data(), from.event_turns.size());
  for (const kernel::PinnedPrograms::Call& each : from.calls) {
    v1::KernelCall* call = to->add_calls();
    if (each.program) call->set_program(*each.program);
    call->set_abi(static_cast<std::uint32_t>(each.place.abi));
    call->set_at_exit(each.place.at_exit);
    if (each.place.number) call->set_number(*each.place.number);
  }
}

kernel::PinnedPrograms programs_of(const v1::KernelPrograms& from) {
  kernel::PinnedPrograms programs;
  programs.events.assign(from.events().begin(), from.events().end());
  programs.event_turns.assign(from.event_turns().begin(), from.event_turns().end());
  for (const v1::KernelCall& each : from.calls()) {
    kernel::SyscallPlace place{
        each.abi() == 0 ? kernel::Abi::kNative : kernel::Abi::kCompat, each.at_exit(), {}};
    if (each.has_number()) place.number = each.number();
    programs.calls.push_back(
        {place, each.has_program() ? std::optional(each.program()) : std::nullopt});
  }
  return programs;
}

Result<Fd> take(hold::Descriptors* from, const std::string& name) {
  auto found = from->extract(name);
  if (!found)
    return fail(Code::kNotFound,
                "its rings have gone with the process that kept them (sillage-holder)");
  return std::move(found.mapped());
}

}  // namespace

/// A trace of programs as the journal has it.
struct Recording::JournaledTrace {
  struct Channel {
    v1::ChannelOpened opened;
    std::vector<apps::Site> sites;  // of its events, by id
    std::optional<collect::Stats> ended;
  };
  v1::TraceOpened opened;
  std::uint64_t body_bytes = 0;
  std::vector<Channel> channels;
};

void Recording::outlive_daemon(const Estate& estate, v1::RecordingState state) {
  estate_ = estate;
  state_ = std::move(state);
}

void Recording::end_with_daemon() {
  if (estate_.store != nullptr) estate_.store->remove(id_);
  estate_ = {};
}

void Recording::announce(control::v1::Session next_session) {
  *state_.mutable_next_session() = std::move(next_session);
}

void Recording::leave_again() {
  const std::lock_guard lock(kernel_mutex_);
  state_.clear_next_session();
  if (start_ns_ != 0) keep(leave_behind());
}

// Where something cannot be kept, recordings end with their daemon.
void Recording::keep(const Status& noted) {
  if (noted || estate_.store == nullptr) return;
  warn({noted.error().code,
        "this recording would not survive sillaged: " + noted.error().text(),
        {}});
  end_with_daemon();
}

Status Recording::fill_files(const KernelRecording& channel, std::uint32_t version,
                             std::uint32_t pins, v1::KernelFiles* files) {
  const auto stream_class = collector_->stream_class(channel.channel());
  if (!stream_class) return tl::unexpected(stream_class.error());
  files->set_stream_class(*stream_class);
  files->set_version(version);
  files->set_pins(pins);
  if (const auto programs = channel.pinned_programs()) fill(*programs, files->mutable_programs());
  return {};
}

Status Recording::leave_behind() {
  if (estate_.store == nullptr) return {};
  state_.clear_kernel_files();
  for (std::size_t i = 0; i < kernel_.size(); ++i) {
    const bool is_own = !adopted_kernel_.contains(i);
    if (is_own && !kernel_[i]->pin(estate_.store->pin_path(id_, i, kernel_pins_[i]))) {
      // What is detached is to be detached.
      for (std::size_t own = 0; own < kernel_.size(); ++own)
        if (!adopted_kernel_.contains(own)) kernel_[own]->unpin();
      end_with_daemon();
      return {};
    }
    SILLAGE_TRY(
        fill_files(*kernel_[i], kernel_versions_[i], kernel_pins_[i], state_.add_kernel_files()));
  }
  state_.clear_replaced();
  for (const Replaced& each : replaced_) {
    v1::KernelFiles* files = state_.add_replaced();
    SILLAGE_TRY(fill_files(*each.channel, each.version, each.pins, files));
    files->set_channel(static_cast<std::uint32_t>(each.index));
  }
  if (!kernel_.empty()) {
    const auto identity = collector_->identity(*kernel_trace_);
    if (!identity) return tl::unexpected(identity.error());
    state_.mutable_kernel()->set_uuid(identity->uuid.data(), identity->uuid.size());
    state_.mutable_kernel()->set_body_bytes(identity->body_bytes);
    state_.mutable_kernel()->set_stream_classes(identity->stream_classes);
    state_.set_kernel_channels(static_cast<std::int32_t>(kernel_.size()));
  }
  is_left_ = true;
  return save_state();
}

Status Recording::save_state() {
  if (estate_.store == nullptr || !is_left_) return {};
  state_.set_format(kStateFormat);
  state_.set_recording(id_);
  state_.set_creation_datetime(creation_datetime_);
  state_.set_clock_offset_ns(clock_offset_ns_);
  state_.set_start_ns(start_ns_);
  state_.set_stop_ns(stop_ns_);
  state_.mutable_output()->set_device(output_id_.device);
  state_.mutable_output()->set_inode(output_id_.inode);
  // The journal first: whoever finds a state finds it, too.
  if (journal_ == nullptr) {
    SILLAGE_TRY(estate_.store->make_directory());
    auto journal = RecordingJournal::create(estate_.store->journal_path(id_));
    if (!journal) return tl::unexpected(std::move(journal).error());
    journal_ = *std::move(journal);
  }
  return estate_.store->save(state_);
}

// What only programs knew that are detached now.
void Recording::note_stopped() {
  if (estate_.store == nullptr) return;
  state_.clear_nested_lost();
  for (const auto& channel : kernel_) state_.add_nested_lost(channel->report_nested());
  // Not written, the next daemon knows less of what was lost, if this one is killed in this moment.
  (void)!save_state();
}

void Recording::note_process(const apps::Process& process) {
  if (journal_ == nullptr || !seen_.insert(process.registration).second) return;
  const auto facts = apps::process_facts(process.pid);
  if (!facts) return;
  v1::JournalEntry entry;
  entry.mutable_process()->set_registration(process.registration);
  entry.mutable_process()->set_pid(process.pid);
  entry.mutable_process()->set_start_ticks(facts->start_ticks);
  entry.mutable_process()->set_word_bits(process.word_bits);
  keep(journal_->append(entry));
}

std::uint64_t Recording::body_bytes(const Trace& trace) {
  const auto identity = collector_->identity(trace.id);
  return identity ? identity->body_bytes : 0;
}

// So that what a daemon that is killed in the middle of it leaves can be told from a trace.
void Recording::note_opening(const std::string& directory) {
  std::error_code error;
  if (journal_ == nullptr || std::filesystem::exists(files_path_ + "/" + directory, error)) return;
  v1::JournalEntry entry;
  entry.mutable_trace()->set_directory(directory);
  keep(journal_->append(entry));
}

// Nothing but what opening a trace makes; a directory with anything else in it stays.
void Recording::remove_unopened(const std::string& directory) const {
  const std::filesystem::path path = files_path_ + "/" + directory;
  std::error_code ignored;
  std::filesystem::remove(path / "index", ignored);
  for (std::filesystem::directory_iterator entry(path, ignored), end; !ignored && entry != end;
       entry.increment(ignored))
    if (entry->path().filename() != "metadata") return;
  std::filesystem::remove(path / "metadata", ignored);
  std::filesystem::remove(path, ignored);
}

void Recording::note_trace(const TraceKey& key, Trace* trace, const collect::TraceOptions& options,
                           const std::optional<apps::AppClock>& clock) {
  trace->number = next_trace_number_++;
  if (journal_ == nullptr) return;
  v1::JournalEntry entry;
  v1::TraceOpened* opened = entry.mutable_trace();
  opened->set_per_process(key.ownership == session::BufferOwnership::kProcess);
  opened->set_owner(key.owner);
  opened->set_word_bits(key.word_bits);
  opened->set_directory(options.directory);
  for (const ctf::EnvironmentEntry& each : options.environment) {
    v1::EnvironmentEntry* kept = opened->add_environment();
    kept->set_name(each.name);
    if (const auto* text = std::get_if<std::string>(&each.value)) kept->set_text(*text);
    if (const auto* number = std::get_if<std::int64_t>(&each.value)) kept->set_number(*number);
  }
  if (clock) write_clock(*clock, opened->mutable_clock());
  if (const auto identity = collector_->identity(trace->id)) {
    opened->mutable_identity()->set_uuid(identity->uuid.data(), identity->uuid.size());
    opened->mutable_identity()->set_body_bytes(identity->body_bytes);
  }
  keep(journal_->append(entry));
}

// First kept, then in the journal: what the next daemon finds there, it finds kept.
void Recording::note_opened(const Trace& trace, std::size_t index, const OpenChannel& channel,
                            const collect::ChannelOptions& options) {
  if (journal_ == nullptr || estate_.store == nullptr) return;
  keep(estate_.descriptors->keep(ring_name(channel.ring_id), channel.channel.ring.value()));
  if (estate_.store == nullptr) return;
  keep(estate_.descriptors->keep(ledger_name(channel.ring_id), channel.channel.ledger.value()));
  v1::JournalEntry entry;
  v1::ChannelOpened* opened = entry.mutable_channel();
  opened->set_trace(trace.number);
  opened->set_index(static_cast<std::uint32_t>(index));
  opened->set_version(channel.version);
  opened->set_ring(channel.ring_id);
  opened->set_file_name(options.name);
  opened->mutable_contexts()->Add(channel.contexts.begin(), channel.contexts.end());
  for (const std::string& name : options.app_contexts) opened->add_app_contexts(name);
  for (const std::string& field : options.counters) opened->add_counters(field);
  opened->set_subbuf_bytes(options.ring.subbuf_bytes.value);
  opened->set_subbuf_count(options.ring.subbuf_count);
  opened->set_overwrite(options.ring.overwrite);
  opened->set_by_mm_cid(options.ring.by_mm_cid);
  opened->set_body_bytes(body_bytes(trace));
  keep(journal_->append(entry));
}

void Recording::note_event(const Trace& trace, const OpenChannel& channel, const apps::Site& site) {
  if (journal_ == nullptr) return;
  v1::JournalEntry entry;
  entry.mutable_event()->set_ring(channel.ring_id);
  entry.mutable_event()->set_body_bytes(body_bytes(trace));
  fill(site, entry.mutable_event()->mutable_site());
  keep(journal_->append(entry));
}

// On the collector's thread.
std::function<void(const collect::Stats&)> Recording::when_ended(std::uint64_t ring_id) const {
  if (journal_ == nullptr || estate_.descriptors == nullptr) return {};
  return [journal = journal_, descriptors = estate_.descriptors,
          ring_id](const collect::Stats& stats) {
    v1::JournalEntry entry;
    entry.mutable_ended()->set_ring(ring_id);
    fill_stats(stats, entry.mutable_ended()->mutable_stats());
    // Not written, the next daemon reads out once more what is empty.
    if (journal->append(entry)) {
      descriptors->forget(ring_name(ring_id));
      descriptors->forget(ledger_name(ring_id));
    }
  };
}

Result<std::unique_ptr<Recording>> Recording::adopt(v1::RecordingState state,
                                                    session::RecordingSession session,
                                                    const collect::ClockKeeper& clock,
                                                    const Estate& estate,
                                                    hold::Descriptors* inherited) {
  session.set_root_process(state.root_pid());
  auto filters = parse_filters(session);
  if (!filters) return tl::unexpected(std::move(filters).error());
  const std::string files_path = files_path_of(state.recording(), session, *estate.store);
  // It was opened with the rights of whoever asked for it: now, with root's, its path may lead elsewhere.
  const collect::DirectoryId output_id{state.output().device(), state.output().inode()};
  auto output = collect::open_directory_again(files_path, output_id);
  if (!output) return tl::unexpected(std::move(output).error());
  auto collector = make_collector(session, files_path, clock, *std::move(output), true);
  if (!collector) return tl::unexpected(std::move(collector).error());
  std::unique_ptr<Recording> recording(
      new Recording(state.recording(), std::move(session), *std::move(collector), files_path,
                    state.creation_datetime(), state.clock_offset_ns()));
  recording->filters_ = *std::move(filters);
  recording->output_id_ = output_id;
  recording->start_ns_ = state.start_ns();
  recording->stop_ns_ = state.stop_ns();
  recording->estate_ = estate;
  recording->state_ = std::move(state);
  recording->is_left_ = true;
  auto opened = RecordingJournal::open(estate.store->journal_path(recording->id_));
  if (!opened) return tl::unexpected(std::move(opened).error());
  recording->journal_ = std::move(opened->journal);
  SILLAGE_TRY(recording->adopt_files(opened->entries));
  SILLAGE_TRY(recording->adopt_kernel());
  SILLAGE_TRY(recording->adopt_programs(opened->entries, inherited));
  recording->is_active_ = recording->stop_ns_ == 0;
  return recording;
}

// A chunk whose end was decided is ended; the clock's offsets are those that metadata can have been written with.
Status Recording::adopt_files(const std::vector<v1::JournalEntry>& entries) {
  const v1::ChunkReady* ready = nullptr;
  clock_offsets_.push_back(clock_offset_ns_);
  for (const v1::JournalEntry& entry : entries) {
    if (entry.has_clock()) {
      clock_offset_ns_ = entry.clock().clock_offset_ns();
      clock_offsets_.push_back(clock_offset_ns_);
    } else if (entry.has_chunk_ready()) {
      ready = &entry.chunk_ready();
    } else if (entry.has_chunk_ended() && ready != nullptr) {
      if (entry.chunk_ended().is_done()) last_chunk_ = *ready;
      ready = nullptr;
    }
  }
  if (session_.options().in_memory) return {};
  const auto is_done =
      collector_->complete_chunk(ready != nullptr ? std::optional(ready->archive()) : std::nullopt);
  if (!is_done) return tl::unexpected(is_done.error());
  if (ready == nullptr) return {};
  if (*is_done) last_chunk_ = *ready;
  return note_chunk_ended(*is_done);
}

Status Recording::adopt_programs(const std::vector<v1::JournalEntry>& entries,
                                 hold::Descriptors* inherited) {
  std::vector<JournaledTrace> traces;
  struct Place {
    std::size_t trace, channel;
  };
  std::map<std::uint64_t, Place> rings;
  std::string opening;  // what it was killed in the middle of
  const auto corrupt = [] { return fail(Code::kCorrupt, "its journal contradicts itself"); };
  for (const v1::JournalEntry& entry : entries) {
    if (entry.has_clock() || entry.has_chunk_ready() || entry.has_chunk_ended()) continue;
    if (entry.has_process()) {
      seen_.insert(entry.process().registration());
      processes_.push_back(entry.process());
    } else if (entry.has_trace() && !entry.trace().has_identity()) {
      opening = entry.trace().directory();
      continue;
    } else if (entry.has_trace()) {
      opening.clear();
      if (entry.trace().identity().uuid().size() != sizeof(ctf::Uuid)) return corrupt();
      traces.push_back({entry.trace(), entry.trace().identity().body_bytes(), {}});
    } else if (entry.has_channel()) {
      const v1::ChannelOpened& channel = entry.channel();
      if (channel.trace() >= traces.size() || channel.index() >= session_.channels().size())
        return corrupt();
      JournaledTrace& trace = traces[channel.trace()];
      rings[channel.ring()] = {channel.trace(), trace.channels.size()};
      trace.channels.push_back({channel, {}, {}});
      trace.body_bytes = channel.body_bytes();
      next_ring_ = std::max(next_ring_, static_cast<std::uint32_t>(channel.ring()) + 1);
    } else {
      const auto found =
          rings.find(entry.has_event() ? entry.event().ring() : entry.ended().ring());
      if (found == rings.end()) return corrupt();
      JournaledTrace& trace = traces[found->second.trace];
      JournaledTrace::Channel& channel = trace.channels[found->second.channel];
      if (entry.has_ended()) {
        channel.ended = stats_of(entry.ended().stats());
        continue;
      }
      auto site = site_of(entry.event().site());
      if (!site) return tl::unexpected(std::move(site).error());
      channel.sites.push_back(*std::move(site));
      trace.body_bytes = entry.event().body_bytes();
    }
  }
  if (!opening.empty()) remove_unopened(opening);
  for (const JournaledTrace& trace : traces)
    SILLAGE_TRY(adopt_trace(trace, next_trace_number_++, inherited));
  return {};
}

Status Recording::adopt_trace(const JournaledTrace& trace, std::uint32_t number,
                              hold::Descriptors* inherited) {
  using Channel = JournaledTrace::Channel;
  for (const Channel& channel : trace.channels)
    if (channel.ended) collector_->add_ended(*channel.ended);
  // Of a process that has ended: complete.
  if (!trace.channels.empty() &&
      std::all_of(trace.channels.begin(), trace.channels.end(),
                  [](const Channel& channel) { return channel.ended.has_value(); }))
    return {};
  const v1::TraceOpened& opened = trace.opened;
  collect::TraceIdentity identity;
  std::memcpy(identity.uuid.data(), opened.identity().uuid().data(), identity.uuid.size());
  identity.body_bytes = trace.body_bytes;
  collect::TraceOptions options{.directory = opened.directory(),
                                .environment = {},
                                .clock_offset_ns = clock_offset_ns_,
                                .other_clock_offsets = clock_offsets_};
  for (const v1::EnvironmentEntry& each : opened.environment()) {
    if (each.has_text()) {
      options.environment.push_back({each.name(), each.text()});
    } else {
      options.environment.push_back({each.name(), each.number()});
    }
  }
  Result<collect::TraceId> id = tl::unexpected(Error{});
  if (opened.has_clock()) {
    // Such a clock is described by what the wall clock's offset was when the trace was opened.
    for (const std::int64_t offset : clock_offsets_) {
      set_clock(read_clock(opened.clock()), offset, &options);
      id = collector_->resume_trace(options, identity);
      if (id || id.error().code != Code::kCorrupt) break;
    }
  } else {
    id = collector_->resume_trace(options, identity);
  }
  if (!id) return tl::unexpected(id.error());
  const auto ownership =
      opened.per_process() ? session::BufferOwnership::kProcess : session::BufferOwnership::kUser;
  BufferOwner owner{opened.per_process(), opened.owner(), opened.word_bits()};
  for (const v1::ProcessSeen& seen : processes_)
    if (owner.is_process && seen.registration() == opened.owner())
      owner.number = static_cast<std::uint32_t>(seen.pid());
  Trace& there = traces_
                     .emplace(TraceKey{ownership, opened.owner(), opened.word_bits()},
                              Trace{*id, number, owner})
                     .first->second;
  for (const Channel& from : trace.channels) {
    if (from.ended) {
      SILLAGE_TRY(collector_->skip_channel(*id));
      continue;
    }
    const v1::ChannelOpened& was = from.opened;
    collect::ChannelOptions wanted = channel_options(session_.channels()[was.index()]);
    wanted.name = was.file_name();
    wanted.ring.subbuf_bytes = ByteCount{was.subbuf_bytes()};
    wanted.ring.subbuf_count = was.subbuf_count();
    wanted.ring.overwrite = was.overwrite();
    wanted.ring.by_mm_cid = was.by_mm_cid();
    wanted.contexts.clear();
    for (const std::uint32_t context : was.contexts())
      wanted.contexts.push_back(static_cast<sillage_context>(context));
    wanted.app_contexts.assign(was.app_contexts().begin(), was.app_contexts().end());
    wanted.counters.assign(was.counters().begin(), was.counters().end());
    wanted.ended = when_ended(was.ring());
    collect::KeptChannel kept;
    auto ring = take(inherited, ring_name(was.ring()));
    auto ledger = take(inherited, ledger_name(was.ring()));
    if (!ring || !ledger) return tl::unexpected(!ring ? ring.error() : ledger.error());
    kept.ring = *std::move(ring);
    kept.ledger = *std::move(ledger);
    OpenChannel open;
    for (const apps::Site& site : from.sites) {
      open.event_ids.emplace(site.identity, static_cast<std::uint32_t>(kept.events.size()));
      kept.events.push_back(event_class_of(site));
    }
    auto channel = collector_->resume_channel(*id, wanted, std::move(kept));
    if (!channel) return tl::unexpected(std::move(channel).error());
    open.channel = *std::move(channel);
    open.channel.ledger.reset();
    open.ring_id = was.ring();
    open.contexts.assign(was.contexts().begin(), was.contexts().end());
    open.version = was.version();
    note_channel(false, session_.channels()[was.index()].options().name,
                 {open.channel.id, there.owner});
    there.channels.insert_or_assign(was.index(), std::move(open));
  }
  return {};
}

void Recording::end_processes(const std::set<std::uint32_t>& living) {
  for (const v1::ProcessSeen& seen : processes_) {
    if (living.contains(seen.registration())) continue;
    apps::Process gone;
    gone.registration = seen.registration();
    gone.word_bits = seen.word_bits();
    process_removed(gone);
  }
}

Status Recording::adopt_kernel() {
  is_kernel_running_ = state_.stop_ns() == 0;
  // Killed while the session got its first kernel channel: nothing is recorded before the state says so.
  if (!state_.has_kernel()) remove_unopened(kernel_trace_options().directory);
  if (session_.kernel_channels().empty()) return {};
  collect::TraceIdentity identity;
  const std::string& uuid = state_.kernel().uuid();
  std::memcpy(identity.uuid.data(), uuid.data(), std::min(uuid.size(), identity.uuid.size()));
  identity.body_bytes = state_.kernel().body_bytes();
  const auto trace = collector_->resume_trace(kernel_trace_options(), identity);
  if (!trace) return tl::unexpected(trace.error());
  kernel_trace_ = *trace;
  const std::size_t wanted = session_.kernel_channels().size();
  const auto files = state_.kernel_files();
  const auto replaced = state_.replaced();
  kernel_.resize(wanted);
  kernel_plans_ = session_.kernel_channels();
  kernel_versions_.resize(wanted);
  kernel_pins_.resize(wanted);
  for (std::uint64_t number = 0; number < state_.kernel().stream_classes(); ++number) {
    const auto is_it = [number](const auto& each) { return each.stream_class() == number; };
    const auto found = std::find_if(files.begin(), files.end(), is_it);
    const auto was = std::find_if(replaced.begin(), replaced.end(), is_it);
    const auto i = static_cast<std::size_t>(found - files.begin());
    if (found != files.end() && i < wanted) {
      auto adopted = adopt_channel(i, *found, true);
      if (!adopted) return tl::unexpected(std::move(adopted).error());
      kernel_[i] = *std::move(adopted);
      kernel_versions_[i] = found->version();
      kernel_pins_[i] = found->pins();
      adopted_kernel_.insert(i);
    } else if (was != replaced.end() && was->channel() < wanted) {
      auto adopted = adopt_channel(was->channel(), *was, false);
      if (!adopted) return tl::unexpected(std::move(adopted).error());
      replaced_.push_back({*std::move(adopted), was->channel(), was->version(), was->pins()});
    } else {
      SILLAGE_TRY(collector_->skip_channel(*trace));
    }
  }
  if (std::find(kernel_.begin(), kernel_.end(), nullptr) != kernel_.end())
    return fail(Code::kCorrupt, "its state contradicts itself");
  // Killed while it stopped.
  if (!is_kernel_running_)
    for (const auto& channel : kernel_) channel->stop();
  end_replaced();
  return {};
}

Result<std::unique_ptr<KernelRecording>> Recording::adopt_channel(std::size_t index,
                                                                  const v1::KernelFiles& files,
                                                                  bool has_turn) {
  const session::KernelChannel& channel = session_.kernel_channels()[index];
  const std::string& name = channel.options().name;
  std::optional<kernel::PinnedPrograms> programs;
  if (files.has_programs()) programs = programs_of(files.programs());
  const int at = static_cast<int>(index);
  const std::uint64_t nested_lost =
      has_turn && at < state_.nested_lost_size() ? state_.nested_lost(at) : 0;
  auto adopted = KernelRecording::adopt(
      channel, versioned(name, files.version()), estate_.store->pin_path(id_, index, files.pins()),
      programs ? &*programs : nullptr, has_turn, nested_lost, *collector_, *kernel_trace_);
  if (adopted) note_channel(true, name, {(*adopted)->channel()});
  return adopted;
}

}  // namespace sillage::daemon
