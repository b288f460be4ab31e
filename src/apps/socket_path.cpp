// SPDX-License-Identifier: MIT
#include "apps/socket_path.hpp"

#include "abi/app_protocol.h"

#include <unistd.h>

#include <cstdlib>

namespace sillage::apps {

RuntimePaths runtime_paths(uid_t uid, const Environment& environment) {
  auto own = environment("SILLAGE_RUNTIME_DIR");
  if (own && !own->empty()) return {*own, SILLAGE_DOMAIN_USER};
  if (uid == 0) {
    std::string socket = SILLAGE_APP_SOCKET_ROOT;
    return {socket.substr(0, socket.rfind('/')), SILLAGE_DOMAIN_ROOT};
  }
  auto runtime = environment("XDG_RUNTIME_DIR");
  if (runtime && !runtime->empty()) return {*runtime + "/sillage", SILLAGE_DOMAIN_USER};
  return {"/tmp/sillage-" + std::to_string(uid), SILLAGE_DOMAIN_USER};
}

RuntimePaths runtime_paths() {
  return runtime_paths(geteuid(), [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    return value;
  });
}

}  // namespace sillage::apps
