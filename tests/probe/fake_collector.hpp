// SPDX-License-Identifier: MIT
// A collector for tests of the probe library alone: one thread that answers REGISTER and UPDATE with one
// ring, opens the gates it is told to, and reads nothing by itself.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

#include "abi/app_protocol.h"
#include "abi/catalog.h"
#include "abi/clock.h"
#include "base/fd.hpp"
#include "ring/ring.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sillage::testing {

inline std::uint64_t kernel_monotonic_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

class FakeCollector {
 public:
  struct Image {
    std::uint64_t token;
    std::uint32_t pid;
    sillage_image_header* header;
    [[nodiscard]] std::uint64_t* gates() const {
      return reinterpret_cast<std::uint64_t*>(reinterpret_cast<char*>(header) +
                                              header->gates_offset);
    }
  };

  /// Listens in a fresh directory, which SILLAGE_RUNTIME_DIR must name before the probe library starts.
  explicit FakeCollector(const std::string& directory) {
    std::string path = directory + "/app.sock";
    unlink(path.c_str());
    listener_ = Fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path.c_str(), sizeof name.sun_path - 1);
    if (bind(listener_.value(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 ||
        listen(listener_.value(), 512) != 0) {
      std::perror("fake collector: bind");
      std::abort();
    }
    make_clock();
    thread_ = std::thread([this] { run(); });
  }
  ~FakeCollector() {
    stopping_ = true;
    thread_.join();
  }
  FakeCollector(const FakeCollector&) = delete;
  FakeCollector& operator=(const FakeCollector&) = delete;

  /// Records every site of every image, known or to come, into this ring from now on. `behind`: what stands behind the
  /// attachment.
  void attach(ring::Ring* ring, std::vector<std::uint8_t> contexts = {}, std::uint32_t first_id = 0,
              std::string behind = {}) {
    std::lock_guard<std::mutex> guard(mutex_);
    ring_ = ring;
    contexts_ = std::move(contexts);
    first_id_ = first_id;
    behind_ = std::move(behind);
    generation_++;
    for (const Image& image : images_) open_gates(image);
  }
  /// Closes all gates.
  void detach() {
    std::lock_guard<std::mutex> guard(mutex_);
    ring_ = nullptr;
    for (const Image& image : images_) {
      for (std::uint32_t i = 0; i < image.header->site_count; i++)
        __atomic_store_n(&image.gates()[i], 0, __ATOMIC_RELEASE);
    }
  }
  [[nodiscard]] std::vector<Image> images() {
    std::lock_guard<std::mutex> guard(mutex_);
    return images_;
  }
  [[nodiscard]] int requests() const { return requests_; }
  /// Stops answering, as a collector that hangs.
  void set_silent(bool silent) { silent_ = silent; }

 private:
  void make_clock() {
    clock_fd_ = Fd(memfd_create("clock", MFD_CLOEXEC));
    if (ftruncate(clock_fd_.value(), 4096) != 0) std::abort();
    auto* page = static_cast<sillage_clock_page*>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, clock_fd_.value(), 0));
#if defined(__x86_64__) || defined(__i386__)
    std::ifstream source("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    std::string name;
    source >> name;
    page->mode = name == "tsc" ? SILLAGE_CLOCK_TSC : SILLAGE_CLOCK_MONOTONIC;
    std::uint64_t ns0 = kernel_monotonic_ns(), tsc0 = __rdtsc();
    usleep(20000);
    std::uint64_t ns1 = kernel_monotonic_ns(), tsc1 = __rdtsc();
    auto mult = static_cast<std::uint64_t>(static_cast<double>(ns1 - ns0) /
                                           static_cast<double>(tsc1 - tsc0) * 4294967296.0);
    for (auto& segment : page->segment) segment = {tsc0, ns0, mult, 0};
#else
    page->mode = SILLAGE_CLOCK_MONOTONIC;
    for (auto& segment : page->segment) segment.tsc_from = UINT64_MAX;
#endif
    page->magic = SILLAGE_CLOCK_MAGIC;
  }

  void open_gates(const Image& image) {
    for (std::uint32_t i = 0; i < image.header->site_count; i++) {
      __atomic_store_n(&image.gates()[i], generation_, __ATOMIC_RELEASE);
    }
  }

