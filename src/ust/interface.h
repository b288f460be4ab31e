/* SPDX-License-Identifier: MIT */
/*
 * The binary interface between programs built with LTTng-UST 2.13's headers and its libraries (sonames .so.1): the
 * structures that providers describe their events with, and those that their generated code calls back through.
 *
 * Facts of that interface, not its text: names of types are ours, names of members are kept so that they can be looked
 * up. tests/ust/interface_test.c compares every size and offset with LTTng's own headers. Structures begin with their
 * size; a newer program may have longer ones, of which these are the beginning.
 */
#ifndef SILLAGE_LTTNG_UST_INTERFACE_H
#define SILLAGE_LTTNG_UST_INTERFACE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ust_provider_version { UST_PROVIDER_MAJOR = 3 };

/* Descriptions: read-only, static in the provider's object. */

enum ust_type_kind {
  UST_TYPE_INTEGER = 0,
  UST_TYPE_STRING = 1,
  UST_TYPE_FLOAT = 2,
  UST_TYPE_DYNAMIC = 3, /* contexts only */
  UST_TYPE_ENUM = 4,
  UST_TYPE_ARRAY = 5,
  UST_TYPE_SEQUENCE = 6,
  UST_TYPE_STRUCT = 7, /* no macro makes one */
};

enum ust_encoding { UST_ENCODING_NONE = 0, UST_ENCODING_UTF8 = 1, UST_ENCODING_ASCII = 2 };

struct ust_type {
  uint32_t kind; /* enum ust_type_kind; the structures below begin with it */
};

struct ust_type_integer {
  struct ust_type parent;
  uint32_t struct_size;
  unsigned int size; /* bits */
  unsigned short alignment;
  unsigned int signedness : 1;
  unsigned int reverse_byte_order : 1;
  unsigned int base;
};

struct ust_type_float {
  struct ust_type parent;
  uint32_t struct_size;
  unsigned int exp_dig;
  unsigned int mant_dig;
  unsigned short alignment;
  unsigned int reverse_byte_order : 1;
};

struct ust_type_string {
  struct ust_type parent;
  uint32_t struct_size;
  uint32_t encoding;
};

struct ust_enum_value {
  unsigned long long value;
  unsigned int signedness : 1;
};

enum ust_enum_option { UST_ENUM_IS_AUTO = 1 };

struct ust_enum_entry {
  uint32_t struct_size;
  struct ust_enum_value start, end; /* inclusive */
  const char* string;
  unsigned int options;
};

struct ust_provider;

struct ust_enum {
  uint32_t struct_size;
  const char* name;
  const struct ust_enum_entry* const* entries;
  unsigned int nr_entries;
  const struct ust_provider* probe_desc;
};

struct ust_type_enum {
  struct ust_type parent;
  uint32_t struct_size;
  const struct ust_enum* desc;
  const struct ust_type* container_type;
};

struct ust_type_array {
  struct ust_type parent;
  uint32_t struct_size;
  const struct ust_type* elem_type;
  unsigned int length;
  unsigned int alignment;
  uint32_t encoding;
};

struct ust_type_sequence {
  struct ust_type parent;
  uint32_t struct_size;
  const char* length_name; /* NULL: the field before */
  const struct ust_type* elem_type;
  unsigned int alignment;
  uint32_t encoding;
};

struct ust_field {
  uint32_t struct_size;
  const char* name;
  const struct ust_type* type;
  unsigned int nowrite : 1;
  unsigned int nofilter : 1;
};

struct ust_class {
  uint32_t struct_size;
  const struct ust_field* const* fields;
  size_t nr_fields;
  void (*probe_callback)(void);
  const char* signature;
  const struct ust_provider* probe_desc;
};

struct ust_event {
  uint32_t struct_size;
  const char* event_name;
  const struct ust_provider* probe_desc;
  const struct ust_class* tp_class;
  const int** loglevel;       /* the pointer, or what it leads to, is NULL: DEBUG_LINE */
  const char** model_emf_uri; /* likewise: none */
};

