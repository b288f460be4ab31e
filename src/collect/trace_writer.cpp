// SPDX-License-Identifier: MIT
#include "collect/trace_writer.hpp"

#include "collect/output_directory.hpp"
#include "ctf/layout.hpp"
#include "ctf/metadata.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace sillage::collect {
namespace {

constexpr char kMetadata[] = "metadata";

// Version 4 of RFC 9562: random but for the bits that say so.
Result<ctf::Uuid> random_uuid() {
  ctf::Uuid uuid{};
  if (::getrandom(uuid.data(), uuid.size(), 0) != static_cast<ssize_t>(uuid.size()))
    return fail_errno("getrandom for a trace's UUID");
  uuid[6] = (uuid[6] & std::byte{0x0f}) | std::byte{0x40};
  uuid[8] = (uuid[8] & std::byte{0x3f}) | std::byte{0x80};
  return uuid;
}

// The identity of CLOCK_MONOTONIC: traces of the same boot share it. Empty where the kernel does
// not say.
std::string boot_id() {
  const Fd file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  char text[36];
  const ssize_t got = file ? ::read(file.value(), text, sizeof text) : -1;
  return got == static_cast<ssize_t>(sizeof text) ? std::string(text, sizeof text) : std::string();
}

bool begins_with(int file, const std::string& text) {
  std::string there(text.size(), '\0');
  return ::pread(file, there.data(), there.size(), 0) == static_cast<ssize_t>(there.size()) &&
         there == text;
}

}  // namespace

Result<TraceFolder> TraceFolder::make(int parent, std::string_view directory) {
  auto folder = make_directory_below(parent, directory);
  if (!folder) return tl::unexpected(std::move(folder).error());
  auto index = make_directory_below(folder->value(), "index");
  if (!index) return tl::unexpected(std::move(index).error());
  return TraceFolder{std::move(*folder), std::move(*index)};
}

namespace {

ctf::ClockClass clock_class(const TraceWriter::Description& description) {
  return description.clock ? *description.clock
                           : ctf::monotonic_clock_class(boot_id(), description.clock_offset_ns);
}

}  // namespace

Result<ctf::TraceClass> TraceWriter::describe(const Description& description) {
  auto uuid = random_uuid();
  if (!uuid) return tl::unexpected(std::move(uuid).error());
  return ctf::recording_trace_class(*uuid, description.environment, clock_class(description));
}

Result<std::unique_ptr<TraceWriter>> TraceWriter::create(int parent, Description description) {
  auto trace = describe(description);
  if (!trace) return tl::unexpected(std::move(trace).error());
  auto folder = TraceFolder::make(parent, description.directory);
  if (!folder) return tl::unexpected(std::move(folder).error());
  auto metadata = AppendFile::create(folder->directory.value(), kMetadata);
  if (!metadata) return tl::unexpected(std::move(metadata).error());
  const std::string head = ctf::metadata_head(description.version, *trace);
  if (auto written = metadata->append(head); !written) {
    ::unlinkat(folder->directory.value(), kMetadata, 0);
    return tl::unexpected(std::move(written).error());
  }
  std::unique_ptr<TraceWriter> made(new TraceWriter(std::move(description), std::move(*trace),
                                                    std::move(*folder), std::move(*metadata),
                                                    head.size()));
  SILLAGE_TRY(made->make_buffers());
  return made;
}

