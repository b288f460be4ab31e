// SPDX-License-Identifier: MIT
// Emits an event, makes a system call, emits an event, COUNT times: order_program COUNT.
#include <sillage/tracepoint.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

int main(int argc, char** argv) {
  const std::uint32_t count = argc > 1 ? static_cast<std::uint32_t>(std::atoi(argv[1])) : 1000;
  for (std::uint32_t i = 0; i < count; ++i) {
    SILLAGE_TRACEPOINT(order, before, INFO, sillage_field(number, i));
    syscall(SYS_getppid);
    SILLAGE_TRACEPOINT(order, after, INFO, sillage_field(number, i));
  }
  return 0;
}
