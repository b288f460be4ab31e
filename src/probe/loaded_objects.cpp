// SPDX-License-Identifier: MIT
#include "probe/loaded_objects.hpp"

#include "probe/raw_syscall.hpp"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/uio.h>

#include <cstring>

namespace sillage::probe {
namespace {

constexpr unsigned char kOwnClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
constexpr std::uint64_t kPageBytes = 4096;  // the smallest there is: for rounding alone
constexpr std::uint64_t kMaxNoteBytes = 65536;
constexpr std::uint32_t kMaxSections = 4096;
constexpr char kDeleted[] = " (deleted)";

long open_file(const char* path) {
  return raw_syscall(SYS_openat, AT_FDCWD, address(path),
                     O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
}
void close_file(long fd) {
  if (fd >= 0) raw_syscall(SYS_close, fd);
}

/// Whole or not at all.
bool read_at(long fd, std::uint64_t offset, void* to, std::size_t bytes) {
  // The halves of the offset are two arguments where registers have 32 bits; elsewhere the second is ignored.
  const long high = sizeof(long) == 4 ? static_cast<long>(offset >> 32) : 0;
  return raw_syscall(SYS_pread64, fd, address(to), static_cast<long>(bytes),
                     static_cast<long>(offset), high) == static_cast<long>(bytes);
}

/// The first of `bytes` bytes that is `wanted`; nullptr if none is.
template <class Char>
Char* find_byte(Char* from, std::size_t bytes, char wanted) {
  for (std::size_t i = 0; i < bytes; ++i)
    if (from[i] == wanted) return from + i;
  return nullptr;
}

/// Reads own memory that may not be there. `file`: /proc's, opened where the system call is forbidden.
bool read_memory(std::uintptr_t from, void* to, std::size_t bytes, long* file) {
  if (*file < 0) {
    const iovec local = {to, bytes};
    const iovec remote = {reinterpret_cast<void*>(from), bytes};
    const long got = raw_syscall(SYS_process_vm_readv, raw_syscall(SYS_getpid), address(&local), 1,
                                 address(&remote), 1, 0);
    if (got >= 0 || got == -EFAULT) return got == static_cast<long>(bytes);
    *file = open_file("/proc/thread-self/mem");
    if (*file < 0) return false;
  }
  return read_at(*file, from, to, bytes);
}

/// Reads "7f00-..." and the like, and steps over what ended it.
std::uint64_t take_number(const char** at, const char* end, unsigned base) {
  std::uint64_t value = 0;
  for (; *at < end; ++*at) {
    const char c = **at;
    unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                     : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                                            : 99;
    if (digit >= base) {
      ++*at;
      break;
    }
    value = value * base + digit;
  }
  return value;
}

/// Copies a path, and takes back what the kernel writes for a new line.
void copy_path(const char* from, std::size_t bytes, char* to) {
  std::size_t used = 0;
  for (std::size_t i = 0; i < bytes && used + 1 < kMaxObjectPathBytes; ++i) {
    if (bytes - i >= 4 && std::memcmp(from + i, "\\012", 4) == 0) {
      to[used++] = '\n';
      i += 3;
    } else {
      to[used++] = from[i];
    }
  }
  to[used] = 0;
}

bool is_file(long fd, std::uint64_t inode) {
  struct statx status = {};
  // Not the device: file systems of several have one in maps and another here.
  return raw_syscall(SYS_statx, fd, address(""), AT_EMPTY_PATH, STATX_INO, address(&status)) == 0 &&
         status.stx_ino == inode;
}

/// How long a piece of a note is with its padding; UINT64_MAX if it cannot be.
std::uint64_t padded(std::uint32_t bytes, std::uint64_t alignment) {
  return (std::uint64_t{bytes} + alignment - 1) & ~(alignment - 1);
}

}  // namespace

void ObjectWalk::open() {
  // Not /proc/self: that is empty once the first thread has ended.
  maps_ = open_file("/proc/thread-self/maps");
  memory_ = -1;
  used_ = at_ = 0;
  is_line_skipped_ = false;
  code_ = 0;
}

void ObjectWalk::close() {
  close_file(maps_);
  close_file(memory_);
  maps_ = memory_ = -1;
}

bool ObjectWalk::next_mapping(Mapping* mapping) {
  while (maps_ >= 0) {
    char* begin = buffer_ + at_;
    auto* line_end = find_byte(begin, used_ - at_, '\n');
    if (line_end == nullptr) {
      if (at_ == 0 && used_ == kBufferBytes) {
        is_line_skipped_ = true;
        used_ = 0;
      }
      std::memmove(buffer_, buffer_ + at_, used_ - at_);
      used_ -= at_;
      at_ = 0;
      const long got = raw_syscall(SYS_read, maps_, address(buffer_ + used_),
                                   static_cast<long>(kBufferBytes - used_));
      if (got <= 0) return false;
      used_ += static_cast<std::size_t>(got);
      continue;
    }
    at_ = static_cast<std::size_t>(line_end - buffer_) + 1;
    if (is_line_skipped_) {
      is_line_skipped_ = false;
      continue;
    }
    const char* at = begin;
    mapping->begin = static_cast<std::uintptr_t>(take_number(&at, line_end, 16));
    mapping->end = static_cast<std::uintptr_t>(take_number(&at, line_end, 16));
    if (line_end - at < 5) continue;
    mapping->is_readable = at[0] == 'r';
    mapping->is_executable = at[2] == 'x';
    at += 5;
    mapping->offset = take_number(&at, line_end, 16);
    mapping->device = take_number(&at, line_end, 16) << 32;
    mapping->device |= take_number(&at, line_end, 16);
    mapping->inode = take_number(&at, line_end, 10);
    while (at < line_end && *at == ' ') ++at;
    mapping->path = at;
    mapping->path_bytes = static_cast<std::size_t>(line_end - at);
    return true;
  }
  return false;
}

bool ObjectWalk::measure_object(const Mapping& mapping) {
  std::uint64_t lowest = UINT64_MAX, highest = 0, lowest_offset = 0, code = 0;
  bool has_code = false;
  for (std::uint32_t i = 0; i < header_.e_phnum; ++i) {
    const auto& segment = segments_[i];
    if (segment.p_type != PT_LOAD) continue;
    std::uint64_t end = 0;
    if (__builtin_add_overflow(std::uint64_t{segment.p_vaddr}, std::uint64_t{segment.p_memsz},
                               &end))
      return false;
    if (end > highest) highest = end;
    if (segment.p_vaddr < lowest) {
      lowest = segment.p_vaddr;
      lowest_offset = segment.p_offset;
    }
    if (!has_code && (segment.p_flags & PF_X) != 0) {
      has_code = true;
      code = segment.p_vaddr;
    }
  }
  if (!has_code || lowest_offset >= kPageBytes || highest <= lowest) return false;
  bias_ = static_cast<std::uintptr_t>(mapping.begin - (lowest - lowest_offset));
  object_.is_pic = header_.e_type == ET_DYN;
  // A program that has to be where it says and is not was mapped to be read.
  if (!object_.is_pic && bias_ != 0) return false;
  object_.base = static_cast<std::uintptr_t>(bias_ + lowest);
  object_.memory_bytes = highest - lowest;
  code_ = static_cast<std::uintptr_t>(bias_ + code);
  return true;
}

bool ObjectWalk::begins_object(const Mapping& mapping) {
  constexpr char kVdso[] = "[vdso]";
  const bool is_vdso = mapping.path_bytes == sizeof kVdso - 1 &&
                       std::memcmp(mapping.path, kVdso, sizeof kVdso - 1) == 0;
  if (mapping.offset != 0 || !mapping.is_readable || (mapping.inode == 0 && !is_vdso)) return false;
  if (!read_memory(mapping.begin, &header_, sizeof header_, &memory_)) return false;
  if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0 ||
      header_.e_ident[EI_CLASS] != kOwnClass || header_.e_ident[EI_DATA] != ELFDATA2LSB ||
      (header_.e_type != ET_DYN && header_.e_type != ET_EXEC) ||
      header_.e_phentsize != sizeof segments_[0] || header_.e_phnum == 0 ||
      header_.e_phnum > kMaxSegments)
    return false;
  if (!read_memory(static_cast<std::uintptr_t>(mapping.begin + header_.e_phoff), segments_,
                   header_.e_phnum * sizeof segments_[0], &memory_))
    return false;
  if (!measure_object(mapping)) return false;
  object_.device = mapping.device;
  object_.inode = mapping.inode;
  copy_path(mapping.path, mapping.path_bytes, object_.path);
  return true;
}

const LoadedObject* ObjectWalk::next() {
  Mapping mapping = {};
  bool is_pending = false;
  while (next_mapping(&mapping)) {
    if (begins_object(mapping)) is_pending = true;
    if (!is_pending || code_ >= mapping.end) continue;
    is_pending = false;
    // Not so where a file was mapped as it is, by who reads it.
    if (code_ >= mapping.begin && mapping.is_executable) return &object_;
  }
  return nullptr;
}

void ObjectWalk::find_build_id(ObjectDetails* details) const {
  long file = memory_;
  for (std::uint32_t i = 0; i < header_.e_phnum; ++i) {
    const auto& segment = segments_[i];
    if (segment.p_type != PT_NOTE) continue;
    const std::uint64_t alignment = segment.p_align == 8 ? 8 : 4;
    const std::uint64_t end = segment.p_filesz < kMaxNoteBytes ? segment.p_filesz : kMaxNoteBytes;
    std::uint64_t at = 0;
    struct {
      std::uint32_t name_bytes, content_bytes, type;
      char name[4];
    } note = {};
    while (at + sizeof note <= end &&
           read_memory(static_cast<std::uintptr_t>(bias_ + segment.p_vaddr + at), &note,
                       sizeof note, &file)) {
      const std::uint64_t content = at + 12 + padded(note.name_bytes, alignment);
      if (note.type == NT_GNU_BUILD_ID && note.name_bytes == 4 &&
          std::memcmp(note.name, "GNU", 4) == 0 && note.content_bytes != 0 &&
          note.content_bytes <= kMaxBuildIdBytes && content + note.content_bytes <= end &&
          read_memory(static_cast<std::uintptr_t>(bias_ + segment.p_vaddr + content),
                      details->build_id, note.content_bytes, &file)) {
        details->build_id_bytes = note.content_bytes;
        break;
      }
      at = content + padded(note.content_bytes, alignment);
    }
    if (details->build_id_bytes != 0) break;
  }
  if (file != memory_) close_file(file);
}

void ObjectWalk::find_debug_link(int fd, ObjectDetails* details) const {
  ElfW(Ehdr) header;
  if (!read_at(fd, 0, &header, sizeof header) || std::memcmp(&header, &header_, sizeof header) != 0)
    return;
  if (header.e_shentsize != sizeof(ElfW(Shdr)) || header.e_shstrndx >= header.e_shnum ||
      header.e_shnum > kMaxSections)
    return;
  const auto read_sections = [&](std::uint32_t index, ElfW(Shdr) * sections, std::uint32_t count) {
    return read_at(fd, std::uint64_t{header.e_shoff} + index * sizeof *sections, sections,
                   count * sizeof *sections);
  };
  ElfW(Shdr) names;
  if (!read_sections(header.e_shstrndx, &names, 1)) return;
  constexpr char kName[] = ".gnu_debuglink";
  constexpr std::uint32_t kAtOnce = 8;
  ElfW(Shdr) sections[kAtOnce];
  for (std::uint32_t i = 0; i < header.e_shnum; ++i) {
    const std::uint32_t left = header.e_shnum - i;
    if (i % kAtOnce == 0 && !read_sections(i, sections, left < kAtOnce ? left : kAtOnce)) return;
    const auto& section = sections[i % kAtOnce];
    if (section.sh_type != SHT_PROGBITS || (section.sh_flags & SHF_ALLOC) != 0) continue;
    char name[sizeof kName];
    if (!read_at(fd, std::uint64_t{names.sh_offset} + section.sh_name, name, sizeof name) ||
        std::memcmp(name, kName, sizeof kName) != 0)
      continue;
    // A name, a NUL, up to the next fourth byte, and a checksum of the file.
    char content[kMaxDebugLinkBytes + 8];
    if (section.sh_size < 8 || section.sh_size > sizeof content ||
        !read_at(fd, section.sh_offset, content, section.sh_size))
      return;
    const char* nul = find_byte(content, static_cast<std::size_t>(section.sh_size - 4), '\0');
    if (nul == nullptr) return;
    const auto length = static_cast<std::size_t>(nul - content);
    const std::size_t crc = (length + 4) & ~std::size_t{3};
    if (length == 0 || length >= kMaxDebugLinkBytes || crc + 4 > section.sh_size) return;
    std::memcpy(details->debug_link, content, length + 1);
    std::memcpy(&details->debug_link_crc, content + crc, 4);
    return;
  }
}

void ObjectWalk::read_details(ObjectDetails* details) {
  details->build_id_bytes = 0;
  details->debug_link[0] = 0;
  details->debug_link_crc = 0;
  find_build_id(details);
  if (object_.inode == 0) return;
  long fd = open_file(object_.path);
  const std::size_t length = std::strlen(object_.path);
  constexpr std::size_t kSuffix = sizeof kDeleted - 1;
  if (fd < 0 && length > kSuffix &&
      std::memcmp(object_.path + length - kSuffix, kDeleted, kSuffix) == 0) {
    // The build id tells whether what may be there now is the same.
    object_.path[length - kSuffix] = 0;
    return;
  }
  if (fd >= 0 && is_file(fd, object_.inode)) find_debug_link(static_cast<int>(fd), details);
  close_file(fd);
}

}  // namespace sillage::probe
