// SPDX-License-Identifier: MIT
#include "lttng/agents.hpp"
#include "lttng/context_element.hpp"
#include "lttng/describe.hpp"
#include "lttng/verbs.hpp"
#include "session/channel.hpp"
#include "session/perf_counters.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <limits>
#include <utility>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;
using Value = OptionSpec::Value;

tl::unexpected<Error> wrong_value(const char* option, const std::string& value) {
  return fail(Code::kInvalidArgument,
              "Wrong value in --" + std::string(option) + " parameter: " + value);
}

Result<std::optional<std::uint64_t>> size_option(const CommandLine& line, const char* option) {
  const auto text = line.value(option);
  if (!text) return std::nullopt;
  const auto size = parse_size(*text);
  if (!size) return wrong_value(option, *text);
  return *size;
}

Result<std::optional<std::uint64_t>> time_option(const CommandLine& line, const char* option) {
  const auto text = line.value(option);
  if (!text) return std::nullopt;
  const auto microseconds = parse_microseconds(*text);
  if (!microseconds) return wrong_value(option, *text);
  return *microseconds * 1000;
}

/// A number rounded up as LTTng does, which says so.
std::uint64_t rounded(Context& context, std::uint64_t value, const char* what) {
  const std::uint64_t up = value > (std::uint64_t{1} << 63) ? value : std::bit_ceil(value);
  if (up != value)
    context.warn("The " + std::string(what) + " (" + std::to_string(value) +
                 ") is rounded to the next power of 2 (" + std::to_string(up) + ")");
  return up;
}

Status read_sizes(Context& context, const CommandLine& line, v1::ChannelRequest* options) {
  const auto bytes = size_option(line, "subbuf-size");
  if (!bytes) return tl::unexpected<Error>(bytes.error());
  const auto count = size_option(line, "num-subbuf");
  if (!count) return tl::unexpected<Error>(count.error());
  // As LTTng: these two are never nothing.
  for (const auto& [size, option] :
       {std::pair(*bytes, "subbuf-size"), std::pair(*count, "num-subbuf")})
    if (size == std::uint64_t{0}) return wrong_value(option, "0");
  if (*bytes) options->set_subbuf_bytes(rounded(context, **bytes, "subbuf size"));
  if (*count) options->set_subbuf_count(rounded(context, **count, "number of subbuffers"));
  const auto file_bytes = size_option(line, "tracefile-size");
  if (!file_bytes) return tl::unexpected<Error>(file_bytes.error());
  if (*file_bytes) options->set_tracefile_bytes(**file_bytes);
  const auto file_count = size_option(line, "tracefile-count");
  if (!file_count) return tl::unexpected<Error>(file_count.error());
  if (*file_count) options->set_tracefile_count(**file_count);
  if (*file_count && !*file_bytes)
    return fail(Code::kInvalidArgument,
                "Missing option --tracefile-size. A file count without a size won't do anything.");
  return {};
}

Status read_times(const CommandLine& line, v1::ChannelRequest* options) {
  const auto read = [&](const char* option, auto set) -> Status {
    const auto time = time_option(line, option);
    if (!time) return tl::unexpected<Error>(time.error());
    if (*time) set(**time);
    return {};
  };
  SILLAGE_TRY(read("switch-timer", [&](auto ns) { options->set_switch_timer_ns(ns); }));
  SILLAGE_TRY(read("read-timer", [&](auto ns) { options->set_read_timer_ns(ns); }));
  SILLAGE_TRY(read("monitor-timer", [&](auto ns) { options->set_monitor_timer_ns(ns); }));
  SILLAGE_TRY(read("watchdog-timer", [&](auto ns) { options->set_watchdog_timer_ns(ns); }));
  if (line.value("blocking-timeout") == "inf") {
    options->set_blocking_timeout_ns(std::numeric_limits<std::uint64_t>::max());
    return {};
  }
  return read("blocking-timeout", [&](auto ns) { options->set_blocking_timeout_ns(ns); });
}

