// SPDX-License-Identifier: MIT
#include "apps/socket_path.hpp"

#include "abi/app_protocol.h"

#include <unistd.h>

#include <cstdlib>

namespace sillage::apps {

RuntimePaths root_paths() {
  const std::string socket = SILLAGE_APP_SOCKET_ROOT;
  return {socket.substr(0, socket.rfind('/')), SILLAGE_DOMAIN_ROOT};
}

RuntimePaths runtime_paths(uid_t uid, const Environment& environment) {
  auto own = environment("SILLAGE_RUNTIME_DIR");
  if (own && !own->empty()) return {*own, SILLAGE_DOMAIN_USER};
  if (uid == 0) return root_paths();
  auto runtime = environment("XDG_RUNTIME_DIR");
  if (runtime && !runtime->empty()) return {*runtime + "/sillage", SILLAGE_DOMAIN_USER};
  return {"/tmp/sillage-" + std::to_string(uid), SILLAGE_DOMAIN_USER};
}

std::vector<std::string> agent_port_files(const RuntimePaths& paths,
                                          const Environment& environment) {
  std::vector<std::string> files = {paths.agent_port_file()};
  const auto own = environment("SILLAGE_RUNTIME_DIR");
  if (own && !own->empty()) return files;
  if (paths.domain == SILLAGE_DOMAIN_ROOT) {
    files.emplace_back("/run/lttng/agent.port");
    return files;
  }
  auto home = environment("LTTNG_HOME");
  if (!home) home = environment("HOME");
  if (home && home->starts_with('/')) files.push_back(*home + "/.lttng/agent.port");
  return files;
}

RuntimePaths runtime_paths() { return runtime_paths(geteuid(), environment_variable); }

std::optional<std::string> environment_variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return value;
}

}  // namespace sillage::apps
