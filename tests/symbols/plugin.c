/* SPDX-License-Identifier: MIT */
#include <sillage/tracepoint.h>

void plugin_emit(int number);
void plugin_emit(int number) {
  SILLAGE_TRACEPOINT(symbols, plugin, INFO, sillage_field(number, number));
}
