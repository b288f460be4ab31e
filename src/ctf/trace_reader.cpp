// SPDX-License-Identifier: MIT
#include "ctf/trace_reader.hpp"

#include "ctf/metadata_reader.hpp"
#include "ctf/packet_index.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <compare>
#include <filesystem>
#include <iterator>
#include <map>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

namespace sillage::ctf {

namespace fs = std::filesystem;

/// A directory with its metadata read.
struct TraceReader::Directory {
  std::string path;
  std::string name;  ///< path from the directory that was asked for; "" for that one
  std::shared_ptr<const TraceModel> model;
  std::vector<std::shared_ptr<const StreamFile>> files;  ///< without empty ones

  [[nodiscard]] std::size_t class_count() const {
    return model->streams.size() + model->events.size();
  }
};

namespace {

constexpr const char* kMetadataName = "metadata";
/// Packets of a stream that one thread reads at a time: long enough to be worth a task, short enough
/// that all threads end together.
constexpr std::uint64_t kShardBytes = 8u << 20;

bool is_trace(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path / kMetadataName, error);
}

// Appends the traces at or below a directory, in order of their paths.
Status find_traces(const fs::path& path, std::vector<std::string>* found) {
  if (is_trace(path)) {
    found->push_back(path.string());
    return {};
  }
  std::error_code error;
  std::vector<fs::path> below;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->is_directory(error) && !entry->is_symlink(error)) below.push_back(entry->path());
  }
  if (error) return fail_errno(path.string(), error.value());
  std::sort(below.begin(), below.end());
  for (const fs::path& directory : below) SILLAGE_TRY(find_traces(directory, found));
  return {};
}

Result<std::shared_ptr<const TraceModel>> read_model(const std::string& directory) {
  const std::string path = directory + "/" + kMetadataName;
  const MetadataLimits limits;
  auto bytes = read_file(path, limits.file_bytes);
  while (true) {
    if (!bytes) return tl::unexpected<Error>(std::move(bytes).error());
    auto model = read_metadata(*bytes, limits);
    if (model) return std::make_shared<const TraceModel>(std::move(*model));
    // A tracer may have been in the middle of writing it: then there is more of it by now.
    auto again = read_file(path, limits.file_bytes);
    if (!again || again->size() <= bytes->size()) {
      Error error = std::move(model).error();
      error.location = error.location.empty() ? path : path + ": " + error.location;
      return tl::unexpected<Error>(std::move(error));
    }
    bytes = std::move(again);
  }
}

// Data stream files of a trace, in order of their paths; what cannot be opened is reported.
Result<std::vector<std::shared_ptr<const StreamFile>>> data_files(const std::string& directory,
                                                                  const DamageReport& report) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name == kMetadataName || name.starts_with('.')) continue;
    std::error_code gone;  // removed meanwhile
    if (entry->is_regular_file(gone)) paths.push_back(entry->path().string());
  }
  if (error) return fail_errno(directory, error.value());
  std::sort(paths.begin(), paths.end());
  std::vector<std::shared_ptr<const StreamFile>> files;
  for (std::string& path : paths) {
    auto file = StreamFile::open(std::move(path));
    if (!file) {
      report(file.error());
    } else if (!(*file)->bytes().empty()) {
      files.push_back(std::move(*file));
    }
  }
  return files;
}

// Data streams of one trace while their files are being found.
struct StreamParts {
  const StreamPlan* plan = nullptr;
  std::optional<std::uint64_t> id{};
  std::vector<std::shared_ptr<const StreamFile>> files{};
  std::vector<PacketPlace> packets{};
};

void add_packets(std::vector<PacketPlace> more, std::vector<PacketPlace>* packets) {
  packets->insert(packets->end(), more.begin(), more.end());
  std::stable_sort(packets->begin(), packets->end(), [](const auto& a, const auto& b) {
    return a.begin.value_or(0) < b.begin.value_or(0);
  });
  const auto is_copy = [](const PacketPlace& a, const PacketPlace& b) { return a.is_copy_of(b); };
  packets->erase(std::unique(packets->begin(), packets->end(), is_copy), packets->end());
}

