// SPDX-License-Identifier: MIT
// counting ROUNDS [refuse] [fork] [close] [pause]: threads that each count their page faults themselves and tell it in events, n: before each it
// touches fresh pages, a number that depends on the round. Built with LTTng-UST's tracepoints and with Sillage's.
//
// who = 1, 2, 3   threads, the first the main one
// who = 9         n: descriptors of perf in the process when the others have ended
// who = 4, 5      with "fork": the child, once it knows only what it counts itself; 5: descriptors before that
// who = 7         with "refuse": a thread for which perf_event_open(2) fails
// who = 8         with "pause": like 1, once somebody has answered "paused"; after that 9 again
// who = 6         with "close": the main thread after it has closed all descriptors and taken others
#ifdef WITH_SILLAGE
#include <sillage/tracepoint.h>
#else
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "life.h"
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int rounds;

static void step(int who, uint64_t n) {
#ifdef WITH_SILLAGE
  SILLAGE_TRACEPOINT(life, step, DEBUG, sillage_field(who, who), sillage_field(n, n));
#else
  lttng_ust_tracepoint(life, step, who, n, "");
#endif
}

static void must(int is_fine, const char* what) {
  if (is_fine) return;
  perror(what);
  _exit(1);
}

static int count_own_faults(void) {
  struct perf_event_attr attributes = {.size = sizeof attributes, .type = PERF_TYPE_SOFTWARE};
  attributes.config = PERF_COUNT_SW_PAGE_FAULTS;
  attributes.exclude_kernel = 1;
  const int fd = (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  must(fd >= 0, "perf_event_open");
  return fd;
}

static uint64_t value_of(int fd) {
  uint64_t value = 0;
  must(read(fd, &value, sizeof value) == sizeof value, "read of a counter");
  return value;
}

static void touch(int pages) {
  const size_t bytes = (size_t)pages * 4096;
  volatile char* memory =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(memory != MAP_FAILED, "mmap");
  madvise((void*)memory, bytes, MADV_NOHUGEPAGE);
  for (size_t at = 0; at < bytes; at += 4096) memory[at] = 1;
  munmap((void*)memory, bytes);
}

static void count(int who) {
  const int fd = count_own_faults();
  for (int i = 0; i < rounds; ++i) {
    touch(10 + i % 7);
    step(who, value_of(fd));
  }
  close(fd);
}

static void* in_thread(void* who) {
  count((int)(intptr_t)who);
  return NULL;
}

static int perf_descriptors(void) {
  DIR* directory = opendir("/proc/self/fd");
  must(directory != NULL, "/proc/self/fd");
  int found = 0;
  struct dirent* entry;
  while ((entry = readdir(directory)) != NULL) {
    char text[64] = "";
    readlinkat(dirfd(directory), entry->d_name, text, sizeof text - 1);
    found += strcmp(text, "anon_inode:[perf_event]") == 0;
  }
  closedir(directory);
  return found;
}

static void* in_refused_thread(void* nothing) {
  struct sock_filter is_refused[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_perf_event_open, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {sizeof is_refused / sizeof is_refused[0], is_refused};
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
  must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "PR_SET_SECCOMP");
  for (int i = 0; i < rounds; ++i) {
    errno = 77;
    step(7, (uint64_t)i);
    must(errno == 77, "errno");
  }
  return nothing;
}

// The numbers that a tracer had are files with something to be read, which is not the tracer's.
static void close_all(void) {
  int sockets[2], numbers[1024], closed = 0;
  for (int fd = 3; fd < 1024; ++fd)
    if (close(fd) == 0) numbers[closed++] = fd;
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0, "socketpair");
  char text[256];
  memset(text, 'x', sizeof text);
  must(write(sockets[1], text, sizeof text) == sizeof text, "write");
  for (int i = 0; i < closed; ++i)
    if (numbers[i] != sockets[0] && numbers[i] != sockets[1]) dup2(sockets[0], numbers[i]);
  count(6);
  must(recv(sockets[0], text, sizeof text, MSG_DONTWAIT) == sizeof text,
       "what somebody else has read");
  for (int i = 0; i < closed; ++i)
    must(fcntl(numbers[i], F_GETFD) >= 0, "what somebody else has closed");
}

int main(int argc, char** argv) {
  rounds = atoi(argv[1]);
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i)
    pthread_create(&threads[i], NULL, in_thread, (void*)(intptr_t)(2 + i));
  count(1);
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  step(9, (uint64_t)perf_descriptors());
  for (int i = 2; i < argc; ++i) {
    if (strcmp(argv[i], "close") == 0) close_all();
    if (strcmp(argv[i], "refuse") == 0) {
      pthread_create(&threads[0], NULL, in_refused_thread, NULL);
      pthread_join(threads[0], NULL);
    }
    if (strcmp(argv[i], "pause") == 0) {
      puts("paused");
      fflush(stdout);
      getchar();
      count(8);
      step(9, (uint64_t)perf_descriptors());
    }
    if (strcmp(argv[i], "fork") != 0) continue;
    const pid_t child = fork();
    if (child == 0) {
      const int before = perf_descriptors();
      step(5, (uint64_t)before);
      count(4);
      _exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    must(status == 0, "the child");
  }
  return 0;
}
