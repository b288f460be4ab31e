// SPDX-License-Identifier: MIT
// Hostile commands against the daemon's control socket: the input is what comes over it, read in two pieces.
#include "control/control.pb.h"
#include "control/framing.hpp"
#include "control/session_message.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace sillage;

// Unlike assert(), in every build.
void expect(bool condition) {
  if (!condition) std::abort();
}

void check_recording(const control::v1::CreateRecordingRequest& request) {
  auto session = control::session_of(request);
  if (!session) {
    expect(!session.error().message.empty());
    return;
  }
  // What the daemon relies on: a place it can make, and rules that every event can be judged by.
  const auto& options = session->options();
  expect(options.output_path.starts_with('/') &&
         options.output_path.find('\0') == std::string::npos);
  expect(!options.name.empty() && options.name.find('/') == std::string::npos);
  expect(!session->channels().empty() || !session->kernel_channels().empty());
  expect(std::all_of(options.processes.pids.begin(), options.processes.pids.end(),
                     [](auto pid) { return pid > 0; }));
  for (const session::Channel& channel : session->channels()) {
    expect(channel.options().name.find('/') == std::string::npos);
    for (const char* name : {"app:start", "a:", "lib:some\\thing*else"}) {
      for (std::uint8_t level : {std::uint8_t{0}, std::uint8_t{6}, std::uint8_t{14}})
        (void)channel.judge(name, level);
    }
  }
  for (const session::KernelChannel& channel : session->kernel_channels()) {
    expect(channel.options().name.find('/') == std::string::npos);
    for (const char* name : {"sched_switch", "", "some\\thing*else"})
      (void)channel.find_rules(session::KernelRule::Kind::kTracepoint, name, name);
  }
}

/// Takes all whole messages; false when the peer is to be hung up on.
bool take_messages(std::string* received) {
  for (;;) {
    const std::size_t before = received->size();
    auto payload = control::take_frame(received, control::kMaxRequestBytes);
    if (!payload) return false;
    if (!*payload) return true;
    expect(received->size() + (*payload)->size() < before);
    control::v1::Request request;
    if (!request.ParseFromString(**payload)) return false;
    if (request.has_create_recording()) check_recording(request.create_recording());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* bytes = reinterpret_cast<const char*>(data);
  std::string received(bytes, size / 2);
  if (!take_messages(&received)) return 0;
  received.append(bytes + size / 2, size - size / 2);
  (void)take_messages(&received);
  return 0;
}
