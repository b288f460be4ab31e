// SPDX-License-Identifier: MIT
#include "collect/collector.hpp"

#include "collect/bell.hpp"
#include "collect/channel.hpp"
#include "collect/kernel_channel.hpp"
#include "collect/output_chunk.hpp"
#include "collect/output_directory.hpp"
#include "collect/quiet_thread.hpp"
#include "collect/trace_writer.hpp"
#include "collect/user_channel.hpp"
#include "collect/visit_cpus.hpp"
#include "ctf/layout.hpp"
#include "ring/ring.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace sillage::collect {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
// The longest sleep: what a lost wake-up of a writer costs, and how old stats() may be.
constexpr Nanoseconds kIdle{100 * kMillisecond};
// A pause without having writers ring, where rings are large enough to last it.
constexpr Nanoseconds kNap{kMillisecond / 2};
// What a stream can take in a nap with room to spare: 2 GB/s is more than a CPU writes.
constexpr std::uint64_t kNapBytes = 1 << 20;

Fd duplicate(int fd) { return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

ctf::StreamsOf streams_of(const ChannelOptions& options) {
  return options.ring.one_for_all ? ctf::StreamsOf::kBuffer : ctf::StreamsOf::kCpu;
}

Result<ctf::FieldClassRef> contexts_of(const ChannelOptions& options) {
  const std::vector<std::uint32_t> contexts(options.contexts.begin(), options.contexts.end());
  for (const std::uint32_t number : contexts)
    if (!ctf::is_context(number, options.app_contexts.size(), options.counters.size()))
      return fail(Code::kInvalidArgument, "there is no context number " + std::to_string(number));
  return ctf::contexts_class(contexts, options.app_contexts, options.counters);
}

}  // namespace

class Collector::Engine {
 public:
  Engine(Fd output, Fd buffers, const CollectorOptions& options, const ClockKeeper& clock)
      : output_(std::move(output)),
        buffers_(std::move(buffers)),
        version_(options.ctf_version),
        is_in_memory_(options.in_memory),
        clock_(clock) {}

  void start();
  Result<TraceId> open_trace(const TraceOptions& options);
  Result<OpenChannel> add_channel(TraceId trace, const ChannelOptions& options);
  Result<OpenChannel> resume_channel(TraceId trace, const ChannelOptions& options,
                                     KeptChannel kept);
  Status skip_channel(TraceId trace);
  void add_ended(const Stats& stats);
  Result<ChannelId> add_kernel_channel(TraceId trace, KernelChannelOptions options, bool resumes);
  Result<TraceIdentity> identity(TraceId trace);
  Result<TraceId> resume_trace(const TraceOptions& options, const TraceIdentity& identity);
  Result<EventId> add_event(ChannelId channel, ctf::EventClass event);
  void set_nested_lost(ChannelId channel, std::uint64_t events);
  void close_trace(TraceId trace);
  void release_locks(std::uint32_t registration);
  Stats stats() const;
  ChannelStats channel_stats(ChannelId channel);
  std::vector<StreamMemory> memory(ChannelId channel);
  Result<Stats> snapshot(const SnapshotOptions& options);
  Status rotate(const std::string& archive, const ChunkHook& ready);
  Status clear(const ChunkHook& ready);
  Result<bool> complete_chunk(const std::optional<std::string>& archive);
  Status end_chunk(const std::string& archive);
  Status set_clock_offset(std::int64_t clock_offset_ns);
  void flush();
  void flush(ChannelId channel);
  Result<ring::Reclaimed> reclaim_memory(ChannelId channel, Nanoseconds older_than);
  Result<std::uint64_t> stream_class(ChannelId channel);
  Stats stop();
  void discard(const std::string& path) {
    (void)stop();
    remove_output(output_.value(), path, {"kernel"});
  }

 private:
  /// Something the thread is to do while another one waits for it.
  struct Task {
    std::function<Status()> work;
    Status result;
    bool is_done = false;
  };
  struct OpenTrace {
    std::shared_ptr<TraceWriter> writer;
    std::vector<ChannelId> channels;
  };
  using Channels = std::vector<std::shared_ptr<Channel>>;

