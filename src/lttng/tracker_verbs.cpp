// SPDX-License-Identifier: MIT
#include "lttng/describe.hpp"
#include "lttng/process_value.hpp"
#include "lttng/verbs.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;
using Value = OptionSpec::Value;

struct Attribute {
  const char* option;
  v1::ProcessAttribute attribute;
  const char* words;
};
constexpr Attribute kAttributes[] = {
    {"pid", v1::PID, "process ID"}, {"vpid", v1::VPID, "virtual process ID"},
    {"uid", v1::UID, "user ID"},    {"vuid", v1::VUID, "virtual user ID"},
    {"gid", v1::GID, "group ID"},   {"vgid", v1::VGID, "virtual group ID"}};

/// What one option asks for: its values, or all of them.
struct Asked {
  const Attribute* attribute;
  std::vector<std::string> values;  // none: all
};

/// Errors: kInvalidArgument  an option with neither values nor --all; none at all.
Result<std::vector<Asked>> read_options(const CommandLine& line, v1::Domain domain) {
  std::vector<Asked> asked;
  for (const auto& [option, text] : line.options()) {
    const auto* const found =
        std::find_if(std::begin(kAttributes), std::end(kAttributes),
                     [name = option](const Attribute& each) { return name == each.option; });
    if (found == std::end(kAttributes)) continue;
    // As LTTng: programs know their own number only, so that is what --pid means of them.
    const bool is_virtual = domain == v1::USER && found->attribute == v1::PID;
    asked.push_back({is_virtual ? found + 1 : found, split_list(text)});
    if (asked.back().values.empty() && !line.has("all"))
      return fail(Code::kInvalidArgument, "No process attribute value specified for --" + option +
                                              ": give values, or --all with it");
  }
  if (asked.empty())
    return fail(Code::kInvalidArgument,
                "which processes? Give --pid, --vpid, --uid, --vuid, --gid or --vgid");
  return asked;
}

/// One change of one set, and what is said of it.
class Tracker {
 public:
  Tracker(Context& context, const v1::TrackRequest& common, MiDocument& document)
      : context_(context), common_(common), document_(document) {}

  /// Returns whether all went well; no values: of all processes.
  bool change(const Attribute& attribute, const std::vector<std::string>& values) {
    if (values.empty()) return say(attribute, nullptr, ask_all(attribute));
    const std::vector<Status> done = ask(attribute, values);
    bool is_good = true;
    for (std::size_t i = 0; i < values.size(); ++i) is_good &= say(attribute, &values[i], done[i]);
    return is_good;
  }

 private:
  bool say(const Attribute& attribute, const std::string* value, const Status& done) {
    document_.open(attribute.option);
    write_value(attribute, value);
    document_.boolean("success", done.has_value());
    document_.close();
    const std::string words = attribute.words;
    const bool adds = !common_.remove();
    if (done && value == nullptr) {
      std::string begin = words;
      begin[0] = static_cast<char>(begin[0] - 'a' + 'A');
      context_.say(begin + " tracking policy set to `" + (adds ? "include" : "exclude") + " all`");
    } else if (done) {
      context_.say((adds ? "Added " : "Removed ") + *value + (adds ? " to the " : " from the ") +
                   words + " tracker inclusion set");
    } else if (value != nullptr &&
               (done.error().code == Code::kAlreadyExists || is_not_in_set(done.error()))) {
      context_.warn("`" + *value + "` is " + done.error().message + " (" + words + ")");
    } else {
      context_.complain(done.error().text());
      return false;
    }
    return true;
  }

  static bool is_not_in_set(const Error& error) {
    return error.code == Code::kNotFound &&
           error.message.find("inclusion set") != std::string::npos;
  }

  [[nodiscard]] v1::Request request_for(const Attribute& attribute) const {
    v1::Request request;
    *request.mutable_track() = common_;
    request.mutable_track()->set_attribute(attribute.attribute);
    return request;
  }

  Status ask_all(const Attribute& attribute) {
    v1::Request request = request_for(attribute);
    request.mutable_track()->set_all(true);
    auto response = context_.call(std::move(request));
    return response ? Status() : tl::unexpected<Error>(std::move(response).error());
  }