struct ust_provider {
  uint32_t struct_size;
  const char* provider_name;
  const struct ust_event* const* event_desc;
  unsigned int nr_events;
  uint32_t major;
  uint32_t minor;
};

/* Tracepoints: static and writable in the object that has the call. */

struct ust_probe {
  void (*func)(void); /* NULL ends the array */
  void* data;         /* its first argument */
};

struct ust_tracepoint {
  uint32_t struct_size;
  const char* provider_name;
  const char* event_name;
  int state; /* not 0: the call looks at `probes` */
  struct ust_probe* probes;
  int* tracepoint_provider_ref;
  const char* signature;
};

/* What a provider's generated code reads and calls while an event is recorded. */

struct ust_probe_context {
  uint32_t struct_size;
  void* ip;
};

struct ust_recording; /* the generated code's, on its stack */

struct ust_channel_ops {
  uint32_t struct_size;
  void* priv;
  int (*event_reserve)(struct ust_recording* recording);
  void (*event_commit)(struct ust_recording* recording);
  void (*event_write)(struct ust_recording* recording, const void* from, size_t bytes,
                      size_t alignment);
  void (*event_strcpy)(struct ust_recording* recording, const char* from, size_t bytes);
  void (*event_pstrcpy_pad)(struct ust_recording* recording, const char* from, size_t bytes);
};

struct ust_recording {
  uint32_t struct_size;
  void* client_priv; /* the ust_event_recorder */
  size_t data_size;
  int largest_align;
  struct ust_probe_context* probe_ctx;
  void* priv; /* ours */
};

struct ust_session {
  uint32_t struct_size;
  void* priv;
  int active;
};

struct ust_channel_common {
  uint32_t struct_size;
  void* priv;
  uint32_t type; /* 0: a buffer */
  void* child;
  int enabled;
  struct ust_session* session;
};

struct ust_channel {
  uint32_t struct_size;
  struct ust_channel_common* parent;
  void* priv;
  struct ust_channel_ops* ops;
};

enum ust_event_type { UST_EVENT_RECORDER = 0, UST_EVENT_NOTIFIER = 1 };

struct ust_event_common {
  uint32_t struct_size;
  void* priv;
  uint32_t type; /* enum ust_event_type */
  void* child;
  int enabled;
  int eval_filter;
  int (*run_filter)(const struct ust_event_common* event, const char* stack,
                    struct ust_probe_context* context, void* filter);
};

struct ust_event_recorder {
  uint32_t struct_size;
  struct ust_event_common* parent;
  void* priv;
  struct ust_channel* chan;
};

/* A clock in the place of CLOCK_MONOTONIC. */
struct ust_clock {
  uint64_t (*read64)(void);
  uint64_t (*freq)(void);
  int (*uuid)(char* uuid); /* 36 characters and a NUL; not 0: it has none */
  const char* (*name)(void);
  const char* (*description)(void);
};

/* Contexts of the application. No public header of LTTng-UST's has these: they are between it and its Java agent. */

struct ust_app_context { /* what callbacks are told of the context they are asked for */
  uint32_t struct_size;
  const struct ust_field* event_field;
  const char* ctx_name; /* "$app.PROVIDER:TYPE" */
};

struct ust_context_provider {
  uint32_t struct_size;
  const char* name; /* "$app.PROVIDER" */
  size_t (*get_size)(void* about, struct ust_probe_context* probe_ctx, size_t offset);
  void (*record)(void* about, struct ust_probe_context* probe_ctx, struct ust_recording* recording,
                 struct ust_channel* chan);
  void (*get_value)(void* about, struct ust_probe_context* probe_ctx, void* value);
  void* priv; /* not what `about` is */
};

#ifdef __cplusplus
}
#endif
#endif