  TraceWriter::Description describe(const TraceOptions& options) const;
  TraceId keep(std::unique_ptr<TraceWriter> writer);
  Result<std::shared_ptr<TraceWriter>> writer_for(TraceId trace, const std::string& channel);
  Result<ChannelId> start_channel(TraceId trace, std::shared_ptr<Channel> channel);
  std::shared_ptr<Channel> find_channel(ChannelId id);
  void run();
  bool take_requests();
  Status perform(std::function<Status()> work);
  void finish_tasks(bool is_end);
  std::set<std::shared_ptr<TraceWriter>> writers();
  std::vector<std::pair<std::shared_ptr<TraceWriter>, Channels>> traces();
  Status write_snapshot(const SnapshotOptions& options, Stats* counted);
  Status write_traces(int directory, std::size_t max_packets, Stats* counted);
  Status begin_chunk(const std::string& archive, const ChunkHook& ready);
  bool drain();
  bool rest(std::uint32_t bell);
  Nanoseconds time_to_switch();
  void retire(const Channels& channels);
  void update_stats();

  const Fd output_, buffers_;
  const ctf::Version version_;
  const bool is_in_memory_;
  const ClockKeeper& clock_;
  Bell bell_;

  std::mutex opening_;  // held while a channel of programs is made, as its files have its number
  // Held while a trace is made, and while the folders of all are moved.
  std::mutex folders_;
  std::mutex mutex_;  // guards what follows
  std::map<TraceId, OpenTrace> traces_;
  std::map<ChannelId, std::shared_ptr<Channel>> channels_;
  std::uint32_t next_trace_ = 1, next_channel_ = 1;
  Channels arriving_, leaving_;
  std::vector<Stats> ended_before_;  // of channels of an earlier collector
  bool stopping_ = false;
  std::deque<Task*> tasks_;  // of threads that wait in perform()
  std::condition_variable task_done_;

  // The thread's own.
  Channels active_;
  std::vector<std::byte> buffer_;
  OutputHealth health_;
  Stats retired_;  // of channels that are closed
  Nanoseconds stats_due_{};
  std::uint64_t quiet_rounds_ = 0;
  bool can_nap_ = true;

  mutable std::mutex stats_mutex_;  // guards what follows
  Stats stats_;

  std::mutex stop_mutex_;  // one stop() at a time
  std::thread thread_;
};

void Collector::Engine::start() {
  // A full RLIMIT_FSIZE must be an error here, not SIGXFSZ.
  thread_ = start_without_signals([this] { run(); });
}

TraceWriter::Description Collector::Engine::describe(const TraceOptions& options) const {
  return {options.directory,       version_,        options.environment,
          options.clock_offset_ns, options.clock,   options.clock_value,
          is_in_memory_,           buffers_.value()};
}

Result<TraceId> Collector::Engine::open_trace(const TraceOptions& options) {
  const std::lock_guard no_move(folders_);
  auto writer = TraceWriter::create(output_.value(), describe(options));
  if (!writer) return tl::unexpected(std::move(writer).error());
  return keep(std::move(*writer));
}

Result<TraceId> Collector::Engine::resume_trace(const TraceOptions& options,
                                                const TraceIdentity& identity) {
  std::vector<std::int64_t> clock_offsets = options.other_clock_offsets;
  clock_offsets.push_back(options.clock_offset_ns);
  auto writer = TraceWriter::resume(output_.value(), describe(options), identity, clock_offsets);
  if (!writer) return tl::unexpected(std::move(writer).error());
  return keep(std::move(*writer));
}

TraceId Collector::Engine::keep(std::unique_ptr<TraceWriter> writer) {
  const std::lock_guard lock(mutex_);
  const TraceId id{next_trace_++};
  traces_[id].writer = std::move(writer);
  return id;
}

