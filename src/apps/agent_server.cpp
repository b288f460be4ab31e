// SPDX-License-Identifier: MIT
#include "apps/agent_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

namespace sillage::apps {
namespace {

constexpr std::size_t kMaxAgents = 1024;       // each is a descriptor
constexpr std::size_t kMaxUnsent = 64 * 1024;  // of an agent that does not read
constexpr int kPerRound = 64;                  // then others get their turn
constexpr std::size_t kNameBytes = 256;
constexpr std::size_t kGreetingBytes = 16;
constexpr std::uint32_t kMajor = 2;

constexpr std::size_t kMaxNamesBytes = 1 << 20;  // of all loggers of an agent
constexpr std::size_t kListHeaderBytes = 12;     // status, bytes, loggers
constexpr std::uint32_t kDone = 1;

enum Command : std::uint32_t {
  kList = 1,
  kEnable = 2,
  kDisable = 3,
  kRegistered = 4,
  kEnableContext = 5,
  kDisableContext = 6,
};

void append_number(std::string* to, std::uint64_t number, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    to->push_back(static_cast<char>(number >> shift & 0xff));
}

std::uint32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return ntohl(number);
}

void append_command(std::string* to, Command command, const std::string& body) {
  append_number(to, body.size(), 8);
  append_number(to, command, 4);
  append_number(to, 0, 4);  // version
  *to += body;
}

/// All loggers at all levels: the tracepoint's rules choose.
std::string everything(Command command) {
  std::string name = "*";
  name.resize(kNameBytes);
  if (command == kDisable) return name;
  std::string body;
  append_number(&body, 0, 4);  // level
  append_number(&body, 0, 4);  // of that kind: all
  body += name;
  append_number(&body, 0, 4);  // no filter
  return body;
}

/// Provider and type of "$app.PROVIDER:TYPE", each with its length and a NUL.
std::string context_body(std::string_view name) {
  name.remove_prefix(std::string_view("$app.").size());
  const std::size_t colon = name.find(':');
  std::string body;
  for (const std::string_view part : {name.substr(0, colon), name.substr(colon + 1)}) {
    append_number(&body, part.size() + 1, 4);
    body.append(part).push_back('\0');
  }
  return body;
}

sockaddr_in local_address(std::uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Whether somebody serves the port that a file names.
bool is_served(const std::string& file) {
  std::ifstream stream(file);
  std::uint32_t port = 0;
  if (!(stream >> port) || port == 0 || port > UINT16_MAX) return false;
  const Fd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = local_address(static_cast<std::uint16_t>(port));
  return probe &&
         connect(probe.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool write_port(const std::string& file, std::uint16_t port) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(file).parent_path(), error);
  // Whole from the start: a program may read it at any moment.
  const std::string next = file + ".new";
  {
    std::ofstream stream(next, std::ios::trunc);
    stream << port << "\n";
    if (!stream.flush()) return false;
  }
  std::filesystem::rename(next, file, error);
  return !error;
}

}  // namespace

Result<std::unique_ptr<AgentServer>> AgentServer::listen(const Options& options, IsWanted is_wanted,
                                                         WantedContexts wanted_contexts,
                                                         Version version) {
  std::unique_ptr<AgentServer> server(
      new AgentServer(std::move(is_wanted), std::move(wanted_contexts), std::move(version)));
  SILLAGE_TRY(server->start(options));
  return server;
}

Status AgentServer::start(const Options& options) {
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  listener_ = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!epoll_ || !listener_) return fail_errno("cannot set up the socket for logging agents");
  sockaddr_in address = local_address(0);
  socklen_t bytes = sizeof address;
  if (bind(listener_.value(), reinterpret_cast<const sockaddr*>(&address), bytes) != 0)
    return fail_errno("there is no port for logging agents on 127.0.0.1");
  if (::listen(listener_.value(), SOMAXCONN) != 0)
    return fail_errno("cannot listen for logging agents");
  if (getsockname(listener_.value(), reinterpret_cast<sockaddr*>(&address), &bytes) != 0)
    return fail_errno("cannot find out the port for logging agents");
  port_ = ntohs(address.sin_port);
  if (!watch(EPOLL_CTL_ADD, listener_.value(), EPOLLIN))
    return fail_errno("cannot watch the socket for logging agents");
  for (const std::string& file : options.port_files)
    if (!is_served(file) && write_port(file, port_)) port_files_.push_back(file);
  return {};
}

