// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "collect/append_file.hpp"
#include "ring/memory.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace sillage::collect {

/// The files of one trace's buffers where these are files, and all that is needed to read them without anybody who knew them:
///
///   metadata            the trace's, with each class before any program has its number
///   trace               the path of the trace's directory; nothing of one that is in memory
///   CLASS-NAME.ring     abi/ring.h: the channel of the data stream class of that number, its files NAME_0, NAME_1 ...
///   CLASS-NAME.ledger   how far it has been read and written: StreamLedger
///
/// Threads: one at a time.
class BufferFiles {
 public:
  static constexpr char kMetadata[] = "metadata", kTrace[] = "trace";
  static constexpr char kRing[] = ".ring", kLedger[] = ".ledger";

  /// Makes the folder below `parent` where it is not there. Rings that are there stay.
  ///
  /// Errors: those of the files; kInvalidArgument  the directory leads out of `parent`.
  [[nodiscard]] static Result<std::unique_ptr<BufferFiles>> make(int parent,
                                                                 const std::string& directory,
                                                                 const std::string& trace_path);

  /// Where a channel's memory is to be made.
  [[nodiscard]] ring::MemoryPlace ring(std::uint64_t stream_class, const std::string& name) const {
    return {folder_.value(), name_of(stream_class, name) + kRing};
  }
  [[nodiscard]] ring::MemoryPlace ledger(std::uint64_t stream_class,
                                         const std::string& name) const {
    return {folder_.value(), name_of(stream_class, name) + kLedger};
  }

  /// Writes all of the metadata anew, in one step.
  [[nodiscard]] Status copy_metadata(const AppendFile& metadata);
  /// Adds a class to it; on failure nothing of it is there.
  [[nodiscard]] Status append(const std::string& text) { return metadata_->append(text); }
  /// Takes the last one back.
  void take_back(const std::string& text) {
    metadata_->truncate_to(metadata_->size() - text.size());
  }

  /// The channel has been read to its end: its files go, and with the last ring the rest.
  void remove(std::uint64_t stream_class, const std::string& name) const;

 private:
  explicit BufferFiles(Fd folder) : folder_(std::move(folder)) {}
  [[nodiscard]] static std::string name_of(std::uint64_t stream_class, const std::string& name) {
    return std::to_string(stream_class) + "-" + name;
  }
  [[nodiscard]] bool has_ring() const;

  Fd folder_;
  std::unique_ptr<AppendFile> metadata_;
};

/// The places of a new channel's memory: files, where a trace has some, which go again with this object unless they are kept.
class ChannelFiles {
 public:
  /// `files`: nullptr: they are no files. A file that is there already is not this object's, nor made by who asks for it.
  ChannelFiles(const BufferFiles* files, std::uint64_t stream_class, const std::string& name);
  ChannelFiles(const ChannelFiles&) = delete;
  ChannelFiles& operator=(const ChannelFiles&) = delete;
  ~ChannelFiles();

  [[nodiscard]] const ring::MemoryPlace& ring() const { return ring_; }
  [[nodiscard]] const ring::MemoryPlace& ledger() const { return ledger_; }
  void keep() { is_kept_ = true; }

 private:
  ring::MemoryPlace ring_, ledger_;
  bool is_kept_ = false;
};

}  // namespace sillage::collect