Result<TraceIdentity> Collector::Engine::identity(TraceId trace) {
  const std::lock_guard lock(mutex_);
  const auto found = traces_.find(trace);
  if (found == traces_.end()) return fail(Code::kNotFound, "no such trace, or it is closed");
  return found->second.writer->identity();
}

// The trace's writer, for a channel of that name.
Result<std::shared_ptr<TraceWriter>> Collector::Engine::writer_for(TraceId trace,
                                                                   const std::string& channel) {
  if (!is_file_name(channel))
    return fail(Code::kInvalidArgument, "\"" + channel + "\" cannot be a channel's name");
  const std::lock_guard lock(mutex_);
  const auto found = traces_.find(trace);
  if (found == traces_.end()) return fail(Code::kNotFound, "no such trace, or it is closed");
  return found->second.writer;
}

// Hands a channel to the thread.
Result<ChannelId> Collector::Engine::start_channel(TraceId trace,
                                                   std::shared_ptr<Channel> channel) {
  const std::lock_guard lock(mutex_);
  const auto found = traces_.find(trace);
  if (found == traces_.end()) return fail(Code::kNotFound, "the trace was closed meanwhile");
  const ChannelId id{next_channel_++};
  found->second.channels.push_back(id);
  channels_[id] = channel;
  arriving_.push_back(std::move(channel));
  bell_.ring();
  return id;
}

Result<OpenChannel> Collector::Engine::add_channel(TraceId trace, const ChannelOptions& options) {
  auto writer = writer_for(trace, options.name);
  if (!writer) return tl::unexpected(std::move(writer).error());
  auto contexts = contexts_of(options);
  if (!contexts) return tl::unexpected(std::move(contexts).error());
  const auto other_clock = (*writer)->other_clock_value();
  const std::lock_guard one_by_one(opening_);
  ChannelFiles files((*writer)->buffers(), (*writer)->next_stream_class(), options.name);
  auto ring = ring::Ring::create(
      options.ring, other_clock ? Nanoseconds{*other_clock} : clock_.now(), files.ring());
  if (!ring) return tl::unexpected(std::move(ring).error());
  auto ledger = StreamLedger::create(ring->geometry().stream_count, files.ledger());
  if (!ledger) return tl::unexpected(std::move(ledger).error());
  OpenChannel open{{}, duplicate(ring->fd()), duplicate(ledger->fd())};
  if (!open.ring || !open.ledger) return fail_errno("duplicating a ring's descriptor");
  auto stream_class =
      (*writer)->add_channel(ctf::compact_event_header_class(), *contexts, streams_of(options));
  if (!stream_class) return tl::unexpected(std::move(stream_class).error());
  files.keep();
  auto channel = std::make_shared<UserChannel>(
      *writer, std::move(*stream_class), std::move(*ring), options.name, options.read_at_end,
      options.files, UserChannel::Keep{std::move(*ledger), files.ring().is_file(), options.ended});
  channel->note_start();
  if (options.reclaim_age) channel->reclaim_on_time(*options.reclaim_age);
  const auto id = start_channel(trace, std::move(channel));
  if (!id) return tl::unexpected(id.error());
  open.id = *id;
  return open;
}

Result<OpenChannel> Collector::Engine::resume_channel(TraceId trace, const ChannelOptions& options,
                                                      KeptChannel kept) {
  auto writer = writer_for(trace, options.name);
  if (!writer) return tl::unexpected(std::move(writer).error());
  auto contexts = contexts_of(options);
  if (!contexts) return tl::unexpected(std::move(contexts).error());
  const bool is_file = (*writer)->buffers() != nullptr;
  auto ring = ring::Ring::open(std::move(kept.ring), options.ring, is_file);
  if (!ring) return tl::unexpected(std::move(ring).error());
  auto ledger = StreamLedger::open(std::move(kept.ledger), ring->geometry().stream_count);
  if (!ledger) return tl::unexpected(std::move(ledger).error());
  OpenChannel open{{}, duplicate(ring->fd()), duplicate(ledger->fd())};
  if (!open.ring || !open.ledger) return fail_errno("duplicating a ring's descriptor");
  auto channel = std::make_shared<UserChannel>(
      *writer,
      (*writer)->resume_channel(ctf::compact_event_header_class(), *contexts, streams_of(options)),
      std::move(*ring), options.name, options.read_at_end, options.files,
      UserChannel::Keep{std::move(*ledger), is_file, options.ended});
  for (ctf::EventClass& event : kept.events) SILLAGE_TRY(channel->resume_event(std::move(event)));
  SILLAGE_TRY(channel->resume());
  if (options.reclaim_age) channel->reclaim_on_time(*options.reclaim_age);
  const auto id = start_channel(trace, std::move(channel));
  if (!id) return tl::unexpected(id.error());
  open.id = *id;
  return open;
}