  // What became of each value. Those that can be read go into one change.
  std::vector<Status> ask(const Attribute& attribute, const std::vector<std::string>& values) {
    std::vector<Status> done(values.size());
    std::vector<std::size_t> sent;
    v1::Request request = request_for(attribute);
    for (std::size_t i = 0; i < values.size(); ++i) {
      auto read = process_value(values[i], attribute.attribute);
      if (read) {
        *request.mutable_track()->add_values() = *std::move(read);
        sent.push_back(i);
      } else {
        done[i] = tl::unexpected<Error>(std::move(read).error());
      }
    }
    if (sent.empty()) return done;
    const auto response = context_.call(std::move(request));
    for (std::size_t k = 0; k < sent.size(); ++k) {
      if (!response) {
        done[sent[k]] = tl::unexpected<Error>(response.error());
      } else if (static_cast<int>(k) < response->track().outcomes_size()) {
        const v1::Error& outcome = response->track().outcomes(static_cast<int>(k));
        if (!outcome.message().empty())
          done[sent[k]] = fail(static_cast<Code>(outcome.code()), outcome.message());
      }
    }
    return done;
  }

  // A name that stands for nothing is none of a number, and ids of processes have no names.
  void write_value(const Attribute& attribute, const std::string* value) {
    document_.open("type");
    if (value == nullptr) {
      document_.boolean("all", true);
    } else {
      const bool is_number =
          !value->empty() && value->find_first_not_of("0123456789") == std::string::npos;
      const bool has_names = attribute.attribute != v1::PID && attribute.attribute != v1::VPID;
      if (has_names && !is_number) {
        document_.text("name", *value);
      } else {
        document_.text("id", is_number ? *value : "0");
      }
    }
    document_.close();
  }

  Context& context_;
  const v1::TrackRequest& common_;
  MiDocument& document_;
};

Result<int> track_or_untrack(Context& context, const CommandLine& line, bool adds) {
  const auto domain = domain_for(line);
  if (!domain) return tl::unexpected<Error>(domain.error());
  const auto asked = read_options(line, *domain);
  if (!asked) return tl::unexpected<Error>(asked.error());
  const auto session = session_for(context, line);
  if (!session) return tl::unexpected<Error>(session.error());
  v1::TrackRequest common;
  common.set_session(*session);
  common.set_domain(*domain);
  common.set_remove(!adds);
  MiDocument document(adds ? "track" : "untrack");
  document.open("process_attr_trackers");
  Tracker tracker(context, common, document);
  bool is_good = true;
  for (const Asked& each : *asked) {
    document.open(std::string(each.attribute->option) + "_process_attr_tracker");
    document.open("process_attr_values");
    is_good &= tracker.change(*each.attribute, each.values);
    document.close();
    document.close();
  }
  if (context.is_mi) context.out += document.finish(is_good);
  return is_good ? kExitOk : kExitError;
}

Result<int> track(Context& context, const CommandLine& line) {
  return track_or_untrack(context, line, true);
}

Result<int> untrack(Context& context, const CommandLine& line) {
  return track_or_untrack(context, line, false);
}

std::vector<OptionSpec> tracker_options() {
  std::vector<OptionSpec> options = {
      {"kernel", 'k'}, {"userspace", 'u'}, {"session", 's', Value::kNeeded}, {"all", 'a'}};
  for (const Attribute& each : kAttributes)
    options.push_back({each.option, each.attribute == v1::PID ? 'p' : '\0', Value::kOptional});
  return options;
}

}  // namespace

std::span<const Verb> tracker_verbs() {
  static const std::array<Verb, 2> verbs = {{
      {"track", "(--kernel | --userspace) [--session=NAME] (--pid | --vpid | ...)=VALUES",
       "Allow specific processes to record events", tracker_options(), track},
      {"untrack", "(--kernel | --userspace) [--session=NAME] (--pid | --vpid | ...)=VALUES",
       "Disallow specific processes to record events", tracker_options(), untrack},
  }};
  return verbs;
}

}  // namespace sillage::lttng
