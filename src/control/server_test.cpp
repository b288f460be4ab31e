// SPDX-License-Identifier: MIT
#include "control/server.hpp"

#include "control/client.hpp"
#include "control/framing.hpp"

#include <gtest/gtest.h>

#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace sillage::control {
namespace {

using namespace std::chrono_literals;

TEST(Framing, SplitAnywhere_IsPutTogether) {
  const std::string bytes = frame("hello") + frame("") + frame("world");
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    std::string received = bytes.substr(0, cut);
    std::vector<std::string> payloads;
    for (int part = 0; part < 2; ++part) {
      while (auto payload = take_frame(&received, 100).value()) payloads.push_back(*payload);
      if (part == 0) received += bytes.substr(cut);
    }
    EXPECT_EQ(payloads, (std::vector<std::string>{"hello", "", "world"})) << cut;
  }
}

TEST(Framing, Malicious_Length) {
  for (std::uint32_t length : {101u, 0x80000000u, 0xffffffffu}) {
    std::string received(reinterpret_cast<const char*>(&length), sizeof length);
    EXPECT_EQ(take_frame(&received, 100).error().code, Code::kLimit) << length;
  }
}

/// Answers version requests, and list requests only when told.
class Daemon : public ControlEvents {
 public:
  void request(ConnectionId connection, const v1::Request& request) override {
    ++requests;
    if (request.has_list()) {
      waiting = connection;
      return;
    }
    const auto groups = server->peer_groups(connection);
    v1::Response response;
    response.mutable_version()->set_version("test");
    for (const gid_t group : groups.value_or(std::vector<gid_t>{}))
      peer_groups += std::to_string(group) + " ";
    if (request.has_stats()) response.mutable_version()->set_version(std::string(8 << 20, 'x'));
    server->reply(connection, response);
  }
  void closed(ConnectionId) override { ++closings; }

  ControlServer* server = nullptr;
  ConnectionId waiting = 0;
  std::atomic<int> requests = 0, closings = 0;
  std::string peer_groups;  // of all that were answered so far
};

class ControlServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/sillage-control-test-XXXXXX";
    directory_ = mkdtemp(pattern);
    options_.path = directory_ + "/control.sock";
    options_.stalled_ms = 100;
    server_ = ControlServer::listen(options_, daemon_).value();
    daemon_.server = server_.get();
    thread_ = std::thread([this] {
      while (!stopping_) {
        pollfd state = {server_->fd(), POLLIN, 0};
        if (poll(&state, 1, 10) > 0) server_->process_events();
      }
    });
  }
  void TearDown() override {
    stopping_ = true;
    thread_.join();
    server_.reset();
    std::filesystem::remove_all(directory_);
  }
  static v1::Request version_request() {
    v1::Request request;
    request.mutable_version();
    return request;
  }
  [[nodiscard]] Fd raw_connection() const {
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    std::strcpy(name.sun_path, options_.path.c_str());
    if (connect(fd.value(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) fd.reset();
    return fd;
  }
  /// Whether the server hangs up within a second.
  static bool hangs_up(const Fd& fd) {
    pollfd state = {fd.value(), POLLIN, 0};
    char buffer[4096];
    while (poll(&state, 1, 1000) > 0) {
      if (recv(fd.value(), buffer, sizeof buffer, 0) <= 0) return true;
    }
    return false;
  }

  std::string directory_;
  ControlServerOptions options_;
  Daemon daemon_;
  std::unique_ptr<ControlServer> server_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false;
};

TEST_F(ControlServerTest, RequestsInOrder) {
  auto client = ControlClient::connect(options_.path);
  ASSERT_TRUE(client) << client.error().text();
  for (int i = 0; i < 3; ++i) {
    auto response = client->call(version_request(), 1s);
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->version().version(), "test");
  }
}

TEST_F(ControlServerTest, ManyGroups_AreAllKnown) {
  std::vector<gid_t> before(65536);
  before.resize(static_cast<std::size_t>(getgroups(65536, before.data())));
  std::vector<gid_t> groups = before;
  if (geteuid() == 0) {  // more than are asked for at first
    groups.clear();
    for (gid_t group = 5000; group < 5100; ++group) groups.push_back(group);
    ASSERT_EQ(setgroups(groups.size(), groups.data()), 0);
  }
  auto client = ControlClient::connect(options_.path);
  if (geteuid() == 0) {
    ASSERT_EQ(setgroups(before.size(), before.data()), 0);
  }
  ASSERT_TRUE(client) << client.error().text();
  ASSERT_TRUE(client->call(version_request(), 1s));
  std::string expected;
  for (const gid_t group : groups) expected += std::to_string(group) + " ";
  EXPECT_EQ(daemon_.peer_groups, expected);
  EXPECT_FALSE(server_->peer_groups(9999));
}

TEST_F(ControlServerTest, LargeAnswer_ComesWhole) {
  auto client = ControlClient::connect(options_.path);
  v1::Request request;
  request.mutable_stats();
  auto response = client->call(std::move(request), 5s);
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->version().version().size(), 8u << 20);
}

TEST_F(ControlServerTest, NoAnswer_IsATimeout) {
  auto client = ControlClient::connect(options_.path);
  v1::Request request;
  request.mutable_list();
  EXPECT_EQ(client->call(std::move(request), 50ms).error().code, Code::kTimeout);
}

