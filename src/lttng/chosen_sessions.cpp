// SPDX-License-Identifier: MIT
#include "lttng/chosen_sessions.hpp"

#include "lttng/exit_status.hpp"
#include "lttng/verbs.hpp"
#include "session/glob.hpp"

#include <utility>

namespace sillage::lttng {

namespace v1 = control::v1;

Result<std::vector<std::string>> chosen_sessions(Context& context, const CommandLine& line) {
  const bool is_glob = line.has("glob");
  if (!line.has("all") && !is_glob) {
    if (!line.words().empty()) return std::vector{line.words()[0]};
    auto current = current_session(context.home);
    if (!current) return tl::unexpected<Error>(std::move(current).error());
    return std::vector{*current};
  }
  if (is_glob && line.words().empty())
    return fail(Code::kInvalidArgument, "--glob needs a pattern of sessions' names");
  v1::Request request;
  request.mutable_list_sessions();
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  std::vector<std::string> names;
  for (const v1::Session& session : response->list_sessions().sessions())
    if (!is_glob || session::glob_matches(line.words()[0], session.name()))
      names.push_back(session.name());
  return names;
}

Result<int> for_each_session(
    Context& context, const CommandLine& line, std::string_view verb,
    const std::function<Status(const std::string& name, MiDocument* document)>& each) {
  auto names = chosen_sessions(context, line);
  MiDocument document(verb);
  document.open("sessions");
  if (!names) {
    if (context.is_mi) context.out += document.finish(false);
    return tl::unexpected<Error>(std::move(names).error());
  }
  int status = kExitOk;
  for (const std::string& name : *names) {
    const Status done = each(name, &document);
    if (done) continue;
    status = status_of(verb, done.error());
    // What changes nothing as it is so already is a warning for LTTng.
    if (done.error().message.starts_with("Tracing already")) {
      context.warn(done.error().message);
    } else {
      context.complain(done.error().text());
    }
  }
  if (context.is_mi) context.out += document.finish(status == kExitOk);
  return status;
}

Error naming_session(Error error, const std::string& as_lttng) {
  constexpr std::string_view kPlain = "Session name not found";
  if (error.code == Code::kNotFound && error.message.starts_with(kPlain))
    error.message.replace(0, kPlain.size(), as_lttng);
  return error;
}

}  // namespace sillage::lttng
