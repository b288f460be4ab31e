// SPDX-License-Identifier: MIT
#include "apps/agent_server.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

namespace sillage::apps {
namespace {

class AgentServerTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/agent-server-test-XXXXXX";
    directory_ = mkdtemp(name);
    start();
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  void start() {
    auto made = AgentServer::listen(
        {{file()}}, [this](std::string_view event) { return wanted_.contains(std::string(event)); },
        [this](std::string_view) {
          ++looks_;
          return contexts_;
        },
        [this] { return version_; });
    ASSERT_TRUE(made) << made.error().text();
    server_ = *std::move(made);
  }
  [[nodiscard]] std::string file() const { return directory_ + "/.lttng/agent.port"; }
  [[nodiscard]] std::string port_in_file() const {
    std::ifstream stream(file());
    std::string line;
    std::getline(stream, line);
    return line;
  }

  [[nodiscard]] Fd connect_agent() const {
    Fd agent(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(agent.value(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return agent;
  }
  static void send_words(const Fd& agent, std::initializer_list<std::uint32_t> words) {
    for (std::uint32_t word : words) {
      word = htonl(word);
      ASSERT_EQ(send(agent.value(), &word, sizeof word, MSG_NOSIGNAL), ssize_t{sizeof word});
    }
  }
  /// What the agent has been sent; "closed" at the end of the connection.
  std::string receive(const Fd& agent) {
    for (int i = 0; i < 5; ++i) serve();
    std::string bytes(65536, '\0');
    const ssize_t count = recv(agent.value(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count == 0) return "closed";
    bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return bytes;
  }
  void serve() {
    pollfd source = {server_->fd(), POLLIN, 0};
    if (poll(&source, 1, 20) > 0) server_->process_events();
    if (std::exchange(told_, std::pair(wanted_, contexts_)) != std::pair(wanted_, contexts_))
      ++version_;
    server_->renew();
  }

  std::string directory_;
  std::set<std::string> wanted_;
  std::vector<std::string> contexts_;
  std::pair<std::set<std::string>, std::vector<std::string>> told_;
  std::uint64_t version_ = 0;
  int looks_ = 0;  // at what contexts are wanted
  std::unique_ptr<AgentServer> server_;
};

// Command, size of what follows the header, and first byte of the logger's name.
std::string enable() {
  return std::string("\0\0\0\0\0\0\1\x0c\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0*", 25) +
         std::string(255 + 4, '\0');
}
std::string disable() {
  return std::string("\0\0\0\0\0\0\1\0\0\0\0\3\0\0\0\0*", 17) + std::string(255, '\0');
}
std::string registered() { return {"\0\0\0\0\0\0\0\0\0\0\0\4\0\0\0\0", 16}; }

TEST_F(AgentServerTest, Registers_HearsOfWhatIsWantedFirst) {
  wanted_ = {"lttng_python:event"};
  const Fd python = connect_agent(), java = connect_agent();
  send_words(python, {5, 123, 2, 0});
  send_words(java, {3, 124, 2, 0});
  EXPECT_EQ(receive(python), enable() + registered());
  EXPECT_EQ(receive(java), registered());
  EXPECT_EQ(server_->agent_count(), 2u);
}

// Command, and the two names with their sizes.
std::string context(char command, const std::string& provider, const std::string& type) {
  const auto sized = [](const std::string& text) {
    return std::string("\0\0\0", 3) + static_cast<char>(text.size() + 1) + text + '\0';
  };
  const std::string body = sized(provider) + sized(type);
  return std::string("\0\0\0\0\0\0\0", 7) + static_cast<char>(body.size()) +
         std::string("\0\0\0", 3) + command + std::string("\0\0\0\0", 4) + body;
}

TEST_F(AgentServerTest, Contexts_AreAskedForWithTheirEvent) {
  contexts_ = {"$app.a.b:c:d", "$app.p:t"};
  const Fd java = connect_agent(), python = connect_agent();
  send_words(java, {3, 124, 2, 0});
  send_words(python, {5, 123, 2, 0});
  EXPECT_EQ(receive(java), registered());
  EXPECT_EQ(receive(python), registered());
  wanted_ = {"lttng_jul:event", "lttng_python:event"};
  EXPECT_EQ(receive(java), context(5, "a.b", "c:d") + context(5, "p", "t") + enable());
  EXPECT_EQ(receive(python), enable());
  EXPECT_TRUE(server_->is_waiting());
  send_words(java, {1, 1, 1});
  send_words(python, {1});
  // TCP holds the second word back until the first has arrived.
  for (int i = 0; i < 100 && server_->is_waiting(); ++i) serve();
  EXPECT_FALSE(server_->is_waiting());
  contexts_ = {"$app.p:t", "$app.q:t"};
  EXPECT_EQ(receive(java), context(5, "q", "t") + context(6, "a.b", "c:d"));
  wanted_ = {};
  EXPECT_EQ(receive(java), disable() + context(6, "p", "t") + context(6, "q", "t"));
}

TEST_F(AgentServerTest, Renew_TellsChangesOnce) {
  const Fd java = connect_agent();
  send_words(java, {3, 124, 2, 0});
  EXPECT_EQ(receive(java), registered());
  wanted_ = {"lttng_jul:event", "lttng_python:event"};
  EXPECT_EQ(receive(java), enable());
  send_words(java, {1});
  wanted_ = {"lttng_jul:event"};
  EXPECT_EQ(receive(java), "");
  wanted_ = {};
  EXPECT_EQ(receive(java), disable());
}

TEST_F(AgentServerTest, Renew_LooksAtWhatIsWantedIfThatMayHaveChanged) {
  wanted_ = {"lttng_jul:event"};
  const Fd java = connect_agent();
  send_words(java, {3, 124, 2, 0});
  EXPECT_EQ(receive(java), enable() + registered());
  const int looks = looks_;
  EXPECT_GT(looks, 0);
  for (int i = 0; i < 10; ++i) server_->renew();
  EXPECT_EQ(looks_, looks);
  ++version_;
  for (int i = 0; i < 10; ++i) server_->renew();
  EXPECT_EQ(looks_, looks + 1);
  // One that comes while nothing changes is told what is wanted.
  const Fd other = connect_agent();
  send_words(other, {3, 125, 2, 0});
  EXPECT_EQ(receive(other), enable() + registered());
}

TEST_F(AgentServerTest, Answers_AreWaitedForUnlessTheyAreLate) {
  const Fd java = connect_agent();
  send_words(java, {3, 124, 2, 0});
  EXPECT_EQ(receive(java), registered());
  EXPECT_FALSE(server_->is_waiting());
  wanted_ = {"lttng_jul:event"};
  EXPECT_EQ(receive(java), enable());
  EXPECT_TRUE(server_->is_waiting());
  send_words(java, {1});
  EXPECT_EQ(receive(java), "");
  EXPECT_FALSE(server_->is_waiting());
  wanted_ = {};
  EXPECT_EQ(receive(java), disable());
  EXPECT_TRUE(server_->is_waiting());
  server_->give_up();
  EXPECT_FALSE(server_->is_waiting());
  wanted_ = {"lttng_jul:event"};
  EXPECT_EQ(receive(java), enable());
  EXPECT_FALSE(server_->is_waiting());  // it still owes an answer
  send_words(java, {1, 1});
  EXPECT_EQ(receive(java), "");
  wanted_ = {};
  EXPECT_EQ(receive(java), disable());
  EXPECT_TRUE(server_->is_waiting());
}

TEST_F(AgentServerTest, Loggers_AreListed) {
  const Fd python = connect_agent(), refuser = connect_agent(), java = connect_agent();
  send_words(python, {5, 123, 2, 0});
  send_words(refuser, {5, 125, 2, 0});
  send_words(java, {3, 124, 2, 0});
  for (const Fd* agent : {&python, &refuser, &java}) EXPECT_EQ(receive(*agent), registered());
  server_->ask_for_loggers(5);
  EXPECT_TRUE(server_->is_waiting());
  const std::string list("\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0", 16);
  EXPECT_EQ(receive(python), list);
  EXPECT_EQ(receive(java), "");
  send_words(python, {1, 11});
  send_words(refuser, {2});
  EXPECT_EQ(receive(refuser), list);
  EXPECT_TRUE(server_->is_waiting());
  send_words(python, {2});
  const std::string names("root\0net.ht\0", 12);
  ASSERT_EQ(send(python.value(), names.data(), 11, MSG_NOSIGNAL), 11);
  EXPECT_EQ(receive(python), "");
  EXPECT_FALSE(server_->is_waiting());
  const auto loggers = server_->loggers(5);
  ASSERT_EQ(loggers.size(), 2u);
  EXPECT_EQ(loggers[0].pid, 123u);
  EXPECT_EQ(loggers[0].names, (std::vector<std::string>{"root", "net.ht"}));
  EXPECT_TRUE(loggers[1].names.empty());
}

TEST_F(AgentServerTest, ListLargerThanAnyCanBe_ClosesTheConnection) {
  const Fd python = connect_agent();
  send_words(python, {5, 123, 2, 0});
  EXPECT_EQ(receive(python), registered());
  server_->ask_for_loggers(5);
  EXPECT_NE(receive(python), "");
  send_words(python, {1, 0x80000000, 1});
  EXPECT_EQ(receive(python), "closed");
  EXPECT_FALSE(server_->is_waiting());
}

TEST_F(AgentServerTest, GreetingInPieces_Registers) {
  const Fd agent = connect_agent();
  send_words(agent, {4, 124});
  EXPECT_EQ(receive(agent), "");
  send_words(agent, {2, 0});
  EXPECT_EQ(receive(agent), registered());
}

TEST_F(AgentServerTest, UnknownDomainOrVersion_IsClosed) {
  const Fd domain = connect_agent(), version = connect_agent();
  send_words(domain, {9, 1, 2, 0});
  send_words(version, {5, 1, 3, 0});
  EXPECT_EQ(receive(domain), "closed");
  EXPECT_EQ(receive(version), "closed");
  EXPECT_EQ(server_->agent_count(), 0u);
}

TEST_F(AgentServerTest, AgentThatSendsMuchAndReadsNothing_DelaysNobody) {
  const Fd loud = connect_agent();
  send_words(loud, {5, 1, 2, 0});
  const std::string noise(1 << 20, 'x');
  for (int i = 0; i < 20; ++i) {
    (void)send(loud.value(), noise.data(), noise.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    wanted_ = i % 2 == 0 ? std::set<std::string>{"lttng_python:event"} : std::set<std::string>{};
    serve();
  }
  const Fd other = connect_agent();
  send_words(other, {3, 2, 2, 0});
  EXPECT_EQ(receive(other), registered());
}

TEST_F(AgentServerTest, PortFile_LeftToWhoServesIt) {
  const std::string first = std::to_string(server_->port());
  EXPECT_EQ(port_in_file(), first);
  auto first_server = std::move(server_);
  start();  // another daemon
  EXPECT_NE(server_->port(), first_server->port());
  EXPECT_EQ(port_in_file(), first);
  server_.reset();
  EXPECT_EQ(port_in_file(), first);
  first_server.reset();
  EXPECT_FALSE(std::filesystem::exists(file()));
  std::ofstream(file()) << "1\n";  // of one that was killed
  start();
  EXPECT_EQ(port_in_file(), std::to_string(server_->port()));
}

}  // namespace
}  // namespace sillage::apps
