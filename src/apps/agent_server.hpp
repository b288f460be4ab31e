// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::apps {

/// What a logging library's events are called.
struct AgentDomain {
  std::uint32_t number;    ///< in the protocol
  std::string_view event;  ///< the tracepoint that the agent's native library has
  bool has_contexts;       ///< the agent knows contexts that programs bring
};
inline constexpr AgentDomain kAgentDomains[] = {
    {3, "lttng_jul:event", true},
    {4, "lttng_log4j:event", true},
    {5, "lttng_python:event", false},
    {6, "lttng_log4j2:event", true},
};

/// Serves LTTng-UST's agents for Python's and Java's logging: tells them whether to hand their messages to their
/// tracepoint. Which of those are recorded is decided there, like any other event.
///
///   agent                          this
///     | connects (127.0.0.1)         |
///     | ---- domain, pid, 2, 0 ----> |   four big-endian words
///     | <--- enable "*" ------------ |   if somebody wants the domain's event; answered with a status
///     | <--- registered ------------ |   the program goes on
///     | <--- disable "*", enable --- |   whenever that changes; answered likewise
///     | <--- contexts -------------- |   of the program, that it is to ask for with each message; answered likewise
///     | <--- list ------------------ |   when somebody asks for its loggers; answered with their names
///
/// The port is in a file, where agents look for it when their program starts: `agent.port` in `.lttng` of $LTTNG_HOME,
/// or in /var/run/lttng. Any user of the machine can connect: what agents say is used for nothing but this.
///
/// Threads: one; `fd()` becomes readable when `process_events()` has work.
/// Source:  lttngust/agent.py and cmd.py of LTTng-UST 2.13 (Debian: python3-lttngust); contexts as its daemon sends them to
///          its agents for Java; parity U26, X9.
class AgentServer {
 public:
  /// One agent's answer to `ask_for_loggers()`.
  struct Loggers {
    std::uint32_t pid = 0;             ///< as the agent says: for display
    std::vector<std::string> names{};  ///< as the agent has them
  };
  struct Options {
    std::vector<std::string>
        port_files{};  ///< directories are made; a file that a living server wrote stays
  };
  /// Whether the event of that name is wanted.
  using IsWanted = std::function<bool(std::string_view event)>;
  /// The contexts of programs that are wanted with that event: "$app.PROVIDER:TYPE", ascending, each once.
  using WantedContexts = std::function<std::vector<std::string>(std::string_view event)>;
  /// Another number than last time if the answers of the two above may have become others. Cheap: each renew() asks.
  using Version = std::function<std::uint64_t()>;

  /// Listens on any port, to leave LTTng's daemons the ten (5345 to 5354) of which they need one: agents go by the file.
  ///
  /// Errors: kSystem  there is no port to be had. Port files that cannot be written are left out.
  [[nodiscard]] static Result<std::unique_ptr<AgentServer>> listen(const Options& options,
                                                                   IsWanted is_wanted,
                                                                   WantedContexts wanted_contexts,
                                                                   Version version);
  /// Removes its port files.
  ~AgentServer();
  AgentServer(const AgentServer&) = delete;
  AgentServer& operator=(const AgentServer&) = delete;

  [[nodiscard]] int fd() const { return epoll_.value(); }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Agents that have registered.
  [[nodiscard]] std::size_t agent_count() const;

  /// Handles what is there, a bounded amount at a time.
  void process_events();
  /// Tells agents what has changed since they were told. Cheap if nothing has.
  void renew();
  /// Whether an agent has not done yet what it was told, and is worth waiting for.
  [[nodiscard]] bool is_waiting() const;
  /// Waits no longer for agents that have not answered, nor again before they have.
  void give_up();

  /// Asks the agents of a domain for their loggers; the answers are there when nobody is waited for.
  void ask_for_loggers(std::uint32_t domain);
  [[nodiscard]] std::vector<Loggers> loggers(std::uint32_t domain) const;

 private:
  struct Agent {
    Fd socket;
    const AgentDomain* domain = nullptr;  ///< none: has not registered
    bool is_enabled = false;
    std::vector<std::string> contexts{};  ///< that it was told of
    std::string unread{};  ///< what came of its registration, or of an answer, so far
    std::string unsent{};
    bool waits_for_room = false;
    bool is_late = false;  ///< did not answer in time, and has not since
    std::deque<bool>
        unanswered{};  ///< for each command that it answers: is it for a list of loggers?
    Loggers loggers{};
  };

  /// What is wanted of a domain.
  struct Wanted {
    bool is_event = false;
    std::vector<std::string> contexts{};
    bool operator==(const Wanted&) const = default;
  };

  AgentServer(IsWanted is_wanted, WantedContexts wanted_contexts, Version version)
      : is_wanted_(std::move(is_wanted)),
        wanted_contexts_(std::move(wanted_contexts)),
        version_(std::move(version)) {}
  [[nodiscard]] Wanted wanted_of(const AgentDomain& domain) const;
  [[nodiscard]] Status start(const Options& options);
  void accept_agents();
  /// False: the connection is of no use any more.
  [[nodiscard]] bool receive(Agent* agent);
  [[nodiscard]] bool register_agent(Agent* agent);
  /// Takes whole answers from what has come. False: nothing of this can be an answer.
  [[nodiscard]] static bool take_answers(Agent* agent);
  void tell(Agent* agent);
  [[nodiscard]] bool send_unsent(Agent* agent);
  [[nodiscard]] bool watch(int command, int fd, std::uint32_t events) const;

  IsWanted is_wanted_;
  WantedContexts wanted_contexts_;
  Version version_;
  Fd epoll_, listener_;
  std::uint16_t port_ = 0;
  std::vector<std::string> port_files_;
  std::map<int, Agent> agents_;                             // by descriptor
  std::array<Wanted, std::size(kAgentDomains)> told_ = {};  // what of the domains was wanted last
  std::optional<std::uint64_t> told_version_;               // that being of this version
};

}  // namespace sillage::apps
