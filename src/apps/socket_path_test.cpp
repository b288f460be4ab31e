// SPDX-License-Identifier: MIT
#include "apps/socket_path.hpp"

#include <gtest/gtest.h>

#include <map>

namespace sillage::apps {
namespace {

RuntimePaths paths_of(uid_t uid, std::map<std::string, std::string> variables) {
  return runtime_paths(uid, [&](const char* name) -> std::optional<std::string> {
    auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

TEST(RuntimePaths, OrderOfTheProtocol) {
  EXPECT_EQ(paths_of(0, {}).app_socket(), "/run/sillage/app.sock");
  EXPECT_EQ(paths_of(0, {{"XDG_RUNTIME_DIR", "/run/user/0"}}).directory, "/run/sillage");
  EXPECT_EQ(paths_of(0, {}).domain, SILLAGE_DOMAIN_ROOT);
  EXPECT_EQ(paths_of(5, {}).app_socket(), "/tmp/sillage-5/app.sock");
  EXPECT_EQ(paths_of(5, {{"XDG_RUNTIME_DIR", "/run/user/5"}}).directory, "/run/user/5/sillage");
  EXPECT_EQ(paths_of(5, {{"XDG_RUNTIME_DIR", ""}}).directory, "/tmp/sillage-5");
}

TEST(RuntimePaths, OwnDirectory_IsOfTheUserDomainEvenForRoot) {
  EXPECT_EQ(paths_of(0, {{"SILLAGE_RUNTIME_DIR", "/x"}}),
            (RuntimePaths{"/x", SILLAGE_DOMAIN_USER}));
  EXPECT_EQ(paths_of(0, {{"SILLAGE_RUNTIME_DIR", ""}}).domain, SILLAGE_DOMAIN_ROOT);
}

std::vector<std::string> port_files_of(uid_t uid, std::map<std::string, std::string> variables) {
  return agent_port_files(paths_of(uid, variables), [&](const char* name) {
    auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(AgentPortFiles, WhereAgentsLook) {
  using Files = std::vector<std::string>;
  EXPECT_EQ(port_files_of(0, {{"HOME", "/root"}}),
            (Files{"/run/sillage/.lttng/agent.port", "/run/lttng/agent.port"}));
  EXPECT_EQ(port_files_of(5, {{"HOME", "/home/f"}}),
            (Files{"/tmp/sillage-5/.lttng/agent.port", "/home/f/.lttng/agent.port"}));
  EXPECT_EQ(port_files_of(5, {{"HOME", "/home/f"}, {"LTTNG_HOME", "/l"}}),
            (Files{"/tmp/sillage-5/.lttng/agent.port", "/l/.lttng/agent.port"}));
  EXPECT_EQ(port_files_of(0, {{"HOME", "/root"}, {"SILLAGE_RUNTIME_DIR", "/x"}}),
            (Files{"/x/.lttng/agent.port"}));
}

}  // namespace
}  // namespace sillage::apps