std::vector<StreamParts> find_streams(const std::shared_ptr<const Plan>& plan,
                                      std::vector<std::shared_ptr<const StreamFile>> files,
                                      const DamageReport& report) {
  std::vector<StreamParts> streams;
  std::map<std::pair<const StreamPlan*, std::uint64_t>, std::size_t> by_id;
  for (std::shared_ptr<const StreamFile>& file : files) {
    std::optional<PacketList> indexed = read_packet_index(plan, *file);
    PacketList list = indexed ? std::move(*indexed) : list_packets(plan, *file, report);
    if (list.stream == nullptr) continue;
    // Without times the files of a stream could not be put in order: each is a stream of its own.
    const bool can_join = list.stream_id && list.packets.front().begin;
    if (can_join) {
      const auto [found, is_new] =
          by_id.try_emplace({list.stream, *list.stream_id}, streams.size());
      if (!is_new) {
        StreamParts& parts = streams[found->second];
        parts.files.push_back(std::move(file));
        add_packets(std::move(list.packets), &parts.packets);
        continue;
      }
    }
    streams.push_back({.plan = list.stream,
                       .id = can_join ? list.stream_id : std::nullopt,
                       .files = {std::move(file)},
                       .packets = std::move(list.packets)});
  }
  return streams;
}

}  // namespace

TraceReader::TraceReader(ReadOptions options) : state_(std::make_shared<State>()) {
  state_->options = std::move(options);
}

DamageReport TraceReader::damage_report() const {
  return [state = state_](const Error& error) {
    const std::lock_guard lock(state->reporting);
    if (state->is_over()) return;
    if (!is_incomplete(error) || state->options.is_strict) ++state->damage_count;
    if (state->options.on_damage) state->options.on_damage(error);
  };
}

DiscardedReport TraceReader::discarded_report() const {
  return [state = state_](const Discarded& what) {
    const std::lock_guard lock(state->reporting);
    if (state->options.on_discarded && !state->is_over()) state->options.on_discarded(what);
  };
}

TraceReader TraceReader::part(const TimeRange& range, bool with_timeless,
                              ReadOptions options) const {
  options.is_strict = state_->options.is_strict;
  TraceReader part(std::move(options));
  part.traces_ = traces_;
  for (const Merged& merged : streams_) {
    if (!merged.stream->has_time() && !with_timeless) continue;
    part.streams_.push_back(
        {.stream = merged.stream->copy(part.damage_report(), part.discarded_report()),
         .index = merged.index,
         .order = merged.order});
    part.streams_.back().stream->restrict(range);
  }
  return part;
}

Result<TraceReader> TraceReader::open(const std::vector<std::string>& paths, ReadOptions options) {
  TraceReader reader(std::move(options));
  // Each with its path from the directory that was asked for, which is part of the trace's name.
  std::vector<std::pair<std::string, std::string>> directories;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::path absolute = fs::canonical(path, error);
    if (error) return fail_errno(path, error.value());
    std::vector<std::string> found;
    if (fs::is_directory(absolute, error)) SILLAGE_TRY(find_traces(absolute, &found));
    for (std::string& directory : found) {
      std::string name =
          directory == absolute ? "" : fs::path(directory).lexically_relative(absolute).string();
      directories.emplace_back(std::move(directory), std::move(name));
    }
    if (found.empty()) {
      return fail(Code::kNotFound, path + ": there is no trace here: no directory at or below it " +
                                       "has a file named metadata");
    }
  }
  std::sort(directories.begin(), directories.end());
  directories.erase(std::unique(directories.begin(), directories.end(),
                                [](const auto& a, const auto& b) { return a.first == b.first; }),
                    directories.end());

  // Groups in the order of their first directories.
  std::vector<std::vector<Directory>> groups;
  std::map<Uuid, std::size_t> by_uuid;
  for (const auto& [path, name] : directories) {
    // Tracers write metadata in front of the data that needs it: a trace that is still being written
    // must be read the other way round.
    auto files = data_files(path, reader.damage_report());
    if (!files) return tl::unexpected<Error>(std::move(files).error());
    auto model = read_model(path);
    if (!model) return tl::unexpected<Error>(std::move(model).error());
    const std::optional<Uuid>& uuid = (*model)->trace.uuid;
    std::size_t group = groups.size();
    if (uuid) group = by_uuid.try_emplace(*uuid, group).first->second;
    if (group == groups.size()) groups.emplace_back();
    groups[group].push_back({path, name, std::move(*model), std::move(*files)});
  }
  for (std::vector<Directory>& group : groups) SILLAGE_TRY(reader.add(std::move(group)));
  reader.set_order();
  reader.select_events();
  return reader;
}

