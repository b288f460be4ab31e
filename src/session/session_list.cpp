// SPDX-License-Identifier: MIT
#include "session/session_list.hpp"

#include "session/nearest.hpp"

#include <utility>
#include <vector>

namespace sillage::session {
namespace {

constexpr std::size_t kMaxSessions = 10000;

}  // namespace

Result<Session*> SessionList::create(const SessionRequest& request, const std::string& datetime) {
  Session::Options options;
  options.mode = request.mode;
  options.owner_uid = request.owner_uid;
  options.name = request.name.empty() ? "auto-" + datetime : request.name;
  if (!request.format.empty() && request.format != "default") {
    auto format = parse_trace_format(request.format);
    if (!format) return tl::unexpected<Error>(std::move(format).error());
    options.format = *format;
    options.shown_format = request.format;
  }
  const std::string directory = request.name.empty() ? options.name : options.name + "-" + datetime;
  options.output_path = request.output_path;
  if (options.output_path.empty() && request.mode != OutputMode::kNone) {
    if (request.base_path.empty() || request.base_path[0] != '/')
      return fail(Code::kInvalidArgument, "there is no directory for traces: give one with -o");
    options.output_path = request.base_path + "/" + directory;
  }
  if (!request.buffers_path.empty()) options.buffers_path = request.buffers_path + "/" + directory;
  if (sessions_.contains(options.name))
    return fail(Code::kAlreadyExists, "Session name already exists");
  auto session = Session::create(std::move(options));
  if (!session) return tl::unexpected<Error>(std::move(session).error());
  return add(*std::move(session));
}

Result<Session*> SessionList::add(Session session) {
  const std::string name = session.options().name;
  if (sessions_.contains(name)) return fail(Code::kAlreadyExists, "Session name already exists");
  if (sessions_.size() == kMaxSessions)
    return fail(Code::kLimit, "there are 10000 sessions: destroy some first");
  return &sessions_.emplace(name, std::move(session)).first->second;
}

Result<Session*> SessionList::find(std::string_view name) {
  const auto found = sessions_.find(name);
  if (found != sessions_.end()) return &found->second;
  std::vector<std::string> names;
  for (const auto& [other, session] : sessions_) names.push_back(other);
  const auto near = nearest_names(name, names, 1);
  return fail(Code::kNotFound,
              "Session name not found" + (near.empty() ? "" : "; did you mean " + near[0] + "?"));
}

void SessionList::remove(std::string_view name) {
  const auto found = sessions_.find(name);
  if (found != sessions_.end()) sessions_.erase(found);
}

}  // namespace sillage::session
