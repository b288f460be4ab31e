// SPDX-License-Identifier: MIT
#include "lttng/chosen_sessions.hpp"
#include "lttng/describe.hpp"
#include "lttng/verbs.hpp"

#include <array>
#include <utility>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;
using Value = OptionSpec::Value;

/// Where a session's traces go: a directory, also as a URL; "" if it is not said.
///
/// Errors: as LTTng, where URLs contradict each other; kUnsupported  over the network.
Result<std::string> output_of(const CommandLine& line) {
  const auto control = line.value("ctrl-url"), data = line.value("data-url");
  if (line.has("output") + line.has("set-url") + (control || data) > 1)
    return fail(Code::kInvalidArgument,
                "Only one of the --set-url, --ctrl-url/data-url, or --output options may be used "
                "at once.");
  if (control.has_value() != data.has_value())
    return fail(Code::kInvalidArgument, "Both control and data URLs must be specified.");
  if (control) {
    if (control->starts_with("file://"))
      return fail(Code::kInvalidArgument,
                  "Cannot have a data URL when destination is file://: use --output");
    return parse_directory(*control);
  }
  const auto url = line.value("set-url");
  const auto output = url ? url : line.value("output");
  return output ? parse_directory(*output) : std::string();
}

Result<int> create(Context& context, const CommandLine& line) {
  if (line.has("live"))
    return fail(Code::kUnsupported, "--live is not carried out: record locally, with --output");
  if (line.words().size() > 1)
    return fail(Code::kInvalidArgument, "Unknown argument: " + line.words()[1]);
  v1::Request request;
  v1::CreateSessionRequest* asked = request.mutable_create_session();
  if (!line.words().empty()) {
    asked->set_name(line.words()[0]);
    if (asked->name().empty())
      return fail(Code::kInvalidArgument, "Invalid parameter: an empty name");
  }
  if (line.has("snapshot")) asked->set_mode(v1::CreateSessionRequest::SNAPSHOT);
  if (line.has("no-output")) asked->set_mode(v1::CreateSessionRequest::NO_OUTPUT);
  auto path = output_of(line);
  if (!path) return tl::unexpected<Error>(std::move(path).error());
  asked->set_output_path(*path);
  asked->set_base_path(context.home + "/lttng-traces");
  asked->set_trace_format(line.value("trace-format").value_or(""));
  if (const auto buffers = line.value("shm-path")) {
    auto directory = parse_directory(*buffers);
    if (!directory) return tl::unexpected<Error>(std::move(directory).error());
    asked->set_buffers_path(*directory);
  }
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  const v1::Session& session = response->create_session().session();
  SILLAGE_TRY(set_current_session(context.home, session.name()));
  if (session.mode() == v1::CreateSessionRequest::SNAPSHOT) {
    context.say("Snapshot session " + session.name() + " created.");
    for (const v1::SnapshotOutput& output : session.snapshot_outputs())
      context.say("Default snapshot output set to " + output.path());
    context.say(
        "Every channel enabled for this session will be set to mmap output and default to "
        "overwrite mode.");
  } else {
    context.say("Session " + session.name() + " created.");
    if (!session.path().empty()) context.say("Traces will be output to " + session.path());
  }
  if (!session.buffers_path().empty())
    context.say("Shared memory path set to " + session.buffers_path());
  if (context.is_mi) {
    MiDocument document("create");
    write_session(session, nullptr, &document);
    context.out += document.finish(true);
  }
  return kExitOk;
}

void write_short(const std::string& name, bool is_enabled, MiDocument* document) {
  document->open("session");
  document->text("name", name);
  document->boolean("enabled", is_enabled);
  document->close();
}

Result<int> start(Context& context, const CommandLine& line) {
  return for_each_session(context, line, "start",
                          [&](const std::string& name, MiDocument* document) -> Status {
                            v1::Request request;
                            request.mutable_start_session()->set_name(name);
                            auto response = context.call(std::move(request));
                            if (!response)
                              return tl::unexpected<Error>(std::move(response).error());
                            const v1::StartSessionResponse& made = response->start_session();
                            if (made.left_out_count() != 0)
                              context.warn(std::to_string(made.left_out_count()) +
                                           " kernel event(s) cannot be recorded here:");
                            for (const std::string& why : made.left_out())
                              context.err += "  " + why + "\n";
                            context.say("Tracing started for session " + name);
                            write_short(name, true, document);
                            return {};
                          });
}