Status Collector::Engine::skip_channel(TraceId trace) {
  auto writer = writer_for(trace, "none");
  if (!writer) return tl::unexpected(std::move(writer).error());
  (void)(*writer)->resume_channel(ctf::compact_event_header_class(), nullptr);
  return {};
}

void Collector::Engine::add_ended(const Stats& stats) {
  const std::lock_guard lock(mutex_);
  ended_before_.push_back(stats);
  bell_.ring();
}

Result<ChannelId> Collector::Engine::add_kernel_channel(TraceId trace, KernelChannelOptions options,
                                                        bool resumes) {
  auto writer = writer_for(trace, options.name);
  if (!writer) return tl::unexpected(std::move(writer).error());
  std::unique_ptr<WakeupListener> wakeup;
  if (options.wakeup) {
    auto listener = WakeupListener::create(std::move(options.wakeup), bell_);
    if (!listener) return tl::unexpected(std::move(listener).error());
    wakeup = std::move(*listener);
  }
  ctf::FieldClassRef header = options.ring.geometry().header == SILLAGE_KERNEL_HEADER_LARGE
                                  ? ctf::large_event_header_class()
                                  : ctf::compact_event_header_class();
  std::optional<StreamLedger> ledger;
  if (options.ledger) {
    const std::uint32_t streams = options.ring.geometry().cpu_count;
    auto opened = resumes ? StreamLedger::open(std::move(options.ledger), streams)
                          : StreamLedger::place(std::move(options.ledger), streams);
    if (!opened) return tl::unexpected(std::move(opened).error());
    ledger = std::move(*opened);
  }
  if (resumes && !ledger)
    return fail(Code::kInvalidArgument, "a channel without a ledger cannot be gone on with");
  auto stream_class =
      resumes ? (*writer)->resume_channel(std::move(header), std::move(options.contexts))
              : (*writer)->add_channel(std::move(header), std::move(options.contexts));
  if (!stream_class) return tl::unexpected(std::move(stream_class).error());
  auto channel = std::make_shared<KernelChannel>(
      *writer, std::move(*stream_class), std::move(options.ring), options.name, std::move(wakeup),
      options.files, std::move(ledger));
  if (resumes) SILLAGE_TRY(channel->resume());
  return start_channel(trace, std::move(channel));
}

// Null if there is none.
std::shared_ptr<Channel> Collector::Engine::find_channel(ChannelId id) {
  const std::lock_guard lock(mutex_);
  const auto found = channels_.find(id);
  return found == channels_.end() ? nullptr : found->second;
}

Result<EventId> Collector::Engine::add_event(ChannelId channel, ctf::EventClass event) {
  const auto found = find_channel(channel);
  if (!found) return fail(Code::kNotFound, "no such channel, or it is closed");
  return found->add_event(std::move(event));
}

void Collector::Engine::set_nested_lost(ChannelId channel, std::uint64_t events) {
  if (const auto found = find_channel(channel)) found->set_nested_lost(events);
}

void Collector::Engine::close_trace(TraceId trace) {
  const std::lock_guard lock(mutex_);
  const auto found = traces_.find(trace);
  if (found == traces_.end()) return;
  for (const ChannelId id : found->second.channels) {
    leaving_.push_back(std::move(channels_[id]));
    channels_.erase(id);
  }
  traces_.erase(found);
  bell_.ring();
}

