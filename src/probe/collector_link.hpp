// SPDX-License-Identifier: MIT
// The program's side of the application protocol: one connection, one request, one reply.
#pragma once

#include "abi/app_protocol.h"
#include "abi/catalog.h"

#include <cstdint>

namespace sillage::probe {

/// A reply as received; `fds` are the caller's to close.
struct Reply {
  alignas(8) char bytes[sizeof(sillage_app_reply) +
                        SILLAGE_APP_MAX_ATTACHMENTS * sizeof(sillage_app_attachment) +
                        SILLAGE_APP_MAX_NAME_BYTES];
  int fds[1 + 3 * SILLAGE_APP_MAX_ATTACHMENTS];
  std::uint32_t fd_count;
  [[nodiscard]] const sillage_app_reply& header() const {
    return *reinterpret_cast<const sillage_app_reply*>(bytes);
  }
};

/// As long as it takes.
constexpr std::uint32_t kForever = UINT32_MAX;

/// Sends a request (with the image's descriptor if `fd` >= 0) and waits for the reply, `wait_ms` at most; 0: the request is
/// sent, and that is all.
///
/// Returns: 0 with `reply` filled and its sizes checked; a negative errno otherwise: -ENOENT or
///          -ECONNREFUSED when no collector listens, -ETIMEDOUT after the deadline.
/// Threads: any; async-signal-safe. `reply` nullptr: the reply is not waited for.
int ask_collector(sillage_domain domain, sillage_app_type type, std::uint64_t token, int fd,
                  Reply* reply, std::uint32_t wait_ms);

}  // namespace sillage::probe
