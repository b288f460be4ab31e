// SPDX-License-Identifier: MIT
#include "probe/process.hpp"

#include "abi/app_protocol.h"
#include "probe/raw_syscall.hpp"

#include <linux/membarrier.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <unistd.h>

#include <cstring>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#endif

namespace sillage::probe {

Startup g_startup;
ForkWiped* g_fork_wiped;

namespace {

constexpr std::size_t kChunkBytes = 65536;
constexpr char kRegisterTimeout[] = "SILLAGE_REGISTER_TIMEOUT_MS";

struct Arena {
  char* at;
  std::size_t left;
};
Arena g_arenas[2];
ForkWiped g_untraceable;  // stands in when the kernel gives no memory
std::uint32_t g_last_serial;
constexpr std::size_t kPathBytes = 108;  // of sockaddr_un
char g_socket_paths[SILLAGE_DOMAIN_COUNT][kPathBytes];

char* map_chunk(std::size_t bytes, bool wiped) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  if (wiped && madvise(memory, bytes, MADV_WIPEONFORK) != 0) {
    munmap(memory, bytes);
    return nullptr;
  }
  return static_cast<char*>(memory);
}

void set_path(sillage_domain domain, const char* directory, const char* rest) {
  char* path = g_socket_paths[domain];
  std::size_t length = std::strlen(directory), rest_length = std::strlen(rest);
  if (length + rest_length >= kPathBytes) return;
  std::memcpy(path, directory, length);
  std::memcpy(path + length, rest, rest_length + 1);
}

/// "/tmp/sillage-" and a decimal number.
void set_fallback_path(uid_t uid) {
  char directory[32] = "/tmp/sillage-";
  char digits[12];
  int count = 0;
  do {
    digits[count++] = static_cast<char>('0' + uid % 10);
    uid /= 10;
  } while (uid != 0);
  char* to = directory + std::strlen(directory);
  while (count > 0) *to++ = digits[--count];
  *to = 0;
  set_path(SILLAGE_DOMAIN_USER, directory, "/app.sock");
}

void find_sockets(bool secure) {
  const char* own = secure ? nullptr : getenv("SILLAGE_RUNTIME_DIR");
  if (own != nullptr && own[0] != 0) {
    set_path(SILLAGE_DOMAIN_USER, own, "/app.sock");
    return;
  }
  set_path(SILLAGE_DOMAIN_ROOT, SILLAGE_APP_SOCKET_ROOT, "");
  uid_t uid = geteuid();
  if (secure || uid == 0) return;
  const char* runtime = getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && runtime[0] != 0) {
    set_path(SILLAGE_DOMAIN_USER, runtime, "/sillage/app.sock");
  } else {
    set_fallback_path(uid);
  }
}

void find_rseq([[maybe_unused]] bool secure) {
#if defined(__x86_64__)
  const char* wanted = secure ? nullptr : getenv("SILLAGE_RSEQ");
  g_startup.rseq_offset = __rseq_offset;
  g_startup.cpu_id_offset =
      __rseq_offset + static_cast<std::ptrdiff_t>(offsetof(struct rseq, cpu_id));
  // Behind the fields that glibc 2.36 knows; the kernel (6.3) says by this entry that it fills it.
  constexpr std::ptrdiff_t kMmCidOffset = 24;
  if (getauxval(AT_RSEQ_FEATURE_SIZE) >= kMmCidOffset + 4) {
    g_startup.mm_cid_offset = __rseq_offset + kMmCidOffset;
  }
  g_startup.has_rseq = __rseq_size != 0 && (wanted == nullptr || wanted[0] != '0');
#endif
}

bool flag(const char* name) {
  const char* value = getenv(name);
  return value != nullptr && value[0] == '1';
}

/// A decimal number of milliseconds, at most a minute; `otherwise` if the variable is unset or malformed.
std::uint32_t milliseconds(const char* name, std::uint32_t otherwise) {
  const char* value = getenv(name);
  if (value == nullptr || value[0] == 0) return otherwise;
  std::uint32_t result = 0;
  for (; *value != 0; value++) {
    if (*value < '0' || *value > '9' || result > 6000) return otherwise;
    result = result * 10 + static_cast<std::uint32_t>(*value - '0');
  }
  return result;
}

}  // namespace

const char* socket_path(sillage_domain domain) { return g_socket_paths[domain]; }

bool adopt_process() {
  ForkWiped* facts = g_fork_wiped;
  if (facts == &g_untraceable) return false;
  facts->serial = ++g_last_serial;
  facts->registration[SILLAGE_DOMAIN_USER] = 0;
  facts->registration[SILLAGE_DOMAIN_ROOT] = 0;
#if defined(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ)
  // Now, while there is most often one thread: with more the kernel waits for a grace period.
  if (g_startup.has_rseq)
    raw_syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0);
#endif
  facts->pid = static_cast<std::uint32_t>(raw_syscall(SYS_getpid));
  return true;
}

void* allocate(std::size_t bytes, bool wiped) {
  bytes = (bytes + 63) & ~std::size_t{63};
  Arena& arena = g_arenas[wiped ? 1 : 0];
  if (bytes > arena.left) {
    std::size_t chunk = bytes > kChunkBytes / 4 ? (bytes + 4095) & ~std::size_t{4095} : kChunkBytes;
    char* memory = map_chunk(chunk, wiped);
    if (memory == nullptr) return nullptr;
    if (chunk - bytes < arena.left)
      return memory;  // a large one of its own: the arena goes on as it was
    arena = {memory, chunk};
  }
  char* result = arena.at;
  arena.at += bytes;
  arena.left -= bytes;
  return result;
}

/// Runs before the constructors of everything that is linked against the library.
[[gnu::constructor]] static void start() {
  bool secure = getauxval(AT_SECURE) != 0;
  find_sockets(secure);
  find_rseq(secure);
  g_startup.allow_blocking =
      !secure && (flag("SILLAGE_ALLOW_BLOCKING") || getenv("LTTNG_UST_ALLOW_BLOCKING") != nullptr);
  // LTTng-UST obeys these two in set-user-ID programs, too: they take nothing but room.
  g_startup.dumps_objects = getenv("LTTNG_UST_WITHOUT_BADDR_STATEDUMP") == nullptr;
  g_startup.dumps_name = getenv("LTTNG_UST_WITHOUT_PROCNAME_STATEDUMP") == nullptr;
  g_startup.is_register_set = !secure && getenv(kRegisterTimeout) != nullptr;
  g_startup.deadline_ms =
      secure ? SILLAGE_APP_DEADLINE_MS : milliseconds(kRegisterTimeout, SILLAGE_APP_DEADLINE_MS);
  g_startup.register_ms = g_startup.deadline_ms;
  auto* wiped = static_cast<ForkWiped*>(allocate(sizeof(ForkWiped), true));
  g_fork_wiped = wiped != nullptr ? wiped : &g_untraceable;
  adopt_process();
  g_fork_wiped->claimed = 1;
  g_fork_wiped->ready = 1;
}

}  // namespace sillage::probe
