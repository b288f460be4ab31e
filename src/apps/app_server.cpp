// SPDX-License-Identifier: MIT
#include "apps/app_server.hpp"

#include "apps/discovery.hpp"
#include "apps/proc_files.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

namespace sillage::apps {
namespace {

// What an epoll event is about: the kind above, its number (silent peer or pid) below.
constexpr int kKindShift = 56;
enum Kind : std::uint64_t { kListener = 0, kTimer = 1, kSilentPeer = 2, kProcess = 3 };
std::uint64_t tag(Kind kind, std::uint64_t number) { return kind << kKindShift | number; }

constexpr int kBacklog = 4096;  // the kernel's own limit cuts it; a burst of programs waits here
constexpr int kAcceptsPerRound = 256;        // then timers and ended processes get their turn
constexpr std::size_t kMaxDescriptors = 16;  // a request has one; more are closed
constexpr std::uint64_t kMillisecond = 1'000'000;

std::uint64_t monotonic_ns() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

int errno_of(const Error& error) {
  switch (error.code) {
    case Code::kInvalidArgument:
    case Code::kCorrupt: return EINVAL;
    case Code::kNotFound: return ENOENT;
    case Code::kAlreadyExists: return EEXIST;
    case Code::kPermission: return EPERM;
    case Code::kNotReady: return EAGAIN;
    case Code::kLimit: return EMFILE;
    case Code::kNoSpace: return ENOMEM;
    case Code::kUnsupported: return EPROTONOSUPPORT;
    case Code::kTimeout: return ETIMEDOUT;
    case Code::kSystem: return EIO;
  }
  return EIO;
}

void send_reply(int socket, AppReply* reply) {
  iovec data = {reply->bytes.data(), reply->bytes.size()};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  std::vector<char> control;
  if (!reply->descriptors.empty()) {
    const std::size_t bytes = reply->descriptors.size() * sizeof(int);
    control.resize(CMSG_SPACE(bytes));
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(header), reply->descriptors.data(), bytes);
  }
  // A peer that does not read its reply loses it.
  (void)sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

Status watch(const Fd& epoll, int fd, std::uint64_t data) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = data;
  if (epoll_ctl(epoll.value(), EPOLL_CTL_ADD, fd, &event) != 0)
    return fail_errno("cannot watch a descriptor");
  return {};
}

}  // namespace

AppServer::AppServer(const Options& options, AppEvents& events)
    : options_(options),
      events_(events),
      registry_(options.limits),
      buffer_(SILLAGE_APP_MAX_MESSAGE + 1) {}

AppServer::~AppServer() {
  if (listener_) unlink(options_.paths.app_socket().c_str());
}

Result<std::unique_ptr<AppServer>> AppServer::listen(const Options& options, AppEvents& events) {
  std::unique_ptr<AppServer> server(new AppServer(options, events));
  SILLAGE_TRY(server->start());
  return server;
}

Status AppServer::start() {
  const std::string path = options_.paths.app_socket();
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) {
    return fail(Code::kInvalidArgument,
                "the socket's path is longer than 107 bytes: choose a shorter "
                "SILLAGE_RUNTIME_DIR than " +
                    options_.paths.directory);
  }
  std::memcpy(name.sun_path, path.c_str(), path.size());
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  timer_ = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  spare_ = Fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  Fd socket_fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!epoll_ || !timer_ || !spare_ || !socket_fd)
    return fail_errno("cannot set up the socket for programs");
  unlink(path.c_str());
  if (bind(socket_fd.value(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) {
    return fail_errno("cannot make the socket " + path);
  }
  listener_ = std::move(socket_fd);
  // The directory's mode decides for a user's own daemon; root's serves everyone.
  if (chmod(path.c_str(), options_.any_user ? 0666 : 0600) != 0)
    return fail_errno("cannot set the mode of " + path);
  if (::listen(listener_.value(), kBacklog) != 0) return fail_errno("cannot listen on " + path);
  SILLAGE_TRY(watch(epoll_, listener_.value(), tag(kListener, 0)));
  return watch(epoll_, timer_.value(), tag(kTimer, 0));
}

void AppServer::process_events() {
  epoll_event events[64];
  int count = epoll_wait(epoll_.value(), events, 64, 0);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t number = events[i].data.u64 & ((std::uint64_t{1} << kKindShift) - 1);
    switch (static_cast<Kind>(events[i].data.u64 >> kKindShift)) {
      case kListener: accept_peers(); break;
      case kTimer: drop_expired(); break;
      case kProcess: {
        // Looked at again: earlier in this round its number may have gone to a new process.
        const Process* process = registry_.find_process(static_cast<pid_t>(number));
        if (process != nullptr && !is_alive(process->pidfd)) remove_process(process->pid);
        break;
      }
      case kSilentPeer: {
        auto found = silent_.find(number);
        if (found == silent_.end() || !serve(found->second.socket.value())) break;
        --silent_per_uid_[found->second.uid];
        silent_.erase(found);
        break;
      }
    }
  }
}

