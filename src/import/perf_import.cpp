// SPDX-License-Identifier: MIT
#include "ctf/layout.hpp"
#include "import/decompress.hpp"
#include "import/environment.hpp"
#include "import/import.hpp"
#include "import/kernel_events.hpp"
#include "import/perf_file.hpp"
#include "import/perf_queue.hpp"
#include "import/perf_record.hpp"
#include "import/perf_sample.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace sillage::import {
namespace {

constexpr std::size_t kHeadBytes = 8;
// What waits for its turn; perf's buffers are much smaller in all.
constexpr std::size_t kMaxQueueBytes = std::size_t{128} << 20;

// Types of records; those from 64 on are perf's own, not the kernel's.
enum Type : std::uint32_t {
  kLostRecord = 2,
  kCommRecord = 3,
  kForkRecord = 7,
  kSampleRecord = 9,
  kLostSamplesRecord = 13,
  kFirstOfTool = 64,
  kHeaderAttr = 64,
  kTracingData = 66,
  kFinishedRound = 68,
  kAuxtrace = 71,
  kEventUpdate = 78,
  kHeaderFeature = 80,
  kCompressed = 81,
  kCompressed2 = 83,
};

struct KnownClock {
  std::int32_t number;
  std::string_view name;
};
constexpr std::array<KnownClock, 5> kClocks{
    {{0, "realtime"}, {1, "monotonic"}, {4, "monotonic_raw"}, {7, "boottime"}, {11, "tai"}}};

ctf::ClockClass clock_class(const PerfFile& file) {
  ctf::ClockClass clock;
  clock.id = "perf";
  clock.description = "perf's clock, the scheduler's";
  clock.origin_is_unix_epoch = false;
  if (!file.attrs.empty() && file.attrs.front().has_clock) {
    for (const KnownClock& known : kClocks) {
      if (known.number != file.attrs.front().clock) continue;
      clock.id = known.name;
      clock.description = "Clock " + std::to_string(known.number) + " of clock_gettime";
      clock.origin_is_unix_epoch = known.number == 0;
    }
  }
  if (file.clock_pair) {
    clock.origin_is_unix_epoch = true;
    clock.set_offset_ns(
        static_cast<std::int64_t>(file.clock_pair->wall_clock_ns - file.clock_pair->clock_ns));
  }
  clock.name = clock.id;
  return clock;
}

struct Head {
  std::uint32_t type = 0;
  std::uint16_t misc = 0, size = 0;
};

Head parse_head(std::span<const std::byte> record, ctf::ByteOrder order) {
  RecordCursor cursor(record, order);
  Head head;
  head.type = cursor.u32();
  head.misc = cursor.u16();
  head.size = cursor.u16();
  return head;
}

class Import {
 public:
  Import(const Input& input, const ImportOptions& options, PerfFile file)
      : input_(input), options_(options), file_(std::move(file)), events_(file_.tracing) {}

  Result<ImportSummary> run();

 private:
  // An event class of the output, and what it is made from.
  struct EventSource {
    std::uint32_t channel = 0, id = 0;
    std::map<std::string_view, std::uint32_t> syscall_ids{};  // by name; of raw_syscalls
    const KernelEvent* kernel = nullptr;                      // payload is a tracepoint's
    bool has_raw = false;                                     // payload ends with the raw data
  };

  Status read_records();
  Status take_record(std::span<const std::byte> record, std::uint64_t offset,
                     std::uint64_t* behind);
  Status take_tool_record(const Head& head, std::span<const std::byte> content,
                          std::uint64_t offset, std::uint64_t* behind);
  Status take_compressed(std::span<const std::byte> piece, std::uint64_t offset);
  void queue(const Head& head, std::span<const std::byte> record);
  Status end_round(bool is_last);
  Status emit(std::uint64_t time, std::span<const std::byte> record);
  Status emit_sample(std::uint64_t time, std::span<const std::byte> content);
  Status emit_other(const Head& head, std::uint64_t time, std::span<const std::byte> content);
  Status open_output();
  Result<EventSource*> sample_source(const PerfAttr& attr);
  Result<std::uint32_t> syscall_id(const PerfAttr& attr, std::string_view syscall,
                                   EventSource* source);
  Result<std::uint32_t> record_id(const PerfRecordKind& kind);
  // The channel of an event's samples: those with the same contexts share one.
  Result<std::uint32_t> sample_channel(const PerfAttr& attr);
  Status count_lost(const Head& head, std::uint64_t time, const PerfIdentity& identity,
                    RecordCursor cursor);
  void begin_body(const PerfIdentity& identity);
  void report(Code code, const std::string& message, std::uint64_t offset);