Result<std::unique_ptr<TraceWriter>> TraceWriter::resume(
    int parent, Description description, const TraceIdentity& identity,
    const std::vector<std::int64_t>& clock_offsets) {
  auto folder = TraceFolder::make(parent, description.directory);
  if (!folder) return tl::unexpected(std::move(folder).error());
  const Fd there(::openat(folder->directory.value(), kMetadata, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!there) return fail_errno("cannot open the metadata of " + description.directory);
  for (const std::int64_t offset : clock_offsets) {
    description.clock_offset_ns = offset;
    ctf::TraceClass trace = ctf::recording_trace_class(identity.uuid, description.environment,
                                                       clock_class(description));
    const std::string head = ctf::metadata_head(description.version, trace);
    if (!begins_with(there.value(), head)) continue;
    auto metadata =
        AppendFile::open(folder->directory.value(), kMetadata, head.size() + identity.body_bytes);
    if (!metadata) return tl::unexpected(std::move(metadata).error());
    std::unique_ptr<TraceWriter> resumed(new TraceWriter(std::move(description), std::move(trace),
                                                         std::move(*folder), std::move(*metadata),
                                                         head.size()));
    SILLAGE_TRY(resumed->make_buffers());
    return resumed;
  }
  return fail(Code::kCorrupt, "the metadata of " + description.directory +
                                  " does not begin as it was written: it was changed meanwhile");
}

Status TraceWriter::make_buffers() {
  if (description_.buffers < 0) return {};
  std::error_code error;
  // Of one in memory the packets are nowhere, and its folder goes with the recording.
  const std::string path =
      is_in_memory() ? std::string()
                     : std::filesystem::read_symlink(
                           "/proc/self/fd/" + std::to_string(folder_.directory.value()), error)
                           .string();
  auto files = BufferFiles::make(description_.buffers, description_.directory, path);
  if (!files) return tl::unexpected(std::move(files).error());
  buffers_ = *std::move(files);
  return buffers_->copy_metadata(metadata_);
}

// First beside the buffers: what is read there later must know of each class that a program may use.
Status TraceWriter::declare(const std::string& text) {
  if (buffers_ != nullptr) SILLAGE_TRY(buffers_->append(text));
  Status done = metadata_.append(text);
  if (!done && buffers_ != nullptr) buffers_->take_back(text);
  return done;
}

std::uint64_t TraceWriter::next_stream_class() {
  const std::lock_guard lock(mutex_);
  return next_stream_class_;
}

Result<TraceWriter::Copy> TraceWriter::begin_copy(int parent) const {
  auto uuid = random_uuid();
  if (!uuid) return tl::unexpected(std::move(uuid).error());
  auto folder = TraceFolder::make(parent, description_.directory);
  if (!folder) return tl::unexpected(std::move(folder).error());
  return Copy{std::move(*folder), *uuid};
}

Status TraceWriter::write_metadata(const Copy& copy) {
  auto file = AppendFile::create(copy.folder.directory.value(), kMetadata);
  if (!file) return tl::unexpected(std::move(file).error());
  const std::lock_guard lock(mutex_);
  ctf::TraceClass trace = trace_;
  trace.uuid = copy.uuid;
  SILLAGE_TRY(file->append(ctf::metadata_head(description_.version, trace)));
  return metadata_.copy_to(*file, head_bytes_);
}

Result<TraceWriter::Move> TraceWriter::prepare_move(int parent) {
  std::unique_lock lock(mutex_);
  auto folder = TraceFolder::make(parent, description_.directory);
  if (!folder) return tl::unexpected(std::move(folder).error());
  auto metadata = AppendFile::create(folder->directory.value(), kMetadata);
  if (!metadata) return tl::unexpected(std::move(metadata).error());
  SILLAGE_TRY(metadata_.copy_to(*metadata));
  return Move(*this, std::move(lock), std::move(*folder), std::move(*metadata));
}

void TraceWriter::Move::complete() {
  writer_->folder_ = std::move(folder_);
  writer_->metadata_ = std::move(metadata_);
  lock_.unlock();
}

Status TraceWriter::set_clock_offset(std::int64_t clock_offset_ns) {
  const std::lock_guard lock(mutex_);
  if (description_.clock) return {};
  ctf::TraceClass trace = trace_;
  trace.clocks.front() = ctf::monotonic_clock_class(boot_id(), clock_offset_ns);
  const std::string head = ctf::metadata_head(description_.version, trace);
  constexpr char kNew[] = ".metadata";
  const int directory = folder_.directory.value();
  ::unlinkat(directory, kNew, 0);  // of one that did not come to its end
  auto made = AppendFile::create(directory, kNew);
  if (!made) return tl::unexpected(std::move(made).error());
  SILLAGE_TRY(made->append(head));
  SILLAGE_TRY(metadata_.copy_to(*made, head_bytes_));
  if (::renameat(directory, kNew, directory, kMetadata) != 0)
    return fail_errno("cannot replace the metadata of a trace");
  metadata_ = std::move(*made);
  head_bytes_ = head.size();
  trace_ = std::move(trace);
  return buffers_ == nullptr ? Status() : buffers_->copy_metadata(metadata_);
}

TraceIdentity TraceWriter::identity() {
  const std::lock_guard lock(mutex_);
  return {trace_.uuid.value_or(ctf::Uuid{}), metadata_.size() - head_bytes_, next_stream_class_};
}

ctf::DataStreamClass TraceWriter::resume_channel(ctf::FieldClassRef event_header,
                                                 ctf::FieldClassRef common_context,
                                                 ctf::StreamsOf streams) {
  const std::lock_guard lock(mutex_);
  return ctf::data_stream_class(next_stream_class_++, std::move(event_header),
                                std::move(common_context), trace_.clocks.front(), streams);
}

Result<ctf::DataStreamClass> TraceWriter::add_channel(ctf::FieldClassRef event_header,
                                                      ctf::FieldClassRef common_context,
                                                      ctf::StreamsOf streams) {
  const std::lock_guard lock(mutex_);
  ctf::DataStreamClass stream =
      ctf::data_stream_class(next_stream_class_, std::move(event_header), std::move(common_context),
                             trace_.clocks.front(), streams);
  SILLAGE_TRY(declare(ctf::metadata_stream_class(description_.version, trace_, stream)));
  ++next_stream_class_;
  return stream;
}

Status TraceWriter::add_event(const ctf::EventClass& event) {
  const std::lock_guard lock(mutex_);
  const std::string text = ctf::metadata_event_class(description_.version, trace_, event);
  return declare(text);
}

}  // namespace sillage::collect
