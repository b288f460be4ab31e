/* SPDX-License-Identifier: MIT */
/* A program that does what its standard input says, line by line, and answers each line: emit, open PATH, close, fork, quit. */
#include <sillage/tracepoint.h>

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) static void here(int number) {
  SILLAGE_TRACEPOINT(symbols, program, INFO, sillage_field(number, number));
}

int main(void) {
  char line[4096];
  void* plugin = NULL;
  int number = 0;
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = 0;
    if (strcmp(line, "emit") == 0) here(number++);
    if (strncmp(line, "open ", 5) == 0) {
      plugin = dlopen(line + 5, RTLD_NOW);
      if (plugin == NULL) fprintf(stderr, "%s\n", dlerror());
    }
    if (strcmp(line, "call") == 0 && plugin != NULL)
      ((void (*)(int))dlsym(plugin, "plugin_emit"))(number++);
    if (strcmp(line, "close") == 0 && plugin != NULL) dlclose(plugin);
    if (strcmp(line, "fork") == 0) {
      pid_t child = fork();
      if (child == 0) {
        here(1000);
        _exit(0);
      }
      waitpid(child, NULL, 0);
      printf("%d ", (int)child);
    }
    if (strcmp(line, "quit") == 0) break;
    printf("done\n");
    fflush(stdout);
  }
  return 0;
}
