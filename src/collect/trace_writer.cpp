// SPDX-License-Identifier: MIT
#include "collect/trace_writer.hpp"

#include "collect/output_directory.hpp"
#include "ctf/layout.hpp"
#include "ctf/metadata.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <span>
#include <utility>

namespace sillage::collect {
namespace {

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

Status append_text(AppendFile& file, const std::string& text) {
  const iovec piece{const_cast<char*>(text.data()), text.size()};
  return file.append(std::span(&piece, 1));
}

}  // namespace

Result<std::unique_ptr<TraceWriter>> TraceWriter::create(
    int parent, std::string_view directory, ctf::Version version,
    std::vector<ctf::EnvironmentEntry> environment, std::int64_t clock_offset_ns) {
  auto uuid = random_uuid();
  if (!uuid) return tl::unexpected(std::move(uuid).error());
  auto folder = make_directory_below(parent, directory);
  if (!folder) return tl::unexpected(std::move(folder).error());
  auto index = make_directory_below(folder->value(), "index");
  if (!index) return tl::unexpected(std::move(index).error());
  auto metadata = AppendFile::create(folder->value(), "metadata");
  if (!metadata) return tl::unexpected(std::move(metadata).error());

  ctf::TraceClass trace = ctf::recording_trace_class(
      *uuid, std::move(environment), ctf::monotonic_clock_class(boot_id(), clock_offset_ns));
  if (auto written = append_text(*metadata, ctf::metadata_head(version, trace)); !written) {
    ::unlinkat(folder->value(), "metadata", 0);
    return tl::unexpected(std::move(written).error());
  }
  return std::unique_ptr<TraceWriter>(new TraceWriter(
      std::move(*folder), std::move(*index), std::move(*metadata), version, std::move(trace)));
}

Result<std::unique_ptr<TraceWriter>> TraceWriter::resume(
    int parent, std::string_view directory, ctf::Version version,
    std::vector<ctf::EnvironmentEntry> environment, std::int64_t clock_offset_ns,
    const TraceIdentity& identity) {
  auto folder = make_directory_below(parent, directory);
  if (!folder) return tl::unexpected(std::move(folder).error());
  auto index = make_directory_below(folder->value(), "index");
  if (!index) return tl::unexpected(std::move(index).error());
  auto metadata = AppendFile::open(folder->value(), "metadata", identity.metadata_bytes);
  if (!metadata) return tl::unexpected(std::move(metadata).error());
  ctf::TraceClass trace =
      ctf::recording_trace_class(identity.uuid, std::move(environment),
                                 ctf::monotonic_clock_class(boot_id(), clock_offset_ns));
  return std::unique_ptr<TraceWriter>(new TraceWriter(
      std::move(*folder), std::move(*index), std::move(*metadata), version, std::move(trace)));
}

TraceIdentity TraceWriter::identity() {
  const std::lock_guard lock(mutex_);
  return {trace_.uuid.value_or(ctf::Uuid{}), metadata_.size()};
}

ctf::DataStreamClass TraceWriter::resume_channel(ctf::FieldClassRef event_header,
                                                 ctf::FieldClassRef common_context) {
  const std::lock_guard lock(mutex_);
  return ctf::data_stream_class(next_stream_class_++, std::move(event_header),
                                std::move(common_context), trace_.clocks.front());
}

Result<ctf::DataStreamClass> TraceWriter::add_channel(ctf::FieldClassRef event_header,
                                                      ctf::FieldClassRef common_context) {
  const std::lock_guard lock(mutex_);
  ctf::DataStreamClass stream =
      ctf::data_stream_class(next_stream_class_, std::move(event_header), std::move(common_context),
                             trace_.clocks.front());
  SILLAGE_TRY(append_text(metadata_, ctf::metadata_stream_class(version_, trace_, stream)));
  ++next_stream_class_;
  return stream;
}

Status TraceWriter::add_event(const ctf::EventClass& event) {
  const std::string text = ctf::metadata_event_class(version_, trace_, event);
  const std::lock_guard lock(mutex_);
  return append_text(metadata_, text);
}

}  // namespace sillage::collect
