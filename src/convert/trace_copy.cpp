// SPDX-License-Identifier: MIT
#include "convert/trace_copy.hpp"

#include "convert/output_file.hpp"
#include "convert/packet_rewriter.hpp"
#include "convert/trace_directories.hpp"
#include "convert/translation.hpp"
#include "ctf/metadata_reader.hpp"
#include "ctf/packet.hpp"
#include "ctf/stream_file.hpp"
#include "ctf/text.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

namespace sillage::convert {

using namespace ctf;  // the model's names are this file's words

namespace {

/// A data stream: what names its trace (the UUID, or else its directory), its class, its number.
using StreamKey = std::tuple<std::string, std::uint64_t, std::uint64_t>;

/// A data stream file and the packets in it.
struct DataFile {
  std::string name{};
  std::shared_ptr<const StreamFile> file{};
  PacketList list{};
};

/// The trace in one directory.
struct Source {
  TraceDirectory directory{};
  std::vector<std::byte> metadata{};
  std::shared_ptr<const Plan> plan{};
  std::vector<DataFile> files{};

  std::optional<Uuid> packet_uuid{};  ///< in the header of the first packet

  [[nodiscard]] StreamKey key_of(const DataFile& data) const {
    const std::optional<Uuid>& uuid = plan->model().trace.uuid;
    // A file whose packets do not say their stream is one of its own.
    const std::string trace =
        uuid && data.list.stream_id ? uuid_text(*uuid) : directory.path + "/" + data.name;
    return {trace, data.list.stream->stream_class->id, data.list.stream_id.value_or(0)};
  }
};

tl::unexpected<Error> at(const std::string& path, Error error) {
  error.location = error.location.empty() ? path : path + ": " + error.location;
  return tl::unexpected<Error>(std::move(error));
}

// The UUID in the header of a packet, if it has one.
std::optional<Uuid> uuid_of(const Plan& plan, const Decoder& decoder) {
  for (const Value& value : decoder.packet_header()) {
    const auto* blob = plan.fields()[value.field].field_class->as<StaticBlob>();
    if (blob == nullptr || !blob->roles.has(Role::kMetadataStreamUuid)) continue;
    Uuid uuid{};
    if (value.size == uuid.size()) std::memcpy(uuid.data(), value.data, uuid.size());
    return uuid;
  }
  return std::nullopt;
}

Result<Source> open_source(const TraceDirectory& directory, const DamageReport& damage) {
  Source source{.directory = directory};
  const std::string path = directory.path + "/metadata";
  const MetadataLimits limits;
  auto metadata = read_file(path, limits.file_bytes);
  if (!metadata) return tl::unexpected<Error>(std::move(metadata).error());
  source.metadata = std::move(*metadata);
  auto model = read_metadata(source.metadata, limits);
  if (!model) return at(path, std::move(model).error());
  auto plan = Plan::compile(std::make_shared<const TraceModel>(std::move(*model)));
  if (!plan) return at(path, std::move(plan).error());
  source.plan = std::move(*plan);
  auto names = data_stream_files(directory.path);
  if (!names) return tl::unexpected<Error>(std::move(names).error());
  for (const std::string& name : *names) {
    auto file = StreamFile::open(directory.path + "/" + name);
    if (!file) {
      damage(file.error());
      continue;
    }
    if ((*file)->bytes().empty()) continue;
    PacketList list = list_packets(source.plan, **file, damage);
    if (list.stream == nullptr) continue;
    Decoder decoder(source.plan);
    if (!source.packet_uuid && decoder.start_packet(list.packets.front().bytes())) {
      source.packet_uuid = uuid_of(*source.plan, decoder);
    }
    source.files.push_back({.name = name, .file = std::move(*file), .list = std::move(list)});
  }
  return source;
}

/// One conversion of several traces.
class TraceCopier {
 public:
  TraceCopier(std::string output, const CopyOptions& options)
      : output_(std::move(output)), options_(options) {}

  Result<CopySummary> copy(const std::vector<TraceDirectory>& directories) {
    for (const TraceDirectory& directory : directories) {
      auto source = open_source(directory, [this](const Error& error) { report(error); });
      if (!source) return tl::unexpected<Error>(std::move(source).error());
      sources_.push_back(std::move(*source));
    }
    for (const Source& source : sources_) count_lost_before(source);
    SILLAGE_TRY(make_output_directory(output_));
    for (const Source& source : sources_) {
      SILLAGE_TRY(copy_trace(source));
      ++summary_.traces;
    }
    return summary_;
  }

 private:
  void report(const Error& error) {
    if (!is_incomplete(error)) ++summary_.damages;
    if (options_.on_damage) options_.on_damage(error);
  }

