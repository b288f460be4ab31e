// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "hold/protocol.hpp"
#include "hold/store.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace sillage::hold {

/// Keeps descriptors in a process of their own, which outlives this one.
///
/// Threads: any.
class HolderStore final : public DescriptorStore {
 public:
  /// `path`: of the holder's socket, in a directory that is this user's alone; `program`: the holder's executable, started when the
  /// first descriptor is kept. Only one daemon may use a path: hold its lock. `patience`: a holder answers at once unless the
  /// machine is stuck; a stopped one must not stop its daemon, which waits for it that long, once.
  HolderStore(std::string path, std::string program,
              std::chrono::milliseconds patience = std::chrono::seconds(5))
      : path_(std::move(path)), program_(std::move(program)), patience_(patience) {}

  [[nodiscard]] Status keep(const std::string& name, int fd) override;
  void forget(const std::string& name) override;
  [[nodiscard]] Descriptors take() override;

 private:
  [[nodiscard]] Status start();
  [[nodiscard]] Status send(MessageType type, const std::string& name, int fd);

  const std::string path_, program_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;  // guards what follows
  Fd socket_;
  bool is_slow_ = false;  // the last message had to be given up
};

}  // namespace sillage::hold
