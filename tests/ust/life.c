// SPDX-License-Identifier: MIT
// life PLUGIN MODE ROUNDS: programs that live dangerously. Prints how many events it sent.
#define LTTNG_UST_TRACEPOINT_DEFINE
#define LTTNG_UST_TRACEPOINT_PROBE_DYNAMIC_LINKAGE
#include "life.h"

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

// Shared with children: [0] events sent, [1] the threads are to end.
static volatile uint64_t* shared;
static const char* plugin;
static uint64_t rounds;

static void* load(void) {
  void* handle = dlopen(plugin, RTLD_NOW);
  if (handle == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  return handle;
}

static void step(int who, uint64_t n) {
  lttng_ust_tracepoint(life, step, who, n, "some text");
  __atomic_fetch_add(&shared[0], 1, __ATOMIC_RELAXED);
}

static void steps(int who) {
  for (uint64_t i = 0; i < rounds; ++i) step(who, i);
}

static void* thread(void* who) {
  steps((int)(intptr_t)who);
  return NULL;
}

// So many that a test can read them.
static void* calm_thread(void* who) {
  for (uint64_t i = 0; i < rounds; ++i) {
    step((int)(intptr_t)who, i);
    usleep(20);
  }
  return NULL;
}

static void* until_end(void* who) {
  for (uint64_t i = 0; shared[1] == 0; ++i) {
    lttng_ust_tracepoint(life, step, (int)(intptr_t)who, i, "load");
    if (i % 500 == 0) usleep(200);  // bursts: a test has to read them all
  }
  return NULL;
}

static void in_threads(void* (*run)(void*), int count, void (*meanwhile)(void)) {
  pthread_t threads[8];
  for (int i = 0; i < count; ++i) pthread_create(&threads[i], NULL, run, (void*)(intptr_t)i);
  if (meanwhile != NULL) meanwhile();
  for (int i = 0; i < count; ++i) pthread_join(threads[i], NULL);
}

// The provider comes and goes while two threads pass its tracepoints.
static void unload_and_load(void) {
  for (uint64_t i = 0; i < rounds; ++i) {
    void* handle = load();
    usleep(2000);
    if (dlclose(handle) != 0) exit(1);
  }
  shared[1] = 1;
}

static void on_alarm(int number) {
  (void)number;
  static uint64_t n;
  step(100, n++);
}

static void with_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_alarm;
  action.sa_flags = SA_RESTART;
  sigaction(SIGALRM, &action, NULL);
  struct itimerval every = {{0, 200}, {0, 200}};
  setitimer(ITIMER_REAL, &every, NULL);
  steps(0);
  memset(&every, 0, sizeof every);
  setitimer(ITIMER_REAL, &every, NULL);
}

// A child, a child of that, and one that fork() knows nothing of.
static void with_children(void) {
  steps(0);
  pid_t child = fork();
  if (child == 0) {
    steps(1);
    if (fork() == 0) {
      steps(2);
      _exit(0);
    }
    wait(NULL);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    steps(3);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  steps(4);
}

static void large(void) {
  static char bytes[60000];
  for (uint64_t i = 0; i < rounds; ++i) {
    lttng_ust_tracepoint(life, large, bytes, i * 977 % sizeof bytes);
    ++shared[0];
  }
}

// Gives up root while threads pass tracepoints: the library's own thread must give it up, too.
static void become_nobody(void) {
  while (shared[0] < 100) usleep(100);
  if (setuid(65534) != 0) exit(1);
  DIR* threads = opendir("/proc/self/task");
  for (struct dirent* entry = readdir(threads); entry != NULL; entry = readdir(threads)) {
    char path[64], line[256];
    unsigned user = 65534;
    snprintf(path, sizeof path, "/proc/self/task/%.20s/status", entry->d_name);
    FILE* status = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
    if (status == NULL) continue;
    while (fgets(line, sizeof line, status) != NULL) sscanf(line, "Uid: %u", &user);
    fclose(status);
    if (user != 65534) printf("thread %s kept its user\n", entry->d_name);
  }
  closedir(threads);
}

// One event in a millisecond for ever; a child does the same from before anybody records.
static void slowly(void) {
  const int who = fork() == 0 ? 1 : 0;
  for (uint64_t i = 0;; ++i) {
    step(who, i);
    usleep(1000);
  }
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  plugin = argv[1];
  const char* mode = argv[2];
  rounds = strtoull(argv[3], NULL, 10);
  const char* count_file = argc > 4 ? argv[4] : NULL;
  if (count_file != NULL) {
    FILE* file = fopen(count_file, "r+");
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
  } else {
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  }
  if (shared == MAP_FAILED) return 1;
  if (strcmp(mode, "unload") == 0) {
    in_threads(until_end, 2, unload_and_load);
    printf("survived\n");
    return 0;
  }
  load();
  if (strcmp(mode, "threads") == 0) in_threads(thread, 4, NULL);
  if (strcmp(mode, "calm") == 0) in_threads(calm_thread, 4, NULL);
  if (strcmp(mode, "signals") == 0) with_signals();
  if (strcmp(mode, "children") == 0) with_children();
  if (strcmp(mode, "large") == 0) large();
  if (strcmp(mode, "slowly") == 0) slowly();
  if (strcmp(mode, "setuid") == 0) {
    in_threads(calm_thread, 2, become_nobody);
    steps(2);
  }
  if (strcmp(mode, "exec") == 0) {
    steps(0);
    char* const again[] = {argv[0], argv[1], "threads", argv[3], NULL};
    printf("before %llu\n", (unsigned long long)shared[0]);
    fflush(stdout);
    execv(argv[0], again);
  }
  printf("sent %llu\n", (unsigned long long)shared[0]);
  return 0;
}
