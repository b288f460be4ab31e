// SPDX-License-Identifier: MIT
// One event for each kind of field, values_test.py knows the values; then `clock` events that carry the time at which
// they were about to be recorded, and what the contexts must say on standard output.
#include "values.h"

#include <sillage/tracepoint.h>

#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

enum class Colour : std::uint8_t { kRed = 1, kGreen };
SILLAGE_ENUM(Colour, kRed, kGreen);

std::uint64_t monotonic_ns() {
  timespec time = {};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

void emit_from_cpp() {
  std::string text = "a string";
  std::string_view view = text;
  std::array<std::int32_t, 2> array = {1, -1};
  std::vector<std::uint16_t> vector = {3, 4, 65535};
  SILLAGE_TRACEPOINT(cpp, values, DEBUG, sillage_field(text, text),
                     sillage_field(view, view.substr(2)), sillage_field(colour, Colour::kGreen),
                     sillage_field(array, array), sillage_field(vector, vector),
                     sillage_network(ports, vector), sillage_field(flag, true));
}

void emit_times(int count) {
  for (int i = 0; i < count; i++) {
    SILLAGE_TRACEPOINT(cpp, clock, INFO, sillage_field(before_ns, monotonic_ns()));
    if (i % 100 == 0) usleep(3000);
  }
}

unsigned long long namespace_of(const char* name) {
  struct stat status = {};
  return stat((std::string("/proc/thread-self/ns/") + name).c_str(), &status) == 0 ? status.st_ino
                                                                                   : 0;
}

void describe_thread() {
  std::printf("vpid %d\nvtid %ld\nprocname %s\npthread_id %llu\n", getpid(), syscall(SYS_gettid),
              program_invocation_short_name, static_cast<unsigned long long>(pthread_self()));
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"})
    std::printf("%s_ns %llu\n", name, namespace_of(name));
  uid_t ruid = 0, euid = 0, suid = 0;
  gid_t rgid = 0, egid = 0, sgid = 0;
  getresuid(&ruid, &euid, &suid);
  getresgid(&rgid, &egid, &sgid);
  std::printf("vuid %u\nveuid %u\nvsuid %u\nvgid %u\nvegid %u\nvsgid %u\n", ruid, euid, suid, rgid,
              egid, sgid);
}

}  // namespace

int main() {
  describe_thread();
  emit_from_c();
  emit_from_cpp();
  emit_times(500);
  std::thread(emit_times, 500).join();
  return 0;
}
