// SPDX-License-Identifier: MIT
#include "sillaged/recording.hpp"

#include "apps/proc_files.hpp"
#include "ctf/kernel_layout.hpp"
#include "ctf/layout.hpp"
#include "sillaged/datetime.hpp"
#include "sillaged/event_class.hpp"
#include "sillaged/other_clock.hpp"
#include "sillaged/recording_options.hpp"

#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace sillage::daemon {
namespace {

std::uint64_t monotonic_ns() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::string host_name() {
  utsname system = {};
  return uname(&system) == 0 ? system.nodename : "localhost";
}

/// A program's name as part of a directory's.
std::string file_name_of(std::string name) {
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return c == '/' || static_cast<unsigned char>(c) < ' '; }, '_');
  return name.empty() || name[0] == '.' ? "_" + name : name;
}

static_assert(session::kAddressContext == SILLAGE_CONTEXT_IP);

Error in_filter(Error error) {
  error.message = "the filter: " + error.message;
  return error;
}

/// By index of the channel.
/// What would otherwise come out only when the first program registers.
Status check_early(const session::RecordingSession& session) {
  for (const char* domain : {"/ust", "/kernel"}) {
    std::error_code ignored;
    if (session.options().in_memory ||
        !std::filesystem::exists(session.options().output_path + domain, ignored))
      continue;
    return fail(Code::kAlreadyExists,
                session.options().output_path +
                    " holds a trace: remove it, or choose another directory with -o");
  }
  auto cpus = ring::possible_cpu_count();
  if (!cpus) return tl::unexpected<Error>(std::move(cpus).error());
  for (const session::Channel& channel : session.channels()) {
    auto geometry = ring::RingGeometry::make(channel_options(channel).ring, *cpus);
    if (!geometry) return tl::unexpected<Error>(std::move(geometry).error());
  }
  return {};
}

}  // namespace

std::string versioned(const std::string& channel, std::uint32_t version) {
  return version == 1 ? channel : channel + "~" + std::to_string(version);
}

std::string files_path_of(std::uint64_t id, const session::RecordingSession& session,
                          const RecordingStore& store) {
  return session.options().in_memory ? store.memory_path(id) : session.options().output_path;
}

collect::ChannelOptions channel_options(const session::Channel& channel) {
  const session::ChannelOptions& asked = channel.options();
  collect::ChannelOptions options;
  options.name = asked.name;
  if (asked.ownership == session::BufferOwnership::kProcess) {
    options.ring = ring::per_process_defaults();
  }
  if (asked.subbuf_bytes) options.ring.subbuf_bytes = *asked.subbuf_bytes;
  if (asked.subbuf_count) options.ring.subbuf_count = *asked.subbuf_count;
  options.ring.preallocate = options.ring.preallocate && asked.preallocate;
  options.ring.one_for_all = asked.one_buffer;
  options.ring.overwrite = asked.overwrite;
  options.files = {{asked.tracefile_bytes.value, asked.tracefile_count}, asked.switch_period};
  options.ring.blocking_timeout = asked.blocking_timeout;
  options.reclaim_age = asked.reclaim_age;
  for (std::uint32_t context : channel.contexts()) {
    options.contexts.push_back(static_cast<sillage_context>(context));
  }
  options.app_contexts = channel.app_contexts();
  for (const session::PerfCounter& counter : channel.counters())
    options.counters.push_back(counter.field);
  return options;
}

Recording::Recording(std::uint64_t id, session::RecordingSession session,
                     std::unique_ptr<collect::Collector> collector, std::string files_path,
                     std::string creation_datetime, std::int64_t clock_offset_ns)
    : id_(id),
      session_(std::move(session)),
      collector_(std::move(collector)),
      files_path_(std::move(files_path)),
      creation_datetime_(std::move(creation_datetime)),
      clock_offset_ns_(clock_offset_ns) {}

