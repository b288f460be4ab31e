// SPDX-License-Identifier: MIT
#include "lttng/verbs.hpp"

#include "lttng/exit_status.hpp"
#include "session/nearest.hpp"

#include <algorithm>
#include <utility>

namespace sillage::lttng {
namespace {

using Value = OptionSpec::Value;

std::vector<const Verb*> all_verbs() {
  std::vector<const Verb*> all;
  for (const auto verbs : {session_verbs(), channel_verbs(), event_verbs(), tracker_verbs(),
                           snapshot_verbs(), rotation_verbs(), file_verbs(), status_verbs()})
    for (const Verb& verb : verbs) all.push_back(&verb);
  return all;
}

std::string general_help() {
  std::string text =
      "Usage: lttng [--mi=xml] [--quiet] COMMAND [COMMAND OPTIONS]\n\nAvailable commands:\n";
  for (const Verb* verb : all_verbs())
    text += "  " + std::string(verb->name) + std::string(18 - verb->name.size(), ' ') +
            std::string(verb->summary) + "\n";
  return text + "\nRun `lttng help COMMAND` for help with one of them.\n";
}

std::string verb_help(const Verb& verb) {
  std::string text = "Usage: lttng " + std::string(verb.name) + " " + std::string(verb.usage) +
                     "\n\n" + std::string(verb.summary) + ".\n";
  if (!verb.options.empty()) text += "\nOptions:\n";
  for (const OptionSpec& option : verb.options) {
    text += option.letter != 0 ? std::string("  -") + option.letter + ", " : "      ";
    text += "--" + std::string(option.name);
    text += option.value == Value::kNone     ? "\n"
            : option.value == Value::kNeeded ? "=VALUE\n"
                                             : "[=VALUE]\n";
  }
  return text + "\nSee sillage-" + std::string(verb.name) + "(1) for what they mean.\n";
}

int help(Context& context, const std::vector<std::string>& words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    context.out += general_help();
    return kExitOk;
  }
  const Verb* verb = find_verb(words[0]);
  if (verb == nullptr) {
    context.complain("Unknown command \"" + words[0] + "\"");
    return kExitError;
  }
  context.out += verb_help(*verb);
  return kExitOk;
}

int list_options(Context& context, const std::vector<OptionSpec>& options) {
  for (const OptionSpec& option : options) context.out += "--" + std::string(option.name) + "\n";
  return kExitOk;
}

int run_verb(Context& context, const Verb& verb, const std::vector<std::string>& words) {
  std::vector<OptionSpec> options = verb.options;
  options.push_back({"help", 'h'});
  options.push_back({"list-options"});
  const auto line = CommandLine::parse(words, options);
  if (!line) {
    context.complain("Unrecognized argument used with '" + std::string(verb.name) +
                     "' command: " + line.error().message);
    return kExitUndefined;
  }
  if (line->has("help")) return help(context, {std::string(verb.name)});
  if (line->has("list-options")) return list_options(context, options);
  const auto done = verb.run(context, *line);
  if (done) return *done;
  context.complain(done.error().text());
  return status_of(verb.name, done.error());
}

int unknown_verb(Context& context, const std::string& word) {
  context.err += "lttng: " + word + " is not an lttng command. See 'lttng --help'.\n";
  const auto near = session::nearest_names(word, verb_names(), 1);
  if (!near.empty()) context.err += "Did you mean " + near[0] + "?\n";
  return kExitUndefined;
}

}  // namespace

const Verb* find_verb(std::string_view name) {
  for (const Verb* verb : all_verbs())
    if (verb->name == name) return verb;
  return nullptr;
}

std::vector<std::string> verb_names() {
  std::vector<std::string> names = {"help"};
  for (const Verb* verb : all_verbs()) names.emplace_back(verb->name);
  return names;
}

Result<std::string> session_for(const Context& context, const CommandLine& line) {
  if (auto named = line.value("session")) return *std::move(named);
  return current_session(context.home);
}

Result<control::v1::Domain> domain_for(const CommandLine& line) {
  for (const char* agent : {"jul", "log4j", "log4j2", "python"})
    if (line.has(agent))
      return fail(Code::kUnsupported,
                  std::string("--") + agent +
                      ": only enable-event and disable-event know loggers; use --userspace");
  if (line.has("kernel") == line.has("userspace"))
    return fail(Code::kInvalidArgument, "Please specify a domain (--kernel/--userspace).");
  return line.has("kernel") ? control::v1::KERNEL : control::v1::USER;
}

std::string_view domain_word(control::v1::Domain domain) {
  return domain == control::v1::KERNEL ? "kernel" : "ust";
}

int run(Context& context, const std::vector<std::string>& words) {
  // What stands in front of the verb; the verb's own options are the verb's.
  const std::vector<OptionSpec> options = {{"help", 'h'},
                                           {"version", 'V'},
                                           {"mi", 'm', Value::kNeeded},
                                           {"quiet", 'q'},
                                           {"verbose", 'v'},
                                           {"group", 'g', Value::kNeeded},
                                           {"no-sessiond", 'n'},
                                           {"sessiond-path", 0, Value::kNeeded},
                                           {"relayd-path", 0, Value::kNeeded},
                                           {"list-commands"},
                                           {"list-options"}};
  std::size_t verb = 0;
  while (verb < words.size() && words[verb].starts_with('-')) {
    const std::string& word = words[verb++];
    const bool takes_next = word == "-m" || word == "--mi" || word == "-g" || word == "--group" ||
                            word == "--sessiond-path" || word == "--relayd-path";
    if (takes_next && verb < words.size()) ++verb;
  }
  const auto front = words.begin() + static_cast<long>(verb);
  const auto line = CommandLine::parse({words.begin(), front}, options);
  if (!line) {
    context.complain(line.error().message);
    return kExitError;
  }
  if (const auto type = line->value("mi")) {
    if (*type != "xml") {
      context.complain("MI output type not supported: use --mi=xml");
      return kExitNoMiType;
    }
    context.is_mi = true;
  }
  context.is_quiet = line->has("quiet");
  context.starts_no_daemon = line->has("no-sessiond");
  context.group = line->value("group").value_or("");
  if (line->has("help")) return help(context, {});
  if (line->has("version")) return run_verb(context, *find_verb("version"), {});
  if (line->has("list-commands")) {
    for (const std::string& name : verb_names()) context.out += name + "\n";
    return kExitOk;
  }
  if (line->has("list-options")) return list_options(context, options);
  if (front == words.end()) {
    context.err += general_help();
    return kExitError;
  }
  const std::vector<std::string> rest(front + 1, words.end());
  if (*front == "help") return help(context, rest);
  const Verb* found = find_verb(*front);
  return found == nullptr ? unknown_verb(context, *front) : run_verb(context, *found, rest);
}

}  // namespace sillage::lttng
