// SPDX-License-Identifier: MIT
#include "lttng/chosen_sessions.hpp"
#include "lttng/mi_document.hpp"
#include "lttng/verbs.hpp"

#include <array>
#include <utility>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;
using Value = OptionSpec::Value;

Result<int> rotate(Context& context, const CommandLine& line) {
  auto session = line.words().empty() ? current_session(context.home) : line.words()[0];
  if (!session) return tl::unexpected<Error>(std::move(session).error());
  const bool waits = !line.has("no-wait");
  v1::Request request;
  request.mutable_rotate_session()->set_session(*session);
  request.mutable_rotate_session()->set_no_wait(!waits);
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  const std::string& archive = response->rotate_session().archive();
  if (waits) {
    context.say("Waiting for rotation to complete...");
    context.say("Trace chunk archive for session " + *session + " is now readable at " + archive);
  } else {
    context.say("Rotation ongoing for session " + *session);
  }
  if (context.is_mi) {
    MiDocument document("rotate");
    document.open("rotation");
    document.text("session_name", *session);
    document.text("state", waits ? "COMPLETED" : "ONGOING");
    if (waits) {
      document.open("location");
      document.open("local");
      document.text("absolute_path", archive);
    }
    context.out += document.finish(true);
  }
  return kExitOk;
}

struct Schedule {
  std::optional<std::uint64_t> period_us, bytes;
};

Result<Schedule> schedule_of(const CommandLine& line, bool has_values) {
  Schedule schedule;
  if (line.has("timer")) {
    const std::string text = line.value("timer").value_or("");
    const auto period = has_values ? parse_microseconds(text) : 0;
    if (!period) return fail(Code::kInvalidArgument, "Invalid value for --timer option: " + text);
    schedule.period_us = *period;
  }
  if (line.has("size")) {
    const std::string text = line.value("size").value_or("");
    const auto bytes = has_values ? parse_size(text) : 0;
    if (!bytes) return fail(Code::kInvalidArgument, "Invalid value for --size option: " + text);
    schedule.bytes = *bytes;
  }
  return schedule;
}

/// One schedule after the other: the first may be made where the second cannot.
Status change_schedule(Context& context, const std::string& session, const Schedule& one,
                       bool removes) {
  v1::Request request;
  v1::ScheduleRotationRequest* asked = request.mutable_schedule_rotation();
  asked->set_session(session);
  asked->set_remove(removes);
  if (one.period_us) asked->set_period_ns(*one.period_us * 1000);
  if (one.bytes) asked->set_bytes(*one.bytes);
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  if (removes) {
    context.say(std::string("Disabled ") + (one.period_us ? "periodic" : "size-based") +
                " rotation on session " + session);
  } else if (one.period_us) {
    context.say("Enabled periodic rotations every " + std::to_string(*one.period_us) +
                " us on session " + session);
  } else {
    context.say("Enabled size-based rotations every " + std::to_string(*one.bytes) +
                " bytes written on session " + session);
  }
  return {};
}

void write_schedule(const Schedule& one, bool removes, bool success, MiDocument* document) {
  document->open("rotation_schedule_result");
  document->open("rotation_schedule");
  document->open(one.period_us ? "periodic" : "size_threshold");
  if (!removes)
    document->number(one.period_us ? "time_us" : "bytes",
                     one.period_us ? *one.period_us : *one.bytes);
  document->close();
  document->close();
  document->boolean("success", success);
  document->close();
}

Result<int> schedule(Context& context, const CommandLine& line, bool removes) {
  auto session = session_for(context, line);
  if (!session) return tl::unexpected<Error>(std::move(session).error());
  const auto asked = schedule_of(line, !removes);
  if (!asked) return tl::unexpected<Error>(asked.error());
  if (!asked->period_us && !asked->bytes)
    return fail(Code::kInvalidArgument, removes
                                            ? "No session rotation schedule type provided."
                                            : "No session rotation schedule parameter provided.");
  MiDocument document(removes ? "disable-rotation" : "enable-rotation");
  document.open("rotation_schedule_results");
  document.text("session_name", *session);
  Status done;
  for (const Schedule& one :
       {Schedule{asked->period_us, {}}, Schedule{std::nullopt, asked->bytes}}) {
    if (!done || (!one.period_us && !one.bytes)) continue;
    done = change_schedule(context, *session, one, removes);
    write_schedule(one, removes, done.has_value(), &document);
  }
  if (context.is_mi) context.out += document.finish(done.has_value());
  if (!done) return tl::unexpected<Error>(std::move(done).error());
  return kExitOk;
}