Result<std::unique_ptr<Recording>> Recording::create(std::uint64_t id,
                                                     session::RecordingSession session,
                                                     const collect::ClockKeeper& clock,
                                                     const RecordingStore& store, Fd output) {
  SILLAGE_TRY(check_early(session));
  auto filters = parse_filters(session);
  if (!filters) return tl::unexpected<Error>(std::move(filters).error());
  const std::string files_path = files_path_of(id, session, store);
  if (!output) {
    auto made = collect::make_directory(files_path);
    if (!made)
      return fail(made.error().code, made.error().message + "; choose another directory with -o");
    output = *std::move(made);
  }
  const auto output_id = collect::directory_id(output.value());
  if (!output_id) return tl::unexpected<Error>(output_id.error());
  auto collector = make_collector(session, files_path, clock, std::move(output), false);
  if (!collector) return tl::unexpected<Error>(std::move(collector).error());
  std::unique_ptr<Recording> recording(new Recording(id, std::move(session), *std::move(collector),
                                                     files_path, chunk_datetime(),
                                                     collect::sample_realtime_offset_ns()));
  recording->filters_ = *std::move(filters);
  recording->output_id_ = *output_id;
  return recording;
}

Result<std::vector<UserFilters>> Recording::parse_filters(
    const session::RecordingSession& session) {
  std::vector<UserFilters> filters;
  for (const session::Channel& channel : session.channels()) {
    auto parsed = UserFilters::parse(channel);
    if (!parsed) return tl::unexpected<Error>(in_filter(std::move(parsed).error()));
    filters.push_back(*std::move(parsed));
  }
  return filters;
}

Result<std::unique_ptr<collect::Collector>> Recording::make_collector(
    const session::RecordingSession& session, const std::string& files_path,
    const collect::ClockKeeper& clock, Fd output, bool resumes) {
  collect::CollectorOptions options;
  options.resumes = resumes;
  options.output_path = files_path;
  options.output = std::move(output);
  options.in_memory = session.options().in_memory;
  options.buffers_path = session.options().buffers_path;
  options.ctf_version = session.options().format == session::TraceFormat::kCtf2
                            ? ctf::Version::kCtf2
                            : ctf::Version::kCtf18;
  auto collector = collect::Collector::create(std::move(options), clock);
  if (!collector && !session.options().buffers_path.empty())
    return fail(collector.error().code,
                collector.error().message + "; choose another directory with --shm-path");
  return collector;
}

collect::TraceOptions Recording::kernel_trace_options() const {
  utsname system = {};
  (void)uname(&system);
  ctf::KernelEnvironment facts;
  facts.hostname = host_name();
  facts.sysname = system.sysname;
  facts.kernel_release = system.release;
  facts.kernel_version = system.version;
  facts.session_name = session_.options().name;
  facts.creation_datetime = creation_datetime_;
  facts.version_major = SILLAGE_VERSION_MAJOR;
  facts.version_minor = SILLAGE_VERSION_MINOR;
  facts.version_patch = SILLAGE_VERSION_PATCH;
  return {.directory = "kernel",
          .environment = ctf::kernel_environment(facts),
          .clock_offset_ns = clock_offset_ns_,
          .other_clock_offsets = clock_offsets_};
}

Status Recording::add_kernel(const kernel::Tracer& tracer, LoadProgress& progress) {
  return change_kernel(session_, tracer, progress);
}

Result<std::unique_ptr<KernelRecording>> Recording::open_kernel(
    const session::KernelChannel& wanted, std::uint32_t version, const kernel::Tracer& tracer,
    LoadProgress& progress, const KernelRecording* predecessor) {
  if (!kernel_trace_) {
    auto trace = collector_->open_trace(kernel_trace_options());
    if (!trace) return tl::unexpected<Error>(std::move(trace).error());
    kernel_trace_ = *trace;
  }
  const std::string& name = wanted.options().name;
  auto made = KernelRecording::create(wanted, versioned(name, version), tracer, *collector_,
                                      *kernel_trace_, progress, predecessor);
  if (made) note_channel(true, name, {(*made)->channel()});
  return made;
}

