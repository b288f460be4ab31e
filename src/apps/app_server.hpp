// SPDX-License-Identifier: MIT
#pragma once

#include "apps/app_message.hpp"
#include "apps/app_registry.hpp"
#include "apps/limits.hpp"
#include "apps/peer.hpp"
#include "apps/socket_path.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sillage::apps {

/// What the daemon makes of programs. Called from AppServer::process_events and discover.
class AppEvents {
 public:
  virtual ~AppEvents() = default;
  /// An image is new. Its gates are to be set before this returns: the program gets its reply afterwards.
  virtual void image_added(Image& image) = 0;
  /// It goes: the object was unloaded or its process ended.
  virtual void image_removed(const Image& image) = 0;
  virtual void process_removed(const Process& process) = 0;
  /// Which channels the image feeds.
  [[nodiscard]] virtual std::vector<Attachment> attachments(const Image& image) = 0;
  /// Its program's library is older than filters: events that have one are not recorded there.
  virtual void filters_unknown(const Image& image) = 0;
};

/// Counts of what the server refused or dropped, for status and tests.
struct AppServerCounts {
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;         ///< malformed, over a limit, or not allowed
  std::uint64_t silent_dropped = 0;  ///< connections that said nothing
  std::uint64_t no_descriptors = 0;  ///< refused because this process may open no more files
};

/// Answers programs: one request and one reply per connection, never waiting for any of them.
///
/// Threads: one; `fd()` becomes readable when `process_events()` has work.
/// Source:  src/abi/app_protocol.h; faults F10, F11, F12, F17.
class AppServer {
 public:
  struct Options {
    RuntimePaths paths;
    bool any_user =
        false;  ///< root's: programs of every user; else only the daemon's own user and root
    int clock_fd = -1;  ///< the clock page, sent with every reply; not owned
    Limits limits{};
  };

  /// Binds and listens; a socket left by a dead daemon is replaced, so hold the daemon's lock.
  ///
  /// Errors: those of bind, naming the path.
  [[nodiscard]] static Result<std::unique_ptr<AppServer>> listen(const Options& options,
                                                                 AppEvents& events);
  ~AppServer();
  AppServer(const AppServer&) = delete;
  AppServer& operator=(const AppServer&) = delete;

  [[nodiscard]] int fd() const { return epoll_.value(); }

  /// Handles what is there, a bounded amount at a time.
  void process_events();

  /// Takes in the programs that started before this daemon. Call it after listen(): those that start meanwhile
  /// register by themselves. Returns how many images it found.
  std::size_t discover();

  [[nodiscard]] AppRegistry& registry() { return registry_; }
  [[nodiscard]] const AppServerCounts& counts() const { return counts_; }
  /// Why the last refused program was refused; empty if none was.
  [[nodiscard]] const std::string& last_refusal() const { return last_refusal_; }

  /// Forgets images that their processes no longer have: after exec() nobody says so.
  void drop_stale_images();

 private:
  struct SilentPeer {
    Fd socket;
    uid_t uid = 0;
    std::uint64_t deadline_ns = 0;
  };
  struct Received {
    std::vector<std::byte> bytes;
    std::vector<Fd> descriptors;
  };

  AppServer(const Options& options, AppEvents& events);
  [[nodiscard]] Status start();
  void accept_peers();
  void refuse_for_want_of_descriptors();
  void keep_silent(Fd socket);
  /// Whether something was there to read: then the peer has been answered and is to be closed.
  [[nodiscard]] bool serve(int socket);
  [[nodiscard]] Result<std::optional<Received>> receive(int socket);
  [[nodiscard]] Result<AppReply> answer(int socket, Received* message);
  [[nodiscard]] Result<Image*> register_image(Peer peer, const AppRequest& request,
                                              const Fd& image);
  [[nodiscard]] Result<AppReply> reply_for(Image& image, std::uint32_t abi_minor);
  [[nodiscard]] Result<Process*> add_process(Peer peer);
  void drop_unmapped(Process* process);
  void remove_image(std::uint64_t token);
  void remove_process(pid_t pid);
  void drop_expired();
  void arm_timer();

  Options options_;
  AppEvents& events_;
  AppRegistry registry_;
  AppServerCounts counts_;
  std::string last_refusal_;
  Fd epoll_, listener_, timer_;
  Fd spare_;  // given up to accept and close one peer when there are no descriptors left
  std::map<std::uint64_t, SilentPeer> silent_;  // by order of arrival, so by deadline
  std::map<uid_t, std::uint32_t> silent_per_uid_;
  std::uint64_t next_silent_ = 1;
  std::vector<std::byte> buffer_;
};

}  // namespace sillage::apps
