// SPDX-License-Identifier: MIT
// sillage-holder SOCKET: keeps descriptors for daemons; started by sillaged with the listening socket as descriptor 3.
#include "hold/holder.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("sillage-holder: started by sillaged, not by hand\n", stderr);
    return 1;
  }
  // Whoever started it waits for this process, not for what goes on.
  const pid_t child = fork();
  if (child != 0) return child < 0 ? 1 : 0;
  if (chdir("/") != 0) return 1;
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  return sillage::hold::Holder(sillage::Fd(3), argv[1]).run() ? 0 : 1;
}