Status read_buffers(const CommandLine& line, v1::Domain domain, v1::ChannelRequest* options) {
  if (line.has("buffers-uid")) options->set_per_process(false);
  if (line.has("buffers-pid")) options->set_per_process(true);
  if (line.has("buffers-global") && domain == v1::USER)
    return fail(Code::kInvalidArgument, "Buffer type not supported for domain -u");
  if (const auto owner = line.value("buffer-ownership")) {
    if (*owner != "user" && *owner != "process" && *owner != "system")
      return wrong_value("buffer-ownership", *owner);
    if ((*owner == "system") != (domain == v1::KERNEL))
      return fail(Code::kInvalidArgument,
                  "buffers of the kernel are the system's, those of programs a user's or a "
                  "process's: choose another --buffer-ownership");
    if (domain == v1::USER) options->set_per_process(*owner == "process");
  }
  if (const auto allocation = line.value("buffer-allocation")) {
    if (*allocation != "per-cpu" && *allocation != "per-channel")
      return wrong_value("buffer-allocation", *allocation);
    options->set_one_buffer(*allocation == "per-channel");
  }
  if (const auto when = line.value("buffer-preallocation")) {
    if (*when != "preallocate" && *when != "on-demand")
      return wrong_value("buffer-preallocation", *when);
    options->set_on_demand(*when == "on-demand");
  }
  if (const auto when = line.value("auto-reclaim-memory")) {
    constexpr std::string_view kOlderThan = "older-than:";
    const bool has_age = when->starts_with(kOlderThan);
    const auto age = parse_microseconds(has_age ? when->substr(kOlderThan.size()) : "0");
    if (*when != "consumed" && (!has_age || !age || *age == 0))
      return wrong_value("auto-reclaim-memory", *when);
    options->set_reclaim_age_ns(*age * 1000);
  }
  return {};
}

/// The order decides between --discard and --overwrite, as with LTTng.
void read_loss_mode(const CommandLine& line, v1::ChannelRequest* options) {
  for (const auto& [name, value] : line.options()) {
    if (name == "discard") options->set_overwrite(false);
    if (name == "overwrite") options->set_overwrite(true);
  }
}

/// Does one thing to each channel that the command line names.
template <class Each>
Result<int> for_each_channel(Context& context, const CommandLine& line, std::string_view verb,
                             Each each) {
  if (line.words().empty()) return fail(Code::kInvalidArgument, "Missing channel name.");
  const auto session = session_for(context, line);
  if (!session) return tl::unexpected<Error>(session.error());
  MiDocument document(verb);
  document.open("channels");
  int status = kExitOk;
  for (const std::string& channel : split_list(line.words()[0])) {
    const Status done = each(*session, channel, &document);
    if (done) continue;
    const std::string message =
        "Channel " + channel + ": " + done.error().text() + " (session " + *session + ")";
    if (done.error().code == Code::kAlreadyExists) {
      context.warn(message);
      status = status == kExitOk ? kExitWarning : status;
    } else {
      context.complain(message);
      status = kExitError;
    }
  }
  if (context.is_mi) context.out += document.finish(status == kExitOk);
  return status;
}

/// Timers that LTTng's buffers need and these do not.
void warn_of_timers(Context& context, const CommandLine& line) {
  constexpr std::pair<const char*, const char*> kNeedless[] = {
      {"read-timer", "a full sub-buffer is read at once"},
      {"monitor-timer", "sizes are looked at whenever something was recorded"},
      {"watchdog-timer", "no program that dies can leave a sub-buffer unusable"}};
  for (const auto& [option, why] : kNeedless)
    if (line.has(option) && line.value(option) != "0")
      context.warn(std::string("--") + option + " is kept, and changes nothing: " + why);
}

