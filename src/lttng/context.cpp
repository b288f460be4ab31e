// SPDX-License-Identifier: MIT
#include "lttng/context.hpp"

#include <unistd.h>

#include <chrono>
#include <fstream>
#include <utility>

namespace sillage::lttng {
namespace {

constexpr std::chrono::minutes kDeadline{10};  // a slow disk may have gigabytes to take

std::string file_of(const std::string& home) { return home + "/.lttngrc"; }

std::string read_current(const std::string& home) {
  std::ifstream file(file_of(home));
  constexpr std::string_view kKey = "session=";
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(kKey)) return line.substr(kKey.size());
  return {};
}

}  // namespace

Result<control::v1::Response> Context::call(control::v1::Request request) {
  if (!client) {
    auto connected = connect();
    if (!connected) return tl::unexpected<Error>(std::move(connected).error());
    client.emplace(*std::move(connected));
  }
  return client->call(std::move(request), kDeadline);
}

void Context::say(const std::string& line) {
  if (!is_mi && !is_quiet) out += line + "\n";
}

void Context::warn(const std::string& line) { err += "Warning: " + line + "\n"; }

void Context::complain(const std::string& line) { err += "Error: " + line + "\n"; }

Result<std::string> current_session(const std::string& home) {
  std::string name = read_current(home);
  if (!name.empty()) return name;
  return fail(Code::kNotFound, "Can't find valid lttng config " + file_of(home) +
                                   ": create a session (lttng create), or choose one (lttng "
                                   "set-session)");
}

Status set_current_session(const std::string& home, const std::string& name) {
  const std::string path = file_of(home), temporary = path + "." + std::to_string(getpid());
  {
    std::ofstream file(temporary, std::ios::trunc);
    file << "session=" << name << "\n";
    file.close();
    if (!file) return fail(Code::kSystem, "cannot write " + temporary + ": check LTTNG_HOME");
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return fail_errno("cannot write " + path);
  return {};
}

void forget_current_session(const std::string& home, const std::string& name) {
  if (read_current(home) == name) (void)unlink(file_of(home).c_str());
}

}  // namespace sillage::lttng