Status Recording::change_kernel(const session::RecordingSession& next, const kernel::Tracer& tracer,
                                LoadProgress& progress) {
  const std::lock_guard lock(kernel_mutex_);
  const std::vector<session::KernelChannel>& plans = next.kernel_channels();
  // First what can fail without a trace: channels that are new, or whose records change; then rules.
  std::map<std::size_t, std::unique_ptr<KernelRecording>> made;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const bool is_new = i >= kernel_.size();
    // Of an adopted one nobody knows the ids of its events: it goes on as it is, or in a ring and files of its own.
    const bool is_replaced =
        !is_new && adopted_kernel_.contains(i) &&
        (!is_kernel_running_ || !(kernel_plans_[i].rules() == plans[i].rules()));
    if (!is_new && !is_replaced && kernel_plans_[i].contexts() == plans[i].contexts()) continue;
    auto opened = open_kernel(plans[i], is_new ? 1 : kernel_versions_[i] + 1, tracer, progress,
                              is_new ? nullptr : kernel_[i].get());
    if (!opened) return tl::unexpected<Error>(std::move(opened).error());
    if (is_kernel_running_ && (*opened)->shares_turn()) SILLAGE_TRY((*opened)->attach());
    made.emplace(i, *std::move(opened));
  }
  std::vector<std::size_t> changed;
  for (std::size_t i = 0; i < kernel_.size(); ++i) {
    if (made.contains(i) || kernel_plans_[i].rules() == plans[i].rules()) continue;
    if (Status ready = kernel_[i]->prepare(plans[i], tracer, progress); !ready) {
      for (const std::size_t other : changed) kernel_[other]->give_up();
      return ready;
    }
    changed.push_back(i);
  }
  // From here on it is done. What was and what will be are both attached, and pinned; whose turn it is has not changed.
  for (const std::size_t i : changed) kernel_[i]->accept();
  for (auto& [i, channel] : made) {
    const bool is_new = i >= kernel_.size();
    const std::uint32_t version = is_new ? 1 : kernel_versions_[i] + 1;
    if (is_new) {
      kernel_.emplace_back();
      kernel_versions_.emplace_back();
      kernel_pins_.emplace_back();
    } else {
      replaced_.push_back({std::move(kernel_[i]), i, kernel_versions_[i], kernel_pins_[i]});
      adopted_kernel_.erase(i);
    }
    kernel_[i] = std::move(channel);
    kernel_versions_[i] = version;
    kernel_pins_[i] = is_new ? 0 : version;
  }
  kernel_plans_ = plans;
  // With this step a later daemon goes on with what will be: it does what is missing of the following.
  if (start_ns_ != 0) keep(leave_behind());
  for (const std::size_t i : changed)
    if (Status settled = kernel_[i]->settle(); !settled) warn(settled.error());
  for (const auto& [i, was] : made)
    if (kernel_[i]->shares_turn()) SILLAGE_TRY(kernel_[i]->take_turn());
  end_replaced();
  if (!is_kernel_running_) return {};
  for (const auto& [i, was] : made) {
    // Its predecessor, of an earlier version, has no turn to give: it had to end first.
    if (!kernel_[i]->shares_turn()) {
      SILLAGE_TRY(kernel_[i]->attach());
      keep(leave_behind());
    }
    if (const auto dumped = kernel_[i]->dump_state(); !dumped) warn(dumped.error());
  }
  return {};
}

void Recording::end_replaced() {
  if (replaced_.empty()) return;
  for (const Replaced& each : replaced_) {
    each.channel->stop();
    collector_->flush(each.channel->channel());
  }
  // Its pins go when no state names them any more.
  const std::vector<Replaced> ended = std::exchange(replaced_, {});
  if (start_ns_ != 0) keep(leave_behind());
}

void Recording::preview_filters(const apps::Image& image) {
  const session::ProcessSet& wanted = session_.options().processes;
  // Descendants of a program that is still to be started are not there yet.
  if (!wanted.is_everyone() && !wanted.pids.contains(image.process->pid)) return;
  for (std::size_t index = 0; index < filters_.size(); ++index) {
    if (filters_[index].is_empty()) continue;
    for (const apps::Site& site : image.control.catalog().sites) {
      const auto rules = session_.channels()[index].rules_for(site.full_name(), site.log_level);
      filters_[index].preview(rules, site);
    }
  }
}

Status Recording::check_filters() const {
  for (const UserFilters& filters : filters_) {
    if (Status usable = filters.check(); !usable)
      return tl::unexpected<Error>(in_filter(std::move(usable).error()));
  }
  return {};
}

