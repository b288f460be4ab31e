// SPDX-License-Identifier: MIT
#include "collect/crash_extract.hpp"

#include "base/fd.hpp"
#include "collect/append_file.hpp"
#include "collect/buffer_files.hpp"
#include "collect/output_directory.hpp"
#include "collect/packet_file.hpp"
#include "collect/record_scanner.hpp"
#include "collect/record_shape.hpp"
#include "collect/stream_ledger.hpp"
#include "collect/stream_recorder.hpp"
#include "collect/trace_writer.hpp"
#include "ctf/metadata_reader.hpp"
#include "ctf/packet.hpp"
#include "ring/ring.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

namespace sillage::collect {
namespace {

namespace fs = std::filesystem;

// Of a trace: a class of an event takes some 300 bytes.
constexpr std::uint64_t kMaxMetadataBytes = std::uint64_t{256} << 20;

Result<Fd> open_file(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) return fail_errno("cannot open " + path);
  return fd;
}

Result<std::string> read_whole(const std::string& path, std::uint64_t max_bytes) {
  auto file = open_file(path);
  if (!file) return tl::unexpected(std::move(file).error());
  struct stat status {};
  if (::fstat(file->value(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<std::uint64_t>(status.st_size) > max_bytes)
    return fail(Code::kCorrupt, "not a file of buffers", path);
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got =
        ::pread(file->value(), text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  text.resize(done);
  return text;
}

/// The metadata beside the buffers, without a class at its end of which its daemon did not come to write the whole: no program has
/// its number.
struct Metadata {
  std::string text;
  ctf::TraceModel model;
};
Result<Metadata> read_metadata_of(const std::string& path) {
  auto text = read_whole(path, kMaxMetadataBytes);
  if (!text) return tl::unexpected(std::move(text).error());
  auto model = ctf::read_metadata(std::as_bytes(std::span(*text)));
  const std::size_t cut = std::max(text->rfind("\n};\n") + 4, text->rfind("\n\x1e") + 1);
  if (!model && cut > 4 && cut < text->size()) {
    if (auto whole = ctf::read_metadata(std::as_bytes(std::span(*text).first(cut)))) {
      text->resize(cut);
      model = std::move(whole);
    }
  }
  if (!model) return fail(model.error().code, model.error().text(), path);
  return Metadata{*std::move(text), *std::move(model)};
}

/// A channel's file "CLASS-NAME.ring".
struct RingName {
  std::uint64_t stream_class = 0;
  std::string channel;
};
std::optional<RingName> parse_ring_name(std::string_view name) {
  RingName parsed;
  const std::string_view ending = BufferFiles::kRing;
  if (!name.ends_with(ending)) return std::nullopt;
  name.remove_suffix(ending.size());
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), parsed.stream_class);
  if (error != std::errc() || end == name.data() + name.size() || *end != '-') return std::nullopt;
  parsed.channel = std::string(end + 1, name.data() + name.size());
  if (!is_file_name(parsed.channel)) return std::nullopt;
  return parsed;
}

Result<RecordScanner> scanner_of(const ctf::TraceModel& model, std::uint64_t stream_class) {
  const auto stream =
      std::find_if(model.streams.begin(), model.streams.end(),
                   [&](const ctf::DataStreamClass& each) { return each.id == stream_class; });
  if (stream == model.streams.end())
    return fail(Code::kCorrupt, "the metadata has no data streams of its number");
  std::vector<const ctf::EventClass*> events;
  for (const ctf::EventClass& event : model.events)
    if (event.stream_class_id == stream_class) events.push_back(&event);
  std::sort(events.begin(), events.end(),
            [](const auto* a, const auto* b) { return a->id < b->id; });
  RecordScanner scanner;
  for (std::size_t id = 0; id < events.size(); ++id) {
    if (events[id]->id != id)
      return fail(Code::kCorrupt, "the metadata has no event " + std::to_string(id));
    auto shape = RecordShape::compile(stream->common_context, events[id]->specific_context,
                                      events[id]->payload);
    if (!shape) return tl::unexpected(std::move(shape).error());
    scanner.add(*std::move(shape));
  }
  return scanner;
}

template <class Bytes>
bool read_at(const Fd& file, std::uint64_t offset, Bytes* bytes) {
  return ::pread(file.value(), bytes->data(), bytes->size(), static_cast<off_t>(offset)) ==
         static_cast<ssize_t>(bytes->size());
}

/// The number of the last packet that a stream's file of the recording's trace has whole, nothing if it has none: of a packet the
/// daemon may not have come to write the entry in the index, and readers of the trace see it without.
std::optional<std::uint64_t> last_packet(const std::string& trace, const std::string& file) {
  const auto data = open_file(trace + "/" + file);
  const auto index = open_file(trace + "/index/" + file + ".idx");
  struct stat data_status {
  }, index_status{};
  if (!data || ::fstat(data->value(), &data_status) != 0) return std::nullopt;
  const auto data_bytes = static_cast<std::uint64_t>(data_status.st_size);
  const auto is_inside = [&](std::uint64_t offset, std::uint64_t packet_bits) {
    return offset <= data_bytes && packet_bits / 8 <= data_bytes - offset;
  };
  std::optional<std::uint64_t> last;
  std::uint64_t end = 0;
  constexpr std::uint64_t kHead = ctf::kIndexHeaderBytes, kEntry = ctf::kIndexEntryBytes;
  if (index && ::fstat(index->value(), &index_status) == 0 &&
      static_cast<std::uint64_t>(index_status.st_size) >= kHead + kEntry) {
    const std::uint64_t entries =
        (static_cast<std::uint64_t>(index_status.st_size) - kHead) / kEntry;
    std::array<std::byte, kEntry> bytes;
    if (!read_at(*index, kHead + (entries - 1) * kEntry, &bytes)) return std::nullopt;
    const ctf::IndexEntry entry = ctf::decode_index_entry(bytes);
    if (!is_inside(entry.offset_bytes, entry.packet_bits)) return std::nullopt;
    last = entry.sequence_number;
    end = entry.offset_bytes + entry.packet_bits / 8;
  }
  std::array<std::byte, ctf::kPacketHeadBytes> head;
  if (!read_at(*data, end, &head)) return last;
  std::uint64_t packet_bits = 0, sequence = 0;
  std::memcpy(&packet_bits, head.data() + ctf::kPacketSizeOffset, sizeof packet_bits);
  std::memcpy(&sequence, head.data() + ctf::kPacketSequenceOffset, sizeof sequence);
  return is_inside(end, packet_bits) ? sequence : last;
}

/// One trace's buffers.
class TraceExtract {
 public:
  TraceExtract(std::string folder, CrashExtract* into) : folder_(std::move(folder)), into_(*into) {}

  /// Errors: those of the output's files. What is wrong with the buffers is in `refused`.
  Status write(int output, const std::string& directory, const std::vector<std::string>& rings);

 private:
  Status write_channel(const RingName& name);
  Status write_stream(const ring::Ring& ring, StreamLedger* ledger, std::uint32_t index,
                      const RingName& name, const RecordScanner& scanner);
  void settle(StreamLedger* ledger, std::uint32_t index, const std::string& file);
  void refuse(Error error) { into_.refused.push_back(std::move(error)); }

  const std::string folder_;
  CrashExtract& into_;
  std::optional<Metadata> metadata_;
  std::string trace_;  // path of the recording's; "": none
  TraceFolder to_;
  TraceOutput output_;
  std::vector<std::byte> buffer_;
};

Status TraceExtract::write(int output, const std::string& directory,
                           const std::vector<std::string>& rings) {
  auto metadata = read_metadata_of(folder_ + "/" + BufferFiles::kMetadata);
  if (!metadata) {
    refuse(std::move(metadata).error());
    return {};
  }
  metadata_ = *std::move(metadata);
  trace_ = read_whole(folder_ + "/" + BufferFiles::kTrace, PATH_MAX).value_or("");
  auto to = TraceFolder::make(output, directory);
  if (!to && to.error().code == Code::kInvalidArgument) {
    refuse({Code::kCorrupt, "not the name of a trace", folder_});
    return {};
  }
  if (!to) return tl::unexpected(std::move(to).error());
  to_ = *std::move(to);
  output_ = {to_.directory.value(), to_.index.value(),
             metadata_->model.trace.uuid.value_or(ctf::Uuid{})};
  auto copy = AppendFile::create(output_.directory, BufferFiles::kMetadata);
  if (!copy) return tl::unexpected(std::move(copy).error());
  SILLAGE_TRY(copy->append(metadata_->text));
  for (const std::string& each : rings) {
    if (const auto name = parse_ring_name(each)) {
      SILLAGE_TRY(write_channel(*name));
    } else {
      refuse({Code::kCorrupt, "not the name of a channel's buffers", folder_ + "/" + each});
    }
  }
  return {};
}

Status TraceExtract::write_channel(const RingName& name) {
  const std::string path = folder_ + "/" + std::to_string(name.stream_class) + "-" + name.channel;
  const auto file = open_file(path + BufferFiles::kRing);
  const auto ledger_file = open_file(path + BufferFiles::kLedger);
  if (!file || !ledger_file) {
    refuse(!file ? file.error() : ledger_file.error());
    return {};
  }
  auto ring = ring::Ring::open_remains(*file, path + BufferFiles::kRing);
  if (!ring) {
    refuse(std::move(ring).error());
    return {};
  }
  auto ledger = StreamLedger::open_remains(*ledger_file, ring->geometry().stream_count,
                                           path + BufferFiles::kLedger);
  auto scanner = scanner_of(metadata_->model, name.stream_class);
  if (!ledger || !scanner) {
    Error error = !ledger ? std::move(ledger).error() : std::move(scanner).error();
    if (error.location.empty()) error.location = path + BufferFiles::kRing;
    refuse(std::move(error));
    return {};
  }
  buffer_.resize(std::max<std::size_t>(buffer_.size(), ring->geometry().subbuf_bytes));
  for (std::uint32_t i = 0; i < ring->geometry().stream_count; ++i)
    SILLAGE_TRY(write_stream(*ring, &*ledger, i, name, *scanner));
  return {};
}

// What the collector had announced is true if its packet is in the trace, as for a collector that goes on.
void TraceExtract::settle(StreamLedger* ledger, std::uint32_t index, const std::string& file) {
  const StreamProgress* announced = ledger->announced(index);
  if (announced == nullptr || trace_.empty()) return;
  const std::string numbered = file + "_" + std::to_string(announced->recorder.file_number);
  std::error_code error;
  if (!fs::exists(trace_, error)) {
    ++into_.doubtful_streams;
    return;
  }
  for (const std::string& each : {file, numbered}) {
    const auto last = last_packet(trace_, each);
    if (last && *last + 1 == announced->recorder.packet) return ledger->settle(index);
  }
}

Status TraceExtract::write_stream(const ring::Ring& ring, StreamLedger* ledger, std::uint32_t index,
                                  const RingName& name, const RecordScanner& scanner) {
  const ring::RingGeometry& geometry = ring.geometry();
  settle(ledger, index, name.channel + "_" + std::to_string(index));
  StreamRecorder recorder(std::make_unique<ring::StreamReader>(ring.reader(index)),
                          name.channel + "_" + std::to_string(index),
                          static_cast<std::uint32_t>(name.stream_class), index,
                          geometry.index_count == 0 ? index : index % geometry.index_count, {});
  // The machine may have been started since: its clock says nothing of these times.
  recorder.set_other_clock();
  recorder.keep_ledger(ledger);
  const auto at = recorder.resume(TraceOutput{});
  if (!at) return tl::unexpected(at.error());
  recorder.read_from(std::make_unique<ring::StreamReader>(ring.reader(index, at->reader)));
  recorder.end_file();
  const RecorderCounts before = recorder.counts();
  const std::uint64_t unread_before =
      at->reader.loss.overrun_events + at->reader.loss.corrupt_events;
  OutputHealth health;
  // As many as there may be: a position that runs on is one of a program that still writes.
  for (std::uint64_t runs = 2 * std::uint64_t{geometry.subbuf_count}; runs > 0; --runs) {
    const auto run = recorder.next_run(buffer_, true);
    if (ring.is_cut()) {
      refuse(
          {Code::kCorrupt, "it was made shorter while it was read", folder_ + "/" + name.channel});
      return {};
    }
    if (!run) break;
    recorder.record(*run, scanner, output_, health, Nanoseconds{UINT64_MAX});
    if (!health.error().empty()) return fail(Code::kSystem, health.error());
  }
  // What was lost is said in a packet of its own, if one can say it.
  if (recorder.last_end_ns() != 0) recorder.finish(output_, health, {});
  if (!health.error().empty()) return fail(Code::kSystem, health.error());
  const ring::StreamLoss& loss = recorder.ring_loss();
  into_.events += recorder.counts().events - before.events;
  into_.packets += recorder.counts().packets - before.packets;
  into_.lost += recorder.counts().lost_corrupt - before.lost_corrupt + loss.overrun_events +
                loss.corrupt_events - unread_before;
  return {};
}

/// Directories below one that hold rings, and the rings' names.
Result<std::vector<std::pair<fs::path, std::vector<std::string>>>> find_rings(
    const std::string& buffers) {
  std::vector<std::pair<fs::path, std::vector<std::string>>> found;
  std::error_code error;
  fs::recursive_directory_iterator entry(buffers, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().extension() != BufferFiles::kRing ||
        entry->symlink_status(ignored).type() != fs::file_type::regular)
      continue;
    const fs::path folder = entry->path().parent_path();
    auto there = std::find_if(found.begin(), found.end(),
                              [&](const auto& each) { return each.first == folder; });
    if (there == found.end()) there = found.insert(found.end(), {folder, {}});
    there->second.push_back(entry->path().filename());
  }
  if (error) return fail_errno("cannot read the directory " + buffers, error.value());
  for (auto& [folder, rings] : found) std::sort(rings.begin(), rings.end());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Result<CrashExtract> extract_buffers(const std::string& buffers, const std::string& output) {
  const auto found = find_rings(buffers);
  if (!found) return tl::unexpected(found.error());
  if (found->empty())
    return fail(Code::kNotFound,
                "there are no buffers below " + buffers +
                    ": give the directory of create's --shm-path, or one of a session in it");
  std::error_code error;
  if (fs::exists(output, error))
    return fail(Code::kAlreadyExists, output + " is there: choose another directory");
  auto to = make_directory(output);
  if (!to) return tl::unexpected(std::move(to).error());
  CrashExtract into;
  for (const auto& [folder, rings] : *found) {
    const std::string below = folder.lexically_relative(buffers);
    // Of buffers in the very directory that was given.
    const std::string directory = below == "." ? "trace" : below;
    std::string path = output;
    path.append("/").append(directory);
    TraceExtract trace(folder, &into);
    const std::size_t refused = into.refused.size();
    SILLAGE_TRY(trace.write(to->value(), directory, rings));
    if (into.refused.size() - refused < rings.size()) into.traces.push_back(std::move(path));
  }
  return into;
}

}  // namespace sillage::collect
