/* SPDX-License-Identifier: MIT */
#include "values.h"

#include <sillage/tracepoint.h>

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>

static const struct sillage_label kStates[] = {SILLAGE_LABEL(0, "idle"),
                                               SILLAGE_LABEL_RANGE(1, 9, "busy")};

void emit_from_c(void) {
  SILLAGE_TRACEPOINT(c, none, EMERG);
  SILLAGE_TRACEPOINT(c, integers, ALERT, sillage_field(i8, (int8_t)INT8_MIN),
                     sillage_field(u8, (uint8_t)UINT8_MAX), sillage_field(i16, (int16_t)INT16_MIN),
                     sillage_field(u16, (uint16_t)UINT16_MAX), sillage_field(i32, INT32_MIN),
                     sillage_field(u32, UINT32_MAX), sillage_field(i64, INT64_MIN),
                     sillage_field(u64, UINT64_MAX));
  SILLAGE_TRACEPOINT(c, bases, CRIT, sillage_hex(hex, 0xbeefu), sillage_oct(oct, 0755),
                     sillage_bin(bin, (uint8_t)5), sillage_network(port, htons(443)),
                     sillage_network_hex(address, htonl(0x7f000001)));
  SILLAGE_TRACEPOINT(c, scalars, ERR, sillage_field(yes, (bool)true),
                     sillage_field(no, (bool)false), sillage_field(f, 1.5f),
                     sillage_field(d, -2.25), sillage_enum(state, 4, kStates),
                     sillage_enum(unknown, 77, kStates));
  const char* text = "h\xc3\xa9llo \"w\"";
  char array[8] = "six";
  SILLAGE_TRACEPOINT(c, texts, WARNING, sillage_field(text, text), sillage_field(array, array),
                     sillage_string(as_string, array), sillage_text(part, text, 3),
                     sillage_field(null, (const char*)NULL), sillage_field(empty, ""));
  const int16_t numbers[3] = {-1, 0, 1};
  const double reals[2] = {0.5, 1e300};
  const uint8_t bytes[4] = {0x49, 0x49, 0x2a, 0};
  SILLAGE_TRACEPOINT(c, arrays, NOTICE, sillage_field(numbers, numbers),
                     sillage_field(reals, reals), sillage_sequence(some, numbers, 2),
                     sillage_sequence(nothing, numbers, 0), sillage_sequence_hex(hex, bytes, 3),
                     sillage_blob(image, bytes, "image/tiff"),
                     sillage_blob_sequence(data, bytes, 2, "application/octet-stream"));
  SILLAGE_TRACEPOINT(c, partly, INFO, sillage_field(written, 1),
                     sillage_nowrite(sillage_field(hidden, 2)), sillage_field(last, 3));
  sillage_tracef("%d of %s", 7, "nine");
  sillage_tracelog(NOTICE, "logged %d", 8);
}
