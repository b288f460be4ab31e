// SPDX-License-Identifier: MIT
#pragma once

#include "cache.hpp"
#include "protocol.hpp"
#include "socket.hpp"

#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace kv {

/// Worker threads that answer the requests of all connections out of one cache.
///
/// They share an epoll instance; a connection is armed for one worker at a time. Destruction ends them.
class Server {
 public:
  Server(Descriptor listener, Cache& cache, unsigned workers);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int listener() const { return listener_.value(); }

 private:
  void work(unsigned number);
  void accept_one();
  /// Receives and answers one request; false: the connection is over.
  bool serve_one(int connection);
  void answer(const Request& request, Reply* reply, std::size_t* value_bytes);
  void arm(int fd, int operation);

  Descriptor listener_;
  Cache& cache_;
  Descriptor epoll_, end_;
  std::mutex mutex_;
  std::unordered_map<int, Descriptor> connections_;  // guarded by mutex_
  std::vector<std::thread> workers_;
};

}  // namespace kv
