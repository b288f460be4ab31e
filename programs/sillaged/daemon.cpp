// SPDX-License-Identifier: MIT
#include "sillaged/daemon.hpp"

#include "apps/proc_files.hpp"
#include "collect/output_directory.hpp"
#include "control/session_message.hpp"
#include "ctf/layout.hpp"
#include "session/glob.hpp"
#include "sillaged/descriptor_store.hpp"
#include "sillaged/passed_socket.hpp"
#include "sillaged/runtime_directory.hpp"
#include "sillaged/stats_message.hpp"
#include "sillaged/user_filters.hpp"

#include <fmt/core.h>

#include <grp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

namespace sillage::daemon {
namespace {

// Events that the kernel does not let be recorded: how many are named in an answer.
constexpr int kShownLeftOut = 10;
// How often a command that waits hears of progress.
constexpr int kProgressMs = 100;
constexpr std::uint64_t kAgentMs = 2000;  // for agents and programs to do what they are told
constexpr int kHeldMs = 2;                // how often that is looked at

// Who asks for what is done without a command: the daemon, when it starts.
constexpr control::ConnectionId kNobody = 0;

std::uint64_t monotonic_ms() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

/// Every process costs a descriptor, every recorded stream one more.
void raise_descriptor_limit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/// Where generations start: gates may still hold those of a daemon that was killed.
std::uint32_t random_generation() {
  std::uint32_t start = 0;
  if (getrandom(&start, sizeof start, 0) != sizeof start)
    start = static_cast<std::uint32_t>(monotonic_ms());
  return start;
}

std::optional<gid_t> tracing_group() {
  const group* entry = getgrnam(apps::kTracingGroup);
  if (entry == nullptr) return std::nullopt;
  return entry->gr_gid;
}

}  // namespace

Daemon::Daemon(const DaemonOptions& options)
    : options_(options),
      store_(options.paths),
      next_recording_((random_generation() >> 1) + 1u),
      generation_(random_generation()) {}

Result<std::unique_ptr<Daemon>> Daemon::create(const DaemonOptions& options) {
  std::unique_ptr<Daemon> daemon(new Daemon(options));
  SILLAGE_TRY(daemon->start());
  return daemon;
}

Status Daemon::start() {
  SILLAGE_TRY(prepare_directory(options_.paths));
  auto lock = lock_directory(options_.paths);
  if (!lock) return tl::unexpected<Error>(std::move(lock).error());
  lock_ = *std::move(lock);
  raise_descriptor_limit();
  auto background = Background::create();
  if (!background) return tl::unexpected<Error>(std::move(background).error());
  background_ = *std::move(background);
  sessions_ = std::make_unique<SessionService>(*this, *background_);
  descriptors_ = make_descriptor_store(options_.paths);
  hold::Descriptors inherited = descriptors_->take();
  auto page = inherited.extract("clock");
  auto clock =
      page ? collect::ClockKeeper::adopt(std::move(page.mapped())) : collect::ClockKeeper::create();
  if (!clock) clock = collect::ClockKeeper::create();
  if (!clock) return tl::unexpected<Error>(std::move(clock).error());
  clock_ = *std::move(clock);
  is_clock_kept_ = !page.empty();
  adopt_recordings(&inherited);
  for (const auto& [name, descriptor] : inherited) descriptors_->forget(name);

  const bool is_root = options_.paths.domain == SILLAGE_DOMAIN_ROOT;
  apps::AppServer::Options app_options{options_.paths, is_root, clock_->fd(), options_.limits};
  auto apps = apps::AppServer::listen(app_options, *this);
  if (!apps) return tl::unexpected<Error>(std::move(apps).error());
  apps_ = *std::move(apps);
  for (const auto& [id, owned] : recordings_)
    for (const v1::ProcessSeen& seen : owned.recording->known_processes())
      apps_->registry().remember(seen.pid(), seen.start_ticks(), seen.registration());
  apps_->discover();
  end_gone_processes();
  if (!options_.agent_port_files.empty()) {
    auto agents = apps::AgentServer::listen(
        {options_.agent_port_files}, [this](std::string_view event) { return wants_event(event); },
        [this](std::string_view event) { return contexts_wanted_with(event); },
        [this] { return wanted_version(); });
    // Everything else works without.
    if (agents) agents_ = *std::move(agents);
  }

  if (geteuid() == 0) {
    auto text = TextInput::create(options_.paths.text_input());
    if (!text) return tl::unexpected<Error>(std::move(text).error());
    text_.emplace(*std::move(text));
  }

  for (const control::v1::Request& request : options_.first_requests)
    sessions_->request(kNobody, request);

  // Last: who can connect finds everything in place.
  control::ControlServerOptions control_options;
  control_options.path = options_.paths.control_socket();
  if (is_root) control_options.group = tracing_group();
  auto control =
      control::ControlServer::listen(control_options, *this, passed_socket(control_options.path));
  if (!control) return tl::unexpected<Error>(std::move(control).error());
  control_ = *std::move(control);
  end_orphans();
  return {};
}

Daemon::~Daemon() {
  // Commands that see their connections close are not to look for the next daemon.
  for (auto& [id, owned] : recordings_) owned.recording->end_with_daemon();
  // No command can be answered any more; their recordings end here.
  for (auto& [connection, loading] : loading_) loading->stop.request_stop();
  for (auto& [id, owned] : recordings_) owned.is_abandoned = true;
  for (auto& finishing : finishing_) finishing->connection.reset();
  if (background_) background_->finish();
  control_.reset();
  if (sessions_)
    for (const std::string& name : sessions_->names()) store_.remove_session(name);
  sessions_.reset();
  while (!recordings_.empty()) stop_recording(recordings_.begin()->first, std::nullopt);
  if (background_) background_->finish();
  release_clock();
}

Status Daemon::run(int stop_fd) {
  enum { kStop, kApps, kControl, kFinished, kText, kAgents, kHeirs };
  std::uint64_t idle_since_ms = monotonic_ms();
  for (;;) {
    std::vector<pollfd> sources = {{stop_fd, POLLIN, 0},
                                   {apps_->fd(), POLLIN, 0},
                                   {control_->fd(), POLLIN, 0},
                                   {background_->fd(), POLLIN, 0},
                                   {text_ ? text_->fd() : -1, POLLIN, 0},
                                   {agents_ ? agents_->fd() : -1, POLLIN, 0}};
    for (const auto& [id, owned] : recordings_)
      if (owned.heir) sources.push_back({owned.heir->pidfd.value(), POLLIN, 0});
    int timeout_ms = -1;
    if (!is_idle()) {
      idle_since_ms = monotonic_ms();
    } else if (options_.auto_exit) {
      const std::uint64_t idle_ms = monotonic_ms() - idle_since_ms;
      if (idle_ms >= options_.idle_ms) return {};
      timeout_ms = static_cast<int>(options_.idle_ms - idle_ms);
    }
    if (!loading_.empty()) timeout_ms = kProgressMs;
    if (!held_.empty() && (timeout_ms < 0 || timeout_ms > kHeldMs)) timeout_ms = kHeldMs;
    for (const int due_ms : {sessions_->rotate_on_schedule(), sessions_->end_watches()})
      if (due_ms >= 0 && (timeout_ms < 0 || due_ms < timeout_ms)) timeout_ms = due_ms;
    if (agents_) agents_->renew();
    if (poll(sources.data(), sources.size(), timeout_ms) < 0 && errno != EINTR)
      return fail_errno("cannot wait for events");
    if (sources[kStop].revents != 0) return {};
    if (sources[kApps].revents != 0) apps_->process_events();
    if (sources[kControl].revents != 0) {
      control_->process_events();
      if (is_idle()) idle_since_ms = monotonic_ms();
    }
    if (sources[kFinished].revents != 0) background_->process_done();
    if (sources[kText].revents != 0) take_text();
    if (sources[kAgents].revents != 0) agents_->process_events();
    release_held();
    if (!loading_.empty()) tell_progress();
    if (recordings_.empty() && background_->is_idle()) release_clock();
    if (sources.size() > kHeirs) end_orphans();
  }
}

bool Daemon::is_idle() const {
  return recordings_.empty() && background_->is_idle() && sessions_->is_empty() &&
         control_->connection_count() == 0;
}

bool Daemon::wants_event(std::string_view name) const {
  return std::any_of(recordings_.begin(), recordings_.end(), [&](const auto& entry) {
    const Recording& recording = *entry.second.recording;
    if (!recording.is_active()) return false;
    const auto& channels = recording.session().channels();
    return std::any_of(channels.begin(), channels.end(), [&](const session::Channel& channel) {
      return std::any_of(channel.rules().begin(), channel.rules().end(),
                         [&](const session::EventRule& rule) {
                           return session::glob_matches(rule.pattern, name);
                         });
    });
  });
}

std::vector<std::string> Daemon::contexts_wanted_with(std::string_view name) const {
  std::set<std::string> found;
  for (const auto& [id, owned] : recordings_) {
    if (!owned.recording->is_active()) continue;
    for (const session::Channel& channel : owned.recording->session().channels()) {
      for (const session::EventRule& rule : channel.rules()) {
        if (!session::glob_matches(rule.pattern, name)) continue;
        found.insert(channel.app_contexts().begin(), channel.app_contexts().end());
        found.merge(application_contexts_of(rule.filter));
      }
    }
  }
  return {found.begin(), found.end()};
}

std::uint64_t Daemon::wanted_version() {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> plans;
  for (const auto& [id, owned] : recordings_)
    if (owned.recording->is_active()) plans.emplace_back(id, owned.recording->plan_version());
  if (plans != active_plans_) {
    active_plans_ = std::move(plans);
    ++wanted_version_;
  }
  return wanted_version_;
}

void Daemon::renew_gates(apps::Image& image) {
  if (++generation_ == 0) ++generation_;
  image.generation = generation_;
  const auto count = static_cast<std::uint32_t>(image.control.catalog().sites.size());
  for (std::uint32_t site = 0; site < count; ++site) {
    const bool is_wanted =
        std::any_of(recordings_.begin(), recordings_.end(),
                    [&](const auto& entry) { return entry.second.recording->wants(image, site); });
    image.control.set_gate(site, options_.paths.domain, is_wanted ? generation_ : 0);
  }
  image.control.ring_bell();
}

void Daemon::image_added(apps::Image& image) {
  for (auto& [id, owned] : recordings_) owned.recording->attach(image);
  renew_gates(image);
}

void Daemon::image_removed(const apps::Image& image) {
  for (auto& [id, owned] : recordings_) owned.recording->detach(image);
}

void Daemon::process_removed(const apps::Process& process) {
  for (auto& [id, owned] : recordings_) owned.recording->process_removed(process);
}

std::vector<apps::Attachment> Daemon::attachments(const apps::Image& image) {
  std::vector<apps::Attachment> all;
  for (const auto& [id, owned] : recordings_) owned.recording->add_attachments(image, &all);
  return all;
}

void Daemon::filters_unknown(const apps::Image& image) {
  for (auto& [id, owned] : recordings_) owned.recording->filters_unknown(image);
}

void Daemon::request(control::ConnectionId connection, const control::v1::Request& request) {
  if (SessionService::handles(request)) return sessions_->request(connection, request);
  control::v1::Response response;
  Status done;
  switch (request.request_case()) {
    case control::v1::Request::kVersion: answer_version(response.mutable_version()); break;
    case control::v1::Request::kList: answer_list(request.list(), response.mutable_list()); break;
    case control::v1::Request::kCreateRecording:
      done = create_recording(connection, request.create_recording(), &response);
      break;
    case control::v1::Request::kStartRecording:
      done = start_recording(connection, request.start_recording(), &response);
      break;
    case control::v1::Request::kStats: {
      auto owned = find_recording(connection, request.stats().recording());
      if (owned) {
        fill_stats((*owned)->recording->stats(), response.mutable_stats()->mutable_stats());
      } else {
        done = tl::unexpected<Error>(std::move(owned).error());
      }
      break;
    }
    case control::v1::Request::kStopRecording: {
      auto owned = find_recording(connection, request.stop_recording().recording());
      if (owned)
        return stop_recording(request.stop_recording().recording(),
                              connection);  // answered when done
      done = tl::unexpected<Error>(std::move(owned).error());
      break;
    }
    case control::v1::Request::kResumeRecording:
      done = resume_recording(connection, request.resume_recording().recording());
      if (done) response.mutable_resume_recording();
      break;
    case control::v1::Request::kListLoggers:
      response.mutable_list_loggers();
      if (!agents_) break;
      agents_->ask_for_loggers(request.list_loggers().domain());
      return hold(connection, response, request.list_loggers().domain());
    case control::v1::Request::kDumpState: done = dump_state(response.mutable_dump_state()); break;
    default:
      done = fail(Code::kUnsupported,
                  "a request that this daemon does not know: use one release of both");
      break;
  }
  if (!done) {
    control_->reply(connection, done.error());
  } else if (response.response_case() != control::v1::Response::RESPONSE_NOT_SET) {
    control_->reply(connection, response);
  }
}

void Daemon::closed(control::ConnectionId connection) {
  if (auto found = loading_.find(connection); found != loading_.end())
    found->second->stop.request_stop();
  for (auto& finishing : finishing_) {
    if (finishing->connection == connection) finishing->connection.reset();
  }
  std::vector<std::uint64_t> orphans;
  for (auto& [id, owned] : recordings_) {
    if (owned.owner != connection) continue;
    owned.is_abandoned = true;
    if (!owned.is_starting) orphans.push_back(id);
  }
  for (std::uint64_t id : orphans) stop_recording(id, std::nullopt);
}

void Daemon::answer_version(control::v1::VersionResponse* response) const {
  response->set_version(SILLAGE_VERSION);
  response->set_pid(static_cast<std::uint32_t>(getpid()));
  response->set_clock(clock_->uses_tsc() ? "tsc" : "monotonic");
  response->set_programs(apps_->registry().process_count());
  response->set_refused_programs(apps_->counts().refused + apps_->counts().no_descriptors);
  response->set_last_refusal(apps_->last_refusal());
}

void Daemon::answer_list(const control::v1::ListRequest& request,
                         control::v1::ListResponse* response) {
  apps_->drop_stale_images();
  apps::AppRegistry& registry = apps_->registry();
  registry.for_each_process([&](const apps::Process& process) {
    std::map<std::string, const apps::Site*> events;
    for (std::uint64_t token : process.images) {
      for (const apps::Site& site : registry.find_image(token)->control.catalog().sites) {
        events.emplace(site.full_name(), &site);
      }
    }
    if (events.empty()) return;
    control::v1::Program* program = response->add_programs();
    program->set_pid(process.pid);
    program->set_uid(process.uid);
    program->set_name(process.name);
    for (const auto& [name, site] : events) {
      control::v1::Event* event = program->add_events();
      event->set_name(name);
      event->set_log_level(site->log_level);
      event->set_source(site->file + ":" + std::to_string(site->line));
      if (!request.with_fields()) continue;
      for (const apps::Field& from : site->fields) {
        control::v1::Field* field = event->add_fields();
        field->set_name(from.name);
        field->set_type(apps::field_type_text(from));
      }
    }
  });
}

Status Daemon::create_recording(control::ConnectionId connection,
                                const control::v1::CreateRecordingRequest& request,
                                control::v1::Response* response) {
  auto session = control::session_of(request);
  if (!session) return tl::unexpected<Error>(std::move(session).error());
  for (const session::Channel& channel : session->channels()) {
    for (std::uint32_t context : channel.contexts()) {
      if (!ctf::is_context(context, channel.app_contexts().size(), channel.counters().size()))
        return fail(Code::kInvalidArgument, "a context that this daemon does not know");
    }
  }
  const bool is_of_kernel = !session->kernel_channels().empty();
  auto output = make_output(connection, session->options().output_path);
  if (!output) return tl::unexpected<Error>(std::move(output).error());
  auto recording = Recording::create(next_recording_++, *std::move(session), *clock_, store_,
                                     *std::move(output));
  if (!recording) return tl::unexpected<Error>(std::move(recording).error());
  apps_->registry().for_each_image(
      [&](const apps::Image& image) { (*recording)->preview_filters(image); });
  if (Status usable = (*recording)->check_filters(); !usable) {
    (*recording)->discard();
    return usable;
  }
  const std::uint64_t refused = apps_->counts().refused + apps_->counts().no_descriptors;
  Owned owned{*std::move(recording), connection, refused};
  owned.recording->outlive_daemon(estate(), state_of(connection, request));
  if (!is_of_kernel) {
    keep_recording(std::move(owned), response->mutable_create_recording());
    return {};
  }
  auto loading = std::make_shared<Loading>();
  loading->owned = std::move(owned);
  loading->wants_progress = request.wants_progress();
  loading_[connection] = loading;
  background_->run([this, loading] { loading->status = load(loading.get()); },
                   [this, loading] { loaded(loading.get()); });
  return {};
}

void Daemon::keep_recording(Owned owned, control::v1::CreateRecordingResponse* response) {
  const Recording& recording = *owned.recording;
  response->set_recording(recording.id());
  response->set_path(recording.session().options().output_path);
  for (const auto& channel : recording.kernel()) {
    response->set_kernel_events(response->kernel_events() + channel->event_count());
    response->set_left_out_count(response->left_out_count() + channel->left_out().size());
    for (const std::string& why : channel->left_out())
      if (response->left_out_size() < kShownLeftOut) response->add_left_out(why);
  }
  recordings_.emplace(recording.id(), std::move(owned));
}

Status Daemon::dump_state(control::v1::DumpStateResponse* response) {
  std::uint64_t recordings = 0;
  for (auto& [id, owned] : recordings_) {
    const auto dumped = owned.recording->dump_state();
    if (!dumped) return tl::unexpected<Error>(dumped.error());
    const bool is_asked = owned.recording->ask_for_state();
    if (is_asked) renew(*owned.recording);
    recordings += *dumped || is_asked ? 1 : 0;
  }
  if (recordings == 0)
    return fail(Code::kNotFound,
                "no recording runs that began with the kernel's state or has that of programs: "
                "start one with sillage "
                "record -k, without --no-statedump, or with -e 'lttng_ust_statedump:*'");
  response->set_recordings(recordings);
  return {};
}

// On a thread of its own.
Status Daemon::load(Loading* loading) {
  const std::lock_guard one_at_a_time(loading_mutex_);
  const auto opened = tracer();
  Status done = opened ? loading->owned.recording->add_kernel(**opened, loading->progress)
                       : tl::unexpected<Error>(opened.error());
  if (!done) loading->owned.recording->discard();
  return done;
}

void Daemon::loaded(Loading* loading) {
  const control::ConnectionId connection = loading->owned.owner;
  const auto self = loading_.extract(connection);
  if (!loading->status) return control_->reply(connection, loading->status.error());
  if (loading->stop.stop_requested()) {
    background_->run([loading = self.mapped()] { loading->owned.recording->discard(); }, [] {});
    return;
  }
  control::v1::Response response;
  keep_recording(std::move(loading->owned), response.mutable_create_recording());
  control_->reply(connection, response);
}

void Daemon::tell_progress() {
  for (auto& [connection, loading] : loading_) {
    const std::uint64_t done = loading->progress.done();
    if (!loading->wants_progress || done == loading->told) continue;
    loading->told = done;
    control::v1::Response response;
    response.mutable_progress()->set_done(done);
    response.mutable_progress()->set_total(loading->progress.total());
    control_->send_before_reply(connection, response);
  }
}

Status Daemon::start_recording(control::ConnectionId connection,
                               const control::v1::StartRecordingRequest& request,
                               control::v1::Response* response) {
  auto owned = find_recording(connection, request.recording());
  if (!owned) return tl::unexpected<Error>(std::move(owned).error());
  Recording& recording = *(*owned)->recording;
  if (recording.is_active()) return fail(Code::kAlreadyExists, "the recording has been started");
  if (request.root_pid() < 0) return fail(Code::kInvalidArgument, "a root process that cannot be");
  recording.set_root_process(request.root_pid());
  if (recording.kernel().empty()) {
    activate(&recording, response->mutable_start_recording());
    return {};
  }
  (*owned)->is_starting = true;
  auto status = std::make_shared<Status>();
  background_->run([&recording, status] { *status = recording.start_kernel(); },
                   [this, id = request.recording(), status] { started(id, *status); });
  return {};
}

void Daemon::started(std::uint64_t id, const Status& status) {
  Owned& owned = recordings_.at(id);
  owned.is_starting = false;
  if (owned.is_abandoned) return stop_recording(id, std::nullopt);
  if (!status) return control_->reply(owned.owner, status.error());
  control::v1::Response response;
  activate(owned.recording.get(), response.mutable_start_recording());
  reply(owned.owner, response);
}

void Daemon::activate(Recording* recording, control::v1::StartRecordingResponse* response) {
  recording->activate();
  apps_->registry().for_each_image([&](apps::Image& image) {
    recording->attach(image);
    std::vector<apps::Attachment> fed;
    recording->add_attachments(image, &fed);
    if (!fed.empty()) renew_gates(image);
  });
  response->set_programs(recording->program_count());
}

Result<Daemon::Owned*> Daemon::find_recording(control::ConnectionId connection, std::uint64_t id) {
  auto found = recordings_.find(id);
  // Another command's is as good as none.
  if (found == recordings_.end() || found->second.owner != connection) {
    return fail(Code::kNotFound,
                "there is no recording " + std::to_string(id) + " of this command");
  }
  return &found->second;
}

void Daemon::take_text() {
  if (!text_) return;
  text_->read_lines([this](std::string_view text) {
    for (auto& [id, owned] : recordings_) owned.recording->log(text);
  });
}

Result<Recording*> Daemon::add_recording(session::RecordingSession plan, Fd output) {
  const std::uint64_t id = next_recording_++;
  auto recording = Recording::create(id, std::move(plan), *clock_, store_, std::move(output));
  if (!recording) return tl::unexpected<Error>(std::move(recording).error());
  v1::RecordingState state;
  state.set_session((*recording)->session().options().name);
  (*recording)->outlive_daemon(estate(), std::move(state));
  const auto added = recordings_.emplace(id, Owned{*std::move(recording), 0, 0});
  return added.first->second.recording.get();
}

uid_t Daemon::user_of(control::ConnectionId connection) const {
  if (connection == kNobody) return geteuid();
  const auto peer = control_->peer(connection);
  // Who has gone is nobody.
  return peer ? peer->uid : static_cast<uid_t>(-1);
}

bool Daemon::is_for_member(control::ConnectionId connection) const {
  return geteuid() == 0 && user_of(connection) != 0;
}

Result<Fd> Daemon::make_output(control::ConnectionId connection, const std::string& path) {
  if (path.empty() || !is_for_member(connection)) return Fd();
  const auto peer = control_->peer(connection);
  // Not with root's rights because it is not known any more whose it is to be.
  if (!peer) return fail(Code::kNotFound, "the command that asked for " + path + " has gone");
  auto groups = control_->peer_groups(connection);
  if (!groups) return tl::unexpected<Error>(std::move(groups).error());
  auto made = collect::make_directory_as({peer->uid, peer->gid, *std::move(groups)}, path);
  if (!made)
    return fail(made.error().code, made.error().message +
                                       " (with the rights of the user who asks for it); choose "
                                       "another directory with -o");
  return made;
}

std::unique_ptr<Recording> Daemon::remove_recording(std::uint64_t id) {
  return take_recording(id).recording;
}

void Daemon::renew(Recording& recording) {
  apps_->registry().for_each_image([&](apps::Image& image) {
    std::vector<apps::Attachment> fed;
    recording.add_attachments(image, &fed);
    recording.attach(image);
    recording.add_attachments(image, &fed);
    if (!fed.empty()) renew_gates(image);
  });
}

Result<const kernel::Tracer*> Daemon::tracer() {
  const std::lock_guard lock(tracer_mutex_);
  if (tracer_) return &*tracer_;
  auto tracer = kernel::Tracer::open();
  if (!tracer)
    return fail(tracer.error().code, "cannot record the kernel: " + tracer.error().message +
                                         "; events of programs can be recorded without it");
  tracer_ = *std::move(tracer);
  return &*tracer_;
}

void Daemon::reply(control::ConnectionId connection, const control::v1::Response& response) {
  if (connection == kNobody) return;
  if (agents_) agents_->renew();
  if (is_program_waited_for()) return hold(connection, response, std::nullopt);
  control_->reply(connection, response);
}

void Daemon::hold(control::ConnectionId connection, const control::v1::Response& response,
                  std::optional<std::uint32_t> loggers_of) {
  held_.push_back({connection, response, loggers_of, monotonic_ms() + kAgentMs});
}

bool Daemon::is_program_waited_for() const {
  return (agents_ && agents_->is_waiting()) || apps_->registry().is_any_behind();
}

void Daemon::release_held() {
  if (held_.empty()) return;
  if (is_program_waited_for()) {
    if (monotonic_ms() < held_.front().until_ms) return;
    if (agents_) agents_->give_up();
    apps_->registry().give_up_waiting();
  }
  for (HeldReply& held : std::exchange(held_, {})) {
    if (held.loggers_of) {
      for (const auto& from : agents_->loggers(*held.loggers_of)) {
        auto* to = held.response.mutable_list_loggers()->add_agents();
        to->set_pid(from.pid);
        to->set_name(apps::command_of(from.pid));
        for (const std::string& name : from.names) to->add_loggers(name);
      }
    }
    control_->reply(held.connection, held.response);
  }
}

void Daemon::reply(control::ConnectionId connection, const Error& error) {
  if (connection != kNobody) return control_->reply(connection, error);
  fmt::print(stderr, "sillaged: a saved session cannot be loaded or started: {}\n", error.text());
}

// Out of the list, and its gates closed.
Daemon::Owned Daemon::take_recording(std::uint64_t id) {
  take_text();
  auto found = recordings_.find(id);
  Owned owned = std::move(found->second);
  std::vector<apps::Image*> fed_images;
  apps_->registry().for_each_image([&](apps::Image& image) {
    std::vector<apps::Attachment> fed;
    owned.recording->add_attachments(image, &fed);
    if (!fed.empty()) fed_images.push_back(&image);
  });
  owned.recording->stop();
  recordings_.erase(found);
  for (apps::Image* image : fed_images) renew_gates(*image);
  return owned;
}

void Daemon::stop_recording(std::uint64_t id, std::optional<control::ConnectionId> connection) {
  Owned owned = take_recording(id);
  auto finishing = std::make_shared<Finishing>();
  finishing->owned = std::move(owned);
  finishing->connection = connection;
  finishing_.push_back(finishing);
  background_->run([finishing] { finishing->stats = finishing->owned.recording->finish(); },
                   [this, finishing] {
                     std::erase(finishing_, finishing);
                     send_summary(*finishing);
                   });
}

void Daemon::send_summary(const Finishing& finishing) {
  if (!finishing.connection) return;
  const Recording& recording = *finishing.owned.recording;
  control::v1::Response response;
  control::v1::StopRecordingResponse* summary = response.mutable_stop_recording();
  fill_stats(finishing.stats, summary->mutable_stats());
  summary->set_duration_ns(recording.duration_ns());
  summary->set_path(recording.session().options().output_path);
  summary->set_warning(recording.warning());
  recording.coverage().fill(recording.session().channels(), summary->mutable_coverage());
  const std::uint64_t refused = apps_->counts().refused + apps_->counts().no_descriptors;
  const std::uint64_t refused_before = finishing.owned.refused_before;
  summary->mutable_coverage()->set_refused_programs(refused - refused_before);
  if (refused != refused_before)
    summary->mutable_coverage()->set_last_refusal(apps_->last_refusal());
  control_->reply(*finishing.connection, response);
}

}  // namespace sillage::daemon