void Collector::Engine::release_locks(std::uint32_t registration) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, channel] : channels_) channel->release_locks(registration);
}

Stats Collector::Engine::stats() const {
  const std::lock_guard lock(stats_mutex_);
  return stats_;
}

std::vector<StreamMemory> Collector::Engine::memory(ChannelId channel) {
  const auto found = find_channel(channel);
  return found ? found->memory() : std::vector<StreamMemory>();
}

ChannelStats Collector::Engine::channel_stats(ChannelId channel) {
  const auto found = find_channel(channel);
  return found ? found->counted() : ChannelStats{};
}

// Has the thread do something between two rounds.
Status Collector::Engine::perform(std::function<Status()> work) {
  Task task;
  task.work = std::move(work);
  std::unique_lock lock(mutex_);
  if (stopping_) return fail(Code::kNotReady, "the recording has ended");
  tasks_.push_back(&task);
  bell_.ring();
  task_done_.wait(lock, [&] { return task.is_done; });
  return std::move(task.result);
}

void Collector::Engine::finish_tasks(bool is_end) {
  std::unique_lock lock(mutex_);
  while (!tasks_.empty()) {
    Task& task = *tasks_.front();
    tasks_.pop_front();
    lock.unlock();
    task.result = is_end ? fail(Code::kNotReady, "the recording has ended") : task.work();
    lock.lock();
    task.is_done = true;
    task_done_.notify_all();
  }
}

void Collector::Engine::flush() {
  // Who stops meanwhile reads everything, too.
  (void)perform([this]() -> Status {
    visit_cpus();
    for (const auto& channel : active_) channel->flush(buffer_, clock_, health_);
    update_stats();
    return {};
  });
}

void Collector::Engine::flush(ChannelId channel) {
  const auto found = find_channel(channel);
  if (!found) return;
  (void)perform([&]() -> Status {
    visit_cpus();
    found->flush(buffer_, clock_, health_);
    return {};
  });
}

Result<ring::Reclaimed> Collector::Engine::reclaim_memory(ChannelId channel,
                                                          Nanoseconds older_than) {
  const auto found = find_channel(channel);
  if (!found) return fail(Code::kNotFound, "no such channel, or it is closed");
  ring::Reclaimed reclaimed;
  SILLAGE_TRY(perform([&]() -> Status {
    // Again, as a closed sub-buffer is given back to the writers only when the next one is asked for.
    while (!found->is_read_at_end() && found->drain(buffer_, std::nullopt, clock_, health_)) {
    }
    auto done = found->reclaim_memory(older_than, clock_);
    if (!done) return tl::unexpected(std::move(done).error());
    reclaimed = *done;
    return {};
  }));
  return reclaimed;
}

Result<std::uint64_t> Collector::Engine::stream_class(ChannelId channel) {
  const auto found = find_channel(channel);
  if (!found) return fail(Code::kNotFound, "no such channel, or it is closed");
  return found->stream_class_id();
}

// Of the open traces, and of those closed ones that are not complete yet.
std::set<std::shared_ptr<TraceWriter>> Collector::Engine::writers() {
  const std::lock_guard lock(mutex_);
  std::set<std::shared_ptr<TraceWriter>> found;
  for (const auto& [id, trace] : traces_) found.insert(trace.writer);
  for (const auto& channel : active_) found.insert(channel->trace());
  return found;
}

std::vector<std::pair<std::shared_ptr<TraceWriter>, Collector::Engine::Channels>>
Collector::Engine::traces() {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::shared_ptr<TraceWriter>, Channels>> found;
  for (const auto& [id, trace] : traces_) {
    Channels channels;
    for (const ChannelId channel : trace.channels) channels.push_back(channels_.at(channel));
    found.emplace_back(trace.writer, std::move(channels));
  }
  return found;
}

Result<Stats> Collector::Engine::snapshot(const SnapshotOptions& options) {
  Stats counted;
  SILLAGE_TRY(perform([&] { return write_snapshot(options, &counted); }));
  return counted;
}

