// SPDX-License-Identifier: MIT
#include "lttng/describe.hpp"
#include "lttng/process_value.hpp"
#include "lttng/session_file.hpp"
#include "lttng/text_file.hpp"
#include "lttng/verbs.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;
namespace fs = std::filesystem;
using Value = OptionSpec::Value;

constexpr const char* kSystemDirectory = "/etc/lttng/sessions";
constexpr const char* kExtension = ".lttng";

std::string user_directory(const Context& context) { return context.home + "/.lttng/sessions"; }

// Saving.

void write_partial(const std::string& verb, const std::string& name, const std::string& path,
                   MiDocument* document) {
  document->open(verb);
  document->open("session");
  document->text("name", name.empty() ? "*" : name);
  document->close();
  document->text("path", path);
}

/// The one session that a command line names; "": all.
Result<std::string> named_session(const CommandLine& line) {
  if (line.words().size() > 1)
    return fail(Code::kInvalidArgument, "Unknown argument: " + line.words()[1]);
  if (line.words().empty()) return std::string();
  if (line.has("all")) return fail(Code::kInvalidArgument, "give a session or --all, not both");
  return line.words()[0];
}

Status save_sessions(Context& context, const std::string& name, const std::string& directory,
                     bool replaces) {
  v1::Request request;
  request.mutable_list_sessions()->set_name(name);
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return fail(Code::kSystem, "cannot make " + directory + ": " + error.message());
  for (const v1::Session& session : response->list_sessions().sessions())
    SILLAGE_TRY(write_file(directory + "/" + session.name() + kExtension,
                           write_session_file(session), replaces));
  return {};
}

Result<int> save(Context& context, const CommandLine& line) {
  const auto name = named_session(line);
  if (!name) return tl::unexpected<Error>(name.error());
  const auto asked = line.value("output-path");
  auto directory = asked ? parse_directory(*asked) : Result<std::string>(user_directory(context));
  if (!directory) return tl::unexpected<Error>(std::move(directory).error());
  const Status done = save_sessions(context, *name, *directory, line.has("force"));
  if (context.is_mi) {
    MiDocument document("save");
    write_partial("save", *name, *directory, &document);
    context.out += document.finish(done.has_value());
  }
  if (!done) return tl::unexpected<Error>(done.error());
  context.say((name->empty() ? std::string("All sessions have been saved successfully")
                             : "Session " + *name + " saved successfully") +
              (asked ? " in " + *asked : "") + ".");
  return kExitOk;
}

// Loading.

/// The files of a directory, by name; none if it is not there.
std::vector<std::string> files_of(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator each(directory, error), end; !error && each != end;
       each.increment(error))
    if (each->path().extension() == kExtension && !each->is_directory(error))
      files.push_back(each->path().string());
  std::sort(files.begin(), files.end());
  return files;
}

/// The sessions of all files, or the one that is named.
///
/// Errors: kNotFound  none has that name; those of read_session_file().
Result<std::vector<SavedSession>> read_sessions(const std::vector<std::string>& files,
                                                const std::string& name) {
  std::vector<SavedSession> found;
  for (const std::string& file : files) {
    auto text = read_file(file);
    if (!text) return tl::unexpected<Error>(std::move(text).error());
    auto sessions = read_session_file(*text, file);
    if (!sessions) return sessions;
    for (SavedSession& each : *sessions) {
      if (name.empty()) {
        found.push_back(std::move(each));
      } else if (each.session.name() == name) {
        return std::vector{std::move(each)};  // of the first file that has it, as LTTng
      }
    }
  }
  if (!name.empty() && found.empty())
    return fail(Code::kNotFound, "Session file not found: no session " + name + " in " +
                                     std::to_string(files.size()) + " file(s)");
  return found;
}

/// Which files a command line is about.
Result<std::vector<std::string>> chosen_files(const Context& context, const CommandLine& line) {
  std::vector<std::string> files;
  const auto path = line.value("input-path");
  if (!path) {
    files = files_of(user_directory(context));
    const auto more = files_of(kSystemDirectory);
    files.insert(files.end(), more.begin(), more.end());
    return files;
  }
  std::error_code error;
  const fs::file_status status = fs::status(*path, error);
  if (!fs::exists(status)) return fail(Code::kNotFound, "Invalid input path: there is no " + *path);
  return fs::is_directory(status) ? files_of(*path) : std::vector{*path};
}

