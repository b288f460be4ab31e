// SPDX-License-Identifier: MIT
#include <sillage/tracepoint.h>

#include <string_view>

int main(int argc, char** argv) {
  for (int i = 0; i < argc; ++i) {
    std::string_view text = argv[i];
    SILLAGE_TRACEPOINT(hello, argument, INFO, sillage_field(index, i), sillage_field(text, text));
  }
}