Status Collector::Engine::write_snapshot(const SnapshotOptions& options, Stats* counted) {
  std::size_t max_packets = std::numeric_limits<std::size_t>::max();
  if (options.max_bytes != 0) {
    std::uint64_t one_of_each = 0;
    for (const auto& channel : active_) one_of_each += channel->snapshot_packet_bytes();
    if (one_of_each != 0) max_packets = options.max_bytes / one_of_each;
    if (max_packets == 0) {
      if (options.output) remove_output(options.output.value(), options.path, {});
      return fail(Code::kInvalidArgument,
                  "Snapshot max size is invalid: a packet of each stream is " +
                      std::to_string(one_of_each) + " bytes");
    }
  }
  Result<Fd> made = options.output ? Fd() : make_directory(options.path);
  if (!made) return tl::unexpected(std::move(made).error());
  const int directory = options.output ? options.output.value() : made->value();
  Status written = write_traces(directory, max_packets, counted);
  if (!written) remove_output(directory, options.path, {"kernel", "ust"});
  return written;
}

Status Collector::Engine::write_traces(int directory, std::size_t max_packets, Stats* counted) {
  const SnapshotExtent extent{clock_.now(), max_packets};
  OutputHealth health;
  std::vector<std::byte> memory;
  for (const auto& [writer, channels] : traces()) {
    auto copy = writer->begin_copy(directory);
    if (!copy) return tl::unexpected(std::move(copy).error());
    for (const auto& channel : channels)
      channel->write_snapshot(extent, copy->output(), memory, clock_, health, *counted);
    if (!health.error().empty()) return fail(Code::kSystem, health.error());
    if (!health.input_error().empty()) health_.report_input(health.input_error());
    // Now, as all that was read has been declared by now.
    SILLAGE_TRY(writer->write_metadata(*copy));
  }
  return {};
}

Status Collector::Engine::rotate(const std::string& archive, const ChunkHook& ready) {
  if (is_in_memory_) return fail(Code::kUnsupported, "nothing is on disk that could be rotated");
  return perform([&] { return begin_chunk(archive, ready); });
}

Status Collector::Engine::clear(const ChunkHook& ready) {
  return perform([&] { return begin_chunk({}, ready); });
}

Result<bool> Collector::Engine::complete_chunk(const std::optional<std::string>& archive) {
  if (archive) return complete_swap(output_.value(), *archive);
  remove_next_chunk(output_.value());
  return false;
}

Status Collector::Engine::end_chunk(const std::string& archive) {
  return is_in_memory_ ? Status() : collect::end_chunk(output_.value(), archive);
}

// Ends all files, and goes on with others in their place.
Status Collector::Engine::begin_chunk(const std::string& archive, const ChunkHook& ready) {
  for (const auto& channel : active_) channel->read_published(buffer_, clock_, health_);
  update_stats();
  if (is_in_memory_) return {};
  const std::lock_guard no_new_trace(folders_);
  SILLAGE_TRY(check_swap(output_.value(), archive));
  auto next = make_next_chunk(output_.value());
  if (!next) return tl::unexpected(std::move(next).error());
  std::vector<TraceWriter::Move> moves;
  Status done;
  for (const auto& writer : writers()) {
    auto move = writer->prepare_move(next->value());
    if (!move) {
      done = tl::unexpected(std::move(move).error());
      break;
    }
    moves.push_back(std::move(*move));
  }
  if (done && ready) done = ready(stats().bytes);
  if (done) done = swap_chunks(output_.value(), archive);
  if (done) {
    for (TraceWriter::Move& move : moves) move.complete();
    for (const auto& channel : active_) channel->end_files();
  }
  remove_next_chunk(output_.value());
  return done;
}

Status Collector::Engine::set_clock_offset(std::int64_t clock_offset_ns) {
  return perform([&]() -> Status {
    for (const auto& writer : writers()) SILLAGE_TRY(writer->set_clock_offset(clock_offset_ns));
    return {};
  });
}