Status load_session(Context& context, SavedSession saved, bool replaces) {
  if (!saved.output_problem.empty()) return fail(Code::kUnsupported, saved.output_problem);
  SILLAGE_TRY(look_up_names(&saved.session));
  const std::string name = saved.session.name();
  const std::string path = saved.session.path();
  const bool is_started = saved.session.state() == v1::Session::STARTED;
  v1::Request request;
  *request.mutable_load_session()->mutable_session() = std::move(saved.session);
  request.mutable_load_session()->set_replace(replaces);
  auto response = context.call(std::move(request));
  if (!response)
    return fail(response.error().code, "session " + name + ": " + response.error().text());
  if (const std::string& given = response->load_session().session().path();
      !path.empty() && given != path)
    context.warn("there is a trace in " + path + ": session " + name + " records to " + given);
  if (!is_started) return {};
  v1::Request start;
  start.mutable_start_session()->set_name(name);
  if (auto started = context.call(std::move(start)); !started)
    return fail(started.error().code,
                "session " + name +
                    " is loaded, but not started (--override-url gives it another output): " +
                    started.error().text());
  return {};
}

Status load_sessions(Context& context, const CommandLine& line, const std::string& name,
                     const std::string& new_name) {
  const auto files = chosen_files(context, line);
  if (!files) return tl::unexpected<Error>(files.error());
  auto sessions = read_sessions(*files, name);
  if (!sessions) return tl::unexpected<Error>(std::move(sessions).error());
  if (const auto url = line.value("override-url")) {
    const auto path = parse_directory(*url);
    if (!path) return tl::unexpected<Error>(path.error());
    for (SavedSession& each : *sessions) {
      if (each.session.mode() == v1::CreateSessionRequest::NO_OUTPUT)
        return fail(Code::kInvalidArgument, "session " + each.session.name() +
                                                " has no output that --override-url could change");
      each.session.set_path(*path);
      for (v1::SnapshotOutput& output : *each.session.mutable_snapshot_outputs())
        output.set_path(*path);
      each.output_problem.clear();
    }
  }
  for (SavedSession& each : *sessions) {
    if (!new_name.empty()) each.session.set_name(new_name);
    SILLAGE_TRY(load_session(context, std::move(each), line.has("force")));
  }
  return {};
}

Result<int> load(Context& context, const CommandLine& line) {
  const auto name = named_session(line);
  if (!name) return tl::unexpected<Error>(name.error());
  const std::string new_name = line.value("override-name").value_or("");
  if (!new_name.empty() && name->empty())
    return fail(
        Code::kInvalidArgument,
        "Options --all and --override-name cannot be used simultaneously: name the session");
  const Status done = load_sessions(context, line, *name, new_name);
  if (context.is_mi) {
    MiDocument document("load");
    write_partial("load", *name, line.value("input-path").value_or(user_directory(context)),
                  &document);
    document.open("overrides");
    if (!new_name.empty()) document.text("name", new_name);
    if (const auto url = line.value("override-url")) document.text("url", *url);
    context.out += document.finish(done.has_value());
  }
  if (!done) return tl::unexpected<Error>(done.error());
  if (name->empty()) {
    context.say("All sessions have been loaded successfully");
  } else {
    SILLAGE_TRY(set_current_session(context.home, new_name.empty() ? *name : new_name));
    context.say("Session " + *name + " has been loaded successfully");
  }
  if (!new_name.empty()) context.say("Session name overridden with " + new_name);
  if (const auto url = line.value("override-url"))
    context.say("Session output url overridden with " + *url);
  return kExitOk;
}

const std::array<Verb, 2> kVerbs = {{
    {"load",
     "[--force] [--input-path=PATH] [--override-url=DIR] [--all | SESSION [--override-name=NAME]]",
     "Load recording session configurations",
     {{"all", 'a'},
      {"force", 'f'},
      {"input-path", 'i', Value::kNeeded},
      {"override-name", 0, Value::kNeeded},
      {"override-url", 0, Value::kNeeded},
      {"no-triggers"}},
     load},
    {"save",
     "[--force] [--output-path=DIR] [--all | SESSION]",
     "Save recording session configurations",
     {{"all", 'a'}, {"force", 'f'}, {"output-path", 'o', Value::kNeeded}, {"no-triggers"}},
     save},
}};

}  // namespace

std::span<const Verb> file_verbs() { return kVerbs; }

}  // namespace sillage::lttng
