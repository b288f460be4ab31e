// SPDX-License-Identifier: MIT
#include "apps/app_server.hpp"

#include "apps/test_image.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

namespace sillage::apps {
namespace {

using testing::ImageBuilder;
using testing::memory_file;

/// Wants every event, on one channel.
class WantsAll : public AppEvents {
 public:
  void image_added(Image& image) override {
    ++added;
    image.generation = 41;
    for (std::uint32_t i = 0; i < image.control.catalog().sites.size(); ++i) {
      image.control.set_gate(i, SILLAGE_DOMAIN_USER, image.generation);
    }
  }
  void image_removed(const Image&) override { ++removed; }
  void process_removed(const Process&) override { ++processes_removed; }
  void filters_unknown(const Image&) override {}
  std::vector<Attachment> attachments(const Image& image) override {
    std::vector<std::uint32_t> ids(image.control.catalog().sites.size(), 1);
    return {{.ring_id = 6, .ring_fd = ring.value(), .contexts = {1}, .ids = ids}};
  }
  int added = 0, removed = 0, processes_removed = 0;
  Fd ring{memfd_create("ring", MFD_CLOEXEC)};
};

class AppServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/sillage-apps-test-XXXXXX";
    directory_ = mkdtemp(pattern);
    options_.paths = {directory_, SILLAGE_DOMAIN_USER};
    clock_ = Fd(memfd_create("clock", MFD_CLOEXEC));
    options_.clock_fd = clock_.value();
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }
  void listen() {
    auto server = AppServer::listen(options_, events_);
    ASSERT_TRUE(server) << server.error().text();
    server_ = *std::move(server);
  }

  [[nodiscard]] Fd connect() const {
    Fd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    std::strcpy(name.sun_path, options_.paths.app_socket().c_str());
    if (::connect(fd.value(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) fd.reset();
    return fd;
  }
  static sillage_app_request request_of(sillage_app_type type, std::uint64_t token = 0) {
    sillage_app_request request = {};
    request.header = {SILLAGE_APP_MAGIC, SILLAGE_APP_ABI_MAJOR, SILLAGE_APP_ABI_MINOR,
                      static_cast<std::uint32_t>(type), sizeof request};
    request.image_token = token;
    request.pid = 1234567;  // a lie, and of no effect
    return request;
  }
  static void send(const Fd& to, const void* data, std::size_t bytes,
                   const std::vector<int>& fds = {}) {
    iovec vector = {const_cast<void*>(data), bytes};
    std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
    msghdr message = {};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
    }
    EXPECT_GE(sendmsg(to.value(), &message, MSG_NOSIGNAL), 0) << strerror(errno);
  }
  struct Answer {
    ssize_t bytes = -1;
    std::size_t descriptors = 0;
    sillage_app_reply head{};  // last: it ends in a flexible array
  };
  /// Serves until there is an answer, or half a second.
  Answer answer(const Fd& from) {
    Answer result;
    for (int i = 0; i < 50; ++i) {
      server_->process_events();
      pollfd state = {from.value(), POLLIN, 0};
      if (poll(&state, 1, 10) <= 0) continue;
      char data[8192];
      iovec vector = {data, sizeof data};
      alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))];
      msghdr message = {};
      message.msg_iov = &vector;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      result.bytes = recvmsg(from.value(), &message, MSG_CMSG_CLOEXEC);
      std::memcpy(&result.head, data, sizeof result.head);
      if (cmsghdr* header = CMSG_FIRSTHDR(&message)) {
        result.descriptors = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t k = 0; k < result.descriptors; ++k) {
          int fd;
          std::memcpy(&fd, CMSG_DATA(header) + k * sizeof fd, sizeof fd);
          close(fd);
        }
      }
      break;
    }
    return result;
  }
  Answer ask(const sillage_app_request& request, const std::vector<int>& fds = {}) {
    Fd peer = connect();
    send(peer, &request, sizeof request, fds);
    return answer(peer);
  }
  static Fd make_image() {
    ImageBuilder builder;
    builder.event("app", "start");
    return memory_file(builder.bytes());
  }

  std::string directory_;
  AppServer::Options options_;
  Fd clock_;
  WantsAll events_;
  std::unique_ptr<AppServer> server_;
};

TEST_F(AppServerTest, Register_GatesAreOpenBeforeTheReply) {
  listen();
  Fd image = make_image();
  Answer reply = ask(request_of(SILLAGE_APP_REGISTER), {image.value()});
  ASSERT_EQ(reply.head.header.type, std::uint32_t{SILLAGE_APP_ATTACHMENTS});
  EXPECT_EQ(reply.head.header.bytes, static_cast<std::uint32_t>(reply.bytes));
  EXPECT_EQ(reply.head.generation, 41u);
  EXPECT_EQ(reply.head.attachment_count, 1u);
  EXPECT_EQ(reply.descriptors, 3u);
  std::uint64_t gate = 0;
  ASSERT_EQ(pread(image.value(), &gate, sizeof gate, sizeof(sillage_image_header)),
            ssize_t{sizeof gate});
  EXPECT_EQ(gate, 41u);

  Answer update = ask(request_of(SILLAGE_APP_UPDATE, reply.head.image_token));
  EXPECT_EQ(update.head.header.type, std::uint32_t{SILLAGE_APP_ATTACHMENTS});
  EXPECT_EQ(update.head.registration, reply.head.registration);
  EXPECT_EQ(events_.added, 1);

  ask(request_of(SILLAGE_APP_UNREGISTER, reply.head.image_token));
  EXPECT_EQ(events_.removed, 1);
  update = ask(request_of(SILLAGE_APP_UPDATE, reply.head.image_token));
  EXPECT_EQ(update.head.header.type, std::uint32_t{SILLAGE_APP_REFUSED});
  EXPECT_EQ(update.head.status, std::uint32_t{ENOENT});
}

