// SPDX-License-Identifier: MIT
#include "collect/acting_as.hpp"

#include "base/groups.hpp"
#include "collect/test_recording.hpp"

#include <gtest/gtest.h>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <string>
#include <thread>
#include <vector>

namespace sillage::collect {
namespace {

constexpr uid_t kMember = 4242, kOther = 4243;
constexpr gid_t kTeam = 4300;

class ActingAsMember : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root acts as others";
    ASSERT_EQ(::chmod(place_.path().c_str(), 0755), 0);
  }
  [[nodiscard]] std::string folder(const char* name, uid_t user, gid_t group, mode_t mode) const {
    std::string path = place_.path() + "/" + name;
    EXPECT_EQ(::mkdir(path.c_str(), 0700), 0);
    EXPECT_EQ(::chown(path.c_str(), user, group), 0);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  static bool can_make(const std::string& path) { return ::mkdir(path.c_str(), 0770) == 0; }
  TemporaryDirectory place_;
};

TEST_F(ActingAsMember, RightsAndWhatIsMade_AreTheMembers) {
  const std::string own = folder("own", kMember, kMember, 0700);
  const std::string roots = folder("roots", 0, 0, 0755);
  const std::string teams = folder("teams", 0, kTeam, 0770);
  std::promise<void> begun;
  bool has_other_thread_made = false;
  std::thread other([&] {
    begun.get_future().wait();
    has_other_thread_made = can_make(roots + "/b");
  });
  {
    const ActingAs acting({kMember, kMember, {kTeam}});
    EXPECT_TRUE(acting.begun()) << acting.begun().error().text();
    EXPECT_EQ(acting_user(), kMember);
    EXPECT_TRUE(can_make(own + "/a"));
    EXPECT_TRUE(can_make(teams + "/a"));
    EXPECT_FALSE(can_make(roots + "/a"));
    begun.set_value();
    other.join();
  }
  EXPECT_TRUE(has_other_thread_made);
  {
    const ActingAs acting({kOther, kOther, {}});
    ASSERT_TRUE(acting.begun());
    EXPECT_FALSE(can_make(own + "/b"));
    EXPECT_FALSE(can_make(teams + "/b"));
  }
  struct stat status {};
  ASSERT_EQ(::stat((own + "/a").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, kMember);
  EXPECT_EQ(status.st_gid, kMember);
}

TEST_F(ActingAsMember, Afterwards_AllIsAsBefore) {
  const std::string own = folder("own", kMember, kMember, 0700);
  const auto before = groups_of_thread();
  const int was_dumpable = ::prctl(PR_GET_DUMPABLE);
  { const ActingAs acting({kMember, kMember, {kTeam, kOther}}); }
  EXPECT_EQ(acting_user(), 0u);
  EXPECT_EQ(groups_of_thread(), before);
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), was_dumpable);
  EXPECT_TRUE(can_make(own + "/a"));
}

TEST(ActingAs, WithoutRootsRights_DoesNotBegin) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setresuid(kMember, kMember, kMember) != 0) ::_exit(2);
    const ActingAs acting({::geteuid() + 1, ::getegid(), {}});
    ::_exit(!acting.begun() && acting_user() == ::geteuid() ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace sillage::collect
