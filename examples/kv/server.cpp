// SPDX-License-Identifier: MIT
#include "server.hpp"

#include <sillage/tracepoint.h>

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace kv {

Server::Server(Descriptor listener, Cache& cache, unsigned workers)
    : listener_(std::move(listener)),
      cache_(cache),
      epoll_(must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      end_(must(eventfd(0, EFD_CLOEXEC), "eventfd")) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = end_.value();
  must(epoll_ctl(epoll_.value(), EPOLL_CTL_ADD, end_.value(), &event), "epoll_ctl");
  arm(listener_.value(), EPOLL_CTL_ADD);
  for (unsigned number = 1; number <= workers; ++number)
    workers_.emplace_back([=, this] { work(number); });
}

Server::~Server() {
  // Nobody reads it, so it stays readable until every worker has seen it.
  eventfd_write(end_.value(), 1);
  for (std::thread& worker : workers_) worker.join();
}

void Server::arm(int fd, int operation) {
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.fd = fd;
  must(epoll_ctl(epoll_.value(), operation, fd, &event), "epoll_ctl");
}

void Server::work(unsigned number) {
  const std::string name = "worker-" + std::to_string(number);
  pthread_setname_np(pthread_self(), name.c_str());
  while (true) {
    epoll_event event = {};
    if (epoll_wait(epoll_.value(), &event, 1, -1) < 1) continue;
    const int fd = event.data.fd;
    if (fd == end_.value()) return;
    if (fd == listener_.value()) {
      accept_one();
    } else if (serve_one(fd)) {
      arm(fd, EPOLL_CTL_MOD);
    } else {
      SILLAGE_TRACEPOINT(kv, disconnect, INFO, sillage_field(connection, fd));
      std::lock_guard guard(mutex_);
      connections_.erase(fd);
    }
  }
}

void Server::accept_one() {
  Descriptor connection(accept4(listener_.value(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  arm(listener_.value(), EPOLL_CTL_MOD);
  const int fd = connection.value();
  if (fd < 0) return;
  ucred peer = {};
  socklen_t bytes = sizeof peer;
  getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes);
  SILLAGE_TRACEPOINT(kv, connect, INFO, sillage_field(connection, fd), sillage_field(pid, peer.pid),
                     sillage_field(uid, peer.uid));
  {
    std::lock_guard guard(mutex_);
    connections_.insert_or_assign(fd, std::move(connection));
  }
  arm(fd, EPOLL_CTL_ADD);
}

bool Server::serve_one(int connection) {
  Request request;
  const ssize_t received = recv(connection, &request, sizeof request, 0);
  if (received == 0) return false;
  const auto bytes = static_cast<std::size_t>(std::max<ssize_t>(received, 0));
  if (bytes < offsetof(Request, data) || bytes != request.packet_bytes()) {
    // For what happens once in a while; a message is formatted only while somebody records it.
    sillage_tracelog(WARNING, "connection %d sent %zd bytes that are no request", connection,
                     received);
    return false;
  }
  SILLAGE_TRACEPOINT(kv, request_begin, INFO, sillage_field(id, request.id),
                     sillage_field(op, request.op), sillage_field(key, request.key()),
                     sillage_field(connection, connection));
  Reply reply;
  std::size_t value_bytes = 0;
  answer(request, &reply, &value_bytes);
  const ssize_t sent = send(connection, &reply, reply.packet_bytes(value_bytes), MSG_NOSIGNAL);
  SILLAGE_TRACEPOINT(kv, request_end, INFO, sillage_field(id, request.id),
                     sillage_field(status, reply.status), sillage_field(bytes, value_bytes));
  return sent > 0;
}

void Server::answer(const Request& request, Reply* reply, std::size_t* value_bytes) {
  *reply = {};
  reply->id = request.id;
  switch (request.op) {
    case Op::kGet:
      if (auto value = cache_.get(request.key())) {
        *value_bytes = value->copy(reply->data, sizeof reply->data);
      } else {
        reply->status = Status::kMiss;
      }
      reply->number = static_cast<std::uint32_t>(*value_bytes);
      return;
    case Op::kSet:
      // What the value begins with, as bytes of a media type.
      SILLAGE_TRACEPOINT(kv, store, DEBUG, sillage_field(id, request.id),
                         sillage_field(bytes, request.value_bytes),
                         sillage_blob_sequence(begin, request.value().data(),
                                               std::min<std::size_t>(request.value_bytes, 16),
                                               "application/octet-stream"));
      cache_.set(request.key(), request.value());
      return;
    case Op::kDelete:
      if (!cache_.erase(request.key())) reply->status = Status::kMiss;
      return;
    case Op::kScan: reply->number = cache_.count_with_prefix(request.key()); return;
  }
  reply->status = Status::kRefused;
}

}  // namespace kv
