/* SPDX-License-Identifier: MIT */
#include <sillage/tracepoint.h>

int main(int argc, char** argv) {
  for (int i = 0; i < argc; ++i) {
    SILLAGE_TRACEPOINT(hello, argument, INFO, sillage_field(index, i),
                       sillage_field(text, argv[i]));
  }
  return 0;
}