  void run() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);  // they are for the program that is traced
    while (!stopping_) {
      pollfd poll_fd = {listener_.value(), POLLIN, 0};
      if (poll(&poll_fd, 1, 20) <= 0) continue;
      Fd peer(accept4(listener_.value(), nullptr, nullptr, SOCK_CLOEXEC));
      if (peer) answer(peer.value());
    }
  }

  void answer(int peer) {
    sillage_app_request request = {};
    iovec data = {&request, sizeof request};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(peer, &message, MSG_CMSG_CLOEXEC) != static_cast<ssize_t>(sizeof request)) return;
    requests_++;
    if (silent_) {
      silent_peers_.emplace_back(dup(peer));
      return;
    }
    std::lock_guard<std::mutex> guard(mutex_);
    Fd image_fd;
    if (cmsghdr* header = CMSG_FIRSTHDR(&message)) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
      image_fd = Fd(fd);
    }
    if (request.header.type == SILLAGE_APP_UNREGISTER) return;
    if (request.header.type == SILLAGE_APP_REGISTER) {
      off_t size = lseek(image_fd.value(), 0, SEEK_END);
      void* memory = mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE,
                          MAP_SHARED, image_fd.value(), 0);
      request.image_token = images_.size() + 1;
      images_.push_back(
          {request.image_token, request.pid, static_cast<sillage_image_header*>(memory)});
      if (ring_ != nullptr) open_gates(images_.back());
    }
    reply(peer, images_[static_cast<std::size_t>(request.image_token - 1)]);
  }

  void reply(int peer, const Image& image) {
    Fd ids(memfd_create("ids", MFD_CLOEXEC));
    std::vector<std::uint32_t> table(image.header->site_count);
    for (std::uint32_t i = 0; i < table.size(); i++) table[i] = first_id_ + i + 1;
    if (write(ids.value(), table.data(), table.size() * 4) < 0) std::abort();
    alignas(8) char bytes[sizeof(sillage_app_reply) + sizeof(sillage_app_attachment)] = {};
    auto& out = *reinterpret_cast<sillage_app_reply*>(bytes);
    auto& attachment = *reinterpret_cast<sillage_app_attachment*>(bytes + sizeof out);
    std::uint32_t count = ring_ != nullptr ? 1 : 0;
    out.header = {SILLAGE_APP_MAGIC, SILLAGE_APP_ABI_MAJOR, SILLAGE_APP_ABI_MINOR,
                  SILLAGE_APP_ATTACHMENTS,
                  static_cast<std::uint32_t>(sizeof out + count * sizeof attachment)};
    out.image_token = image.token;
    out.generation = generation_;
    out.registration = static_cast<std::uint32_t>(image.token);
    out.attachment_count = count;
    attachment.context_count = static_cast<std::uint8_t>(contexts_.size());
    std::copy(contexts_.begin(), contexts_.end(), attachment.contexts);
    int fds[3] = {clock_fd_.value(), ring_ != nullptr ? ring_->fd() : -1, ids.value()};
    iovec data[] = {{bytes, out.header.bytes}, {behind_.data(), behind_.size()}};
    out.header.bytes += static_cast<std::uint32_t>(behind_.size());
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)] = {};
    msghdr message = {};
    message.msg_iov = data;
    message.msg_iovlen = 2;
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE((1 + 2 * count) * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN((1 + 2 * count) * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds, (1 + 2 * count) * sizeof(int));
    if (sendmsg(peer, &message, MSG_NOSIGNAL) < 0) std::perror("fake collector: sendmsg");
  }

  Fd listener_, clock_fd_;
  std::vector<Image> images_;
  std::vector<Fd> silent_peers_;
  ring::Ring* ring_ = nullptr;
  std::vector<std::uint8_t> contexts_;
  std::string behind_;
  std::uint32_t first_id_ = 0, generation_ = 0;
  std::atomic<int> requests_ = 0;
  std::atomic<bool> silent_ = false, stopping_ = false;
  std::mutex mutex_;
  std::thread thread_;
};

}  // namespace sillage::testing
