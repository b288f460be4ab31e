// SPDX-License-Identifier: MIT
#include "collect/append_file.hpp"

#include "collect/output_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <vector>

namespace sillage::collect {

Result<AppendFile> AppendFile::create(int directory, const std::string& name, mode_t mode) {
  Fd fd(
      ::openat(directory, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return fail_errno("cannot make file " + name);
  give_to_owner_of(directory, fd.value());
  return AppendFile(std::move(fd), name);
}

Result<AppendFile> AppendFile::open(int directory, const std::string& name, std::uint64_t size) {
  Fd fd(::openat(directory, name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  struct stat status {};
  if (!fd || ::fstat(fd.value(), &status) != 0) return fail_errno("cannot open file " + name);
  if (static_cast<std::uint64_t>(status.st_size) < size)
    return fail(Code::kCorrupt, "file " + name + " has become shorter than it was");
  AppendFile file(std::move(fd), name);
  if (static_cast<std::uint64_t>(status.st_size) != size) file.truncate_to(size);
  file.size_ = size;
  return file;
}

Status AppendFile::append(const std::string& text) {
  const iovec piece{const_cast<char*>(text.data()), text.size()};
  return append(std::span(&piece, 1));
}

Status AppendFile::copy_to(AppendFile& other, std::uint64_t offset) const {
  std::array<std::byte, 65536> buffer;
  while (offset < size_) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size_ - offset));
    const ssize_t got = ::pread(fd_.value(), buffer.data(), wanted, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail_errno("cannot read " + name_, got == 0 ? EIO : errno);
    const iovec piece{buffer.data(), static_cast<std::size_t>(got)};
    SILLAGE_TRY(other.append(std::span(&piece, 1)));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

Status AppendFile::append(std::span<const iovec> pieces) {
  std::vector<iovec> left(pieces.begin(), pieces.end());
  std::span<iovec> rest(left);
  std::uint64_t at = size_;
  while (!rest.empty()) {
    if (rest.front().iov_len == 0) {
      rest = rest.subspan(1);
      continue;
    }
    // At its own place, not at the file's end: if taking back failed once, the remains are written
    // over.
    const ssize_t wrote =
        ::pwritev(fd_.value(), rest.data(), static_cast<int>(rest.size()), static_cast<off_t>(at));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) {
      // A write of nothing without an error would be repeated for ever.
      const int error_number = wrote == 0 ? EIO : errno;
      truncate_to(size_);
      return fail_errno("cannot write " + name_, error_number);
    }
    at += static_cast<std::uint64_t>(wrote);
    auto done = static_cast<std::size_t>(wrote);
    while (done > 0) {
      iovec& piece = rest.front();
      const std::size_t part = std::min(done, piece.iov_len);
      piece.iov_base = static_cast<char*>(piece.iov_base) + part;
      piece.iov_len -= part;
      done -= part;
      if (piece.iov_len == 0) rest = rest.subspan(1);
    }
  }
  size_ = at;
  return {};
}

void AppendFile::truncate_to(std::uint64_t size) {
  size_ = size;
  // Failing is possible on a broken disk only; nothing more can be done for its readers then.
  while (::ftruncate(fd_.value(), static_cast<off_t>(size)) != 0 && errno == EINTR) {
  }
}

}  // namespace sillage::collect
