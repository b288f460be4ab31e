// SPDX-License-Identifier: MIT
// Which ELF objects are mapped in this process, asked of the kernel: without the loader's lock, which the
// interrupted or another thread may hold, without libc's memory, and without touching what may go away.
#pragma once

#include <link.h>

#include <cstddef>
#include <cstdint>

namespace sillage::probe {

constexpr std::uint32_t kMaxBuildIdBytes = 64;  // 20 is usual; linkers take any
constexpr std::uint32_t kMaxDebugLinkBytes = 256;
constexpr std::uint32_t kMaxObjectPathBytes = 4096;

/// An ELF object with code, as it lies in memory.
struct LoadedObject {
  std::uintptr_t base;             ///< where its lowest segment begins
  std::uint64_t memory_bytes;      ///< to the end of its highest
  std::uint64_t device, inode;     ///< 0: of no file
  bool is_pic;                     ///< can lie anywhere
  char path[kMaxObjectPathBytes];  ///< as the kernel has it; NUL-terminated, cut if longer
};

/// What debuggers find an object's separate symbols by.
struct ObjectDetails {
  std::uint8_t build_id[kMaxBuildIdBytes];
  std::uint32_t build_id_bytes;         ///< 0: none
  char debug_link[kMaxDebugLinkBytes];  ///< a file's name; "": none
  std::uint32_t debug_link_crc;
};

/// Goes through the objects by address.
///
/// Nothing that is read is trusted: a program may have mapped anything, and may unmap it meanwhile. What is not a whole object
/// in the form of this process, with code where its headers say, is passed over.
///
/// Threads: one at a time; async-signal-safe. No errno.
/// Cost:    some 60 us for 10 objects; read_details() 10 us each.
class ObjectWalk {
 public:
  /// Begins. Without /proc there are no objects.
  void open();
  /// The next object, valid until the next call; nullptr at the end.
  [[nodiscard]] const LoadedObject* next();
  /// Reads what next() gave last: the build id from memory, the debug link from the file, if that is still the one that is mapped.
  void read_details(ObjectDetails* details);
  void close();

 private:
  struct Mapping {
    std::uintptr_t begin, end;
    std::uint64_t offset, device, inode;
    bool is_readable, is_executable;
    const char* path;
    std::size_t path_bytes;
  };
  static constexpr std::uint32_t kMaxSegments = 64;
  static constexpr std::size_t kBufferBytes = 8192;  // a line with a path of 4096 bytes

  [[nodiscard]] bool next_mapping(Mapping* mapping);
  [[nodiscard]] bool begins_object(const Mapping& mapping);
  [[nodiscard]] bool measure_object(const Mapping& mapping);
  void find_build_id(ObjectDetails* details) const;
  void find_debug_link(int fd, ObjectDetails* details) const;

  long maps_ = -1, memory_ = -1;
  std::size_t used_ = 0, at_ = 0;
  bool is_line_skipped_ = false;
  std::uintptr_t bias_ = 0, code_ = 0;
  LoadedObject object_ = {};
  ElfW(Ehdr) header_ = {};
  ElfW(Phdr) segments_[kMaxSegments] = {};
  char buffer_[kBufferBytes] = {};
};

}  // namespace sillage::probe