Result<int> stop(Context& context, const CommandLine& line) {
  return for_each_session(context, line, "stop",
                          [&](const std::string& name, MiDocument* document) -> Status {
                            v1::Request request;
                            request.mutable_stop_session()->set_name(name);
                            request.mutable_stop_session()->set_no_wait(line.has("no-wait"));
                            auto response = context.call(std::move(request));
                            if (!response)
                              return tl::unexpected<Error>(std::move(response).error());
                            if (!line.has("no-wait")) context.say("Waiting for data availability");
                            const v1::StopSessionResponse& made = response->stop_session();
                            if (!made.warning().empty()) context.warn(made.warning());
                            context.say("Tracing stopped for session " + name);
                            write_short(name, false, document);
                            return {};
                          });
}

void say_losses(Context& context, const v1::Session& session) {
  for (const v1::SessionDomain& domain : session.domains()) {
    for (const v1::SessionChannel& channel : domain.channels()) {
      if (channel.discarded_events() != 0)
        context.warn(std::to_string(channel.discarded_events()) +
                     " events were discarded, please refer to the documentation on channel "
                     "configuration. (session " +
                     session.name() + ", channel " + channel.options().name() + ")");
      if (channel.lost_packets() != 0)
        context.warn(std::to_string(channel.lost_packets()) +
                     " packets were lost (overwritten). (session " + session.name() + ", channel " +
                     channel.options().name() + ")");
    }
  }
}

Result<int> destroy(Context& context, const CommandLine& line) {
  return for_each_session(
      context, line, "destroy", [&](const std::string& name, MiDocument* document) -> Status {
        v1::Request request;
        request.mutable_destroy_session()->set_name(name);
        request.mutable_destroy_session()->set_no_wait(line.has("no-wait"));
        auto response = context.call(std::move(request));
        if (!response)
          return tl::unexpected<Error>(
              naming_session(std::move(response).error(), "Session name " + name + " not found"));
        const v1::DestroySessionResponse& made = response->destroy_session();
        if (made.session().state() != v1::Session::CREATED &&
            made.session().mode() == v1::CreateSessionRequest::LOCAL)
          context.say("Destroying session " + name + "..");
        if (!made.archive().empty())
          context.say("Trace chunk archive for session " + name + " is now readable at " +
                      made.archive());
        say_losses(context, made.session());
        if (!made.warning().empty()) context.warn(made.warning());
        context.say("Session " + name + " destroyed");
        forget_current_session(context.home, name);
        write_session(made.session(), nullptr, document);
        return {};
      });
}

Result<int> set_session(Context& context, const CommandLine& line) {
  if (line.words().size() != 1) return fail(Code::kInvalidArgument, "Missing session name");
  const std::string& name = line.words()[0];
  v1::Request request;
  request.mutable_list_sessions()->set_name(name);
  auto response = context.call(std::move(request));
  if (!response)
    return tl::unexpected<Error>(
        naming_session(std::move(response).error(), "Session '" + name + "' not found"));
  SILLAGE_TRY(set_current_session(context.home, name));
  context.say("Session set to " + name);
  if (context.is_mi) {
    MiDocument document("set-session");
    document.open("sessions");
    document.open("session");
    document.text("name", name);
    context.out += document.finish(true);
  }
  return kExitOk;
}

const std::array<Verb, 5> kVerbs = {{
    {"create",
     "[--output=DIR] [--shm-path=DIR] [--trace-format=FORMAT] [NAME]",
     "Create a recording session",
     {{"output", 'o', Value::kNeeded},
      {"set-url", 'U', Value::kNeeded},
      {"ctrl-url", 'C', Value::kNeeded},
      {"data-url", 'D', Value::kNeeded},
      {"no-output"},
      {"no-consumer"},
      {"disable-consumer"},
      {"snapshot"},
      {"live", 0, Value::kOptional},
      {"shm-path", 0, Value::kNeeded},
      {"trace-format", 'F', Value::kNeeded}},
     create},
    {"destroy",
     "[--no-wait] [--all | --glob PATTERN | NAME]",
     "Destroy recording sessions",
     {{"all", 'a'}, {"glob", 'g'}, {"no-wait", 'n'}},
     destroy},
    {"set-session", "NAME", "Set the current recording session", {}, set_session},
    {"start",
     "[--all | --glob PATTERN | NAME]",
     "Start a recording session",
     {{"all", 'a'}, {"glob", 'g'}},
     start},
    {"stop",
     "[--no-wait] [--all | --glob PATTERN | NAME]",
     "Stop a recording session",
     {{"all", 'a'}, {"glob", 'g'}, {"no-wait", 'n'}},
     stop},
}};

}  // namespace

std::span<const Verb> session_verbs() { return kVerbs; }

}  // namespace sillage::lttng