Result<int> enable_channel(Context& context, const CommandLine& line) {
  const auto domain = domain_for(line);
  if (!domain) return tl::unexpected<Error>(domain.error());
  v1::ChannelRequest options;
  read_loss_mode(line, &options);
  SILLAGE_TRY(read_sizes(context, line, &options));
  SILLAGE_TRY(read_times(line, &options));
  SILLAGE_TRY(read_buffers(line, *domain, &options));
  const auto output = line.value("output");
  if (output && *output != "mmap" && (*output != "splice" || *domain == v1::USER))
    return wrong_value("output", *output);
  if (output) options.set_is_mapped(*output == "mmap");
  warn_of_timers(context, line);
  return for_each_channel(
      context, line, "enable-channel",
      [&](const std::string& session, const std::string& channel, MiDocument* document) -> Status {
        v1::Request request;
        v1::EnableChannelRequest* asked = request.mutable_enable_channel();
        asked->set_session(session);
        asked->set_domain(*domain);
        *asked->mutable_options() = options;
        asked->mutable_options()->set_name(channel);
        auto response = context.call(std::move(request));
        if (!response) return tl::unexpected<Error>(std::move(response).error());
        context.say(std::string(domain_word(*domain)) + " channel " + channel +
                    " enabled for session " + session);
        const v1::EnableChannelResponse& made = response->enable_channel();
        if (!made.warning().empty()) context.warn(made.warning());
        open_channel(made.channel(), document);
        document->boolean("success", true);
        document->close();
        return {};
      });
}

Result<int> disable_channel(Context& context, const CommandLine& line) {
  const auto domain = domain_for(line);
  if (!domain) return tl::unexpected<Error>(domain.error());
  return for_each_channel(
      context, line, "disable-channel",
      [&](const std::string& session, const std::string& channel, MiDocument* document) -> Status {
        v1::Request request;
        v1::DisableChannelRequest* asked = request.mutable_disable_channel();
        asked->set_session(session);
        asked->set_domain(*domain);
        asked->set_channel(channel);
        auto response = context.call(std::move(request));
        if (!response) return tl::unexpected<Error>(std::move(response).error());
        context.say(std::string(domain_word(*domain)) + " channel " + channel +
                    " disabled for session " + session);
        document->open("channel");
        document->text("name", channel);
        document->boolean("enabled", false);
        document->boolean("success", true);
        document->close();
        return {};
      });
}

/// The channels that a command line names, or all of the session's.
Result<std::vector<std::string>> reclaimed_channels(Context& context, const CommandLine& line,
                                                    const std::string& session) {
  if (!line.has("all")) {
    if (line.words().empty())
      return fail(Code::kInvalidArgument, "Missing channel name: name channels, or use --all");
    return line.words();
  }
  if (!line.words().empty())
    return fail(Code::kInvalidArgument, "Cannot specify channel names with --all");
  v1::Request request;
  request.mutable_list_sessions()->set_name(session);
  const auto found = context.call(std::move(request));
  if (!found) return tl::unexpected<Error>(found.error());
  std::vector<std::string> names;
  for (const v1::Session& each : found->list_sessions().sessions())
    for (const v1::SessionDomain& domain : each.domains())
      if (domain.domain() == v1::USER)
        for (const v1::SessionChannel& channel : domain.channels())
          names.push_back(channel.options().name());
  return names;
}

