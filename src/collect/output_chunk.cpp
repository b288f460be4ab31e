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
  give_to_owner_of(output, folder.value());
  return folder;
}

bool is_there(int directory, const std::string& name) {
  return ::faccessat(directory, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Result<Fd> open_folder(int output, const char* name) {
  Fd folder(::openat(output, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!folder) return fail_errno(std::string("cannot open directory ") + name);
  return folder;
}

// Moves a folder if it is there.
Status move_folder(int from, int to, const char* name) {
  if (::renameat2(from, name, to, name, RENAME_NOREPLACE) != 0 && errno != ENOENT)
    return fail_errno(std::string("cannot move the traces in ") + name);
  return {};
}

// The folders go to `old`, those of `next` take their places. What was interrupted in it can be called again: a folder that
// is in `old` is not moved there once more. A folder of `next` always has one that it takes the place of.
Status exchange(int output, int next, int old) {
  for (const char* name : kFolders)
    if (!is_there(old, name)) SILLAGE_TRY(move_folder(output, old, name));
  for (const char* name : kFolders)
    if (next >= 0) SILLAGE_TRY(move_folder(next, output, name));
  return {};
}

// Back from anywhere in exchange().
void take_back(int output, int next, int old) {
  for (const char* name : kFolders) {
    if (!is_there(old, name)) continue;
    if (next >= 0) (void)move_folder(output, next, name);
    (void)move_folder(old, output, name);
  }
  ::unlinkat(output, kOld, AT_REMOVEDIR);
}

// So that nothing is in the way of the last step.
Status prepare_archive(int output, const std::string& archive) {
  if (archive.empty()) return {};
  const std::size_t slash = archive.rfind('/');
  if (slash != std::string::npos)
    if (auto parent = make_directory_below(output, archive.substr(0, slash)); !parent)
      return tl::unexpected(std::move(parent).error());
  if (is_there(output, archive))
    return fail(Code::kAlreadyExists, "there is a trace chunk archive " + archive + " already");
  return {};
}

Status archive_old(int output, const std::string& archive) {
  if (archive.empty()) {
    remove_tree(output, kOld);
    return {};
  }
  if (::renameat2(output, kOld, output, archive.c_str(), RENAME_NOREPLACE) != 0)
    return fail_errno("cannot make the trace chunk archive " + archive);
  return {};
}

Result<Fd> make_old(int output) {
  auto old = make_folder(output, kOld);
  if (old || old.error().code != Code::kAlreadyExists) return old;
  // Not written over: nobody else has what is in it.
  return fail(Code::kAlreadyExists, std::string(kOld) +
                                        " is what a killed daemon left of a rotation: move it "
                                        "away, it holds a part of the trace");
}

}  // namespace

Result<Fd> make_next_chunk(int output) {
  remove_tree(output, kNext);
  return make_folder(output, kNext);
}

void remove_next_chunk(int output) { remove_tree(output, kNext); }

Status check_swap(int output, const std::string& archive) {
  SILLAGE_TRY(prepare_archive(output, archive));
  if (is_there(output, kOld)) return tl::unexpected(make_old(output).error());
  return {};
}

Status swap_chunks(int output, const std::string& archive) {
  SILLAGE_TRY(prepare_archive(output, archive));
  const auto next = open_folder(output, kNext);
  if (!next) return tl::unexpected(next.error());
  const auto old = make_old(output);
  if (!old) return tl::unexpected(old.error());
  Status done = exchange(output, next->value(), old->value());
  if (done) {
    // From here on it is done: complete_swap() goes by this folder.
    remove_tree(output, kNext);
    done = archive_old(output, archive);
    if (done) return done;
  }
  const auto again = is_there(output, kNext) ? open_folder(output, kNext) : make_next_chunk(output);
  if (again) take_back(output, again->value(), old->value());
  return done;
}

Result<bool> complete_swap(int output, const std::string& archive) {
  if (is_there(output, kNext)) {
    const auto next = open_folder(output, kNext);
    if (!next) return tl::unexpected(next.error());
    const auto old = is_there(output, kOld) ? open_folder(output, kOld) : make_folder(output, kOld);
    if (!old) return tl::unexpected(old.error());
    const Status done = exchange(output, next->value(), old->value());
    if (!done) take_back(output, next->value(), old->value());
    remove_tree(output, kNext);
    if (!done) return false;
  }
  if (is_there(output, kOld)) SILLAGE_TRY(archive_old(output, archive));
  return archive.empty() || is_there(output, archive);
}

Status end_chunk(int output, const std::string& archive) {
  SILLAGE_TRY(prepare_archive(output, archive));
  const auto old = make_old(output);
  if (!old) return tl::unexpected(old.error());
  Status done = exchange(output, -1, old->value());
  if (done) done = archive_old(output, archive);
  if (!done) take_back(output, -1, old->value());
  return done;
}

}  // namespace sillage::collect
