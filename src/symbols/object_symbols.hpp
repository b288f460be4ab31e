// SPDX-License-Identifier: MIT
#pragma once

#include "symbols/address_spaces.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sillage::symbols {

/// Where files of objects are looked for.
struct SearchOptions {
  std::string debug_directory{};  ///< searched instead of /usr/lib/debug, if not ""
  std::string target_prefix{};    ///< in front of all paths of the trace: another machine's files
  bool has_full_paths = false;    ///< of objects and sources; else their last parts
};

/// What an address means. Empty: not known.
struct Location {
  std::string object{};    ///< "name+0x12", or "name@0x401000" of an object that does not move
  std::string function{};  ///< "main+0x4"
  std::string source{};    ///< "main.c:12"
};

/// The symbols and lines of one object: from its file, or the separate file of its symbols that the build id or the debug link
/// leads to.
///
/// A file whose build id is another than the trace's is not looked at, nor one whose checksum is another than the debug link's.
/// Nothing is downloaded.
///
/// Threads: one at a time.
class ObjectSymbols {
 public:
  ObjectSymbols(const MappedObject& object, const SearchOptions& options);
  ~ObjectSymbols();
  ObjectSymbols(const ObjectSymbols&) = delete;
  ObjectSymbols& operator=(const ObjectSymbols&) = delete;

  /// `address`: as it is in the process, with the object at `base`.
  ///
  /// Source: texts as babeltrace2's filter.lttng-utils.debug-info makes them.
  [[nodiscard]] Location resolve(std::uint64_t base, std::uint64_t address) const;

 private:
  class Files;

  std::string name_;
  bool is_pic_;
  bool has_full_paths_;
  std::unique_ptr<Files> files_;
};

}  // namespace sillage::symbols
