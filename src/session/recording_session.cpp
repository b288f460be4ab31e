// SPDX-License-Identifier: MIT
#include "session/recording_session.hpp"

#include <algorithm>
#include <utility>

namespace sillage::session {
namespace {

constexpr std::size_t kMaxSessionName = 254;  // LTTng's NAME_MAX - 1
constexpr std::size_t kMaxPath = 4000;        // PATH_MAX less what the trace's own directories need
constexpr std::size_t kMaxChannels = 64;      // SILLAGE_APP_MAX_ATTACHMENTS

}  // namespace

Result<TraceFormat> parse_trace_format(std::string_view text) {
  if (text == "ctf-1.8") return TraceFormat::kCtf18;
  if (text == "ctf-2") return TraceFormat::kCtf2;
  return fail(Code::kInvalidArgument,
              "there is no trace format \"" + std::string(text) + "\"; use ctf-1.8 or ctf-2");
}

std::string_view trace_format_name(TraceFormat format) {
  return format == TraceFormat::kCtf18 ? "ctf-1.8" : "ctf-2";
}

Result<RecordingSession> RecordingSession::create(Options options) {
  if (options.name.empty() || options.name.size() > kMaxSessionName ||
      options.name.find('/') != std::string::npos || options.name.find('\0') != std::string::npos) {
    return fail(Code::kInvalidArgument, "a session's name must be 1 to 254 bytes without a slash");
  }
  const auto is_path = [](const std::string& path) {
    return !path.empty() && path[0] == '/' && path.size() <= kMaxPath &&
           path.find('\0') == std::string::npos;
  };
  if (!options.buffers_path.empty() && !is_path(options.buffers_path))
    return fail(Code::kInvalidArgument,
                "--shm-path must be an absolute path of at most 4000 bytes");
  const std::string& path = options.output_path;
  if (options.in_memory) {
    if (path.empty()) return RecordingSession(std::move(options));
    return fail(Code::kInvalidArgument, "what is kept in memory has no output path");
  }
  if (!is_path(path)) {
    return fail(Code::kInvalidArgument,
                "the output must be an absolute path of at most 4000 bytes");
  }
  return RecordingSession(std::move(options));
}

namespace {

template <class AnyChannel>
Status add_named(std::vector<AnyChannel>* channels, AnyChannel channel) {
  const std::string name = channel.options().name;
  const auto has_name = [&](const AnyChannel& other) { return other.options().name == name; };
  if (std::any_of(channels->begin(), channels->end(), has_name))
    return fail(Code::kAlreadyExists, "there is a channel \"" + name + "\" already");
  if (channels->size() == kMaxChannels)
    return fail(Code::kLimit, "a session can have at most 64 channels of a domain");
  channels->push_back(std::move(channel));
  return {};
}

}  // namespace

Status RecordingSession::add_channel(Channel channel) {
  return add_named(&channels_, std::move(channel));
}

Status RecordingSession::add_kernel_channel(KernelChannel channel) {
  return add_named(&kernel_channels_, std::move(channel));
}

}  // namespace sillage::session