Result<int> enable_rotation(Context& context, const CommandLine& line) {
  return schedule(context, line, false);
}

Result<int> disable_rotation(Context& context, const CommandLine& line) {
  return schedule(context, line, true);
}

Result<int> clear(Context& context, const CommandLine& line) {
  return for_each_session(
      context, line, "clear", [&](const std::string& name, MiDocument* document) -> Status {
        v1::Request request;
        request.mutable_clear_session()->set_session(name);
        auto response = context.call(std::move(request));
        if (!response)
          return tl::unexpected<Error>(
              naming_session(std::move(response).error(), "Session name " + name + " not found"));
        if (response->clear_session().had_chunk())
          context.say("Waiting for clear of session \"" + name + "\"..");
        context.say("Session \"" + name + "\" cleared");
        document->open("session");
        document->text("name", name);
        document->close();
        return {};
      });
}

Result<int> regenerate_object(Context& context, const CommandLine& line,
                              const std::string& object) {
  const bool is_metadata = object == "metadata";
  if (!is_metadata && object != "statedump") {
    context.complain("Unrecognized argument used with 'regenerate' command: " + object +
                     "; use metadata or statedump");
    return kExitUndefined;
  }
  auto session = session_for(context, line);
  if (!session) return tl::unexpected<Error>(std::move(session).error());
  v1::Request request;
  request.mutable_regenerate()->set_session(*session);
  request.mutable_regenerate()->set_object(is_metadata ? v1::RegenerateRequest::METADATA
                                                       : v1::RegenerateRequest::STATE_DUMP);
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  context.say((is_metadata ? "Metadata" : "State dump") +
              std::string(" successfully regenerated for session ") + *session);
  if (context.is_mi) {
    MiDocument document("regenerate");
    document.open("regenerate_action");
    document.text("name", object);
    context.out += document.finish(true);
  }
  return kExitOk;
}

Result<int> regenerate(Context& context, const CommandLine& line) {
  if (line.words().empty())
    return fail(Code::kInvalidArgument, "No object specified for regenerate command.");
  return regenerate_object(context, line, line.words()[0]);
}

/// What `regenerate metadata` was once called.
Result<int> metadata(Context& context, const CommandLine& line) {
  if (line.words() != std::vector<std::string>{"regenerate"})
    return fail(Code::kInvalidArgument,
                "Missing argument: only `metadata regenerate` is there, which is called "
                "`regenerate metadata` today");
  return regenerate_object(context, line, "metadata");
}

const std::array<Verb, 6> kVerbs = {{
    {"rotate",
     "[--no-wait] [SESSION]",
     "Archive the current trace chunk of a recording session",
     {{"no-wait", 'n'}},
     rotate},
    {"enable-rotation",
     "[--session=SESSION] [--timer=PERIOD] [--size=SIZE]",
     "Have a recording session rotated by itself",
     {{"session", 's', Value::kNeeded}, {"timer", 0, Value::kNeeded}, {"size", 0, Value::kNeeded}},
     enable_rotation},
    {"disable-rotation",
     "[--session=SESSION] [--timer] [--size]",
     "Have a recording session no longer rotated by itself",
     {{"session", 's', Value::kNeeded}, {"timer"}, {"size"}},
     disable_rotation},
    {"clear",
     "[--all | --glob PATTERN | NAME]",
     "Forget what recording sessions have recorded",
     {{"all", 'a'}, {"glob", 'g'}},
     clear},
    {"regenerate",
     "metadata | statedump [--session=SESSION]",
     "Write the metadata anew, or the state dump once more",
     {{"session", 's', Value::kNeeded}},
     regenerate},
    {"metadata",
     "regenerate [--session=SESSION]",
     "Write the metadata anew (older name of regenerate metadata)",
     {{"session", 's', Value::kNeeded}},
     metadata},
}};

}  // namespace

std::span<const Verb> rotation_verbs() { return kVerbs; }

}  // namespace sillage::lttng
