// SPDX-License-Identifier: MIT
#include "collect/output_chunk.hpp"

#include "collect/output_directory.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace sillage::collect {
namespace {

// LTTng's names for them.
constexpr char kNext[] = ".tmp_new_chunk";
constexpr char kOld[] = ".tmp_old_chunk";
constexpr std::array<const char*, 2> kFolders = {"kernel", "ust"};
constexpr mode_t kDirectoryMode = 0770;

void remove_tree(int directory, const char* name) {
  std::error_code ignored;
  std::filesystem::remove_all("/proc/self/fd/" + std::to_string(directory) + "/" + name, ignored);
}

Result<Fd> make_folder(int output, const char* name) {
  if (::mkdirat(output, name, kDirectoryMode) != 0)
    return fail_errno(std::string("cannot make directory ") + name);
  Fd folder(::openat(output, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!folder) return fail_errno(std::string("cannot open directory ") + name);
  return folder;
}

// Moves those of the folders that are there.
Status move_folders(int from, int to) {
  for (const char* name : kFolders)
    if (::renameat2(from, name, to, name, RENAME_NOREPLACE) != 0 && errno != ENOENT)
      return fail_errno(std::string("cannot move the traces in ") + name);
  return {};
}

// The last step: until now everything can be taken back.
Status archive_old(int output, const std::string& archive) {
  if (archive.empty()) {
    remove_tree(output, kOld);
    return {};
  }
  const std::size_t slash = archive.rfind('/');
  if (slash != std::string::npos)
    if (auto parent = make_directory_below(output, archive.substr(0, slash)); !parent)
      return tl::unexpected(std::move(parent).error());
  if (::renameat2(output, kOld, output, archive.c_str(), RENAME_NOREPLACE) != 0)
    return fail_errno("cannot make the trace chunk archive " + archive);
  return {};
}

Status swap(int output, int next, const std::string& archive) {
  // Not written over: it can only be what a rotation was interrupted with, and nobody else has that.
  auto old = make_folder(output, kOld);
  if (!old) {
    if (old.error().code != Code::kAlreadyExists) return tl::unexpected(std::move(old).error());
    return fail(Code::kAlreadyExists, std::string(kOld) +
                                          " is what a killed daemon left of a rotation: move it "
                                          "away, it holds a part of the trace");
  }
  Status done = move_folders(output, old->value());
  if (done && next >= 0) done = move_folders(next, output);
  if (done) done = archive_old(output, archive);
  if (done) return done;
  if (next >= 0) (void)move_folders(output, next);
  (void)move_folders(old->value(), output);
  ::unlinkat(output, kOld, AT_REMOVEDIR);
  return done;
}

}  // namespace

Result<Fd> make_next_chunk(int output) {
  remove_tree(output, kNext);
  return make_folder(output, kNext);
}

void remove_next_chunk(int output) { remove_tree(output, kNext); }

Status swap_chunks(int output, const std::string& archive) {
  const Fd next(::openat(output, kNext, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!next) return fail_errno(std::string("cannot open directory ") + kNext);
  return swap(output, next.value(), archive);
}

Status end_chunk(int output, const std::string& archive) { return swap(output, -1, archive); }

}  // namespace sillage::collect