void AppServer::accept_peers() {
  for (int i = 0; i < kAcceptsPerRound; ++i) {
    Fd socket(accept4(listener_.value(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE) refuse_for_want_of_descriptors();
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return;
    }
    // Programs send before they wait, so most requests are there already.
    if (!serve(socket.value())) keep_silent(std::move(socket));
  }
}

void AppServer::refuse_for_want_of_descriptors() {
  ++counts_.no_descriptors;
  last_refusal_ =
      "no descriptors left: raise the limit on open files (ulimit -n) and start sillaged again";
  // Left in the queue it would wake us for ever: take it with the spare one and hang up.
  spare_.reset();
  { Fd refused(accept4(listener_.value(), nullptr, nullptr, SOCK_CLOEXEC)); }
  spare_ = Fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  errno = EMFILE;
}

void AppServer::keep_silent(Fd socket) {
  ucred credentials = {};
  socklen_t length = sizeof credentials;
  if (getsockopt(socket.value(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return;
  std::uint32_t& of_user = silent_per_uid_[credentials.uid];
  if (of_user >= options_.limits.silent_peers_per_uid) {
    auto oldest = std::find_if(silent_.begin(), silent_.end(), [&](const auto& entry) {
      return entry.second.uid == credentials.uid;
    });
    silent_.erase(oldest);
    --of_user;
    ++counts_.silent_dropped;
  }
  const std::uint64_t number = next_silent_++;
  if (!watch(epoll_, socket.value(), tag(kSilentPeer, number))) return;
  const std::uint64_t deadline = monotonic_ns() + options_.limits.silent_peer_ms * kMillisecond;
  silent_.emplace(number, SilentPeer{std::move(socket), credentials.uid, deadline});
  ++of_user;
  if (silent_.size() == 1) arm_timer();
}

void AppServer::arm_timer() {
  itimerspec when = {};
  if (!silent_.empty()) {
    const std::uint64_t at = silent_.begin()->second.deadline_ns;
    when.it_value = {static_cast<time_t>(at / 1'000'000'000),
                     static_cast<long>(at % 1'000'000'000)};
  }
  timerfd_settime(timer_.value(), TFD_TIMER_ABSTIME, &when, nullptr);
}

void AppServer::drop_expired() {
  std::uint64_t expirations;
  (void)!read(timer_.value(), &expirations, sizeof expirations);
  const std::uint64_t now = monotonic_ns();
  while (!silent_.empty() && silent_.begin()->second.deadline_ns <= now) {
    --silent_per_uid_[silent_.begin()->second.uid];
    silent_.erase(silent_.begin());
    ++counts_.silent_dropped;
  }
  std::erase_if(silent_per_uid_, [](const auto& entry) { return entry.second == 0; });
  arm_timer();
}

Result<std::optional<AppServer::Received>> AppServer::receive(int socket) {
  iovec data = {buffer_.data(), buffer_.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return std::optional<Received>();
    return fail_errno("cannot read a request");
  }
  Received received;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      received.descriptors.emplace_back(fd);
    }
  }
  // Descriptors are missing when we may open no more.
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    ++counts_.no_descriptors;
    return fail(Code::kLimit,
                "a request whose descriptors could not be received: raise the limit on open files");
  }
  if ((message.msg_flags & MSG_TRUNC) != 0 ||
      static_cast<std::size_t>(got) > SILLAGE_APP_MAX_MESSAGE) {
    return fail(Code::kLimit, "a request of more than 64 KiB");
  }
  received.bytes.assign(buffer_.begin(), buffer_.begin() + got);
  return std::optional<Received>(std::move(received));
}

bool AppServer::serve(int socket) {
  auto message = receive(socket);
  if (message && !message->has_value()) return false;
  if (message && (*message)->bytes.empty()) return true;  // hung up without a word
  ++counts_.requests;
  auto reply = message ? answer(socket, &**message)
                       : Result<AppReply>(tl::unexpected<Error>(std::move(message).error()));
  if (!reply) {
    ++counts_.refused;
    last_refusal_ = reply.error().text();
    reply = make_refusal(errno_of(reply.error()));
  }
  if (!reply->bytes.empty()) send_reply(socket, &*reply);
  return true;
}

Result<AppReply> AppServer::answer(int socket, Received* message) {
  auto request = parse_app_request(message->bytes);
  if (!request) return tl::unexpected<Error>(std::move(request).error());
  auto peer = identify_peer(socket);
  if (!peer) return tl::unexpected<Error>(std::move(peer).error());
  if (!options_.any_user && peer->uid != geteuid() && peer->uid != 0) {
    return fail(Code::kPermission,
                "a program of user " + std::to_string(peer->uid) +
                    " asked another user's daemon; it belongs to its own or to root's");
  }
  if (request->type == SILLAGE_APP_REGISTER) {
    if (message->descriptors.size() != 1)
      return fail(Code::kCorrupt, "a registration without its one image");
    auto image = register_image(*std::move(peer), *request, message->descriptors[0]);
    if (!image) return tl::unexpected<Error>(std::move(image).error());
    return reply_for(**image, request->abi_minor);
  }
  Image* image = registry_.find_image(request->image_token);
  if (image == nullptr || image->process->pid != peer->pid) {
    return fail(Code::kNotFound, "process " + std::to_string(peer->pid) +
                                     " asked about an image that is not its own");
  }
  if (request->type == SILLAGE_APP_UPDATE) return reply_for(*image, request->abi_minor);
  remove_image(image->token);
  return AppReply();
}

Result<Process*> AppServer::add_process(Peer peer) {
  const pid_t pid = peer.pid;
  Process* known = registry_.find_process(pid);
  if (known != nullptr && !is_alive(known->pidfd)) remove_process(pid);
  const std::size_t before = registry_.process_count();
  auto process = registry_.add_process(std::move(peer));
  if (process && registry_.process_count() != before) {
    Status watched =
        watch(epoll_, (*process)->pidfd.value(), tag(kProcess, static_cast<std::uint64_t>(pid)));
    if (!watched) {
      registry_.remove_process(pid);
      return tl::unexpected<Error>(std::move(watched).error());
    }
  }
  return process;
}

Result<Image*> AppServer::register_image(Peer peer, const AppRequest& request, const Fd& image) {
  auto process = add_process(std::move(peer));
  if (!process) return process.map([](Process*) -> Image* { return nullptr; });
  (*process)->name = request.name;
  (*process)->vpid = request.pid;
  (*process)->word_bits = request.word_bits;
  (*process)->clock = request.clock;
  // A program that registers once more may have replaced itself by exec(): its old images are nobody's.
  if (!(*process)->images.empty()) drop_unmapped(*process);
  const std::size_t before = registry_.image_count();
  auto added = registry_.add_image(*process, image);
  if (added && registry_.image_count() != before) events_.image_added(**added);
  return added;
}

Result<AppReply> AppServer::reply_for(Image& image, std::uint32_t abi_minor) {
  const std::vector<Attachment> attachments = events_.attachments(image);
  const bool has_filters = std::ranges::any_of(
      attachments, [](const Attachment& each) { return each.filters != nullptr; });
  if (has_filters && abi_minor < SILLAGE_APP_MINOR_FILTERS) events_.filters_unknown(image);
  return make_attachments_reply(image.token, image.generation, image.process->registration,
                                abi_minor, options_.clock_fd, attachments);
}

std::size_t AppServer::discover() {
  std::size_t found = 0;
  for (const FoundImage& candidate :
       find_images(options_.paths, options_.any_user ? 0 : geteuid())) {
    auto owner = process_owner(candidate.pid);
    auto facts = process_facts(candidate.pid);
    auto pidfd = open_pidfd(candidate.pid);
    if (!owner || !facts || !pidfd) continue;
    // The number is safe only if this process still has the image now that we hold it.
    auto mapped = mapped_images(candidate.pid);
    struct stat status = {};
    if (!mapped || fstat(candidate.image.value(), &status) != 0) continue;
    const ImageInode inode{status.st_dev, status.st_ino};
    if (std::find(mapped->begin(), mapped->end(), inode) == mapped->end()) continue;
    auto process = add_process(Peer{candidate.pid, *owner, 0, *std::move(pidfd)});
    if (!process) continue;
    const std::size_t before = registry_.image_count();
    auto image = registry_.add_image(*process, candidate.image);
    if (!image) {
      ++counts_.refused;
      last_refusal_ = image.error().text();
      continue;
    }
    if (registry_.image_count() == before) continue;
    (*process)->name = facts->name;
    (*process)->vpid = static_cast<std::uint32_t>(innermost_pid(candidate.pid));
    (*process)->word_bits = (*image)->control.catalog().word_bits;
    ++found;
    events_.image_added(**image);
  }
  return found;
}

void AppServer::drop_unmapped(Process* process) {
  auto mapped = mapped_images(process->pid);
  if (!mapped) return;
  const std::vector<std::uint64_t> tokens = process->images;
  for (std::uint64_t token : tokens) {
    const Image* image = registry_.find_image(token);
    const bool is_mapped =
        std::find(mapped->begin(), mapped->end(), image->control.inode()) != mapped->end();
    if (!is_mapped || image->control.is_gone()) remove_image(token);
  }
}

void AppServer::drop_stale_images() {
  std::vector<pid_t> pids;
  registry_.for_each_process([&](const Process& process) { pids.push_back(process.pid); });
  for (pid_t pid : pids) drop_unmapped(registry_.find_process(pid));
}

void AppServer::remove_image(std::uint64_t token) {
  if (Image* image = registry_.find_image(token)) events_.image_removed(*image);
  registry_.remove_image(token);
}

void AppServer::remove_process(pid_t pid) {
  Process* process = registry_.find_process(pid);
  if (process == nullptr) return;
  while (!process->images.empty()) remove_image(process->images.back());
  events_.process_removed(*process);
  registry_.remove_process(pid);
}

}  // namespace sillage::apps
