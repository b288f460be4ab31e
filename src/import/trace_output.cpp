// SPDX-License-Identifier: MIT
#include "import/trace_output.hpp"

#include "ctf/layout.hpp"
#include "ctf/metadata.hpp"
#include "import/integer_bytes.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <limits>
#include <system_error>

namespace sillage::import {
namespace {

// LTTng's default for kernel channels is 256 KiB and more; larger ones make no reader faster.
constexpr std::size_t kPacketTargetBytes = 256u << 10;
constexpr std::uint32_t kExtendedId = 65535;

// LTTng's event header for many event classes: 16 bits of id and 32 of time, or id 65535, u32 id,
// u64 time; packed.
ctf::FieldClassRef large_event_header_class() {
  const auto integer = [](std::uint32_t bits, ctf::Roles roles) {
    return ctf::make_field_class(ctf::Integer{.layout = {.length_bits = bits}, .roles = roles});
  };
  const ctf::FieldClassRef id = ctf::make_field_class(ctf::Integer{
      .layout = {.length_bits = 16},
      .mappings = {{"compact", {{0, kExtendedId - 1}}}, {"extended", {{kExtendedId, kExtendedId}}}},
      .roles = ctf::Role::kEventRecordClassId});
  const ctf::FieldClassRef compact = ctf::make_field_class(
      ctf::Structure{.members = {{"timestamp", integer(32, ctf::Role::kDefaultClockTimestamp)}}});
  const ctf::FieldClassRef extended = ctf::make_field_class(
      ctf::Structure{.members = {{"id", integer(32, ctf::Role::kEventRecordClassId)},
                                 {"timestamp", integer(64, ctf::Role::kDefaultClockTimestamp)}}});
  return ctf::make_field_class(ctf::Structure{
      .members = {{"id", id},
                  {"v", ctf::make_field_class(ctf::Variant{
                            .selector = {.path = {"id"}},
                            .options = {{"compact", {{0, kExtendedId - 1}}, compact},
                                        {"extended", {{kExtendedId, kExtendedId}}, extended}}})}},
      .minimum_alignment_bits = 8});
}

// Version 4 of RFC 9562: random but for the bits that say so.
Result<ctf::Uuid> random_uuid() {
  ctf::Uuid uuid{};
  if (::getrandom(uuid.data(), uuid.size(), 0) != static_cast<ssize_t>(uuid.size()))
    return fail_errno("getrandom for a trace's UUID");
  uuid[6] = (uuid[6] & std::byte{0x0f}) | std::byte{0x40};
  uuid[8] = (uuid[8] & std::byte{0x3f}) | std::byte{0x80};
  return uuid;
}

Result<Fd> open_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail_errno("cannot make directory " + path, error.value());
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("cannot open directory " + path);
  return fd;
}

// A name from a foreign file as a part of a file's name.
std::string file_name(std::string_view name) {
  constexpr std::size_t kLongest = 64;
  std::string text;
  for (const char c : name.substr(0, kLongest)) {
    const bool is_kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '_' || c == '-';
    text += is_kept ? c : '_';
  }
  return text.empty() ? "channel" : text;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

Status GrowingFile::append(std::span<const std::byte> bytes) {
  if (directory_ < 0) {
    size_ += bytes.size();
    return {};
  }
  // LTTng's mode for trace files.
  const int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | (is_made_ ? 0 : O_CREAT | O_EXCL);
  const Fd fd(::openat(directory_, name_.c_str(), flags, 0660));
  if (!fd) return fail_errno("cannot make file " + name_);
  is_made_ = true;
  for (std::uint64_t done = 0; done < bytes.size();) {
    const ssize_t wrote = ::pwrite(fd.value(), bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(size_ + done));
    if (wrote < 0 && errno == EINTR) continue;
    // A write of nothing without an error would be repeated for ever.
    if (wrote <= 0) return fail_errno("cannot write " + name_, wrote == 0 ? EIO : errno);
    done += static_cast<std::uint64_t>(wrote);
  }
  size_ += bytes.size();
  return {};
}

StreamOutput::StreamOutput(int directory, int index_directory, const std::string& name,
                           const ctf::Uuid& uuid, const ctf::PacketHead& head)
    : data_(directory, name), index_(index_directory, name + ".idx"), uuid_(uuid), head_(head) {
  const auto index_head = ctf::encode_index_header();
  entries_.assign(index_head.begin(), index_head.end());
}

Status StreamOutput::event(std::uint64_t time, std::uint32_t event_id,
                           std::span<const std::byte> body, OutputCounts* counts) {
  if (has_events_ && time < last_time_) {
    discard(1, time, counts);
    ++counts->late;
    return {};
  }
  if (missing_ != 0) {
    // A packet without events says between which two the missing ones were. Before the first event
    // one that misses none goes in front: readers count from packet to packet.
    SILLAGE_TRY(flush());
    if (!has_events_) SILLAGE_TRY(write_empty(time, time, 0));
    SILLAGE_TRY(write_empty(has_events_ ? last_time_ : time, time, std::exchange(missing_, 0)));
  }
  if (packet_.empty()) {
    packet_.resize(ctf::kPacketHeadBytes);
    head_.begin = last_time_ = time;
  }
  has_events_ = true;
  const bool is_compact =
      event_id < kExtendedId && time - last_time_ <= std::numeric_limits<std::uint32_t>::max();
  append_integer(is_compact ? event_id : kExtendedId, 2, &packet_);
  if (!is_compact) append_integer(event_id, 4, &packet_);
  append_integer(time, is_compact ? 4 : 8, &packet_);
  packet_.insert(packet_.end(), body.begin(), body.end());
  last_time_ = time;
  ++counts->events;
  if (packet_.size() >= kPacketTargetBytes) return flush();
  return {};
}

void StreamOutput::discard(std::uint64_t count, std::uint64_t time, OutputCounts* counts) {
  missing_ += count;
  if (!has_events_) last_time_ = time;
  counts->discarded += count;
}

Status StreamOutput::flush() {
  if (packet_.empty()) return {};
  head_.end = last_time_;
  head_.content_bytes = packet_.size();
  packet_.resize(ctf::packet_bytes(packet_.size()));
  ctf::encode_packet_head(std::span(packet_).first<ctf::kPacketHeadBytes>(), uuid_, head_);
  const auto entry = ctf::encode_index_entry(data_.size(), head_);
  SILLAGE_TRY(data_.append(packet_));
  entries_.insert(entries_.end(), entry.begin(), entry.end());
  packet_.clear();
  ++head_.sequence_number;
  return {};
}

Status StreamOutput::write_empty(std::uint64_t begin, std::uint64_t end, std::uint64_t missing) {
  head_.begin = begin;
  head_.events_discarded += missing;
  last_time_ = end;
  packet_.resize(ctf::kPacketHeadBytes);
  return flush();
}

Status StreamOutput::finish() {
  SILLAGE_TRY(flush());
  if (missing_ != 0) SILLAGE_TRY(write_empty(last_time_, last_time_, std::exchange(missing_, 0)));
  return data_.size() == 0 ? Status() : index_.append(entries_);
}

TraceOutput::TraceOutput(Fd directory, Fd index, ctf::Version version, ctf::TraceClass trace)
    : directory_(std::move(directory)),
      index_(std::move(index)),
      version_(version),
      trace_(std::move(trace)),
      metadata_(directory_.value(), "metadata") {}

Result<std::unique_ptr<TraceOutput>> TraceOutput::create(
    const std::string& directory, ctf::Version version,
    std::vector<ctf::EnvironmentEntry> environment, ctf::ClockClass clock) {
  auto uuid = random_uuid();
  if (!uuid) return tl::unexpected(std::move(uuid).error());
  Result<Fd> folder, index;
  if (!directory.empty()) {
    folder = open_directory(directory + "/kernel");
    if (!folder) return tl::unexpected(std::move(folder).error());
    index = open_directory(directory + "/kernel/index");
    if (!index) return tl::unexpected(std::move(index).error());
  }
  std::unique_ptr<TraceOutput> output(
      new TraceOutput(std::move(*folder), std::move(*index), version,
                      ctf::recording_trace_class(*uuid, std::move(environment), std::move(clock))));
  if (auto made = output->append_metadata(ctf::metadata_head(version, output->trace_)); !made) {
    Error error = std::move(made).error();
    if (error.code == Code::kAlreadyExists)
      error.message =
          "there is a trace in " + directory + " already; name another directory with -o";
    return tl::unexpected(std::move(error));
  }
  return output;
}

Status TraceOutput::append_metadata(const std::string& text) {
  return metadata_.append(bytes_of(text));
}

Result<std::uint32_t> TraceOutput::add_channel(std::string_view name, ctf::FieldClassRef contexts) {
  const auto number = static_cast<std::uint32_t>(channels_.size());
  SILLAGE_TRY(append_metadata(
      ctf::metadata_stream_class(version_, trace_,
                                 ctf::DataStreamClass{.id = number,
                                                      .default_clock_id = trace_.clocks.front().id,
                                                      .packet_context = ctf::packet_context_class(),
                                                      .event_header = large_event_header_class(),
                                                      .common_context = std::move(contexts)})));
  channels_.push_back({names_.unique(file_name(name))});
  return number;
}

Result<std::uint32_t> TraceOutput::add_event(std::uint32_t channel, ctf::EventClass event) {
  event.stream_class_id = channel;
  event.id = channels_[channel].next_event_id++;
  SILLAGE_TRY(append_metadata(ctf::metadata_event_class(version_, trace_, event)));
  return static_cast<std::uint32_t>(event.id);
}

Result<StreamOutput*> TraceOutput::stream(std::uint32_t channel, std::uint32_t cpu) {
  auto& streams = channels_[channel].streams;
  if (const auto found = streams.find(cpu); found != streams.end()) return &found->second;
  if (counts_.streams == kMaxStreams)
    return fail(Code::kLimit, "the input names more than 65536 CPUs; it is damaged");
  ++counts_.streams;
  ctf::PacketHead head;
  head.stream_class_id = channel;
  head.stream_instance_id = cpu;
  head.cpu_id = cpu;
  const auto made =
      streams.try_emplace(cpu, directory_.value(), index_.value(),
                          channels_[channel].name + "_" + std::to_string(cpu), *trace_.uuid, head);
  return &made.first->second;
}

Status TraceOutput::finish() {
  for (Channel& channel : channels_) {
    for (auto& [cpu, stream] : channel.streams) SILLAGE_TRY(stream.finish());
  }
  return {};
}

ctf::Structure task_contexts(bool has_pid) {
  const ctf::FieldClassRef number =
      ctf::make_field_class(ctf::Integer{.layout = {.length_bits = 32}, .is_signed = true});
  ctf::Structure contexts;
  if (has_pid) contexts.members.push_back({"pid", number});
  contexts.members.push_back({"tid", number});
  contexts.members.push_back(
      {"procname", ctf::make_field_class(ctf::StaticString{.length_bytes = kTaskNameBytes})});
  return contexts;
}

}  // namespace sillage::import
