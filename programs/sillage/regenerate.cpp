// SPDX-License-Identifier: MIT
#include "sillage/regenerate.hpp"

#include "apps/socket_path.hpp"
#include "client/daemon_start.hpp"
#include "control/client.hpp"

#include <fmt/core.h>

#include <chrono>
#include <cstdint>
#include <utility>

namespace sillage::command {
namespace {
// A million open files take a second.
constexpr std::chrono::seconds kAnswerDeadline{60};

/// Returns in how many recordings of this daemon it is.
Result<std::uint64_t> dump_state(const apps::RuntimePaths& daemon) {
  auto client = client::connect_running(daemon);
  if (!client) return tl::unexpected<Error>(std::move(client).error());
  control::v1::Request request;
  request.mutable_dump_state();
  auto response = client->call(std::move(request), kAnswerDeadline);
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  return response->dump_state().recordings();
}

}  // namespace

Result<int> regenerate_state_dump() {
  // A member of the group tracing may have recordings in both.
  const apps::RuntimePaths own = apps::runtime_paths(), chosen = client::choose_daemon();
  auto recordings = dump_state(chosen);
  if (chosen != own && (recordings || recordings.error().code == Code::kNotFound)) {
    auto of_own = dump_state(own);
    if (!of_own && of_own.error().code == Code::kNotFound)
      of_own = std::move(recordings);
    else if (of_own && recordings)
      *of_own += *recordings;
    recordings = std::move(of_own);
  }
  if (!recordings) return tl::unexpected<Error>(std::move(recordings).error());
  fmt::print("The state of the kernel or of programs is in {} recording(s) once more.\n",
             *recordings);
  return 0;
}

}  // namespace sillage::command