Stats Collector::Engine::stop() {
  const std::lock_guard once(stop_mutex_);
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      traces_.clear();
      channels_.clear();
    }
    bell_.ring();
    thread_.join();
  }
  return stats();
}

void Collector::Engine::run() {
  while (true) {
    // Before looking for requests: one that comes afterwards ends the sleep.
    const std::uint32_t bell = bell_.value();
    if (take_requests()) break;
    finish_tasks(false);
    if (drain() || rest(bell)) {
      quiet_rounds_ = 0;
    } else {
      ++quiet_rounds_;
    }
    if (clock_.now() >= stats_due_) update_stats();
  }
  finish_tasks(true);
  visit_cpus();
  retire(active_);
  active_.clear();
  update_stats();
}

// Takes over what other threads asked for; returns whether it is to stop.
bool Collector::Engine::take_requests() {
  Channels leaving;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    active_.insert(active_.end(), arriving_.begin(), arriving_.end());
    if (!arriving_.empty()) {
      can_nap_ = std::all_of(active_.begin(), active_.end(), [](const auto& channel) {
        return channel->is_read_at_end() || channel->stream_bytes() > kNapBytes;
      });
    }
    arriving_.clear();
    leaving.swap(leaving_);
    for (const Stats& stats : ended_before_) retired_.add(stats);
    ended_before_.clear();
    stopping = stopping_;
  }
  if (!leaving.empty()) {
    retire(leaving);
    std::erase_if(active_, [&](const auto& channel) {
      return std::find(leaving.begin(), leaving.end(), channel) != leaving.end();
    });
    update_stats();
  }
  return stopping;
}

bool Collector::Engine::drain() {
  bool worked = false;
  for (const auto& channel : active_)
    if (!channel->is_read_at_end()) worked |= channel->drain_on_time(buffer_, clock_, health_);
  return worked;
}

// Waits for work; returns whether all was quiet until the time was up or there was work at the
// second look.
bool Collector::Engine::rest(std::uint32_t bell) {
  // First a nap that costs writers nothing. Also where someone rings for nothing, to bound what
  // that costs us.
  if (can_nap_ || quiet_rounds_ > 1) {
    bell_.sleep(bell, {}, kNap);
    if (drain()) return true;
  }
  std::vector<Doorbell> doorbells;
  doorbells.reserve(active_.size());
  for (const auto& channel : active_)
    if (!channel->is_read_at_end()) channel->arm(doorbells);
  // What was switched before we armed did not ring.
  if (drain()) return true;
  return bell_.sleep(bell, doorbells, time_to_switch());
}

// How long to sleep at most.
Nanoseconds Collector::Engine::time_to_switch() {
  Nanoseconds due{std::numeric_limits<std::uint64_t>::max()};
  for (const auto& channel : active_)
    if (!channel->is_read_at_end()) due = std::min(due, channel->switch_due());
  const Nanoseconds now = clock_.now();
  return due <= now ? Nanoseconds{} : std::min(kIdle, Nanoseconds{due.value - now.value});
}

void Collector::Engine::retire(const Channels& channels) {
  for (const auto& channel : channels) {
    channel->finish(buffer_, clock_, health_);
    channel->count(retired_, health_);
  }
}

void Collector::Engine::update_stats() {
  Stats now = retired_;
  for (const auto& channel : active_) channel->count(now, health_);
  now.output_failing = health_.failing();
  now.output_error = health_.error();
  now.input_error = health_.input_error();
  stats_due_ = {clock_.now().value + kIdle.value};
  const std::lock_guard lock(stats_mutex_);
  stats_ = std::move(now);
}

std::uint64_t kernel_ledger_bytes(std::uint32_t cpu_count) {
  return StreamLedger::memory_bytes(cpu_count);
}

