// SPDX-License-Identifier: MIT
// A small traced program for tests of the daemon and the command, written against the binary interface alone.
//
//   traced_program COUNT [pause=MICROSECONDS] [hold=MILLISECONDS] [fork] [exit=STATUS] [wait-signal]
//
// Emits COUNT events test:number(int32 value) and one test:text(string what), of levels INFO and DEBUG.
#include <sillage/site.h>
#include "abi/catalog.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

const uint64_t kClosed = 0;
const sillage_field kValue = {
    "value", nullptr, nullptr, 0, 0, SILLAGE_KIND_INTEGER, 4, SILLAGE_FIELD_SIGNED, 10, 0};
const sillage_field kWhat = {"what", nullptr, nullptr, 0, 0, SILLAGE_KIND_STRING, 1, 0, 10, 0};
const sillage_event kNumber = {"test", "number", __FILE__, nullptr, &kValue, 21, 1, 6, 0};
const sillage_event kText = {"test", "text", __FILE__, nullptr, &kWhat, 22, 1, 14, 0};
sillage_site g_number = {&kClosed, nullptr, &kNumber, 0, 0};
sillage_site g_text = {&kClosed, nullptr, &kText, 0, 0};
sillage_site* const kSites[] = {&g_number, &g_text};
sillage_image g_image = {kSites, kSites + 2, nullptr, &kClosed};

bool is_open(const sillage_site& site) { return __atomic_load_n(site.gate, __ATOMIC_RELAXED) != 0; }

void emit_number(int32_t value) {
  if (is_open(g_number)) sillage_emit_words(&g_number, 4, static_cast<uint32_t>(value), 0, 0);
}

void emit_text(const char* what) {
  if (!is_open(g_text)) return;
  sillage_part part = {what, 4096, SILLAGE_PART_STRING};
  sillage_emit_parts(&g_text, &part, 1);
}

int number_behind(const char* argument, const char* name) {
  return std::strncmp(argument, name, std::strlen(name)) == 0
             ? std::atoi(argument + std::strlen(name))
             : 0;
}

[[gnu::constructor]] void register_image() { sillage_image_register(&g_image); }

volatile sig_atomic_t g_signal;

}  // namespace

int main(int argc, char** argv) {
  int count = argc > 1 ? std::atoi(argv[1]) : 10;
  int pause_us = 0, hold_ms = 0, exit_status = 0;
  bool forks = false, waits = false;
  for (int i = 2; i < argc; i++) {
    pause_us += number_behind(argv[i], "pause=");
    hold_ms += number_behind(argv[i], "hold=");
    exit_status += number_behind(argv[i], "exit=");
    forks = forks || std::strcmp(argv[i], "fork") == 0;
    waits = waits || std::strcmp(argv[i], "wait-signal") == 0;
  }
  signal(SIGTERM, [](int number) { g_signal = number; });
  if (forks && fork() == 0) {
    for (int i = 0; i < count; i++) emit_number(1000000 + i);
    _exit(0);
  }
  for (int i = 0; i < count; i++) {
    emit_number(i);
    if (pause_us != 0) usleep(static_cast<useconds_t>(pause_us));
  }
  emit_text("done");
  if (forks) wait(nullptr);
  if (hold_ms != 0) {
    std::puts("holding");
    std::fflush(stdout);
    usleep(static_cast<useconds_t>(hold_ms) * 1000);
    emit_text("held");
  }
  while (waits && g_signal == 0) usleep(10000);
  return exit_status;
}
