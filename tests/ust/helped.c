// SPDX-License-Identifier: MIT
// Does a hundred times what LTTng-UST's helper libraries record when they are preloaded. Compiled with -finstrument-functions.
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void* volatile memory;

static void once(size_t bytes) {
  memory = malloc(bytes);
  memory = realloc(memory, bytes + 1000);
  free(memory);
  memory = calloc(2, bytes);
  free(memory);
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
}

int main(void) {
  for (size_t i = 0; i < 100; ++i) once(i + 1);
  return 0;
}
