// SPDX-License-Identifier: MIT
#include "ctf/guarded_mapping.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace sillage::ctf {
namespace {

using Guard = GuardedMapping::Guard;

/// Bytes that one signal replaces: some GiB that are gone must not cost a signal for each page.
constexpr std::size_t kReplacedBytes = std::size_t{1} << 20;

/// The guards of all mappings. They are never freed: the signal handler may look at each of them at
/// any time. A process has as many as it once had files open.
struct Block {
  static constexpr std::size_t kGuards = 256;
  std::array<Guard, kGuards> guards{};
  std::atomic<Block*> next = nullptr;
};

// A signal handler can find nothing but globals. Its own state, SIGBUS, is the process's anyway.
Block first_block;
std::size_t page_bytes;
struct sigaction former_action;

/// Who has which guard.
struct Registry {
  std::mutex mutex;
  std::vector<Guard*> free;
  Block* last = nullptr;
};

Registry& registry() {
  // Never destroyed: mappings may live as long as the process.
  static Registry* const all = std::make_unique<Registry>().release();
  return *all;
}

// Replaces what cannot be read at `address`; false if it is in none of the mappings.
// Only what signal handlers may call: mmap is a bare system call in every libc for Linux.
bool replace(std::size_t address) {
  for (Block* block = &first_block; block != nullptr; block = block->next.load()) {
    for (Guard& guard : block->guards) {
      const std::size_t first = guard.first.load();
      const std::size_t byte_count = guard.byte_count.load();
      // The mapping that is being read keeps its guard; others may come and go meanwhile.
      if (address - first >= byte_count || guard.first.load() != first) continue;
      const std::size_t page = address / page_bytes * page_bytes;
      const std::size_t size = std::min(kReplacedBytes, first + byte_count - page);
      guard.is_broken.store(true);
      return mmap(reinterpret_cast<void*>(page), size, PROT_READ,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
    }
  }
  return false;
}

void on_bus_error(int number, siginfo_t* info, void* context) {
  const int error = errno;
  const bool is_replaced =
      info->si_code == BUS_ADRERR && replace(reinterpret_cast<std::size_t>(info->si_addr));
  errno = error;
  if (is_replaced) return;
  if ((former_action.sa_flags & SA_SIGINFO) != 0) {
    former_action.sa_sigaction(number, info, context);
  } else if (former_action.sa_handler == SIG_DFL || former_action.sa_handler == SIG_IGN) {
    const bool is_sent = info->si_code <= 0;
    if (is_sent && former_action.sa_handler == SIG_IGN) return;
    // Behind this handler the access is tried again, or the signal is there: it ends the process.
    sigaction(number, &former_action, nullptr);
    if (is_sent) raise(number);
  } else {
    former_action.sa_handler(number);
  }
}

Status install_handler() {
  page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  if (sigaction(SIGBUS, nullptr, &former_action) != 0) return fail_errno("SIGBUS");
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGBUS, &action, nullptr) != 0) return fail_errno("SIGBUS");
  return {};
}

Result<Guard*> take_guard(std::size_t first, std::size_t byte_count) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  if (all.last == nullptr) {
    SILLAGE_TRY(install_handler());
    all.last = &first_block;
    for (Guard& guard : first_block.guards) all.free.push_back(&guard);
  }
  if (all.free.empty()) {
    Block* block = std::make_unique<Block>().release();
    for (Guard& guard : block->guards) all.free.push_back(&guard);
    all.last->next.store(block);
    all.last = block;
  }
  Guard* guard = all.free.back();
  all.free.pop_back();
  guard->is_broken.store(false);
  guard->first.store(first);
  guard->byte_count.store(byte_count);
  return guard;
}

void give_back(Guard* guard) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  guard->byte_count.store(0);
  guard->first.store(0);
  all.free.push_back(guard);
}

}  // namespace

Result<GuardedMapping> GuardedMapping::map(int fd, std::size_t byte_count) {
  GuardedMapping mapping;
  if (byte_count == 0) return mapping;
  void* address = mmap(nullptr, byte_count, PROT_READ, MAP_PRIVATE, fd, 0);
  if (address == MAP_FAILED) return fail_errno("mmap");
  mapping.bytes_ = {static_cast<const std::byte*>(address), byte_count};
  auto guard = take_guard(reinterpret_cast<std::size_t>(address), byte_count);
  if (!guard) return tl::unexpected<Error>(std::move(guard).error());
  mapping.guard_ = *guard;
  return mapping;
}

GuardedMapping::~GuardedMapping() {
  if (guard_ != nullptr) give_back(guard_);
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace sillage::ctf