TEST_F(AppServerTest, Malicious_F10_BadRequestsAreRefusedOthersServed) {
  listen();
  Fd image = make_image();
  auto refused = [&](const sillage_app_request& request, const std::vector<int>& fds) {
    return ask(request, fds).head.header.type == SILLAGE_APP_REFUSED;
  };
  for (std::uint32_t bytes : {0u, 0x80000000u, 0xffffffffu}) {
    auto request = request_of(SILLAGE_APP_REGISTER);
    request.header.bytes = bytes;
    EXPECT_TRUE(refused(request, {image.value()}));
  }
  EXPECT_TRUE(refused(request_of(SILLAGE_APP_REGISTER), {}));
  EXPECT_TRUE(refused(request_of(SILLAGE_APP_REGISTER), {image.value(), image.value()}));
  EXPECT_TRUE(refused(request_of(SILLAGE_APP_REGISTER), std::vector<int>(40, image.value())));
  EXPECT_TRUE(refused(request_of(SILLAGE_APP_REGISTER), {clock_.value()}));
  EXPECT_TRUE(refused(request_of(SILLAGE_APP_UPDATE, 99), {}));
  std::vector<char> large(SILLAGE_APP_MAX_MESSAGE + 1);
  Fd peer = connect();
  send(peer, large.data(), large.size());
  EXPECT_EQ(answer(peer).head.header.type, std::uint32_t{SILLAGE_APP_REFUSED});
  EXPECT_EQ(events_.added, 0);
  EXPECT_EQ(ask(request_of(SILLAGE_APP_REGISTER), {image.value()}).head.header.type,
            std::uint32_t{SILLAGE_APP_ATTACHMENTS});
}

TEST_F(AppServerTest, F10_SilentPeers_AreDroppedAfterTheirTime) {
  options_.limits.silent_peer_ms = 50;
  listen();
  Fd silent = connect();
  server_->process_events();
  pollfd ready = {server_->fd(), POLLIN, 0};
  EXPECT_EQ(poll(&ready, 1, 2000), 1);  // its deadline wakes the server
  server_->process_events();
  EXPECT_EQ(server_->counts().silent_dropped, 1u);
  char byte;
  EXPECT_EQ(recv(silent.value(), &byte, 1, MSG_DONTWAIT), 0);
}

TEST_F(AppServerTest, F10_ManySilentPeers_DoNotKeepOthersOut) {
  options_.limits.silent_peers_per_uid = 8;
  listen();
  std::vector<Fd> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(connect());
    ASSERT_TRUE(silent.back());
    if (i % 10 == 0) server_->process_events();
  }
  Fd image = make_image();
  EXPECT_EQ(ask(request_of(SILLAGE_APP_REGISTER), {image.value()}).head.header.type,
            std::uint32_t{SILLAGE_APP_ATTACHMENTS});
  EXPECT_GE(server_->counts().silent_dropped, 90u);
  // Who is slow, but within its time and not crowded out, is served.
  auto request = request_of(SILLAGE_APP_REGISTER);
  send(silent.back(), &request, sizeof request, {image.value()});
  EXPECT_EQ(answer(silent.back()).head.header.type, std::uint32_t{SILLAGE_APP_ATTACHMENTS});
}

TEST_F(AppServerTest, F17_NoDescriptorsLeft_NewRefusedOldGoOn) {
  listen();
  Fd image = make_image();
  Answer first = ask(request_of(SILLAGE_APP_REGISTER), {image.value()});
  ASSERT_EQ(first.head.header.type, std::uint32_t{SILLAGE_APP_ATTACHMENTS});
  Fd waiting = connect();  // in the queue, not accepted yet
  rlimit old = {};
  getrlimit(RLIMIT_NOFILE, &old);
  rlimit none = {3, old.rlim_max};  // below what is open: every new descriptor fails
  setrlimit(RLIMIT_NOFILE, &none);
  for (int i = 0; i < 3; ++i) server_->process_events();
  const std::uint64_t refused = server_->counts().no_descriptors;
  setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_GE(refused, 1u);
  EXPECT_FALSE(server_->last_refusal().empty());
  EXPECT_EQ(ask(request_of(SILLAGE_APP_UPDATE, first.head.image_token)).head.header.type,
            std::uint32_t{SILLAGE_APP_ATTACHMENTS});
}

TEST_F(AppServerTest, F32_StaleSocket_IsReplaced) {
  listen();
  const std::string path = options_.paths.app_socket();
  server_.reset();
  Fd stale(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  std::strcpy(name.sun_path, path.c_str());
  ASSERT_EQ(bind(stale.value(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  listen();
  EXPECT_TRUE(connect());
}

TEST_F(AppServerTest, OverlongPath_SaysWhatToDo) {
  options_.paths.directory = "/tmp/" + std::string(120, 'x');
  auto server = AppServer::listen(options_, events_);
  ASSERT_FALSE(server);
  EXPECT_NE(server.error().message.find("SILLAGE_RUNTIME_DIR"), std::string::npos);
}

}  // namespace
}  // namespace sillage::apps
