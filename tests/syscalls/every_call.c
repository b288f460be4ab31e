// SPDX-License-Identifier: MIT
// Makes every system call that a test can make without harm, most of them twice: as it should be, and so that it
// fails. Through syscall(), so that what is asked for is what the kernel sees. Its one argument: a directory.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

static void files(void) {
  const long fd = CALL(openat, AT_FDCWD, "file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  CALL(write, fd, "hello, world", 12);
  CALL(lseek, fd, 2L, SEEK_SET);
  char text[32] = "";
  CALL(read, fd, text, 5L);
  CALL(pwrite64, fd, "abc", 3L, 4L);
  CALL(pread64, fd, text, 6L, 1L);
  struct iovec vectors[2] = {{"one", 3}, {"three", 5}};
  CALL(writev, fd, vectors, 2);
  CALL(pwritev, fd, vectors, 2, 0L, 0L);
  struct iovec into[2] = {{text, 3}, {text + 8, 4}};
  CALL(preadv, fd, into, 2, 0L, 0L);
  CALL(fsync, fd);
  CALL(fdatasync, fd);
  CALL(ftruncate, fd, 100L);
  CALL(fallocate, fd, FALLOC_FL_KEEP_SIZE, 0L, 4096L);
  CALL(fadvise64, fd, 0L, 0L, POSIX_FADV_SEQUENTIAL);
  CALL(flock, fd, LOCK_EX | LOCK_NB);
  CALL(fcntl, fd, F_GETFL, 0);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 7, .l_len = 9};
  CALL(fcntl, fd, F_SETLK, &lock);
  CALL(fchmod, fd, 0600);
  struct stat status;
  CALL(fstat, fd, &status);
  CALL(newfstatat, AT_FDCWD, "file", &status, AT_SYMLINK_NOFOLLOW);
  struct statx more;
  CALL(statx, AT_FDCWD, "file", AT_STATX_DONT_SYNC, STATX_SIZE | STATX_MODE, &more);
  struct statfs system;
  CALL(fstatfs, fd, &system);
  const struct timespec times[2] = {{11, 22}, {33, 44}};
  CALL(utimensat, AT_FDCWD, "file", times, 0);
  CALL(utimensat, AT_FDCWD, "file", NULL, 0);
  CALL(linkat, AT_FDCWD, "file", AT_FDCWD, "other", 0);
  CALL(symlinkat, "file", AT_FDCWD, "symbolic");
  CALL(readlinkat, AT_FDCWD, "symbolic", text, sizeof text);
  CALL(renameat2, AT_FDCWD, "other", AT_FDCWD, "third", 1 /* RENAME_NOREPLACE */);
  CALL(faccessat, AT_FDCWD, "third", R_OK | W_OK);
  CALL(fchmodat, AT_FDCWD, "third", 0644);
  CALL(fchownat, AT_FDCWD, "third", 0, 0, 0);
  CALL(mkdirat, AT_FDCWD, "folder", 0755);
  CALL(mknodat, AT_FDCWD, "fifo", S_IFIFO | 0600, 0);
  struct open_how how = {.flags = O_RDONLY | O_DIRECTORY, .resolve = RESOLVE_BENEATH};
  const long folder = CALL(openat2, AT_FDCWD, "folder", &how, sizeof how);
  char entries[512];
  CALL(getdents64, folder, entries, sizeof entries);
  CALL(close, folder);
  CALL(unlinkat, AT_FDCWD, "folder", AT_REMOVEDIR);
  CALL(unlinkat, AT_FDCWD, "no such file", 0);
  const long copy = CALL(openat, AT_FDCWD, "third", O_WRONLY | O_APPEND, 0);
  int64_t offset = 3;
  CALL(sendfile, fd, copy, &offset, 5L);
  CALL(copy_file_range, fd, &offset, copy, NULL, 5L, 0);
  CALL(dup, fd);
  CALL(dup3, fd, 77, O_CLOEXEC);
  CALL(close_range, 77, 77, CLOSE_RANGE_CLOEXEC);
  CALL(close, 77);
  int window;
  CALL(ioctl, fd, FIONREAD, &window);
  CALL(ioctl, fd, TIOCGWINSZ, &window);
  CALL(memfd_create, "memory", 1 /* MFD_CLOEXEC */);
  CALL(sync_file_range, fd, 0L, 10L, 2);
  CALL(readahead, fd, 0L, 10L);
  CALL(getcwd, entries, sizeof entries);
  CALL(chdir, ".");
  CALL(umask, 022);
  CALL(setxattr, "file", "user.name", "value", 5L, 1);
  CALL(getxattr, "file", "user.name", entries, sizeof entries);
  const long watch = CALL(inotify_init1, IN_NONBLOCK);
  CALL(inotify_add_watch, watch, "file", IN_MODIFY | IN_CLOSE_WRITE);
  CALL(close, -1);
  CALL(read, 9999, text, 5L);
  CALL(openat, AT_FDCWD, (const char*)8, O_RDONLY, 0);
}

