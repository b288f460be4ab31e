// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "control/client.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sillage::lttng {

/// lttng(1)'s exit statuses.
enum Exit : int {
  kExitOk = 0,
  kExitError = 1,
  kExitUndefined = 2,
  kExitFatal = 3,
  kExitWarning = 4,
  kExitNoMiType = 165,  ///< as LTTng, whose manual does not say so
};

/// An event that the kernel has, as listings show it.
struct KernelEvent {
  std::string name;
  bool is_system_call = false;
  bool has_32_bit = false;  ///< a system call that programs of 32 bits have, too
  std::vector<std::pair<std::string, std::string>> fields{};  ///< names and types; if asked for
};

/// One run of a command: what it may talk to, what it prints, and what it was told in general.
struct Context {
  std::function<Result<control::ControlClient>()> connect;  ///< to the daemon, started if need be
  /// What the kernel has: tracepoints, or system calls.
  std::function<Result<std::vector<KernelEvent>>(bool system_calls, bool with_fields)>
      kernel_events{};
  /// Why a counter of threads, `perf:thread:...`, will record nothing but 0 on this machine; "" if it will not.
  std::function<std::string(const std::string& context)> why_no_counter{};
  std::string home;     ///< LTTNG_HOME, else HOME
  std::string release;  ///< of Sillage
  bool is_mi = false;   ///< --mi=xml
  bool is_quiet = false;
  bool starts_no_daemon = false;  ///< --no-sessiond
  std::string group{};            ///< --group: whose members use root's daemon; "": the default

  std::string out{}, err{};  ///< what was printed
  std::optional<control::ControlClient> client{};

  /// Sends a request; the first one connects.
  [[nodiscard]] Result<control::v1::Response> call(control::v1::Request request);
  /// Text for people: nothing with --mi or --quiet.
  void say(const std::string& line);
  void warn(const std::string& line);
  void complain(const std::string& line);
};

/// The session that a verb without a name is about: what ~/.lttngrc says.
///
/// Errors: kNotFound  there is none, with the words of LTTng.
[[nodiscard]] Result<std::string> current_session(const std::string& home);
[[nodiscard]] Status set_current_session(const std::string& home, const std::string& name);
/// Forgets it, if it is that one.
void forget_current_session(const std::string& home, const std::string& name);

}  // namespace sillage::lttng
