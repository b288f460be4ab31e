// SPDX-License-Identifier: MIT
#include "sillage/list.hpp"

#include "client/daemon_start.hpp"
#include "control/client.hpp"
#include "session/log_level.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace sillage::command {
namespace {
constexpr std::chrono::seconds kAnswerDeadline{10};
}

std::string list_text(const control::v1::ListResponse& list) {
  if (list.programs().empty()) {
    return "No running program has tracepoints. Start one that is linked with libsillage.\n";
  }
  std::string text;
  for (const control::v1::Program& program : list.programs()) {
    text += fmt::format("{} (pid {})\n", program.name(), program.pid());
    int width = 0;
    for (const control::v1::Event& event : program.events()) {
      width = std::max(width, static_cast<int>(event.name().size()));
    }
    for (const control::v1::Event& event : program.events()) {
      const std::string_view level =
          session::log_level_name(static_cast<std::uint8_t>(event.log_level()));
      text += fmt::format("  {:<{}}  {:<14}  {}\n", event.name(), width, level, event.source());
      for (const control::v1::Field& field : event.fields()) {
        text += fmt::format("      {}: {}\n", field.name(), field.type());
      }
    }
  }
  return text;
}

Result<int> list(bool with_fields) {
  auto client = client::connect_or_start();
  if (!client) return tl::unexpected<Error>(std::move(client).error());
  control::v1::Request request;
  request.mutable_list()->set_with_fields(with_fields);
  auto response = client->call(std::move(request), kAnswerDeadline);
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  fmt::print("{}", list_text(response->list()));
  return 0;
}

Result<int> version() {
  fmt::print("sillage {}\n", SILLAGE_VERSION);
  auto client = client::connect_running();
  if (!client) {
    if (client.error().code != Code::kNotFound)
      return tl::unexpected<Error>(std::move(client).error());
    fmt::print("no daemon runs\n");
    return 0;
  }
  control::v1::Request request;
  request.mutable_version();
  auto response = client->call(std::move(request), kAnswerDeadline);
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  const control::v1::VersionResponse& daemon = response->version();
  fmt::print("sillaged {} (pid {}, clock {}, {} programs)\n", daemon.version(), daemon.pid(),
             daemon.clock(), daemon.programs());
  if (daemon.refused_programs() != 0) {
    fmt::print("{} requests refused, the last one: {}\n", daemon.refused_programs(),
               daemon.last_refusal());
  }
  return 0;
}

}  // namespace sillage::command