AgentServer::~AgentServer() {
  for (const std::string& file : port_files_) unlink(file.c_str());
}

std::size_t AgentServer::agent_count() const {
  return static_cast<std::size_t>(
      std::count_if(agents_.begin(), agents_.end(),
                    [](const auto& entry) { return entry.second.domain != nullptr; }));
}

void AgentServer::process_events() {
  epoll_event events[kPerRound];
  const int count = epoll_wait(epoll_.value(), events, kPerRound, 0);
  for (int i = 0; i < count; ++i) {
    const int fd = events[i].data.fd;
    if (fd == listener_.value()) {
      accept_agents();
      continue;
    }
    const auto found = agents_.find(fd);
    if (found == agents_.end()) continue;
    const bool can_go_on = (events[i].events & EPOLLIN) == 0 || receive(&found->second);
    if (!can_go_on || !send_unsent(&found->second)) agents_.erase(found);
  }
}

void AgentServer::accept_agents() {
  for (int i = 0; i < kPerRound; ++i) {
    Fd socket_fd(accept4(listener_.value(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket_fd) return;
    if (agents_.size() >= kMaxAgents) continue;  // it tries again later
    if (!watch(EPOLL_CTL_ADD, socket_fd.value(), EPOLLIN)) continue;
    const int fd = socket_fd.value();
    agents_[fd].socket = std::move(socket_fd);
  }
}

bool AgentServer::watch(int command, int fd, std::uint32_t events) const {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  return epoll_ctl(epoll_.value(), command, fd, &event) == 0;
}

bool AgentServer::receive(Agent* agent) {
  char bytes[4096];
  const ssize_t count = recv(agent->socket.value(), bytes, sizeof bytes, 0);
  if (count == 0) return false;
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (agent->domain != nullptr && agent->unanswered.empty()) return true;  // nobody asked
  agent->unread.append(bytes, static_cast<std::size_t>(count));
  if (agent->domain != nullptr) return take_answers(agent);
  return agent->unread.size() < kGreetingBytes || register_agent(agent);
}

bool AgentServer::take_answers(Agent* agent) {
  std::string& unread = agent->unread;
  while (!agent->unanswered.empty() && unread.size() >= 4) {
    std::size_t bytes = 4;
    // One that does not list says so in four bytes.
    if (agent->unanswered.front() && number_at(unread, 0) == kDone) {
      if (unread.size() < kListHeaderBytes) return true;
      const std::size_t names = number_at(unread, 4);
      if (names > kMaxNamesBytes) return false;
      bytes = kListHeaderBytes + names;
      if (unread.size() < bytes) return true;
      for (std::size_t at = kListHeaderBytes; at < bytes;) {
        const std::size_t end = std::min(unread.find('\0', at), bytes);
        agent->loggers.names.push_back(unread.substr(at, end - at));
        at = end + 1;
      }
    }
    unread.erase(0, bytes);
    agent->unanswered.pop_front();
  }
  if (agent->unanswered.empty()) {
    unread.clear();
    agent->is_late = false;
  }
  return true;
}

bool AgentServer::register_agent(Agent* agent) {
  const std::uint32_t number = number_at(agent->unread, 0);
  const auto* domain = std::find_if(std::begin(kAgentDomains), std::end(kAgentDomains),
                                    [&](const AgentDomain& each) { return each.number == number; });
  if (domain == std::end(kAgentDomains) || number_at(agent->unread, 8) != kMajor) return false;
  agent->domain = domain;
  agent->loggers.pid = number_at(agent->unread, 4);
  agent->unread = {};
  tell(agent);
  append_command(&agent->unsent, kRegistered, "");
  return true;
}

AgentServer::Wanted AgentServer::wanted_of(const AgentDomain& domain) const {
  Wanted wanted{.is_event = is_wanted_(domain.event)};
  if (wanted.is_event && domain.has_contexts) wanted.contexts = wanted_contexts_(domain.event);
  return wanted;
}

void AgentServer::tell(Agent* agent) {
  Wanted wanted = wanted_of(*agent->domain);
  const auto say = [&](Command command, const std::string& body) {
    append_command(&agent->unsent, command, body);
    agent->unanswered.push_back(false);
  };
  const auto say_of = [&](Command command, const std::vector<std::string>& contexts,
                          const std::vector<std::string>& but) {
    for (const std::string& name : contexts)
      if (!std::ranges::binary_search(but, name)) say(command, context_body(name));
  };
  // In front of the first message that they are wanted with.
  say_of(kEnableContext, wanted.contexts, agent->contexts);
  if (wanted.is_event != agent->is_enabled) {
    const Command command = wanted.is_event ? kEnable : kDisable;
    say(command, everything(command));
  }
  say_of(kDisableContext, agent->contexts, wanted.contexts);
  agent->is_enabled = wanted.is_event;
  agent->contexts = std::move(wanted.contexts);
}

bool AgentServer::send_unsent(Agent* agent) {
  const int fd = agent->socket.value();
  while (!agent->unsent.empty()) {
    const ssize_t count = send(fd, agent->unsent.data(), agent->unsent.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) return false;
    if (count < 0) break;
    agent->unsent.erase(0, static_cast<std::size_t>(count));
  }
  const bool waits = !agent->unsent.empty();
  if (waits == agent->waits_for_room) return agent->unsent.size() <= kMaxUnsent;
  agent->waits_for_room = waits;
  return watch(EPOLL_CTL_MOD, fd, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

bool AgentServer::is_waiting() const {
  return std::any_of(agents_.begin(), agents_.end(), [](const auto& entry) {
    return !entry.second.unanswered.empty() && !entry.second.is_late;
  });
}

void AgentServer::give_up() {
  for (auto& [fd, agent] : agents_) agent.is_late = !agent.unanswered.empty();
}

void AgentServer::ask_for_loggers(std::uint32_t domain) {
  for (auto entry = agents_.begin(); entry != agents_.end();) {
    Agent& agent = entry->second;
    if (agent.domain == nullptr || agent.domain->number != domain || agent.is_late) {
      ++entry;
      continue;
    }
    agent.loggers.names.clear();
    append_command(&agent.unsent, kList, "");
    agent.unanswered.push_back(true);
    entry = send_unsent(&agent) ? std::next(entry) : agents_.erase(entry);
  }
}

std::vector<AgentServer::Loggers> AgentServer::loggers(std::uint32_t domain) const {
  std::vector<Loggers> all;
  for (const auto& [fd, agent] : agents_)
    if (agent.domain != nullptr && agent.domain->number == domain) all.push_back(agent.loggers);
  return all;
}

void AgentServer::renew() {
  if (agents_.empty()) return;
  const std::uint64_t version = version_();
  if (std::exchange(told_version_, version) == version) return;
  std::array<Wanted, std::size(kAgentDomains)> wanted;
  for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = wanted_of(kAgentDomains[i]);
  if (std::exchange(told_, wanted) == wanted) return;
  for (auto entry = agents_.begin(); entry != agents_.end();) {
    Agent& agent = entry->second;
    if (agent.domain != nullptr) tell(&agent);
    entry = send_unsent(&agent) ? std::next(entry) : agents_.erase(entry);
  }
}

}  // namespace sillage::apps