  [[nodiscard]] PacketEdit edit_of(const StreamPlan& stream) const {
    PacketEdit edit{.range = options_.range};
    edit.has_clock = stream.clock != nullptr;
    if (edit.has_clock) edit.clock = ClockTime(*stream.clock);
    return edit;
  }

  enum class Place : std::uint8_t { kBefore, kInside, kBorder, kBehind };

  [[nodiscard]] static Place place_of(const PacketEdit& edit, const PacketPlace& packet) {
    if (!edit.cuts()) return Place::kInside;
    if (!packet.begin || !packet.end || *packet.end < *packet.begin) return Place::kBorder;
    const std::int64_t begin = edit.clock.ns(*packet.begin), end = edit.clock.ns(*packet.end);
    if (edit.range.begin_ns && end < *edit.range.begin_ns) return Place::kBefore;
    if (edit.range.end_ns && begin > *edit.range.end_ns) return Place::kBehind;
    const bool is_cut = (edit.range.begin_ns && begin < *edit.range.begin_ns) ||
                        (edit.range.end_ns && end > *edit.range.end_ns);
    return is_cut ? Place::kBorder : Place::kInside;
  }

  // The counter of the last packet in front of the range, for each data stream.
  void count_lost_before(const Source& source) {
    if (!options_.range.begin_ns) return;
    Decoder decoder(source.plan);
    for (const DataFile& data : source.files) {
      const PacketEdit edit = edit_of(*data.list.stream);
      const PacketPlace* last = nullptr;
      for (const PacketPlace& packet : data.list.packets) {
        if (place_of(edit, packet) != Place::kBefore) continue;
        if (last == nullptr || *packet.end >= *last->end) last = &packet;
      }
      if (last == nullptr || !decoder.start_packet(last->bytes())) continue;
      Lost& lost = lost_before_[source.key_of(data)];
      if (lost.end > *last->end) continue;
      lost = {.end = *last->end, .count = decoder.head().discarded_events.value_or(0)};
    }
  }

  Status copy_trace(const Source& source) {
    const Version from = source.plan->model().version;
    const Version to = options_.version.value_or(from);
    const std::string directory =
        source.directory.place.empty() ? output_ : output_ + "/" + source.directory.place;
    SILLAGE_TRY(make_directories(directory));
    auto metadata = OutputFile::create(directory + "/metadata");
    if (!metadata) return tl::unexpected<Error>(std::move(metadata).error());
    TraceForm form;
    if (to == from) {
      metadata->append(source.metadata);
      form = same_form(*source.plan);
    } else {
      auto translation = to == Version::kCtf18
                             ? to_ctf18(*source.plan)
                             : Result<Translation>(to_ctf2(*source.plan, source.packet_uuid));
      if (!translation) return at(source.directory.path, std::move(translation).error());
      if (options_.on_notice) {
        for (const std::string& notice : translation->notices) {
          options_.on_notice(source.directory.path + ": " + notice);
        }
      }
      metadata->append(metadata_text(translation->model));
      form = std::move(translation->form);
    }
    SILLAGE_TRY(metadata->finish());
    for (const DataFile& data : source.files) {
      SILLAGE_TRY(copy_file(source, data, form, directory));
    }
    return {};
  }

  /// A data stream file while it is written, and its index.
  struct Target {
    std::optional<OutputFile> file{};
    std::vector<IndexEntry> index{};
    bool has_index = true;  ///< all packets so far say what an index file says

    void add(const IndexEntry& entry, bool is_whole) {
      has_index = has_index && is_whole;
      index.push_back(entry);
      index.back().offset_bytes = file->size();
    }
  };

