// SPDX-License-Identifier: MIT
#include "apps/app_registry.hpp"

#include "apps/test_image.hpp"

#include <gtest/gtest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sillage::apps {
namespace {

using testing::ImageBuilder;
using testing::memory_file;

Fd make_image(const std::string& event = "start") {
  ImageBuilder builder;
  builder.event("app", event);
  return memory_file(builder.bytes());
}

Peer peer_of(pid_t pid) { return Peer{pid, getuid(), getgid(), open_pidfd(pid).value()}; }

/// A process that waits until it is killed.
class Sleeper {
 public:
  Sleeper() : pid_(fork()) {
    if (pid_ == 0) {
      for (;;) pause();
    }
  }
  ~Sleeper() { end(); }
  void end() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

TEST(AppRegistry, SameProcessTwice_IsOne) {
  AppRegistry registry{Limits{}};
  auto first = registry.add_process(peer_of(getpid()));
  auto second = registry.add_process(peer_of(getpid()));
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, *second);
  EXPECT_NE((*first)->registration, 0u);
}

TEST(AppRegistry, F11_DeadProcess_IsReplacedNotContinued) {
  AppRegistry registry{Limits{}};
  Sleeper sleeper;
  auto first = registry.add_process(peer_of(sleeper.pid()));
  ASSERT_TRUE(first);
  const std::uint32_t registration = (*first)->registration;
  Fd image = make_image();
  auto added = registry.add_image(*first, image);
  ASSERT_TRUE(added);
  const std::uint64_t token = (*added)->token;
  const pid_t pid = sleeper.pid();
  sleeper.end();
  // A new process under the old number: same pid, another pidfd.
  Peer reused{pid, getuid(), getgid(), open_pidfd(getpid()).value()};
  auto second = registry.add_process(std::move(reused));
  ASSERT_TRUE(second);
  EXPECT_NE((*second)->registration, registration);
  EXPECT_TRUE((*second)->images.empty());
  EXPECT_EQ(registry.find_image(token), nullptr);
}

TEST(AppRegistry, SameMemory_IsOneImage) {
  AppRegistry registry{Limits{}};
  Sleeper sleeper;
  Process* process = registry.add_process(peer_of(getpid())).value();
  Process* other = registry.add_process(peer_of(sleeper.pid())).value();
  Fd image = make_image(), equal = make_image();
  Image* added = registry.add_image(process, image).value();
  EXPECT_EQ(registry.add_image(process, image).value(), added);
  EXPECT_NE(registry.add_image(process, equal).value(), added);
  EXPECT_EQ(registry.add_image(other, image).error().code, Code::kAlreadyExists);
  const std::uint64_t token = added->token;
  registry.remove_image(token);
  EXPECT_EQ(registry.find_image(token), nullptr);
  EXPECT_TRUE(registry.add_image(other, image));
}

TEST(AppRegistry, Behind_IsWaitedForOnce) {
  AppRegistry registry{Limits{}};
  auto process = registry.add_process(peer_of(getpid()));
  ASSERT_TRUE(process);
  ImageBuilder builder;
  builder.event("app", "start");
  auto bytes = builder.bytes();
  const std::uint32_t minor = 1, answer[] = {1, 0};  // listens, has heard nothing
  std::memcpy(bytes.data() + offsetof(sillage_image_header, abi_minor), &minor, sizeof minor);
  std::memcpy(bytes.data() + offsetof(sillage_image_header, listens), answer, sizeof answer);
  auto image = registry.add_image(*process, memory_file(bytes));
  ASSERT_TRUE(image);
  EXPECT_FALSE(registry.is_any_behind());
  (*image)->control.ring_bell();
  EXPECT_TRUE(registry.is_any_behind());
  registry.give_up_waiting();
  EXPECT_FALSE(registry.is_any_behind());
  (*image)->control.ring_bell();
  EXPECT_FALSE(registry.is_any_behind());
}

TEST(AppRegistry, Limits_PerProcessUserAndBytes) {
  Limits limits;
  limits.images_per_process = 2;
  {
    AppRegistry registry{limits};
    Process* process = registry.add_process(peer_of(getpid())).value();
    Fd images[3] = {make_image("a"), make_image("b"), make_image("c")};
    ASSERT_TRUE(registry.add_image(process, images[0]));
    Image* second = registry.add_image(process, images[1]).value();
    EXPECT_EQ(registry.add_image(process, images[2]).error().code, Code::kLimit);
    registry.remove_image(second->token);
    EXPECT_TRUE(registry.add_image(process, images[2]));
  }
  limits = Limits{};
  limits.bytes_per_uid = 1000;
  AppRegistry registry{limits};
  Process* process = registry.add_process(peer_of(getpid())).value();
  Fd images[3] = {make_image("a"), make_image("b"), make_image("c")};
  int added = 0;
  for (Fd& image : images) added += registry.add_image(process, image).has_value();
  EXPECT_EQ(added, 2);  // of some 450 bytes each
}

}  // namespace
}  // namespace sillage::apps
