// SPDX-License-Identifier: MIT
#include "sillage/regenerate.hpp"

#include "apps/socket_path.hpp"
#include "control/client.hpp"

#include <fmt/core.h>

#include <chrono>
#include <utility>

namespace sillage::command {
namespace {
// A million open files take a second.
constexpr std::chrono::seconds kAnswerDeadline{60};
}  // namespace

Result<int> regenerate_state_dump() {
  auto client = control::ControlClient::connect(apps::runtime_paths().control_socket());
  if (!client) return tl::unexpected<Error>(std::move(client).error());
  control::v1::Request request;
  request.mutable_dump_state();
  auto response = client->call(std::move(request), kAnswerDeadline);
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  fmt::print("The state of the kernel or of programs is in {} recording(s) once more.\n",
             response->dump_state().recordings());
  return 0;
}

}  // namespace sillage::command