TEST_F(ControlServerTest, F32_OtherVersion_IsToldSo) {
  Fd fd = raw_connection();
  v1::Request request = version_request();
  request.set_protocol_version(kProtocolVersion + 1);
  const std::string bytes = frame(request.SerializeAsString());
  ASSERT_EQ(send(fd.value(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  std::string received;
  char buffer[4096];
  for (ssize_t got; (got = recv(fd.value(), buffer, sizeof buffer, 0)) > 0;) {
    received.append(buffer, static_cast<std::size_t>(got));
  }
  v1::Response response;
  ASSERT_TRUE(response.ParseFromString(take_frame(&received, kMaxResponseBytes).value().value()));
  EXPECT_EQ(response.error().code(), static_cast<unsigned>(Code::kUnsupported));
  EXPECT_EQ(daemon_.requests, 0);
}

TEST_F(ControlServerTest, Malicious_GarbageAndHalfMessages_AreHungUpOn) {
  Fd garbage = raw_connection(), huge = raw_connection(), half = raw_connection();
  const std::string not_protobuf = frame("\xff\xff\xff\xff");
  ASSERT_GT(send(garbage.value(), not_protobuf.data(), not_protobuf.size(), 0), 0);
  ASSERT_GT(send(huge.value(), "\xff\xff\xff\xff", 4, 0), 0);
  ASSERT_GT(send(half.value(), "\x05\x00\x00\x00x", 5, 0), 0);
  EXPECT_TRUE(hangs_up(garbage));
  EXPECT_TRUE(hangs_up(huge));
  EXPECT_TRUE(hangs_up(half));  // after stalled_ms
  auto client = ControlClient::connect(options_.path);
  EXPECT_TRUE(client->call(version_request(), 1s));
  EXPECT_EQ(daemon_.closings, 3);
}

// How a daemon ends that somebody has just connected to.
enum class End { kBeforeItAccepts, kBeforeItReads, kBehindTheRequest, kBehindAnAnswer };

class EndingDaemonTest : public ControlServerTest {
 protected:
  void SetUp() override {
    ControlServerTest::SetUp();
    name_.sun_family = AF_UNIX;
    std::strcpy(name_.sun_path, (directory_ + "/ending.sock").c_str());
    ending_ = Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(bind(ending_.value(), reinterpret_cast<sockaddr*>(&name_), sizeof name_), 0);
    ASSERT_EQ(listen(ending_.value(), 1), 0);
  }

  /// What a request comes to; the daemon that it might go to instead is the other one.
  Result<v1::Response> call(End end) {
    auto client = ControlClient::connect(name_.sun_path);
    client->connect_again_by([&] {
      ++connected_again_;
      return ControlClient::connect(options_.path);
    });
    std::thread ends([&] {
      if (end == End::kBeforeItAccepts) std::this_thread::sleep_for(50ms);
      Fd accepted(end == End::kBeforeItAccepts ? -1 : accept(ending_.value(), nullptr, nullptr));
      char buffer[4096];
      if (end == End::kBeforeItReads) EXPECT_GT(recv(accepted.value(), buffer, 1, MSG_PEEK), 0);
      if (end >= End::kBehindTheRequest)
        EXPECT_GT(recv(accepted.value(), buffer, sizeof buffer, 0), 0);
      if (end == End::kBehindAnAnswer) {
        const std::string answer = frame(v1::Response().SerializeAsString());
        EXPECT_EQ(send(accepted.value(), answer.data(), answer.size(), 0),
                  static_cast<ssize_t>(answer.size()));
        EXPECT_GT(recv(accepted.value(), buffer, 1, MSG_PEEK), 0);  // the second request
      }
      ending_.reset();
    });
    if (end == End::kBehindAnAnswer) EXPECT_TRUE(client->call(version_request(), 10s));
    auto response = client->call(version_request(), 10s);
    ends.join();
    return response;
  }

  sockaddr_un name_ = {};
  Fd ending_;
  int connected_again_ = 0;
};

TEST_F(EndingDaemonTest, FirstRequestUnread_GoesToTheNextDaemon) {
  const auto response = call(End::kBeforeItReads);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->version().version(), "test");
  EXPECT_EQ(connected_again_, 1);
}

TEST_F(EndingDaemonTest, NotAccepted_GoesToTheNextDaemon) {
  EXPECT_TRUE(call(End::kBeforeItAccepts));
  EXPECT_EQ(connected_again_, 1);
}

// It may have been done.
TEST_F(EndingDaemonTest, RequestRead_IsNotSentTwice) {
  EXPECT_EQ(call(End::kBehindTheRequest).error().code, Code::kSystem);
  EXPECT_EQ(connected_again_, 0);
}

// The next daemon does not know what the first one was asked before.
TEST_F(EndingDaemonTest, BehindAnAnswer_ItIsOver) {
  EXPECT_EQ(call(End::kBehindAnAnswer).error().code, Code::kSystem);
  EXPECT_EQ(connected_again_, 0);
}

TEST(ControlClient, NobodyThere_IsNotFound) {
  EXPECT_EQ(ControlClient::connect("/tmp/no-such-sillage-socket").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace sillage::control