#ifdef __x86_64__
static void old_calls(void) {
  struct stat status;
  struct utimbuf times = {123, 456};
  struct timeval both[2] = {{1, 2}, {3, 4}};
  CALL(open, "file", O_RDONLY | O_NOFOLLOW, 0);
  CALL(stat, "file", &status);
  CALL(lstat, "symbolic", &status);
  CALL(access, "file", X_OK);
  CALL(creat, "created", 0600);
  CALL(rename, "created", "renamed");
  CALL(link, "renamed", "linked");
  CALL(unlink, "linked");
  CALL(symlink, "renamed", "another");
  char text[16];
  CALL(readlink, "another", text, sizeof text);
  CALL(chmod, "renamed", 0400);
  CALL(utime, "renamed", &times);
  CALL(utimes, "renamed", both);
  CALL(mkdir, "old", 0700);
  CALL(rmdir, "old");
  CALL(dup2, 1, 66);
  int ends[2];
  CALL(pipe, ends);
  CALL(getpgrp);
  CALL(alarm, 0);
  CALL(time, NULL);
  CALL(arch_prctl, 0x1003 /* ARCH_GET_FS */, text);
  const long ring = CALL(epoll_create, 1);
  struct epoll_event event = {EPOLLIN, {.fd = 3}};
  CALL(epoll_wait, ring, &event, 1, 0);
  struct timeval none = {0, 5};
  fd_set set;
  FD_ZERO(&set);
  FD_SET(ends[0], &set);
  FD_SET(ends[1], &set);
  CALL(select, ends[1] + 1, &set, &set, NULL, &none);
  struct pollfd polled = {ends[1], POLLOUT | POLLIN, 0};
  CALL(poll, &polled, 1L, 10);
}
#else
static void old_calls(void) {}
#endif

