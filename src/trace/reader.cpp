// SPDX-License-Identifier: MIT
#include "trace/state.hpp"

#include <algorithm>
#include <mutex>
#include <thread>

namespace sillage::trace {
namespace {

Error::Kind kind_of(Code code) {
  switch (code) {
    case Code::kInvalidArgument: return Error::Kind::kInvalidArgument;
    case Code::kNotFound: return Error::Kind::kNotFound;
    case Code::kCorrupt: return Error::Kind::kCorrupt;
    case Code::kNotReady: return Error::Kind::kIncomplete;
    case Code::kLimit: return Error::Kind::kLimit;
    case Code::kUnsupported: return Error::Kind::kUnsupported;
    default: return Error::Kind::kSystem;
  }
}
Error to_public(const sillage::Error& error) {
  return {.kind = kind_of(error.code), .message = error.message, .location = error.location};
}

Loss to_public(const ctf::Discarded& discarded, const detail::Schema& schema) {
  return {.is_packets = discarded.what == ctf::Discarded::What::kPackets,
          .count = discarded.count,
          .begin_ns = discarded.begin_ns,
          .end_ns = discarded.end_ns,
          .stream = schema.stream_of(*discarded.stream).index};
}

// Reports go to the lists of a reader. The schema is known once the traces are open: until then
// nothing is discarded.
ctf::ReadOptions reporting_to(const std::shared_ptr<detail::Reports>& reports,
                              const std::shared_ptr<std::shared_ptr<const detail::Schema>>& schema,
                              const ctf::TimeRange& only) {
  ctf::ReadOptions options;
  options.on_damage = [reports](const sillage::Error& error) {
    reports->damages.push_back(to_public(error));
  };
  options.on_discarded = [reports, schema, only](const ctf::Discarded& discarded) {
    // A loss from one part's time into the next one's is the latter's.
    if (only.end_ns && discarded.end_ns && *discarded.end_ns > *only.end_ns) return;
    reports->losses.push_back(to_public(discarded, **schema));
  };
  return options;
}

template <class T>
std::size_t find_last_scope(const std::vector<T>& all, std::string_view name,
                            const std::string T::*text) {
  const auto found =
      std::find_if(all.rbegin(), all.rend(), [&](const T& each) { return each.*text == name; });
  return found == all.rend() ? EventClass::kNotFound
                             : static_cast<std::size_t>(all.rend() - found) - 1;
}

}  // namespace

std::size_t EventClass::find_field(std::string_view field_name) const {
  return find_last_scope(fields, field_name, &FieldInfo::name);
}
std::size_t EventClass::find_column(std::string_view path) const {
  return find_last_scope(columns, path, &ColumnInfo::path);
}

namespace detail {

BatchMaker::BatchMaker(ctf::DataStream* stream, const Schema& schema)
    : reader_(stream), schema_(schema), first_class_(schema.first_class(stream->plan())) {
  batch_.stream = &schema.stream_of(*stream);
}

const Batch* BatchMaker::next() {
  batch_.memory.reset();
  const ctf::ColumnBatch* from = reader_.next();
  if (from == nullptr) return nullptr;
  batch_.event_class = &schema_.classes()[first_class_ + from->event];
  batch_.size = from->times_ns.size();
  batch_.times_ns = from->times_ns.data();
  batch_.cycles = from->cycles.data();
  columns_.resize(from->columns.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    columns_[i] = {.info = &batch_.event_class->columns[i],
                   .data = from->columns[i].data,
                   .stride = from->columns[i].stride,
                   .present = from->columns[i].present};
  }
  batch_.columns = columns_;
  batch_.memory = from->memory;
  return &batch_;
}

}  // namespace detail

Reader::Reader(std::unique_ptr<detail::ReaderState> state) : state_(std::move(state)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Result<Reader> Reader::open(const std::vector<std::string>& paths, Options options) {
  auto reports = std::make_shared<detail::Reports>();
  auto schema = std::make_shared<std::shared_ptr<const detail::Schema>>();
  ctf::ReadOptions what = reporting_to(reports, schema, {});
  what.clock_offset_ns = options.clock_offset_ns;
  what.stream_intersection = options.stream_intersection;
  what.is_strict = options.is_strict;
  what.event_globs = std::move(options.events);
  auto opened = ctf::TraceReader::open(paths, std::move(what));
  if (!opened) return to_public(opened.error());
  auto state = std::make_unique<detail::ReaderState>(std::move(*opened));
  state->reports = std::move(reports);
  *schema = state->schema = std::make_shared<const detail::Schema>(state->reader);
  state->range = {.begin_ns = options.begin_ns, .end_ns = options.end_ns};
  state->reader.restrict(state->range);
  return Reader(std::move(state));
}

const std::vector<TraceInfo>& Reader::traces() const { return state_->schema->traces(); }
const std::vector<EventClass>& Reader::event_classes() const { return state_->schema->classes(); }
const std::vector<StreamInfo>& Reader::streams() const { return state_->schema->streams(); }
const std::vector<Loss>& Reader::losses() const { return state_->reports->losses; }
const std::vector<Error>& Reader::damages() const { return state_->reports->damages; }

const Event* Reader::next() {
  detail::ReaderState& state = *state_;
  if (state.event.advance()) return &state.event;
  const auto run = state.reader.next_run();
  if (!run) return nullptr;
  state.event.set_run(*run, *state.schema);
  return &state.event;
}

const Event& Reader::at(const EventPlace& place) {
  state_->event_at.set_place(place, *state_->schema);
  return state_->event_at;
}

void Reader::select(std::span<const std::size_t> classes) {
  for (ctf::DataStream* stream : state_->reader.streams()) {
    const std::size_t first = state_->schema->first_class(stream->plan());
    const std::vector<std::uint8_t>& before = stream->wanted();
    std::vector<std::uint8_t> wanted(stream->plan().events.size());
    for (const std::size_t index : classes) {
      if (index < first || index - first >= wanted.size()) continue;
      wanted[index - first] = before[index - first];
    }
    stream->select(std::move(wanted));
  }
}

const Batch* Reader::next_batch() {
  detail::ReaderState& state = *state_;
  if (state.streams.empty()) state.streams = state.reader.streams();
  while (true) {
    if (state.batches) {
      if (const Batch* batch = state.batches->next()) return batch;
      state.batches.reset();
    }
    if (state.stream == state.streams.size()) return nullptr;
    state.batches.emplace(state.streams[state.stream++], *state.schema);
  }
}

void Reader::for_each_batch(unsigned threads,
                            const std::function<void(const Batch& batch, unsigned thread)>& take) {
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  state_->reader.for_each_shard(threads, [&](ctf::DataStream* stream, unsigned thread) {
    detail::BatchMaker batches(stream, *state_->schema);
    while (const Batch* batch = batches.next()) take(*batch, thread);
  });
}

std::vector<std::uint64_t> Reader::count(unsigned threads) {
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::uint64_t> counts(event_classes().size());
  state_->reader.count(
      threads, [&](const ctf::DataStream& stream, std::span<const std::uint64_t> of_stream) {
        const std::size_t first = state_->schema->first_class(stream.plan());
        for (std::size_t i = 0; i < of_stream.size(); ++i) counts[first + i] += of_stream[i];
      });
  return counts;
}

std::vector<Reader> Reader::split(unsigned parts) const {
  // Where packets begin is where a part may begin: what is in front of it in its packets is read
  // for nothing.
  struct Packet {
    std::int64_t begin_ns;
    std::uint64_t bytes;
  };
  std::vector<Packet> packets;
  std::uint64_t total = 0;
  const ctf::TimeRange& whole = state_->range;
  for (const ctf::DataStream* stream : state_->reader.streams()) {
    for (const ctf::PacketPlace& packet : stream->packets()) {
      if (!stream->has_time() || !packet.begin) continue;
      const std::int64_t ns = stream->ns_of_cycles(*packet.begin);
      if ((whole.begin_ns && ns < *whole.begin_ns) || (whole.end_ns && ns > *whole.end_ns))
        continue;
      packets.push_back({.begin_ns = ns, .bytes = packet.byte_count});
      total += packet.byte_count;
    }
  }
  std::sort(packets.begin(), packets.end(),
            [](const Packet& a, const Packet& b) { return a.begin_ns < b.begin_ns; });
  std::vector<std::int64_t> cuts;
  std::uint64_t sum = 0;
  for (const Packet& packet : packets) {
    if (sum >= (cuts.size() + 1) * total / std::max(parts, 1u) && cuts.size() + 1 < parts &&
        (cuts.empty() || packet.begin_ns > cuts.back())) {
      cuts.push_back(packet.begin_ns);
    }
    sum += packet.bytes;
  }
  std::vector<Reader> readers;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    ctf::TimeRange range = whole;
    if (i != 0) range.begin_ns = cuts[i - 1];
    if (i != cuts.size()) range.end_ns = cuts[i] - 1;
    auto reports = std::make_shared<detail::Reports>();
    auto schema = std::make_shared<std::shared_ptr<const detail::Schema>>(state_->schema);
    ctf::TimeRange only;
    if (i != cuts.size()) only = range;
    auto state = std::make_unique<detail::ReaderState>(
        state_->reader.part(range, i == 0, reporting_to(reports, schema, only)));
    state->reports = std::move(reports);
    state->schema = state_->schema;
    state->range = range;
    readers.push_back(Reader(std::move(state)));
  }
  return readers;
}

}  // namespace sillage::trace