void Recording::filters_unknown(const apps::Image& image) {
  auto found = attached_.find(image.token);
  if (found == attached_.end()) return;
  const std::vector<apps::Site>& sites = image.control.catalog().sites;
  for (const ImageChannel& feed : found->second) {
    for (std::size_t i = 0; i < feed.is_filtered.size(); ++i) {
      if (!feed.is_filtered[i]) continue;
      const auto rules =
          session_.channels()[feed.index].rules_for(sites[i].full_name(), sites[i].log_level);
      for (const session::EventRule* rule : rules)
        coverage_.add_filter_problem({rule->filter, "its libsillage.so is older than filters"},
                                     sites[i].full_name(), image.process->name);
    }
  }
}

void Recording::discard() {
  end_with_daemon();
  kernel_.clear();
  if (session_.options().in_memory) {
    (void)collector_->stop();
    std::error_code ignored;
    std::filesystem::remove_all(files_path_, ignored);
  } else {
    // What else is in there was before us.
    collector_->discard(session_.options().output_path);
  }
  remove_buffers();
}

void Recording::set_root_process(pid_t root_pid) {
  session_.set_root_process(root_pid);
  state_.set_root_pid(root_pid);
}

Status Recording::start_kernel() {
  const std::lock_guard lock(kernel_mutex_);
  start_ns_ = monotonic_ns();
  for (const auto& channel : kernel_) SILLAGE_TRY(channel->start());
  is_kernel_running_ = true;
  // A later daemon finds it running from here on.
  stop_ns_ = 0;
  state_.clear_nested_lost();
  return leave_behind();
}

void Recording::activate() {
  if (start_ns_ <= stop_ns_) start_ns_ = monotonic_ns();
  stop_ns_ = 0;
  is_active_ = true;
  ++state_dump_;
  if (!kernel_.empty()) return;
  const std::lock_guard lock(kernel_mutex_);
  is_kernel_running_ = true;  // so that what is added is started
  keep(leave_behind());
}

void Recording::deactivate() {
  is_active_ = false;
  stop_ns_ = monotonic_ns();
  keep(save_state());
}

Result<bool> Recording::dump_state() {
  bool is_dumped = false;
  if (!is_active_) return false;
  const std::lock_guard lock(kernel_mutex_);
  for (const auto& channel : kernel_) {
    auto dumped = channel->dump_state();
    if (!dumped) return dumped;
    is_dumped = is_dumped || *dumped;
  }
  return is_dumped;
}

bool Recording::ask_for_state() {
  if (!is_active_ || !std::ranges::any_of(session_.channels(), &session::Channel::wants_state))
    return false;
  ++state_dump_;
  return true;
}

void Recording::log(std::string_view text) {
  if (!is_active_) return;
  const std::lock_guard lock(kernel_mutex_);
  for (const auto& channel : kernel_)
    if (const Status done = channel->log(text); !done) warn(done.error());
}

collect::Stats Recording::stats() {
  for (const auto& channel : kernel_) (void)channel->report_nested();
  return collector_->stats();
}

Status Recording::check_change(const session::RecordingSession& next) {
  auto filters = parse_filters(next);
  return filters ? Status() : tl::unexpected<Error>(std::move(filters).error());
}

Status Recording::change(session::RecordingSession next) {
  auto filters = parse_filters(next);
  if (!filters) return tl::unexpected<Error>(std::move(filters).error());
  filters_ = *std::move(filters);
  session_ = std::move(next);
  ++plan_version_;
  is_about_.clear();
  return {};
}

collect::Stats Recording::complete() {
  const std::lock_guard lock(kernel_mutex_);
  is_kernel_running_ = false;
  for (const auto& channel : kernel_) channel->stop();
  collector_->flush();
  note_stopped();
  return collector_->stats();
}

collect::Stats Recording::finish() {
  for (const auto& channel : kernel_) channel->stop();
  note_stopped();
  collect::Stats stats = collector_->stop();
  // Before its pins: a daemon that finds it finds them, too.
  if (estate_.store != nullptr) estate_.store->remove(id_);
  std::error_code ignored;
  if (session_.options().in_memory) std::filesystem::remove_all(files_path_, ignored);
  remove_buffers();
  // Here rather than with the recording, on the daemon's loop: these are thousands of programs.
  kernel_.clear();
  return stats;
}

// What is read to its end went before: what is left are folders, and what was never anybody's.
void Recording::remove_buffers() const {
  std::error_code ignored;
  const std::string& path = session_.options().buffers_path;
  if (!path.empty()) std::filesystem::remove_all(path, ignored);
}

