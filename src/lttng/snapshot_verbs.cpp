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

std::string text_of(const v1::SnapshotOutput& output) {
  std::string text =
      "[" + std::to_string(output.id()) + "] " + output.name() + ": " + output.path();
  if (output.max_bytes() != 0)
    text += " (max size: " + std::to_string(output.max_bytes()) + " bytes)";
  return text;
}

void write_output(const v1::SnapshotOutput& output, const std::string& session,
                  MiDocument* document) {
  document->open("snapshot");
  document->number("id", output.id());
  if (!output.name().empty()) document->text("name", output.name());
  document->text("session_name", session);
  document->text("ctrl_url", output.path());
  document->number("max_size", output.max_bytes());
  document->close();
}

/// What options and words say of an output.
Result<v1::SnapshotOutput> output_of(const CommandLine& line) {
  for (const char* option : {"ctrl-url", "data-url"})
    if (line.has(option))
      return fail(Code::kUnsupported,
                  std::string("--") + option + " is not carried out: give a local directory");
  v1::SnapshotOutput output;
  output.set_name(line.value("name").value_or(""));
  if (const auto text = line.value("max-size")) {
    const auto bytes = parse_size(*text);
    if (!bytes) return fail(Code::kInvalidArgument, "Unable to handle max-size value " + *text);
    output.set_max_bytes(*bytes);
  }
  if (line.words().size() < 2) return output;
  auto path = parse_directory(line.words()[1]);
  if (!path) return tl::unexpected<Error>(std::move(path).error());
  output.set_path(*std::move(path));
  return output;
}

Status add_output(Context& context, const CommandLine& line, const std::string& session,
                  MiDocument* document) {
  auto output = output_of(line);
  if (!output) return tl::unexpected<Error>(std::move(output).error());
  if (output->path().empty())
    return fail(Code::kInvalidArgument,
                "An output destination must be specified to add a snapshot output.");
  v1::Request request;
  request.mutable_add_snapshot_output()->set_session(session);
  *request.mutable_add_snapshot_output()->mutable_output() = *std::move(output);
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  const v1::SnapshotOutput& added = response->add_snapshot_output().output();
  context.say("Snapshot output successfully added for session " + session);
  context.say("  " + text_of(added));
  write_output(added, session, document);
  return {};
}

Status remove_output(Context& context, const CommandLine& line, const std::string& session,
                     MiDocument* document) {
  if (line.words().size() < 2)
    return fail(Code::kInvalidArgument,
                "A snapshot output name or id must be provided to delete a snapshot output.");
  const std::string& which = line.words()[1];
  v1::Request request;
  request.mutable_remove_snapshot_output()->set_session(session);
  request.mutable_remove_snapshot_output()->set_output(which);
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  const v1::SnapshotOutput& removed = response->remove_snapshot_output().output();
  context.say("Snapshot output " + std::string(which == removed.name() ? "" : "id ") + which +
              " successfully deleted for session " + session);
  write_output(removed, session, document);
  return {};
}

Status list_outputs(Context& context, const std::string& session, MiDocument* document) {
  v1::Request request;
  request.mutable_list_sessions()->set_name(session);
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  const auto& outputs = response->list_sessions().sessions(0).snapshot_outputs();
  context.say("Snapshot output list for session " + session);
  for (const v1::SnapshotOutput& output : outputs) context.say("    " + text_of(output));
  if (outputs.empty()) context.say("    None");
  document->open("session");
  document->text("name", session);
  document->open("snapshots");
  for (const v1::SnapshotOutput& output : outputs) write_output(output, session, document);
  document->close();
  document->close();
  return {};
}

Status record(Context& context, const CommandLine& line, const std::string& session,
              MiDocument* document) {
  auto output = output_of(line);
  if (!output) return tl::unexpected<Error>(std::move(output).error());
  v1::Request request;
  v1::RecordSnapshotRequest* asked = request.mutable_record_snapshot();
  asked->set_session(session);
  asked->set_name(output->name());
  asked->set_path(output->path());
  asked->set_max_bytes(output->max_bytes());
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  context.say("Snapshot recorded successfully for session " + session);
  if (!output->path().empty()) context.say("Snapshot written at: " + output->path());
  write_output(*output, session, document);
  return {};
}

Result<int> snapshot(Context& context, const CommandLine& line) {
  if (line.words().empty())
    return fail(Code::kInvalidArgument, "No action specified for snapshot command.");
  const std::string& action = line.words()[0];
  auto session = session_for(context, line);
  if (!session) return tl::unexpected<Error>(std::move(session).error());
  MiDocument document("snapshot");
  document.open("snapshot_action");
  document.text("name", action);
  document.open("output");
  Status done;
  if (action == "record") {
    done = record(context, line, *session, &document);
  } else if (action == "add-output") {
    done = add_output(context, line, *session, &document);
  } else if (action == "del-output") {
    done = remove_output(context, line, *session, &document);
  } else if (action == "list-output") {
    done = list_outputs(context, *session, &document);
  } else {
    context.complain("Unrecognized argument used with 'snapshot' command: " + action +
                     "; use record, add-output, del-output or list-output");
    return kExitUndefined;
  }
  if (context.is_mi) context.out += document.finish(done.has_value());
  if (!done) return tl::unexpected<Error>(std::move(done).error());
  return kExitOk;
}

const std::array<Verb, 1> kVerbs = {{
    {"snapshot",
     "record | add-output | del-output | list-output [--name=NAME] [--max-size=SIZE] "
     "[DIR | OUTPUT]",
     "Take snapshots, and say where they go",
     {{"session", 's', Value::kNeeded},
      {"name", 'n', Value::kNeeded},
      {"max-size", 'm', Value::kNeeded},
      {"ctrl-url", 'C', Value::kNeeded},
      {"data-url", 'D', Value::kNeeded}},
     snapshot},
}};

}  // namespace

std::span<const Verb> snapshot_verbs() { return kVerbs; }

}  // namespace sillage::lttng
