// SPDX-License-Identifier: MIT
#include <sillage/site.h>

#include <cerrno>
#include <cstdint>

namespace {
const std::uint64_t g_closed = 0;
const sillage_event g_event = {"package", "in_cxx", __FILE__, nullptr, nullptr, 1, 0, 6, 0};
sillage_site g_site = {&g_closed, nullptr, &g_event, 0, 0};
sillage_site* const g_sites[] = {&g_site};
sillage_image g_image = {g_sites, g_sites + 1, nullptr, &g_closed};
}  // namespace

int main() {
  errno = 0;
  sillage_image_register(&g_image);
  // Without a collector the gate is shut, and an event through it is nothing.
  const bool shut = *g_site.gate == 0;
  const char payload[4] = {1, 2, 3, 4};
  sillage_emit_bytes(&g_site, payload, sizeof payload);
  sillage_image_unregister(&g_image);
  return shut && errno == 0 ? 0 : 1;
}