void Recording::stop() {
  is_active_ = false;
  attached_.clear();
  // Not again: an earlier daemon may have been killed behind this.
  if (stop_ns_ == 0) stop_ns_ = monotonic_ns();
}

std::uint64_t Recording::duration_ns() const {
  return (stop_ns_ != 0 ? stop_ns_ : monotonic_ns()) - start_ns_;
}

bool Recording::is_included(const apps::Process& process) const {
  using session::ProcessAttribute;
  const auto has = [&](ProcessAttribute attribute, auto value_of) {
    const session::InclusionSet& set =
        session_.options().inclusion[static_cast<std::size_t>(attribute)];
    // Not looked up for nothing.
    if (set.policy() == session::InclusionSet::Policy::kAll) return true;
    const std::optional<std::uint32_t> value = value_of();
    return value && set.has(*value);
  };
  return has(ProcessAttribute::kVpid, [&] { return static_cast<std::uint32_t>(process.vpid); }) &&
         has(ProcessAttribute::kVuid, [&] { return apps::virtual_user(process.pid); }) &&
         has(ProcessAttribute::kVgid, [&] { return apps::virtual_group(process.pid); });
}

bool Recording::is_about(const apps::Process& process) {
  if (!is_included(process)) return false;
  const session::ProcessSet& wanted = session_.options().processes;
  if (wanted.is_everyone() || wanted.pids.contains(process.pid)) return true;
  auto known = is_about_.find(process.registration);
  if (known != is_about_.end()) return known->second;
  bool is_in = wanted.root_pid != 0 && apps::is_descendant(process.pid, wanted.root_pid);
  if (!is_in && !wanted.mark.empty()) {
    // A daemon that the program started has another parent by now, but still its environment.
    const std::size_t equals = wanted.mark.find('=');
    auto value = apps::initial_environment(process.pid, wanted.mark.substr(0, equals));
    is_in = value && equals != std::string::npos && *value == wanted.mark.substr(equals + 1);
  }
  is_about_.emplace(process.registration, is_in);
  return is_in;
}

void Recording::attach(const apps::Image& image) {
  attached_.erase(image.token);
  if (!is_active_) return;
  const bool is_in = is_about(*image.process);
  coverage_.add_program(image.process->registration, is_in);
  if (!is_in) return;
  for (const apps::Site& site : image.control.catalog().sites)
    coverage_.add_site(image.process->registration, site.full_name(), site.log_level);
  std::vector<ImageChannel> feeds;
  for (std::size_t index = 0; index < session_.channels().size(); ++index) {
    ImageChannel feed = feed_channel(image, index);
    if (feed.channel != nullptr) feeds.push_back(std::move(feed));
  }
  if (!feeds.empty()) note_process(*image.process);
  attached_[image.token] = std::move(feeds);
}

Recording::ImageChannel Recording::feed_channel(const apps::Image& image, std::size_t index) {
  const session::Channel& rules = session_.channels()[index];
  const std::vector<apps::Site>& sites = image.control.catalog().sites;
  ImageChannel feed;
  feed.index = index;
  ImageFilters filters;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const std::string name = sites[i].full_name();
    const session::Verdict verdict = rules.judge(name, sites[i].log_level);
    coverage_.add_event(rules, name, verdict);
    if (verdict != session::Verdict::kRecorded) continue;
    if (!filters_[index].is_empty()) {
      std::vector<FilterMisfit> misfits;
      auto can_match = filters_[index].apply(rules.rules_for(name, sites[i].log_level), sites[i], i,
                                             &filters, &misfits);
      for (const FilterMisfit& misfit : misfits)
        coverage_.add_filter_problem(misfit, name, image.process->name);
      if (!can_match) warn(can_match.error());
      if (!can_match || !*can_match) continue;
    }
    auto channel = open_channel(image, index);
    if (!channel) {
      warn(channel.error());
      break;
    }
    auto id = event_id(trace_of(image, index), *channel, sites[i]);
    if (!id) {
      warn(id.error());
      continue;
    }
    feed.channel = *channel;
    feed.ids.resize(sites.size());
    feed.ids[i] = *id + 1;
  }
  if (feed.channel == nullptr) return feed;
  apps::Attachment carrier;
  carrier.ids.resize(sites.size());
  std::move(filters).move_to(&carrier);
  feed.is_filtered = std::move(carrier.is_filtered);
  feed.filters = std::move(carrier.filters);
  return feed;
}

