/* SPDX-License-Identifier: MIT */
#include <sillage/site.h>

#include <errno.h>

static const uint64_t closed;
static const struct sillage_event event = {"package", "in_c", __FILE__, 0, 0, 1, 0, 6, 0};
static struct sillage_site site = {&closed, 0, &event, 0, 0};
static struct sillage_site* const sites[] = {&site};
static struct sillage_image image = {sites, sites + 1, 0, &closed};

int main(void) {
  errno = 0;
  sillage_image_register(&image);
  /* Without a collector the gate is shut, and an event through it is nothing. */
  const int shut = *site.gate == 0;
  sillage_emit_words(&site, 0, 0, 0, 0);
  sillage_image_unregister(&image);
  return shut && errno == 0 ? 0 : 1;
}