  const Input& input_;
  const ImportOptions& options_;
  PerfFile file_;
  KernelEvents events_;
  TaskNames names_;
  PerfQueue queue_;
  std::unique_ptr<ZstdStream> zstd_;
  std::vector<std::byte> decompressed_;  // not yet a whole record
  std::unique_ptr<TraceOutput> output_;
  std::vector<std::pair<const PerfAttr*, std::uint32_t>> sample_channels_;
  std::optional<std::uint32_t> record_channel_;  // of what is no sample
  std::map<const PerfAttr*, EventSource> sample_sources_;
  std::map<const PerfRecordKind*, std::uint32_t> record_ids_;
  std::optional<std::uint64_t> first_time_;
  std::vector<std::byte> body_;
  std::uint64_t aux_pieces_ = 0, aux_bytes_ = 0;  // data of hardware tracers
  std::uint64_t lost_ = 0, lost_in_sums_ = 0;
  ImportSummary summary_;
};

void Import::report(Code code, const std::string& message, std::uint64_t offset) {
  ++summary_.damages;
  if (options_.on_damage) options_.on_damage(Error{code, message, input_.at(offset)});
}

Status Import::read_records() {
  constexpr std::size_t kPieceBytes = 1u << 20;
  std::vector<std::byte> piece;
  std::uint64_t at = file_.data_begin;
  while (file_.data_end - at >= kHeadBytes) {
    piece.resize(std::min<std::uint64_t>(kPieceBytes, file_.data_end - at));
    SILLAGE_TRY(input_.read(at, piece));
    std::span<const std::byte> rest(piece);
    std::uint64_t behind = 0;  // bytes that a record says stand behind it
    while (rest.size() >= kHeadBytes && behind == 0) {
      const Head head = parse_head(rest, file_.order);
      if (head.size < kHeadBytes) {
        report(Code::kCorrupt,
               "a record of " + std::to_string(head.size) + " bytes; nothing behind it can be read",
               at);
        return {};
      }
      if (head.size > rest.size()) break;
      SILLAGE_TRY(take_record(rest.first(head.size), at, &behind));
      rest = rest.subspan(head.size);
      at += head.size;
    }
    if (behind > file_.data_end - at) {
      report(Code::kCorrupt, "the file ends before the data of a record", at);
      return {};
    }
    at += behind;
    const bool is_stuck = rest.size() == piece.size();
    if (is_stuck) break;
  }
  if (at != file_.data_end) report(Code::kCorrupt, "the last record is cut off", at);
  return {};
}

Status Import::take_record(std::span<const std::byte> record, std::uint64_t offset,
                           std::uint64_t* behind) {
  const Head head = parse_head(record, file_.order);
  if (head.type >= kFirstOfTool)
    return take_tool_record(head, record.subspan(kHeadBytes), offset, behind);
  queue(head, record);
  return queue_.bytes() > kMaxQueueBytes ? end_round(true) : Status();
}

Status Import::take_tool_record(const Head& head, std::span<const std::byte> content,
                                std::uint64_t offset, std::uint64_t* behind) {
  RecordCursor cursor(content, file_.order);
  switch (head.type) {
    case kFinishedRound: return end_round(false);
    case kHeaderAttr:
      if (!file_.is_pipe) return {};
      if (output_) {
        report(Code::kCorrupt, "an event is described behind the first records", offset);
        return {};
      }
      if (auto added = file_.add_attr(content); !added)
        report(added.error().code, added.error().message, offset);
      return {};
    case kTracingData: {
      *behind = cursor.u32();
      if (output_ || !file_.is_pipe) return {};
      const std::uint64_t begin = offset + head.size;
      InputCursor data(input_, begin, begin + *behind);
      return read_tracing_data(&data, &file_.tracing);
    }
    case kAuxtrace:
      *behind = cursor.u64();
      ++aux_pieces_;
      aux_bytes_ += *behind;
      return {};
    case kEventUpdate: file_.add_update(content); return {};
    case kHeaderFeature: {
      const std::uint64_t number = cursor.u64();
      if (cursor.ok()) file_.add_feature(number, content.subspan(8));
      return {};
    }
    case kCompressed: return take_compressed(content, offset);
    case kCompressed2: {
      const std::uint64_t size = cursor.u64();
      return take_compressed(content.subspan(std::min<std::size_t>(8, content.size()),
                                             std::min<std::uint64_t>(size, cursor.left())),
                             offset);
    }
    default: return {};
  }
}

Status Import::take_compressed(std::span<const std::byte> piece, std::uint64_t offset) {
  if (!zstd_) zstd_ = std::make_unique<ZstdStream>();
  if (auto plain = zstd_->append(piece, &decompressed_); !plain) {
    report(plain.error().code, plain.error().message, offset);
    decompressed_.clear();
    return {};
  }
  // Records may be cut between pieces.
  std::span<const std::byte> rest(decompressed_);
  while (rest.size() >= kHeadBytes) {
    const Head head = parse_head(rest, file_.order);
    if (head.size < kHeadBytes) {
      report(Code::kCorrupt, "a record in compressed data has no size", offset);
      decompressed_.clear();
      return {};
    }
    if (head.size > rest.size()) break;
    // Compressed records in compressed ones would nest without end.
    if (head.type < kFirstOfTool) {
      queue(head, rest.first(head.size));
      if (queue_.bytes() > kMaxQueueBytes) SILLAGE_TRY(end_round(true));
    }
    rest = rest.subspan(head.size);
  }
  decompressed_.erase(decompressed_.begin(),
                      decompressed_.end() - static_cast<std::ptrdiff_t>(rest.size()));
  return {};
}

void Import::queue(const Head& head, std::span<const std::byte> record) {
  std::optional<std::uint64_t> time;
  if (head.type == kSampleRecord) {
    const auto found = identify_sample(file_, record.subspan(kHeadBytes));
    if (found) time = found->time;
  } else {
    time = identify_record(file_, record.subspan(kHeadBytes)).identity.time;
  }
  // What does not say when it was is taken to be of when it was written.
  queue_.add(time.value_or(queue_.newest()), record);
}

Status Import::end_round(bool is_last) {
  Status status;
  const auto write = [&](std::uint64_t time, std::span<const std::byte> record) {
    if (status) status = emit(time, record);
  };
  // perf describes what was there before in records of time 0. They get the time of the first event,
  // which is known once there is one.
  if (!first_time_ && (is_last || queue_.is_due())) first_time_ = queue_.oldest_known();
  if (is_last)
    queue_.finish(write);
  else
    queue_.end_round(write);
  return status;
}

Status Import::open_output() {
  if (output_) return {};
  events_.set_machine(file_.machine);
  auto output = TraceOutput::create(
      options_.directory, options_.version,
      kernel_environment(
          {.trace_name = options_.trace_name,
           .hostname = file_.hostname,
           .kernel_release = file_.kernel_release,
           .machine = file_.machine,
           .tracer_name = "perf",
           .tracer_version = file_.version,
           .importer_version = options_.importer_version,
           .word_bits = file_.tracing.version.empty()
                            ? 0
                            : 8 * static_cast<std::int64_t>(file_.tracing.long_bytes)}),
      clock_class(file_));
  if (!output) return tl::unexpected(std::move(output).error());
  output_ = std::move(*output);
  if (file_.tracing.unreadable_formats != 0 && options_.on_note)
    options_.on_note(std::to_string(file_.tracing.unreadable_formats) +
                     " formats of events cannot be read");
  return {};
}

void Import::begin_body(const PerfIdentity& identity) {
  body_.clear();
  append_integer(static_cast<std::uint32_t>(identity.pid), 4, &body_);
  append_integer(static_cast<std::uint32_t>(identity.tid), 4, &body_);
  const TaskName name = names_.name(identity.tid, identity.cpu);
  const auto bytes = std::as_bytes(std::span(name));
  body_.insert(body_.end(), bytes.begin(), bytes.end());
}

Status Import::emit(std::uint64_t time, std::span<const std::byte> record) {
  SILLAGE_TRY(open_output());
  const Head head = parse_head(record, file_.order);
  const auto content = record.subspan(kHeadBytes);
  const std::uint64_t known = time == 0 ? first_time_.value_or(0) : time;
  return head.type == kSampleRecord ? emit_sample(known, content)
                                    : emit_other(head, known, content);
}

Result<std::uint32_t> Import::sample_channel(const PerfAttr& attr) {
  for (const auto& [first, number] : sample_channels_)
    if (have_same_contexts(*first, attr)) return number;
  auto made = output_->add_channel("samples", sample_contexts(attr));
  if (made) sample_channels_.emplace_back(&attr, *made);
  return made;
}

Result<Import::EventSource*> Import::sample_source(const PerfAttr& attr) {
  const auto [known, is_new] = sample_sources_.try_emplace(&attr);
  EventSource& source = known->second;
  if (!is_new) return &source;
  const auto channel = sample_channel(attr);
  if (!channel) return tl::unexpected<Error>(channel.error());
  source.channel = *channel;
  const auto type = static_cast<std::uint32_t>(attr.config);
  if (attr.is_tracepoint() && attr.has(kSampleRaw)) source.kernel = events_.find(type);
  source.has_raw = source.kernel == nullptr && attr.has(kSampleRaw);
  ctf::EventClass event;
  if (source.kernel != nullptr) {
    event.name = events_.name(type);
    event.specific_context = source.kernel->plan.specific_context();
    event.payload = source.kernel->plan.payload();
  } else {
    event.name = attr.name.empty()
                     ? "perf_" + std::to_string(attr.type) + "_" + std::to_string(attr.config)
                     : attr.name;
    if (source.has_raw)
      event.payload =
          ctf::PayloadBuilder().blob_sequence("perf_raw", ctf::kDefaultMediaType).build();
  }
  auto id = output_->add_event(source.channel, std::move(event));
  if (!id) return tl::unexpected(std::move(id).error());
  source.id = *id;
  return &source;
}

Result<std::uint32_t> Import::syscall_id(const PerfAttr& attr, std::string_view syscall,
                                         EventSource* source) {
  if (syscall.empty()) return source->id;
  const auto [known, is_new] = source->syscall_ids.try_emplace(syscall, 0);
  if (!is_new) return known->second;
  auto id = output_->add_event(
      source->channel, {.name = events_.name(static_cast<std::uint32_t>(attr.config), syscall),
                        .specific_context = source->kernel->plan.specific_context(),
                        .payload = source->kernel->plan.payload()});
  if (id) known->second = *id;
  return id;
}

Status Import::emit_sample(std::uint64_t time, std::span<const std::byte> content) {
  const auto found = identify_sample(file_, content);
  if (!found) {
    report(Code::kCorrupt, "a sample is cut off, or of an event that is not described", 0);
    return {};
  }
  auto source = sample_source(*found->attr);
  if (!source) return tl::unexpected(std::move(source).error());
  auto to = output_->stream((*source)->channel, found->cpu);
  if (!to) return tl::unexpected(std::move(to).error());
  begin_body(*found);
  const auto raw = append_sample(*found->attr, content, file_.order, &body_);
  bool is_whole = raw.has_value();
  if (is_whole && (*source)->kernel != nullptr) {
    is_whole = (*source)->kernel->plan.append(*raw, &body_);
  } else if (is_whole && (*source)->has_raw) {
    append_integer(raw->size(), 4, &body_);
    body_.insert(body_.end(), raw->begin(), raw->end());
  }
  if (!is_whole) {
    (*to)->discard(1, time, output_->counts());
    report(Code::kCorrupt, "a sample is shorter than its fields", 0);
    return {};
  }
  std::string_view syscall;
  if ((*source)->kernel != nullptr) syscall = events_.syscall(*(*source)->kernel, *raw);
  const auto id = syscall_id(*found->attr, syscall, *source);
  if (!id) return tl::unexpected<Error>(id.error());
  return (*to)->event(time, *id, body_, output_->counts());
}

Result<std::uint32_t> Import::record_id(const PerfRecordKind& kind) {
  if (!record_channel_) {
    auto made = output_->add_channel("records", ctf::make_field_class(task_contexts(true)));
    if (!made) return made;
    record_channel_ = *made;
  }
  const auto [known, is_new] = record_ids_.try_emplace(&kind, 0);
  if (!is_new) return known->second;
  auto id = output_->add_event(*record_channel_,
                               {.name = std::string(kind.name), .payload = record_payload(kind)});
  if (id) known->second = *id;
  return id;
}

Status Import::count_lost(const Head& head, std::uint64_t time, const PerfIdentity& identity,
                          RecordCursor cursor) {
  // Those that a BPF filter dropped, as it should, are counted in the same kind of record.
  constexpr std::uint16_t kFilteredByBpf = 1u << 15;
  if (head.type == kLostSamplesRecord && (head.misc & kFilteredByBpf) != 0) return {};
  const PerfAttr* attr = head.type == kLostRecord ? file_.find(cursor.u64()) : nullptr;
  const std::uint64_t lost = cursor.u64();
  if (attr == nullptr) attr = identity.attr;
  if (!cursor.ok() || attr == nullptr) return {};
  // At the end perf writes such records without a time: sums of what the others say, and of what was
  // lost behind the last of those.
  if (head.type == kLostSamplesRecord && identity.time.value_or(0) == 0) {
    lost_in_sums_ += lost;
    return {};
  }
  lost_ += lost;
  const auto channel = sample_channel(*attr);
  if (!channel) return tl::unexpected<Error>(channel.error());
  auto to = output_->stream(*channel, identity.cpu);
  if (!to) return tl::unexpected(std::move(to).error());
  (*to)->discard(lost, time, output_->counts());
  return {};
}

Status Import::emit_other(const Head& head, std::uint64_t time,
                          std::span<const std::byte> content) {
  const TrailingIdentity trailing = identify_record(file_, content);
  content = content.first(content.size() - trailing.bytes);
  RecordCursor cursor(content, file_.order);
  if (head.type == kLostRecord || head.type == kLostSamplesRecord)
    return count_lost(head, time, trailing.identity, cursor);
  const PerfRecordKind* kind = find_record_kind(head.type, head.misc);
  if (kind == nullptr) return {};
  // A task is called what it is called behind its record, as a shell's child is after exec.
  if (head.type == kCommRecord) {
    cursor.skip(4);
    const std::int32_t tid = cursor.s32();
    if (cursor.ok()) names_.set(tid, text_of(cursor.take(cursor.left())));
  } else if (head.type == kForkRecord) {
    cursor.skip(8);
    const std::int32_t tid = cursor.s32();
    const std::int32_t parent = cursor.s32();
    if (cursor.ok()) names_.copy(parent, tid);
  }
  const auto id = record_id(*kind);
  if (!id) return tl::unexpected<Error>(id.error());
  auto to = output_->stream(*record_channel_, trailing.identity.cpu);
  if (!to) return tl::unexpected(std::move(to).error());
  begin_body(trailing.identity);
  if (!append_record(*kind, head.misc, content, file_.order, &body_)) {
    report(Code::kCorrupt, "a record " + std::string(kind->name) + " is shorter than its fields",
           0);
    return {};
  }
  return (*to)->event(time, *id, body_, output_->counts());
}

Result<ImportSummary> Import::run() {
  SILLAGE_TRY(read_records());
  SILLAGE_TRY(end_round(true));
  SILLAGE_TRY(open_output());
  if (lost_in_sums_ > lost_ && options_.on_note)
    options_.on_note("perf counted " + std::to_string(lost_in_sums_ - lost_) +
                     " more lost samples, at the end, not when");
  if (aux_pieces_ != 0 && options_.on_note)
    options_.on_note(std::to_string(aux_pieces_) + " pieces of data of hardware tracers (AUX), " +
                     std::to_string(aux_bytes_) +
                     " bytes, are left out: decode them with perf script");
  if (file_.is_of_directory && options_.on_note)
    options_.on_note(
        "perf wrote a directory (perf record --threads): the events in its other files, "
        "data.0 and so on, are left out");
  SILLAGE_TRY(output_->finish());
  summary_.format = "perf.data";
  summary_.counts = *output_->counts();
  return summary_;
}

}  // namespace

Result<ImportSummary> import_perf_data(const Input& input, const ImportOptions& options) {
  auto file = read_perf_file(input);
  if (!file) return tl::unexpected(std::move(file).error());
  return Import(input, options, std::move(*file)).run();
}

}  // namespace sillage::import