void Recording::detach(const apps::Image& image) { attached_.erase(image.token); }

void Recording::process_removed(const apps::Process& process) {
  collector_->release_locks(process.registration);
  auto found =
      traces_.find({session::BufferOwnership::kProcess, process.registration, process.word_bits});
  if (found != traces_.end()) {
    collector_->close_trace(found->second.id);
    traces_.erase(found);
  }
  is_about_.erase(process.registration);
  seen_.erase(process.registration);  // it never comes again
}

void Recording::add_attachments(const apps::Image& image,
                                std::vector<apps::Attachment>* attachments) const {
  auto found = attached_.find(image.token);
  if (found == attached_.end()) return;
  for (const ImageChannel& feed : found->second) {
    attachments->push_back({feed.channel->ring_id, feed.channel->channel.ring.value(),
                            session_.channels()[feed.index].contexts(), feed.ids, feed.is_filtered,
                            feed.filters, state_dump_,
                            session_.channels()[feed.index].app_contexts(),
                            session_.channels()[feed.index].counters()});
  }
}

bool Recording::wants(const apps::Image& image, std::uint32_t site) const {
  auto found = attached_.find(image.token);
  return found != attached_.end() &&
         std::any_of(found->second.begin(), found->second.end(),
                     [site](const ImageChannel& feed) { return feed.ids[site] != 0; });
}

collect::TraceOptions Recording::trace_options(const apps::Image& image,
                                               session::BufferOwnership ownership) const {
  const apps::Process& process = *image.process;
  ctf::UstEnvironment facts;
  facts.session_name = session_.options().name;
  facts.creation_datetime = creation_datetime_;
  facts.hostname = host_name();
  facts.user_id = process.uid;
  facts.word_bits = process.word_bits;
  facts.version_major = SILLAGE_VERSION_MAJOR;
  facts.version_minor = SILLAGE_VERSION_MINOR;
  facts.version_patch = SILLAGE_VERSION_PATCH;
  collect::TraceOptions options;
  if (ownership == session::BufferOwnership::kProcess) {
    facts.process = ctf::UstEnvironment::Process{
        .vpid = process.vpid, .name = process.name, .start_datetime = chunk_datetime()};
    options.directory = "ust/pid/" + file_name_of(process.name) + "-" +
                        std::to_string(process.vpid) + "-" + session_datetime();
  } else {
    options.directory =
        "ust/uid/" + std::to_string(process.uid) + "/" + std::to_string(process.word_bits) + "-bit";
  }
  options.environment = ctf::ust_environment(facts);
  options.clock_offset_ns = clock_offset_ns_;
  if (process.clock) set_clock(*process.clock, clock_offset_ns_, &options);
  return options;
}

Result<Recording::Trace*> Recording::open_trace(const apps::Image& image,
                                                session::BufferOwnership ownership) {
  const apps::Process& process = *image.process;
  // Times of two clocks are in no order: such a process shares a trace with nobody.
  if (process.clock) ownership = session::BufferOwnership::kProcess;
  const bool is_shared = ownership == session::BufferOwnership::kUser;
  const TraceKey key{ownership, is_shared ? process.uid : process.registration, process.word_bits};
  if (auto found = traces_.find(key); found != traces_.end()) return &found->second;
  collect::TraceOptions options = trace_options(image, ownership);
  note_opening(options.directory);
  auto id = collector_->open_trace(options);
  if (!id && id.error().code == Code::kAlreadyExists && !is_shared) {
    // The pid came again within a second.
    options.directory += "-" + std::to_string(process.registration);
    note_opening(options.directory);
    id = collector_->open_trace(options);
  }
  if (!id) return tl::unexpected<Error>(std::move(id).error());
  const BufferOwner owner{
      !is_shared, is_shared ? key.owner : static_cast<std::uint32_t>(process.pid), key.word_bits};
  Trace& trace = traces_.emplace(key, Trace{*id, 0, owner}).first->second;
  note_trace(key, &trace, options, process.clock);
  return &trace;
}