// --no-wait changes nothing: what can be given back has been when the answer comes.
Result<int> reclaim_memory(Context& context, const CommandLine& line) {
  if (line.has("kernel"))
    return fail(Code::kUnsupported,
                "the memory of kernel channels cannot be given back while they are there: disable "
                "them, or use --userspace");
  if (!line.has("userspace"))
    return fail(Code::kInvalidArgument, "One domain must be specified (--kernel/--userspace)");
  const auto age = time_option(line, "older-than");
  if (!age) return tl::unexpected<Error>(age.error());
  const auto session = session_for(context, line);
  if (!session) return tl::unexpected<Error>(session.error());
  const auto channels = reclaimed_channels(context, line, *session);
  if (!channels) return tl::unexpected<Error>(channels.error());
  MiDocument document("reclaim-memory");
  document.open("reclaim_channels");
  std::uint64_t total = 0;
  Status done;
  for (const std::string& channel : *channels) {
    v1::Request request;
    v1::ReclaimMemoryRequest* asked = request.mutable_reclaim_memory();
    asked->set_session(*session);
    asked->set_channel(channel);
    asked->set_older_than_ns(age->value_or(0));
    const auto response = context.call(std::move(request));
    if (!response) {
      done = tl::unexpected<Error>(response.error());
      break;
    }
    const v1::ReclaimMemoryResponse& reclaimed = response->reclaim_memory();
    total += reclaimed.bytes();
    context.say("Channel `" + channel + "`: " + bytes_text(reclaimed.bytes()) + " reclaimed");
    document.open("channel");
    document.text("name", channel);
    document.number("reclaimed_subbuffers", reclaimed.subbufs());
    document.number("pending_subbuffers", 0);
    document.close();
  }
  if (done && channels->empty()) context.say("No channels to reclaim.");
  if (done && channels->size() > 1) context.say("Total: " + bytes_text(total) + " reclaimed");
  if (context.is_mi) context.out += document.finish(done.has_value());
  if (!done) return tl::unexpected<Error>(std::move(done).error());
  return kExitOk;
}

// Those of LTTng that this tracer has, of both domains.
constexpr std::string_view kContexts[] = {"pid",
                                          "procname",
                                          "prio",
                                          "nice",
                                          "vpid",
                                          "tid",
                                          "pthread_id",
                                          "vtid",
                                          "ppid",
                                          "vppid",
                                          "hostname",
                                          "ip",
                                          "interruptible",
                                          "preemptible",
                                          "need_reschedule",
                                          "migratable",
                                          "callstack-kernel",
                                          "callstack-user",
                                          "cgroup_ns",
                                          "ipc_ns",
                                          "mnt_ns",
                                          "net_ns",
                                          "pid_ns",
                                          "time_ns",
                                          "user_ns",
                                          "uts_ns",
                                          "uid",
                                          "euid",
                                          "suid",
                                          "gid",
                                          "egid",
                                          "sgid",
                                          "vuid",
                                          "veuid",
                                          "vsuid",
                                          "vgid",
                                          "vegid",
                                          "vsgid",
                                          "cpu_id"};

Result<int> list_contexts(Context& context) {
  MiDocument document("add-context");
  document.open("contexts");
  std::vector<std::string> names(std::begin(kContexts), std::end(kContexts));
  for (const auto whose : {session::CountersOf::kCpus, session::CountersOf::kThreads})
    for (std::string& counter : session::perf_counter_contexts(whose))
      names.push_back(std::move(counter));
  for (const std::string& name : names) {
    context.say(name);
    document.open("context");
    write_context(name, &document);
    document.text("symbol", name);
    document.close();
  }
  if (context.is_mi) context.out += document.finish(true);
  return kExitOk;
}