static void memory(void) {
  const long page = 4096;
  void* const map = (void*)CALL(mmap, NULL, 4 * page, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
  CALL(mprotect, map, page, PROT_READ);
  CALL(madvise, map, page, MADV_DONTNEED);
  CALL(msync, map, page, MS_ASYNC);
  unsigned char here[4];
  CALL(mincore, map, 4 * page, here);
  CALL(mlock, map, page);
  CALL(munlock, map, page);
  void* const moved = (void*)CALL(mremap, map, 4 * page, 8 * page, MREMAP_MAYMOVE, 0L);
  CALL(munmap, moved, 8 * page);
  CALL(brk, 0L);
  CALL(membarrier, 0, 0, 0);
  CALL(mmap, NULL, 0L, 0, 0, -1, 0L);
}

static void identity(void) {
  uid_t a, b, c;
  struct utsname name;
  struct sysinfo info;
  struct tms spent;
  struct rusage usage;
  struct rlimit limit;
  unsigned cpu, node;
  cpu_set_t set;
  CALL(getpid);
  CALL(gettid);
  CALL(getppid);
  CALL(getuid);
  CALL(getgid);
  CALL(geteuid);
  CALL(getegid);
  CALL(getresuid, &a, &b, &c);
  CALL(getresgid, &a, &b, &c);
  CALL(getpgid, 0);
  CALL(getsid, 0);
  CALL(getgroups, 0, NULL);
  CALL(uname, &name);
  CALL(sysinfo, &info);
  CALL(times, &spent);
  CALL(getrusage, RUSAGE_SELF, &usage);
  CALL(prlimit64, 0, RLIMIT_NOFILE, NULL, &limit);
  CALL(getrlimit, RLIMIT_STACK, &limit);
  CALL(getcpu, &cpu, &node, NULL);
  CALL(getpriority, PRIO_PROCESS, 0);
  CALL(setpriority, PRIO_PROCESS, 0, 1);
  CALL(sched_getaffinity, 0, sizeof set, &set);
  CALL(sched_setaffinity, 0, sizeof set, &set);
  CALL(sched_yield);
  CALL(sched_getscheduler, 0);
  struct sched_param parameter;
  CALL(sched_getparam, 0, &parameter);
  CALL(prctl, PR_SET_NAME, "renamed-task", 0, 0, 0);
  CALL(prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
  char random[8];
  CALL(getrandom, random, sizeof random, 1);
  CALL(personality, 0xffffffff);
  CALL(capget, NULL, NULL);
  CALL(kcmp, getpid(), getpid(), 0, 1, 1);
}

static void clocks(void) {
  struct timespec when, little = {0, 1000};
  struct timeval day;
  CALL(clock_gettime, CLOCK_MONOTONIC, &when);
  CALL(clock_getres, CLOCK_REALTIME, &when);
  CALL(gettimeofday, &day, NULL);
  CALL(nanosleep, &little, NULL);
  CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &little, NULL);
  const long timer = CALL(timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK);
  const struct itimerspec setting = {{5, 6}, {7, 8}};
  struct itimerspec old;
  CALL(timerfd_settime, timer, 0, &setting, &old);
  CALL(timerfd_gettime, timer, &old);
  const struct itimerval none = {{0, 0}, {0, 0}};
  struct itimerval previous;
  CALL(setitimer, ITIMER_VIRTUAL, &none, &previous);
  CALL(getitimer, ITIMER_REAL, &previous);
  uint32_t word = 17;
  CALL(futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  CALL(futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 18, &little, NULL, 0x55);
  CALL(futex, &word, FUTEX_WAIT, 17, &little, NULL, 0);
}

static void ignore_signal(int number) { (void)number; }

static void signals(void) {
  signal(SIGUSR2, ignore_signal);
  CALL(tgkill, getpid(), gettid(), SIGUSR2);
  uint64_t set = 1u << (SIGUSR1 - 1), old = 0;
  CALL(rt_sigprocmask, SIG_BLOCK, &set, &old, 8L);
  CALL(kill, getpid(), SIGUSR1);
  CALL(rt_sigpending, &old, 8L);
  struct timespec none = {0, 1};
  siginfo_t info;
  CALL(rt_sigtimedwait, &set, &info, &none, 8L);
  CALL(tgkill, getpid(), gettid(), 0);
  CALL(rt_sigaction, SIGUSR2, NULL, NULL, 8L);
  CALL(signalfd4, -1, &set, 8L, SFD_CLOEXEC);
  CALL(sigaltstack, NULL, NULL);
}

static void waiting(void) {
  int pipe_ends[2], pair[2];
  CALL(pipe2, pipe_ends, O_NONBLOCK | O_CLOEXEC);
  CALL(socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
  CALL(write, pipe_ends[1], "x", 1L);
  const long ring = CALL(epoll_create1, EPOLL_CLOEXEC);
  struct epoll_event event = {EPOLLIN | EPOLLPRI, {.u64 = 0x1234567890abcdef}}, events[4];
  CALL(epoll_ctl, ring, EPOLL_CTL_ADD, pipe_ends[0], &event);
  CALL(epoll_ctl, ring, EPOLL_CTL_DEL, 9999, NULL);
  CALL(epoll_pwait, ring, events, 4, 100, NULL, 8L);
  struct pollfd fds[3] = {
      {pipe_ends[0], POLLIN, 0}, {pair[0], POLLIN | POLLOUT, 0}, {pair[1], POLLPRI, 0}};
  struct timespec timeout = {1, 500};
  CALL(ppoll, fds, 3L, &timeout, NULL, 8L);
  fd_set in, out;
  FD_ZERO(&in);
  FD_ZERO(&out);
  FD_SET(pipe_ends[0], &in);
  FD_SET(pair[0], &out);
  CALL(pselect6, pair[0] + 1, &in, &out, NULL, &timeout, NULL);
  const long event_fd = CALL(eventfd2, 3, EFD_SEMAPHORE | EFD_NONBLOCK);
  CALL(splice, pipe_ends[0], NULL, event_fd, NULL, 1L, 1);
  CALL(tee, pipe_ends[0], pipe_ends[1], 1L, 2);
  struct iovec vector = {"y", 1};
  CALL(vmsplice, pipe_ends[1], &vector, 1L, 0);
}

static void send_and_receive(int family, const void* address, socklen_t length) {
  const long server = CALL(socket, family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int one = 1;
  CALL(setsockopt, server, SOL_SOCKET, SO_REUSEADDR, &one, 4);
  CALL(bind, server, address, length);
  CALL(listen, server, 5);
  struct sockaddr_storage own, peer;
  socklen_t own_length = sizeof own, peer_length = sizeof peer;
  CALL(getsockname, server, &own, &own_length);
  const long client = CALL(socket, family, SOCK_STREAM, 0);
  CALL(connect, client, &own, own_length);
  const long accepted = CALL(accept4, server, &peer, &peer_length, SOCK_CLOEXEC);
  peer_length = sizeof peer;
  CALL(getpeername, client, &peer, &peer_length);
  CALL(sendto, client, "data", 4L, MSG_NOSIGNAL, NULL, 0);
  char text[16];
  CALL(recvfrom, accepted, text, sizeof text, MSG_DONTWAIT, NULL, NULL);
  struct iovec vectors[2] = {{"ab", 2}, {"cde", 3}};
  struct msghdr message = {.msg_iov = vectors, .msg_iovlen = 2};
  CALL(sendmsg, client, &message, MSG_DONTWAIT);
  struct iovec into = {text, sizeof text};
  struct msghdr received = {.msg_iov = &into, .msg_iovlen = 1};
  CALL(recvmsg, accepted, &received, 0);
  socklen_t option_length = 4;
  CALL(getsockopt, client, SOL_SOCKET, SO_ERROR, &one, &option_length);
  CALL(shutdown, client, SHUT_RDWR);
  CALL(close, accepted);
  CALL(close, client);
  CALL(close, server);
}

static void datagrams(void) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof here;
  const long receiver = CALL(socket, AF_INET, SOCK_DGRAM, 0);
  CALL(bind, receiver, &here, length);
  CALL(getsockname, receiver, &here, &length);
  const long sender = CALL(socket, AF_INET, SOCK_DGRAM, 0);
  CALL(sendto, sender, "datagram", 8L, 0, &here, length);
  struct sockaddr_in from;
  socklen_t from_length = sizeof from;
  char text[16];
  CALL(recvfrom, receiver, text, sizeof text, 0, &from, &from_length);
  struct iovec vector = {"second", 6};
  struct msghdr message = {&here, sizeof here, &vector, 1, NULL, 0, 0};
  CALL(sendmsg, sender, &message, 0);
  struct iovec into = {text, sizeof text};
  struct msghdr received = {&from, sizeof from, &into, 1, NULL, 0, 0};
  CALL(recvmsg, receiver, &received, 0);
  struct mmsghdr several[2] = {{message, 0}, {message, 0}};
  CALL(sendmmsg, sender, several, 2, 0);
  const long netlink = CALL(socket, AF_NETLINK, SOCK_RAW, 0);
  const struct sockaddr_nl group = {.nl_family = AF_NETLINK, .nl_pid = 0x01020304};
  CALL(bind, netlink, &group, sizeof group);
  const struct sockaddr none = {.sa_family = AF_UNSPEC};
  CALL(connect, sender, &none, sizeof none);
  CALL(connect, sender, (void*)16, 16);
}

static void sockets(void) {
  const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  send_and_receive(AF_INET, &v4, sizeof v4);
  const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  send_and_receive(AF_INET6, &v6, sizeof v6);
  const struct sockaddr_un path = {AF_UNIX, "socket"};
  send_and_receive(AF_UNIX, &path, sizeof path);
  const struct sockaddr_un abstract = {AF_UNIX, "\0sillage-test"};
  send_and_receive(AF_UNIX, &abstract, 2 + 13);
  datagrams();
}

static void processes(void) {
  const long child = CALL(clone, SIGCHLD, NULL, NULL, NULL, 0L);
  if (child == 0) {
    char* const arguments[] = {"true", "first argument", "second", NULL};
    char* const environment[] = {"A=1", NULL};
    CALL(execve, "/no/such/program", arguments, environment);
    CALL(execve, "/bin/true", arguments, environment);
    CALL(exit_group, 3);
  }
  int status;
  struct rusage usage;
  CALL(wait4, child, &status, 0, &usage);
  struct clone_args arguments = {.flags = CLONE_FS, .exit_signal = SIGCHLD};
  const long second = CALL(clone3, &arguments, sizeof arguments);
  if (second == 0) CALL(exit, 5);
  siginfo_t info;
  CALL(waitid, P_PID, second, &info, WEXITED, NULL);
  CALL(unshare, 0L);
  CALL(setpgid, 0, 0);
  const long descriptor = CALL(pidfd_open, getpid(), 0);
  CALL(pidfd_send_signal, descriptor, 0, NULL, 0);
  struct io_uring_params parameters = {.flags = IORING_SETUP_CLAMP};
  const long ring = CALL(io_uring_setup, 4, &parameters);
  CALL(io_uring_enter, ring, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0L);
  CALL(bpf, 5 /* BPF_PROG_LOAD */, NULL, 0);
  CALL(mount, "none", "/no/such/place", "tmpfs", 0x2f, "size=1");
  CALL(umount2, "/no/such/place", 2);
  syscall(1000, 1L, 2L, 3L, 4L, 5L, 6L);  // no system call's number
}

#ifdef __x86_64__
// As a 32-bit program would, whose pointers fit in 32 bits.
static long call_compat(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(number), "b"(a), "c"(b), "d"(c), "S"(0L), "D"(0L)
                   : "r8", "r9", "r10", "r11", "memory");
  return result;
}

static void compat(void) {
  char* const low =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (low == MAP_FAILED) return;
  strcpy(low, "compat-file");
  strcpy(low + 100, "content");
  const int32_t moment[2] = {0, 2000};
  memcpy(low + 200, moment, sizeof moment);
  const uint32_t vector[2] = {(uint32_t)(uintptr_t)(low + 100), 7};
  memcpy(low + 300, vector, sizeof vector);
  const long at = (long)(uintptr_t)low;
  call_compat(20 /* getpid */, 0, 0, 0);
  const long fd = call_compat(5 /* open */, at, O_RDWR | O_CREAT, 0600);
  call_compat(4 /* write */, fd, at + 100, 7);
  call_compat(146 /* writev */, fd, at + 300, 1);
  call_compat(162 /* nanosleep */, at + 200, 0, 0);
  call_compat(6 /* close */, -1, 0, 0);
  call_compat(999, 1, 2, 3);
}
#else
static void compat(void) {}
#endif

int main(int count, char** arguments) {
  if (count != 2 || chdir(arguments[1]) != 0) return 2;
  files();
  old_calls();
  memory();
  identity();
  clocks();
  signals();
  waiting();
  sockets();
  processes();
  compat();
  return 0;
}
