// SPDX-License-Identifier: MIT
#include "hold/holder.hpp"
#include "hold/holder_store.hpp"
#include "hold/protocol.hpp"
#include "hold/systemd_store.hpp"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

namespace sillage::hold {
namespace {

Fd bound_socket(int type, const std::string& path) {
  Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(socket.value(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return socket;
}

/// A holder on a thread, and daemons of which one at a time is there.
class HolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sillage-hold-XXXXXX";
    directory_ = ::mkdtemp(name);
    path_ = directory_ + "/hold.sock";
    Fd listener = bound_socket(SOCK_SEQPACKET | SOCK_NONBLOCK, path_);
    ASSERT_EQ(::listen(listener.value(), 8), 0);
    thread_ = std::thread([this, fd = listener.release()] {
      status_ = Holder(Fd(fd), path_).run();
      is_over_ = true;
    });
  }
  void TearDown() override {
    std::filesystem::remove_all(directory_);
    if (thread_.joinable()) thread_.join();
    EXPECT_TRUE(status_);
  }

  static Fd memory(std::size_t bytes) {
    Fd fd(::memfd_create("held", MFD_CLOEXEC));
    EXPECT_EQ(::ftruncate(fd.value(), static_cast<off_t>(bytes)), 0);
    return fd;
  }
  static ino_t inode(const Fd& fd) {
    struct stat status {};
    EXPECT_EQ(::fstat(fd.value(), &status), 0);
    return status.st_ino;
  }

  std::string directory_, path_;
  std::thread thread_;
  Status status_;
  std::atomic<bool> is_over_ = false;
};

TEST_F(HolderTest, DaemonGone_TheNextOneFindsWhatWasKept) {
  const Fd first = memory(4096), second = memory(8192), third = memory(1);
  {
    HolderStore store(path_, "/nowhere");
    EXPECT_TRUE(store.take().empty());
    ASSERT_TRUE(store.keep("ring-1", first.value()));
    ASSERT_TRUE(store.keep("ring-2", second.value()));
    ASSERT_TRUE(store.keep("ring-3", third.value()));
    store.forget("ring-2");
    ASSERT_TRUE(store.keep("ring-3", second.value()));
    EXPECT_FALSE(store.keep("no name", third.value()));
  }
  for (int i = 0; i < 3; ++i) {
    HolderStore store(path_, "/nowhere");
    const Descriptors found = store.take();
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(inode(found.at("ring-1")), inode(first));
    EXPECT_EQ(inode(found.at("ring-3")), inode(second));
  }
}

TEST_F(HolderTest, MoreThanASocketHolds_IsHandedOverWhole) {
  const Fd one = memory(1);
  HolderStore store(path_, "/nowhere");
  EXPECT_TRUE(store.take().empty());
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(store.keep("ring-" + std::to_string(i), one.value()));
  HolderStore next(path_, "/nowhere");
  EXPECT_EQ(next.take().size(), 400u);
}

TEST_F(HolderTest, NothingHeldAndNobodyThere_Ends) {
  {
    HolderStore store(path_, "/nowhere");
    EXPECT_TRUE(store.take().empty());
    ASSERT_TRUE(store.keep("a", memory(1).value()));
    store.forget("a");
    EXPECT_FALSE(is_over_);
  }
  thread_.join();
}

TEST_F(HolderTest, DirectoryGone_Ends) {
  {
    HolderStore store(path_, "/nowhere");
    EXPECT_TRUE(store.take().empty());
    ASSERT_TRUE(store.keep("a", memory(1).value()));
  }
  std::filesystem::remove_all(directory_);
  thread_.join();
}

TEST_F(HolderTest, Nonsense_EndsTheConnectionAlone) {
  HolderStore store(path_, "/nowhere");
  EXPECT_TRUE(store.take().empty());
  ASSERT_TRUE(store.keep("a", memory(1).value()));
  Fd rude(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::connect(rude.value(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  for (const std::string& text : {std::string("x"), std::string(108, '\0'), std::string(5000, 'k')})
    (void)::send(rude.value(), text.data(), text.size(), MSG_NOSIGNAL);
  HolderStore next(path_, "/nowhere");
  EXPECT_EQ(next.take().size(), 1u);
}

TEST(HolderStoreTest, NoHolder_NothingIsFoundAndNoneCanBeStarted) {
  HolderStore store("/tmp/sillage-hold-none/hold.sock", "/nowhere");
  EXPECT_TRUE(store.take().empty());
  EXPECT_FALSE(store.keep("a", 0));
  store.forget("a");
}

TEST(HolderStoreTest, HolderStopped_IsWaitedForOnce) {
  char name[] = "/tmp/sillage-hold-XXXXXX";
  const std::string directory = ::mkdtemp(name), path = directory + "/hold.sock";
  const Fd listener = bound_socket(SOCK_SEQPACKET, path);
  ASSERT_EQ(::listen(listener.value(), 1), 0);
  Fd holder;
  std::thread answers([&] {
    holder = Fd(::accept4(listener.value(), nullptr, nullptr, SOCK_CLOEXEC));
    (void)receive_message(holder.value());
    (void)send_message(holder.value(), MessageType::kEnd, "", -1);
  });
  HolderStore store(path, "/nowhere", std::chrono::milliseconds(600));
  EXPECT_TRUE(store.take().empty());
  answers.join();
  const auto begin = std::chrono::steady_clock::now();
  int failures = 0;
  for (int i = 0; i < 5000 && failures < 20; ++i) {
    const Status kept = store.keep("ring-" + std::to_string(i), listener.value());
    failures += !kept;
    if (!kept) {
      EXPECT_EQ(kept.error().code, Code::kTimeout);
    }
  }
  EXPECT_EQ(failures, 20);
  // Not twenty times.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(6));
  std::filesystem::remove_all(directory);
}

TEST(SystemdStoreTest, Keep_SendsNameAndDescriptor) {
  char name[] = "/tmp/sillage-notify-XXXXXX";
  const std::string directory = ::mkdtemp(name), path = directory + "/notify";
  const Fd manager = bound_socket(SOCK_DGRAM, path);
  SystemdStore store(path, {});
  ASSERT_TRUE(store.keep("ring-1", 0));
  store.forget("ring-1");
  char text[200], control[CMSG_SPACE(sizeof(int))];
  iovec data{text, sizeof text};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = ::recvmsg(manager.value(), &message, MSG_CMSG_CLOEXEC);
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string(text, static_cast<std::size_t>(got)), "FDSTORE=1\nFDPOLL=0\nFDNAME=ring-1");
  ASSERT_NE(CMSG_FIRSTHDR(&message), nullptr);
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  const Fd passed(fd);
  got = ::recv(manager.value(), text, sizeof text, 0);
  EXPECT_EQ(std::string(text, static_cast<std::size_t>(got)), "FDSTOREREMOVE=1\nFDNAME=ring-1");
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace sillage::hold