Result<int> add_context(Context& context, const CommandLine& line) {
  if (line.has("list")) return list_contexts(context);
  const std::vector<std::string> types = line.values("type");
  if (types.empty()) return fail(Code::kInvalidArgument, "Missing mandatory -t TYPE");
  for (const std::string& type : types)
    if (!session::is_app_context(type) && !session::is_perf_counter(type) &&
        std::find(std::begin(kContexts), std::end(kContexts), type) == std::end(kContexts))
      return fail(Code::kInvalidArgument,
                  "Unknown context type " + type + "; `add-context --list` shows them");
  // An agent's messages are events of a channel of programs.
  const Agent* agent = agent_of(line);
  const auto domain = agent != nullptr ? Result<v1::Domain>(v1::USER) : domain_for(line);
  if (!domain) return tl::unexpected<Error>(domain.error());
  const auto channel = agent != nullptr && !line.has("channel")
                           ? std::optional(std::string(agent->channel))
                           : line.value("channel");
  const auto session = session_for(context, line);
  if (!session) return tl::unexpected<Error>(session.error());
  MiDocument document("add-context");
  document.open("contexts");
  int status = kExitOk;
  for (const std::string& type : types) {
    v1::Request request;
    v1::AddContextRequest* asked = request.mutable_add_context();
    asked->set_session(*session);
    asked->set_domain(*domain);
    asked->set_context(type);
    if (channel) asked->set_channel(*channel);
    auto response = context.call(std::move(request));
    document.open("context");
    write_context(type, &document);
    document.text("symbol", type);
    document.boolean("success", response.has_value());
    document.close();
    if (response) {
      if (*domain == v1::USER && context.why_no_counter)
        if (const std::string why = context.why_no_counter(type); !why.empty()) context.warn(why);
      context.say(std::string(agent != nullptr ? agent->name : domain_word(*domain)) + " context " +
                  type + " added to " +
                  (line.has("channel") ? "channel " + *channel : "all channels"));
    } else {
      context.complain(type + ": " + response.error().text());
      status = kExitError;
    }
  }
  if (context.is_mi) context.out += document.finish(status == kExitOk);
  return status;
}

const std::array<Verb, 4> kVerbs = {{
    {"enable-channel",
     "(--kernel | --userspace) [--session=NAME] [OPTIONS] CHANNEL[,CHANNEL...]",
     "Create or enable a channel",
     {{"kernel", 'k'},
      {"userspace", 'u'},
      {"session", 's', Value::kNeeded},
      {"discard"},
      {"overwrite"},
      {"subbuf-size", 0, Value::kNeeded},
      {"num-subbuf", 0, Value::kNeeded},
      {"switch-timer", 0, Value::kNeeded},
      {"read-timer", 0, Value::kNeeded},
      {"monitor-timer", 0, Value::kNeeded},
      {"watchdog-timer", 0, Value::kNeeded},
      {"blocking-timeout", 0, Value::kNeeded},
      {"tracefile-size", 'C', Value::kNeeded},
      {"tracefile-count", 'W', Value::kNeeded},
      {"output", 0, Value::kNeeded},
      {"buffers-uid"},
      {"buffers-pid"},
      {"buffers-global"},
      {"buffer-ownership", 0, Value::kNeeded},
      {"buffer-allocation", 0, Value::kNeeded},
      {"buffer-preallocation", 0, Value::kNeeded},
      {"auto-reclaim-memory", 0, Value::kNeeded}},
     enable_channel},
    {"disable-channel",
     "(--kernel | --userspace) [--session=NAME] CHANNEL[,CHANNEL...]",
     "Disable channels",
     {{"kernel", 'k'}, {"userspace", 'u'}, {"session", 's', Value::kNeeded}},
     disable_channel},
    {"reclaim-memory",
     "--userspace [--older-than=AGE] [--session=NAME] (--all | CHANNEL...)",
     "Give memory of channels back to the system",
     {{"kernel", 'k'},
      {"userspace", 'u'},
      {"session", 's', Value::kNeeded},
      {"older-than", 0, Value::kNeeded},
      {"all", 'a'},
      {"no-wait", 'n'}},
     reclaim_memory},
    {"add-context",
     "(--kernel | --userspace | --jul | --log4j | --log4j2 | --python) [--session=NAME] "
     "[--channel=CHANNEL] --type=TYPE...",
     "Add context fields to be recorded",
     {{"kernel", 'k'},
      {"userspace", 'u'},
      {"jul", 'j'},
      {"log4j", 'l'},
      {"log4j2"},
      {"python", 'p'},
      {"session", 's', Value::kNeeded},
      {"channel", 'c', Value::kNeeded},
      {"type", 't', Value::kNeeded},
      {"list"}},
     add_context},
}};

}  // namespace

std::span<const Verb> channel_verbs() { return kVerbs; }

}  // namespace sillage::lttng
