// SPDX-License-Identifier: MIT
#include "collect/buffer_files.hpp"

#include "collect/output_directory.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>
#include <system_error>

namespace sillage::collect {
namespace {

// A file that takes its name in one step: who reads it finds this one or the one before.
template <class Fill>
Result<AppendFile> replace(int folder, const char* name, Fill fill) {
  constexpr char kNew[] = ".new";
  ::unlinkat(folder, kNew, 0);  // of one that did not come to its end
  auto made = AppendFile::create(folder, kNew, 0600);
  if (!made) return made;
  SILLAGE_TRY(fill(*made));
  if (::renameat(folder, kNew, folder, name) != 0)
    return fail_errno(std::string("cannot make the file ") + name);
  return made;
}

}  // namespace

Result<std::unique_ptr<BufferFiles>> BufferFiles::make(int parent, const std::string& directory,
                                                       const std::string& trace_path) {
  auto folder = make_directory_below(parent, directory, 0700);
  if (!folder) return tl::unexpected(std::move(folder).error());
  std::unique_ptr<BufferFiles> files(new BufferFiles(*std::move(folder)));
  auto trace = replace(files->folder_.value(), kTrace,
                       [&](AppendFile& file) { return file.append(trace_path); });
  if (!trace) return tl::unexpected(std::move(trace).error());
  return files;
}

Status BufferFiles::copy_metadata(const AppendFile& metadata) {
  auto made =
      replace(folder_.value(), kMetadata, [&](AppendFile& file) { return metadata.copy_to(file); });
  if (!made) return tl::unexpected(std::move(made).error());
  metadata_ = std::make_unique<AppendFile>(*std::move(made));
  return {};
}

bool BufferFiles::has_ring() const {
  std::error_code error;
  const std::string path = "/proc/self/fd/" + std::to_string(folder_.value());
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().extension() == kRing) return true;
  return false;
}

void BufferFiles::remove(std::uint64_t stream_class, const std::string& name) const {
  // The ring first: a ledger alone is nobody's.
  ::unlinkat(folder_.value(), ring(stream_class, name).name.c_str(), 0);
  ::unlinkat(folder_.value(), ledger(stream_class, name).name.c_str(), 0);
  if (has_ring()) return;
  ::unlinkat(folder_.value(), kMetadata, 0);
  ::unlinkat(folder_.value(), kTrace, 0);
}

ChannelFiles::ChannelFiles(const BufferFiles* files, std::uint64_t stream_class,
                           const std::string& name) {
  if (files == nullptr) return;
  ring_ = files->ring(stream_class, name);
  ledger_ = files->ledger(stream_class, name);
  is_kept_ = ::faccessat(ring_.directory, ring_.name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

ChannelFiles::~ChannelFiles() {
  for (const ring::MemoryPlace* place : {&ring_, &ledger_})
    if (!is_kept_ && place->is_file()) ::unlinkat(place->directory, place->name.c_str(), 0);
}

}  // namespace sillage::collect
