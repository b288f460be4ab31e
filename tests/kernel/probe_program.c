/* SPDX-License-Identifier: MIT */
/* Calls a function 1000 times and passes an SDT probe 500 times; prints how often its semaphore was raised there. */
#define _SDT_HAS_SEMAPHORES 1
#include <stdio.h>
#include <sys/sdt.h>

unsigned short demo_values_semaphore __attribute__((section(".probes")));

__attribute__((noinline)) void called(int number) { __asm__ volatile("" ::"r"(number)); }

int main(void) {
  int raised = 0;
  for (int i = 0; i < 1000; ++i) called(i);
  for (int i = 0; i < 500; ++i) {
    int a = -i;
    unsigned long b = 5000000000ul + (unsigned long)i;
    short c = (short)(-3 * i);
    unsigned char d = (unsigned char)i;
    if (*(volatile unsigned short*)&demo_values_semaphore != 0) ++raised;
    STAP_PROBE4(demo, values, a, b, c, d);
  }
  printf("%d\n", raised);
  return 0;
}