Status TraceReader::add(std::vector<Directory> group) {
  // Metadata only grows while a trace is recorded: the largest describes all of it.
  const auto largest = std::max_element(
      group.begin(), group.end(),
      [](const Directory& a, const Directory& b) { return a.class_count() < b.class_count(); });
  auto plan = Plan::compile(largest->model);
  if (!plan) {
    Error error = std::move(plan).error();
    error.location = largest->path + "/" + kMetadataName;
    return tl::unexpected<Error>(std::move(error));
  }
  traces_.push_back(std::make_shared<Trace>());
  Trace& trace = *traces_.back();
  trace.path = group.front().path;
  trace.plan = std::move(*plan);
  for (const StreamPlan& stream : trace.plan->streams()) {
    trace.scans.push_back(compile_scan(*trace.plan, stream));
  }
  if (const EnvironmentValue* host = trace.environment("hostname")) {
    if (const auto* name = std::get_if<std::string>(host)) trace.name = *name;
  }
  if (!group.front().name.empty()) {
    if (trace.environment("hostname") != nullptr) trace.name += '/';
    trace.name += group.front().name;
  }
  std::vector<std::shared_ptr<const StreamFile>> files;
  for (Directory& directory : group) {
    std::ranges::move(directory.files, std::back_inserter(files));
  }
  const std::size_t first_stream = streams_.size();
  std::uint64_t next_id = 0;  // of streams that have none, in the order of their files
  for (StreamParts& parts : find_streams(trace.plan, std::move(files), damage_report())) {
    DataStream::Source source{.trace = &trace,
                              .id = parts.id ? *parts.id : next_id++,
                              .files = std::move(parts.files),
                              .packets = std::move(parts.packets),
                              .clock_offset_ns = state_->options.clock_offset_ns};
    streams_.push_back({.stream = std::make_unique<DataStream>(
                            std::make_shared<const DataStream::Source>(std::move(source)),
                            parts.plan, damage_report(), discarded_report())});
  }
  if (state_->options.stream_intersection) SILLAGE_TRY(intersect(first_stream));
  return {};
}

Status TraceReader::intersect(std::size_t first_stream) {
  const std::string& path = traces_.back()->path;
  TimeRange common;
  for (std::size_t i = first_stream; i < streams_.size(); ++i) {
    DataStream& stream = *streams_[i].stream;
    const auto begin = stream.begin_ns(), end = stream.end_ns();
    if (!begin || !end) {
      return fail(Code::kInvalidArgument,
                  stream.name() +
                      ": the packets do not say when they begin and end; read without " +
                      "stream intersection");
    }
    if (!common.begin_ns || *begin > *common.begin_ns) common.begin_ns = begin;
    if (!common.end_ns || *end < *common.end_ns) common.end_ns = end;
  }
  if (!common.begin_ns || *common.begin_ns > *common.end_ns) {
    return fail(Code::kInvalidArgument, path +
                                            ": there is no time at which all data streams were " +
                                            "recorded; read without stream intersection");
  }
  for (std::size_t i = first_stream; i < streams_.size(); ++i) {
    streams_[i].stream->restrict(common);
  }
  return {};
}

void TraceReader::set_order() {
  const auto key = [](const Merged& merged) {
    const DataStream& stream = *merged.stream;
    const std::optional<Uuid>& uuid = stream.trace().plan->model().trace.uuid;
    return std::tuple<bool, Uuid, std::string, std::uint64_t, std::uint64_t>(
        !uuid, uuid.value_or(Uuid{}), stream.trace().name, stream.plan().stream_class->id,
        stream.id());
  };
  std::stable_sort(streams_.begin(), streams_.end(),
                   [&](const Merged& a, const Merged& b) { return key(a) < key(b); });
  for (std::size_t i = 1; i < streams_.size(); ++i) {
    streams_[i].index = i;
    streams_[i].order = streams_[i - 1].order + (key(streams_[i - 1]) == key(streams_[i]) ? 0 : 1);
  }
}

std::optional<std::int64_t> TraceReader::begin_ns() const {
  std::optional<std::int64_t> earliest;
  for (const Merged& merged : streams_) {
    const auto begin = merged.stream->begin_ns();
    if (begin && (!earliest || *begin < *earliest)) earliest = begin;
  }
  return earliest;
}

void TraceReader::restrict(const TimeRange& range) {
  for (const Merged& merged : streams_) merged.stream->restrict(range);
}

bool TraceReader::is_before(const Merged& a, const Merged& b) {
  const DataStream &left = *a.stream, &right = *b.stream;
  if (left.has_time() != right.has_time()) return !left.has_time();
  if (left.ns() != right.ns()) return left.ns() < right.ns();
  if (a.order != b.order) return a.order < b.order;
  if (a.stream == b.stream) return false;
  const EventClass &first = *left.event_plan().event_class,
                   &second = *right.event_plan().event_class;
  // A name in front of none; a log level in front of none; none in front of a URI.
  const auto key = [](const EventClass& event) {
    return std::tuple(event.id, std::string_view(event.name), !event.log_level,
                      event.log_level.value_or(0), std::string_view(event.emf_uri));
  };
  const auto order = key(first) <=> key(second);
  return order != 0 ? order < 0 : left.name() < right.name();
}

