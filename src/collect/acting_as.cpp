// SPDX-License-Identifier: MIT
#include "collect/acting_as.hpp"

#include "base/groups.hpp"

#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace sillage::collect {
namespace {

// No user has it: asks for what there is, without a change.
constexpr auto kNone = static_cast<unsigned>(-1);

// setgroups() of the C library is for all threads.
bool set_groups(const std::vector<gid_t>& groups) {
  return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

// They tell nothing of a failure but by what is there afterwards.
bool set_group(gid_t group) {
  ::setfsgid(group);
  return static_cast<gid_t>(::setfsgid(kNone)) == group;
}

bool set_user(uid_t user) {
  ::setfsuid(user);
  return acting_user() == user;
}

// Some containers and units have it that root's capabilities outlast its ids (SECBIT_NO_SETUID_FIXUP).
bool passes_over_rights() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, sets) != 0) return true;
  constexpr std::uint32_t kRights =
      1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH | 1u << CAP_FOWNER;
  return (sets[0].effective & kRights) != 0;
}

}  // namespace

uid_t acting_user() { return static_cast<uid_t>(::setfsuid(kNone)); }

ActingAs::ActingAs(const Identity& identity)
    : before_{acting_user(), static_cast<gid_t>(::setfsgid(kNone)), groups_of_thread()},
      is_dumpable_(::prctl(PR_GET_DUMPABLE) == 1),
      begun_(begin(identity)) {}

Status ActingAs::begin(const Identity& identity) {
  if (!set_groups(identity.groups)) return fail_errno("cannot take a user's groups");
  if (!set_group(identity.group) || !set_user(identity.user) ||
      (identity.user != 0 && passes_over_rights()))
    return fail(Code::kPermission,
                "cannot put off root's rights to files: run sillaged as root, "
                "without the secure bit no-setuid-fixup");
  return {};
}

ActingAs::~ActingAs() {
  // The user first: it brings root's rights back.
  const bool is_back = set_user(before_.user) && set_group(before_.group) &&
                       (set_groups(before_.groups) || groups_of_thread() == before_.groups);
  if (!is_back) {
    std::fputs(
        "sillaged: cannot take root's rights to files back: nothing could be recorded as it "
        "should\n",
        stderr);
    std::abort();
  }
  // The kernel takes it away with each change of rights; with it, a daemon's core could not be dumped ever after.
  if (is_dumpable_) ::prctl(PR_SET_DUMPABLE, 1);
}

}  // namespace sillage::collect
