// SPDX-License-Identifier: MIT
#pragma once

#include "apps/socket_path.hpp"
#include "base/fd.hpp"

#include <sys/types.h>

#include <vector>

namespace sillage::apps {

/// An image that was found, not sent.
struct FoundImage {
  pid_t pid = 0;
  Fd image;
};

/// Finds the images of programs that started before this daemon: descriptors whose link in /proc/PID/fd says
/// "/memfd:sillage-image (deleted)".
///
/// Only programs that would register here: of this user (root: of any), and whose environment leads to `paths`.
/// An image that a forked child has too is found once, at the oldest process that has it.
///
/// Cost: one readdir per process and one readlink per descriptor: some 20 ms with 300 processes.
[[nodiscard]] std::vector<FoundImage> find_images(const RuntimePaths& paths, uid_t uid);

}  // namespace sillage::apps