void TraceReader::sift_down(std::size_t place) {
  const Merged* moved = heap_[place];
  while (true) {
    std::size_t child = 2 * place + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && is_before(*heap_[child + 1], *heap_[child])) ++child;
    if (!is_before(*heap_[child], *moved)) break;
    heap_[place] = heap_[child];
    place = child;
  }
  heap_[place] = moved;
}

// Makes the earliest event that was not given out the front's; false if there is none.
bool TraceReader::advance() {
  if (!is_started_) {
    is_started_ = true;
    for (const Merged& merged : streams_) {
      if (merged.stream->next()) heap_.push_back(&merged);
    }
    for (std::size_t i = heap_.size() / 2; i-- > 0;) sift_down(i);
  } else if (!heap_.empty()) {
    heap_.front()->stream->skip(taken_);
    if (!heap_.front()->stream->next()) {
      heap_.front() = heap_.back();
      heap_.pop_back();
    }
    if (!heap_.empty()) sift_down(0);
  }
  return !heap_.empty() && !state_->is_over();
}

const DataStream* TraceReader::next() {
  if (!advance()) return nullptr;
  taken_ = 1;
  return heap_.front()->stream.get();
}

// How many records of the front's batch are in front of all other streams' next ones.
std::size_t TraceReader::run_length() const {
  const Merged& front = *heap_.front();
  const std::span<const Row> rows = front.stream->batch().rows;
  if (heap_.size() == 1) return rows.size();
  const Merged* other = heap_[1];
  if (heap_.size() > 2 && is_before(*heap_[2], *other)) other = heap_[2];
  if (!front.stream->has_time()) return other->stream->has_time() ? rows.size() : 1;
  // At the same time the order of the streams decides, if it can.
  const std::int64_t bound = other->stream->ns();
  const bool may_equal = front.order < other->order;
  std::size_t length = 1;
  while (length < rows.size()) {
    const std::int64_t ns = front.stream->ns_of(rows[length]);
    if (ns >= bound && (ns != bound || !may_equal)) break;
    ++length;
  }
  return length;
}

std::optional<Run> TraceReader::next_run() {
  if (!advance()) return std::nullopt;
  taken_ = run_length();
  const DataStream& stream = *heap_.front()->stream;
  RowBatch batch = stream.batch();
  batch.rows = batch.rows.first(taken_);
  return Run{.stream = &stream, .index = heap_.front()->index, .batch = batch};
}

std::vector<DataStream*> TraceReader::streams() const {
  std::vector<DataStream*> streams;
  for (const Merged& merged : streams_) streams.push_back(merged.stream.get());
  return streams;
}

void TraceReader::select_events() {
  const std::vector<std::string>& globs = state_->options.event_globs;
  if (globs.empty()) return;
  for (const Merged& merged : streams_) {
    std::vector<std::uint8_t> wanted;
    for (const EventPlan& event : merged.stream->plan().events) {
      wanted.push_back(std::ranges::any_of(globs, [&](const std::string& glob) {
        return fnmatch(glob.c_str(), event.event_class->name.c_str(), 0) == 0;
      }));
    }
    merged.stream->select(std::move(wanted));
  }
}

void TraceReader::count(
    unsigned threads,
    const std::function<void(const DataStream&, std::span<const std::uint64_t>)>& take) {
  for_each_shard(threads, [&](DataStream* stream, unsigned) {
    std::vector<std::uint64_t> counts(stream->plan().events.size());
    if (!state_->is_over()) stream->count(counts);
    const std::lock_guard lock(state_->reporting);
    take(*stream, counts);
  });
}

void TraceReader::for_each_shard(
    unsigned threads, const std::function<void(DataStream* stream, unsigned thread)>& take) {
  if (threads < 2) {
    for (const Merged& merged : streams_) take(merged.stream.get(), 0);
    return;
  }
  std::vector<std::pair<const DataStream*, std::pair<std::size_t, std::size_t>>> work;
  for (const Merged& merged : streams_) {
    for (const auto& part : merged.stream->split(kShardBytes)) {
      work.emplace_back(merged.stream.get(), part);
    }
  }
  std::atomic<std::size_t> next = 0;
  const auto run = [&](unsigned thread) {
    for (std::size_t i = next++; i < work.size(); i = next++) {
      take(work[i].first->part(work[i].second).get(), thread);
    }
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < std::min<std::size_t>(threads, work.size()); ++i) {
    others.emplace_back(run, i);
  }
  run(0);
}

}  // namespace sillage::ctf