  Status copy_file(const Source& source, const DataFile& data, const TraceForm& form,
                   const std::string& directory) {
    Decoder decoder(source.plan);
    PacketRewriter rewriter(*source.plan, form);
    PacketEdit edit = edit_of(*data.list.stream);
    // Readers of CTF 1.8 let packets with the UUID of another trace pass; those of CTF 2 do not.
    const std::optional<Uuid>& uuid = source.plan->model().trace.uuid;
    const bool is_translated =
        options_.version && *options_.version != source.plan->model().version;
    edit.writes_head = is_translated && uuid && source.packet_uuid && uuid != source.packet_uuid;
    if (const auto lost = lost_before_.find(source.key_of(data)); lost != lost_before_.end()) {
      edit.lost_before = lost->second.count;
    }
    const bool keeps_bytes = rewriter.form_of(*data.list.stream).keeps_bytes;
    Target target;
    for (const PacketPlace& packet : data.list.packets) {
      const Place place = place_of(edit, packet);
      if (place == Place::kBefore || place == Place::kBehind) {
        ++summary_.packets_left_out;
        continue;
      }
      const auto bytes = data.file->bytes().subspan(packet.byte, packet.byte_count);
      const bool is_good = decoder.start_packet(bytes);
      if (data.file->is_broken()) break;
      if (!is_good) {
        report(decoder.error(data.file->path(), packet.byte));
        continue;
      }
      PacketRewriter::Outcome outcome;
      bool is_copy = place == Place::kInside && keeps_bytes && !packet.has_false_size;
      if (!is_copy) {
        outcome = rewriter.rewrite(&decoder, edit, data.file->path(), packet.byte);
        if (outcome.error) report(*outcome.error);
        // Nothing to change after all, as where packets do not say their times.
        is_copy = keeps_bytes && !packet.has_false_size && outcome.removed == 0 && !outcome.error &&
                  outcome.begin == decoder.head().begin && outcome.end == decoder.head().end;
        const bool is_nothing = outcome.kept == 0 && outcome.removed != 0 && !outcome.begin;
        if (!is_copy && (!outcome.is_written || is_nothing)) {
          ++summary_.packets_left_out;
          continue;
        }
      }
      if (!target.file) {
        auto file = OutputFile::create(directory + "/" + data.name);
        if (!file) return tl::unexpected<Error>(std::move(file).error());
        target.file = std::move(*file);
      }
      if (is_copy) {
        add_copy(&rewriter, decoder, edit, bytes, &target);
      } else {
        add_written(rewriter, decoder.head(), edit, outcome, &target);
      }
      if (const auto missing = missing_end(packet, decoder.head())) report(*missing);
      decoder.finish_packet();
      if (target.file->has_failed() || data.file->is_broken()) break;
    }
    // Zeroes may have been copied: nobody shall take this for the trace.
    if (const auto loss = data.file->take_loss()) return tl::unexpected<Error>(*loss);
    if (!target.file) return {};
    SILLAGE_TRY(target.file->finish());
    return write_index(target, directory, data.name);
  }

  static IndexEntry entry_of(const PacketInfo& head, const PacketEdit& edit) {
    const HeadValues values = head_values(head, edit.lost_before);
    const auto value = [&](Role role) {
      return values[static_cast<std::size_t>(role)].value_or(0);
    };
    return {.packet_bits = head.total_bits,
            .content_bits = head.content_bits,
            .begin = head.begin.value_or(0),
            .end = head.end.value_or(0),
            .events_discarded = value(Role::kDiscardedEventRecordCounterSnapshot),
            .stream_class_id = head.stream->stream_class->id,
            .stream_instance_id = value(Role::kDataStreamId),
            .sequence_number = value(Role::kPacketSequenceNumber)};
  }

  void add_copy(PacketRewriter* rewriter, const Decoder& decoder, const PacketEdit& edit,
                std::span<const std::byte> bytes, Target* target) {
    const PacketInfo& head = decoder.head();
    target->add(entry_of(head, edit),
                head.begin && head.end && *head.end >= *head.begin && !head.is_cut);
    if (edit.writes_head || (edit.lost_before != 0 && head.discarded_events)) {
      rewriter->copy(decoder, bytes, edit.lost_before);
      bytes = rewriter->packet();
    }
    target->file->append(bytes);
    ++summary_.packets_copied;
  }

  void add_written(const PacketRewriter& rewriter, const PacketInfo& head, const PacketEdit& edit,
                   const PacketRewriter::Outcome& outcome, Target* target) {
    IndexEntry entry = entry_of(head, edit);
    entry.packet_bits = rewriter.packet().size() * 8;
    entry.content_bits = outcome.content_bits;
    entry.begin = outcome.begin.value_or(0);
    entry.end = outcome.end.value_or(0);
    target->add(entry, outcome.begin && outcome.end && *outcome.end >= *outcome.begin);
    target->file->append(rewriter.packet());
    ++summary_.packets_written;
  }

  static Status write_index(const Target& target, const std::string& directory,
                            const std::string& name) {
    if (!target.has_index || target.index.empty()) return {};
    SILLAGE_TRY(make_directories(directory + "/index"));
    auto file = OutputFile::create(directory + "/index/" + name + ".idx");
    if (!file) return tl::unexpected<Error>(std::move(file).error());
    file->append(encode_index_header());
    for (const IndexEntry& entry : target.index) file->append(encode_index_entry(entry));
    return file->finish();
  }

  /// What a data stream had lost when the range began.
  struct Lost {
    std::uint64_t end = 0;  ///< of the packet that says it
    std::uint64_t count = 0;
  };

  std::string output_;
  const CopyOptions& options_;
  std::vector<Source> sources_;
  std::map<StreamKey, Lost> lost_before_;
  CopySummary summary_;
};

}  // namespace

Result<CopySummary> copy_traces(const std::vector<std::string>& paths, const std::string& output,
                                const CopyOptions& options) {
  auto directories = find_trace_directories(paths);
  if (!directories) return tl::unexpected<Error>(std::move(directories).error());
  return TraceCopier(output, options).copy(*directories);
}

}  // namespace sillage::convert
