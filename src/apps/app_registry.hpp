// SPDX-License-Identifier: MIT
#pragma once

#include "apps/app_message.hpp"
#include "apps/image_control.hpp"
#include "apps/limits.hpp"
#include "apps/peer.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sillage::apps {

/// A running program that has tracepoints.
struct Process {
  pid_t pid = 0;
  uid_t uid = 0;
  std::uint32_t registration = 0;  ///< of this daemon, never 0 and never given again
  std::uint32_t vpid = 0;          ///< as the program itself sees its pid
  std::uint32_t word_bits = 64;
  std::string name;                 ///< as the program says
  std::optional<AppClock> clock{};  ///< of its own, as the program says
  Fd pidfd;
  std::vector<std::uint64_t> images;  ///< tokens
};

/// One loaded object with tracepoints of a process.
struct Image {
  std::uint64_t token = 0;
  Process* process = nullptr;
  ImageControl control;
  std::uint32_t generation = 0;  ///< of the attachments its programs were or will be told
  bool is_late = false;          ///< has once not done in time what it was told: not waited for
};

/// All registered processes and their images.
///
/// Identity is a pid whose pidfd has not ended: as long as it has not, the number is no other process's (F11).
///
/// Lifetime: processes and images stay where they are in memory until they are removed.
/// Threads:  one.
class AppRegistry {
 public:
  explicit AppRegistry(const Limits& limits);

  /// The process of this peer, added if it is new.
  ///
  /// Errors: kLimit  too many registered.
  [[nodiscard]] Result<Process*> add_process(Peer peer);

  /// Keeps a number for a process that an earlier daemon gave it to, should it be there still: `start_ticks` tells it from a later
  /// one. Others get higher numbers.
  void remember(pid_t pid, std::uint64_t start_ticks, std::uint32_t registration);

  /// Adds an image of a process; gives back the one that is there if it is the same memory.
  ///
  /// Errors: kLimit  beyond the limits of the process, the user or all.
  ///         kAlreadyExists  it is another process's.
  ///         those of ImageControl::open.
  [[nodiscard]] Result<Image*> add_image(Process* process, const Fd& image);

  /// nullptr if there is none.
  [[nodiscard]] Image* find_image(std::uint64_t token);
  [[nodiscard]] Process* find_process(pid_t pid);

  void remove_image(std::uint64_t token);
  void remove_process(pid_t pid);

  /// Whether a program that listens has not yet done what it was told (ImageControl::is_behind()).
  [[nodiscard]] bool is_any_behind() const;
  /// Waits for those that have not no more, now and later: they may be stopped.
  void give_up_waiting();

  void for_each_image(const std::function<void(Image&)>& visit);
  void for_each_process(const std::function<void(const Process&)>& visit) const;
  [[nodiscard]] std::size_t process_count() const { return processes_.size(); }
  [[nodiscard]] std::size_t image_count() const { return images_.size(); }

 private:
  struct UserTotals {
    std::uint32_t images = 0;
    std::uint64_t bytes = 0;
  };

  [[nodiscard]] std::uint32_t registration_of(pid_t pid);

  Limits limits_;
  std::map<pid_t, Process> processes_;
  std::map<std::uint64_t, Image> images_;
  std::map<ImageInode, std::uint64_t> tokens_;
  std::map<uid_t, UserTotals> totals_;
  struct Remembered {
    std::uint64_t start_ticks = 0;
    std::uint32_t registration = 0;
  };
  std::map<pid_t, Remembered> remembered_;
  std::uint32_t last_registration_ = 0;
  std::uint64_t next_token_;
};

}  // namespace sillage::apps