Result<Recording::OpenChannel*> Recording::open_channel(const apps::Image& image,
                                                        std::size_t index) {
  const session::Channel& wanted = session_.channels()[index];
  auto trace = open_trace(image, wanted.options().ownership);
  if (!trace) return tl::unexpected<Error>(std::move(trace).error());
  auto known = (*trace)->channels.find(index);
  const bool is_known = known != (*trace)->channels.end();
  if (is_known && known->second.contexts == wanted.contexts()) return &known->second;
  // The ring that records without them is read to the end: some program may be about to write there.
  const std::uint32_t version = is_known ? known->second.version + 1 : 1;
  collect::ChannelOptions options = channel_options(wanted);
  options.name = versioned(options.name, version);
  // Unique in the daemon: programs keep a ring mapped by this number.
  const std::uint64_t ring_id = id_ << 32 | next_ring_++;
  options.ended = when_ended(ring_id);
  auto channel = collector_->add_channel((*trace)->id, options);
  if (!channel) return tl::unexpected<Error>(std::move(channel).error());
  note_channel(false, wanted.options().name, {channel->id, (*trace)->owner});
  OpenChannel open{*std::move(channel), ring_id, wanted.contexts(), version, {}};
  note_opened(**trace, index, open, options);
  open.channel.ledger.reset();
  return &(*trace)->channels.insert_or_assign(index, std::move(open)).first->second;
}

// There, as the image feeds the channel.
Recording::Trace& Recording::trace_of(const apps::Image& image, std::size_t index) {
  return **open_trace(image, session_.channels()[index].options().ownership);
}

Result<std::uint32_t> Recording::event_id(const Trace& trace, OpenChannel* channel,
                                          const apps::Site& site) {
  auto known = channel->event_ids.find(site.identity);
  if (known != channel->event_ids.end()) return known->second;
  auto id = collector_->add_event(channel->channel.id, event_class_of(site));
  if (!id) return tl::unexpected<Error>(std::move(id).error());
  channel->event_ids.emplace(site.identity, id->value);
  note_event(trace, *channel, site);
  return id->value;
}

void Recording::note_channel(bool is_kernel, const std::string& name, const NotedChannel& channel) {
  const std::lock_guard lock(noted_mutex_);
  noted_channels_[{is_kernel, name}].push_back(channel);
}

collect::ChannelStats Recording::channel_stats(bool is_kernel, const std::string& name) const {
  collect::ChannelStats sum;
  const std::lock_guard lock(noted_mutex_);
  const auto found = noted_channels_.find({is_kernel, name});
  if (found == noted_channels_.end()) return sum;
  for (const NotedChannel& channel : found->second) sum.add(collector_->channel_stats(channel.id));
  return sum;
}

std::vector<Recording::NotedChannel> Recording::versions_of(const std::string& channel) const {
  const std::lock_guard lock(noted_mutex_);
  const auto found = noted_channels_.find({false, channel});
  return found == noted_channels_.end() ? std::vector<NotedChannel>() : found->second;
}

ChannelMemory Recording::memory(const std::string& channel) const {
  ChannelMemory all;
  for (const NotedChannel& version : versions_of(channel)) {
    const std::vector<collect::StreamMemory> streams = collector_->memory(version.id);
    if (streams.empty()) continue;  // its programs have gone, and it
    std::vector<collect::StreamMemory>& sum = all[version.owner];
    if (sum.size() < streams.size()) sum.resize(streams.size());
    for (std::size_t i = 0; i < streams.size(); ++i) {
      sum[i].cpu = streams[i].cpu;
      sum[i].bytes += streams[i].bytes;
      sum[i].max_bytes += streams[i].max_bytes;
    }
  }
  return all;
}

Result<ring::Reclaimed> Recording::reclaim_memory(const std::string& channel,
                                                  Nanoseconds older_than) {
  ring::Reclaimed sum;
  for (const NotedChannel& version : versions_of(channel)) {
    auto reclaimed = collector_->reclaim_memory(version.id, older_than);
    if (reclaimed) {
      sum.add(*reclaimed);
    } else if (reclaimed.error().code != Code::kNotFound) {  // its programs have gone, and it
      return reclaimed;
    }
  }
  return sum;
}

void Recording::warn(const Error& error) {
  if (warning_.empty()) warning_ = error.text();
}

}  // namespace sillage::daemon
