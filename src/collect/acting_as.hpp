// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <sys/types.h>

#include <vector>

namespace sillage::collect {

/// Whose rights something is done with.
struct Identity {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups{};  ///< the supplementary ones
};

/// Gives the calling thread another user's rights to files for as long as this lives: what root makes then is that user's, and
/// what that user may not do fails. Nothing else of the thread changes, and no other thread that is there.
///
/// Threads: the one that made it, which ends it, too, and makes no others meanwhile: they would inherit it.
/// Errors:  `begun()`; then nothing may be done in its name. Rights that cannot be put back end the process.
/// Source:  credentials(7), capabilities(7): file system user ids and root's capabilities for files go together.
class ActingAs {
 public:
  explicit ActingAs(const Identity& identity);
  ~ActingAs();
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

  /// kPermission  this process is not root, or has been made such that root's rights cannot be put off.
  [[nodiscard]] const Status& begun() const { return begun_; }

 private:
  [[nodiscard]] Status begin(const Identity& identity);

  Identity before_;
  bool is_dumpable_;
  Status begun_;
};

/// Whose rights to files the calling thread has: its effective user's but in an ActingAs.
[[nodiscard]] uid_t acting_user();

}  // namespace sillage::collect