Result<std::unique_ptr<Collector>> Collector::create(CollectorOptions options,
                                                     const ClockKeeper& clock) {
  Result<Fd> output =
      options.output ? std::move(options.output) : make_directory(options.output_path);
  if (!output) return tl::unexpected(std::move(output).error());
  Fd buffers;
  if (!options.buffers_path.empty()) {
    auto made = make_private_directory(options.buffers_path);
    if (!made) return tl::unexpected(std::move(made).error());
    buffers = *std::move(made);
    if (!options.resumes && ::faccessat(buffers.value(), "ust", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
      return fail(
          Code::kAlreadyExists,
          options.buffers_path +
              " has the buffers of a recording that was never ended: read them with sillage "
              "crash, and remove them");
  }
  auto engine = std::make_unique<Engine>(std::move(*output), std::move(buffers), options, clock);
  engine->start();
  return std::unique_ptr<Collector>(new Collector(std::move(engine)));
}

Collector::Collector(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Collector::~Collector() { (void)engine_->stop(); }

Result<TraceId> Collector::open_trace(const TraceOptions& options) {
  return engine_->open_trace(options);
}
Result<OpenChannel> Collector::add_channel(TraceId trace, const ChannelOptions& options) {
  return engine_->add_channel(trace, options);
}
Result<OpenChannel> Collector::resume_channel(TraceId trace, const ChannelOptions& options,
                                              KeptChannel kept) {
  return engine_->resume_channel(trace, options, std::move(kept));
}
Status Collector::skip_channel(TraceId trace) { return engine_->skip_channel(trace); }
void Collector::add_ended(const Stats& stats) { engine_->add_ended(stats); }
Result<EventId> Collector::add_event(ChannelId channel, ctf::EventClass event) {
  return engine_->add_event(channel, std::move(event));
}
Result<ChannelId> Collector::add_kernel_channel(TraceId trace, KernelChannelOptions options) {
  return engine_->add_kernel_channel(trace, std::move(options), false);
}
Result<ChannelId> Collector::resume_kernel_channel(TraceId trace, KernelChannelOptions options) {
  return engine_->add_kernel_channel(trace, std::move(options), true);
}
Result<TraceIdentity> Collector::identity(TraceId trace) { return engine_->identity(trace); }
Result<TraceId> Collector::resume_trace(const TraceOptions& options,
                                        const TraceIdentity& identity) {
  return engine_->resume_trace(options, identity);
}
void Collector::set_nested_lost(ChannelId channel, std::uint64_t events) {
  engine_->set_nested_lost(channel, events);
}
void Collector::close_trace(TraceId trace) { engine_->close_trace(trace); }
void Collector::release_locks(std::uint32_t registration) { engine_->release_locks(registration); }
Stats Collector::stats() const { return engine_->stats(); }
ChannelStats Collector::channel_stats(ChannelId channel) const {
  return engine_->channel_stats(channel);
}
std::vector<StreamMemory> Collector::memory(ChannelId channel) const {
  return engine_->memory(channel);
}
Result<Stats> Collector::snapshot(const SnapshotOptions& options) {
  return engine_->snapshot(options);
}
Status Collector::rotate(const std::string& archive, const ChunkHook& ready) {
  return engine_->rotate(archive, ready);
}
Status Collector::clear(const ChunkHook& ready) { return engine_->clear(ready); }
Result<bool> Collector::complete_chunk(const std::optional<std::string>& archive) {
  return engine_->complete_chunk(archive);
}
Status Collector::end_chunk(const std::string& archive) { return engine_->end_chunk(archive); }
Status Collector::set_clock_offset(std::int64_t clock_offset_ns) {
  return engine_->set_clock_offset(clock_offset_ns);
}
void Collector::flush() { engine_->flush(); }
void Collector::flush(ChannelId channel) { engine_->flush(channel); }
Result<ring::Reclaimed> Collector::reclaim_memory(ChannelId channel, Nanoseconds older_than) {
  return engine_->reclaim_memory(channel, older_than);
}
Result<std::uint64_t> Collector::stream_class(ChannelId channel) const {
  return engine_->stream_class(channel);
}
Stats Collector::stop() { return engine_->stop(); }
void Collector::discard(const std::string& path) { engine_->discard(path); }

}  // namespace sillage::collect
