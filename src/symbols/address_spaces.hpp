// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sillage::symbols {

/// An ELF object in a process, as a trace tells of it.
struct MappedObject {
  std::uint64_t base = 0, bytes = 0;
  std::string path{};
  bool is_pic = true;  ///< lies anywhere; else where its file says
  std::vector<std::uint8_t> build_id{};
  std::string debug_link{};
  std::uint32_t debug_link_crc = 0;
};

/// Which objects lie where, in each process of a trace, at the time that its events have come to.
///
/// Threads: one.
class AddressSpaces {
 public:
  /// A process: whose trace, and its number there.
  using ProcessKey = std::pair<const void*, std::int64_t>;

  /// A state dump begins: what was known is told anew.
  void clear(ProcessKey process) { processes_.erase(process); }
  /// An object that lies where another was takes its place; one that is known already changes nothing.
  void add(ProcessKey process, MappedObject object);
  void remove(ProcessKey process, std::uint64_t base);
  /// The object that begins there; nullptr if there is none.
  [[nodiscard]] MappedObject* at(ProcessKey process, std::uint64_t base);
  /// The object that has this address; nullptr if there is none. Valid until something changes.
  [[nodiscard]] const MappedObject* find(ProcessKey process, std::uint64_t address) const;

 private:
  std::map<ProcessKey, std::map<std::uint64_t, MappedObject>> processes_;
};

}  // namespace sillage::symbols
