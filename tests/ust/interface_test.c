// SPDX-License-Identifier: MIT
// src/ust/interface.h says what LTTng-UST's own headers say, byte for byte. Fails to compile where not.
#include "ust/interface.h"

#include <lttng/tracepoint.h>
#include <lttng/ust-events.h>
#include <lttng/ust-ringbuffer-context.h>

#define SAME_SIZE(ours, theirs) \
  _Static_assert(sizeof(struct ours) == sizeof(struct theirs), #ours " has another size")
#define SAME(ours, theirs, member)                                                             \
  _Static_assert(offsetof(struct ours, member) == offsetof(struct theirs, member) &&           \
                     sizeof(((struct ours*)0)->member) == sizeof(((struct theirs*)0)->member), \
                 #ours "." #member " stands elsewhere")

_Static_assert(UST_PROVIDER_MAJOR == LTTNG_UST_PROVIDER_MAJOR, "");
_Static_assert(UST_TYPE_INTEGER == lttng_ust_type_integer &&
                   UST_TYPE_STRING == lttng_ust_type_string &&
                   UST_TYPE_FLOAT == lttng_ust_type_float &&
                   UST_TYPE_DYNAMIC == lttng_ust_type_dynamic &&
                   UST_TYPE_ENUM == lttng_ust_type_enum && UST_TYPE_ARRAY == lttng_ust_type_array &&
                   UST_TYPE_SEQUENCE == lttng_ust_type_sequence &&
                   UST_TYPE_STRUCT == lttng_ust_type_struct,
               "kinds of types");
_Static_assert(UST_ENCODING_NONE == lttng_ust_string_encoding_none &&
                   UST_ENCODING_UTF8 == lttng_ust_string_encoding_UTF8 &&
                   UST_ENCODING_ASCII == lttng_ust_string_encoding_ASCII,
               "encodings");
_Static_assert(UST_ENUM_IS_AUTO == LTTNG_UST_ENUM_ENTRY_OPTION_IS_AUTO, "");

SAME_SIZE(ust_type, lttng_ust_type_common);
SAME_SIZE(ust_type_integer, lttng_ust_type_integer);
SAME(ust_type_integer, lttng_ust_type_integer, size);
SAME(ust_type_integer, lttng_ust_type_integer, alignment);
SAME(ust_type_integer, lttng_ust_type_integer, base);
SAME_SIZE(ust_type_float, lttng_ust_type_float);
SAME(ust_type_float, lttng_ust_type_float, exp_dig);
SAME(ust_type_float, lttng_ust_type_float, mant_dig);
SAME_SIZE(ust_type_string, lttng_ust_type_string);
SAME(ust_type_string, lttng_ust_type_string, encoding);
SAME_SIZE(ust_enum_value, lttng_ust_enum_value);
SAME_SIZE(ust_enum_entry, lttng_ust_enum_entry);
SAME(ust_enum_entry, lttng_ust_enum_entry, start);
SAME(ust_enum_entry, lttng_ust_enum_entry, end);
SAME(ust_enum_entry, lttng_ust_enum_entry, string);
SAME(ust_enum_entry, lttng_ust_enum_entry, options);
SAME_SIZE(ust_enum, lttng_ust_enum_desc);
SAME(ust_enum, lttng_ust_enum_desc, entries);
SAME(ust_enum, lttng_ust_enum_desc, nr_entries);
SAME_SIZE(ust_type_enum, lttng_ust_type_enum);
SAME(ust_type_enum, lttng_ust_type_enum, desc);
SAME(ust_type_enum, lttng_ust_type_enum, container_type);
SAME_SIZE(ust_type_array, lttng_ust_type_array);
SAME(ust_type_array, lttng_ust_type_array, elem_type);
SAME(ust_type_array, lttng_ust_type_array, length);
SAME(ust_type_array, lttng_ust_type_array, encoding);
SAME_SIZE(ust_type_sequence, lttng_ust_type_sequence);
SAME(ust_type_sequence, lttng_ust_type_sequence, length_name);
SAME(ust_type_sequence, lttng_ust_type_sequence, elem_type);
SAME(ust_type_sequence, lttng_ust_type_sequence, encoding);
SAME_SIZE(ust_field, lttng_ust_event_field);
SAME(ust_field, lttng_ust_event_field, name);
SAME(ust_field, lttng_ust_event_field, type);
SAME_SIZE(ust_class, lttng_ust_tracepoint_class);
SAME(ust_class, lttng_ust_tracepoint_class, fields);
SAME(ust_class, lttng_ust_tracepoint_class, nr_fields);
SAME(ust_class, lttng_ust_tracepoint_class, probe_callback);
SAME(ust_class, lttng_ust_tracepoint_class, signature);
SAME_SIZE(ust_event, lttng_ust_event_desc);
SAME(ust_event, lttng_ust_event_desc, event_name);
SAME(ust_event, lttng_ust_event_desc, probe_desc);
SAME(ust_event, lttng_ust_event_desc, tp_class);
SAME(ust_event, lttng_ust_event_desc, loglevel);
SAME(ust_event, lttng_ust_event_desc, model_emf_uri);
SAME_SIZE(ust_provider, lttng_ust_probe_desc);
SAME(ust_provider, lttng_ust_probe_desc, provider_name);
SAME(ust_provider, lttng_ust_probe_desc, event_desc);
SAME(ust_provider, lttng_ust_probe_desc, nr_events);
SAME(ust_provider, lttng_ust_probe_desc, major);
SAME_SIZE(ust_probe, lttng_ust_tracepoint_probe);
SAME(ust_probe, lttng_ust_tracepoint_probe, func);
SAME(ust_probe, lttng_ust_tracepoint_probe, data);
SAME_SIZE(ust_tracepoint, lttng_ust_tracepoint);
SAME(ust_tracepoint, lttng_ust_tracepoint, provider_name);
SAME(ust_tracepoint, lttng_ust_tracepoint, event_name);
SAME(ust_tracepoint, lttng_ust_tracepoint, state);
SAME(ust_tracepoint, lttng_ust_tracepoint, probes);
SAME(ust_tracepoint, lttng_ust_tracepoint, signature);
SAME_SIZE(ust_probe_context, lttng_ust_probe_ctx);
SAME(ust_probe_context, lttng_ust_probe_ctx, ip);
SAME_SIZE(ust_channel_ops, lttng_ust_channel_buffer_ops);
SAME(ust_channel_ops, lttng_ust_channel_buffer_ops, event_reserve);
SAME(ust_channel_ops, lttng_ust_channel_buffer_ops, event_commit);
SAME(ust_channel_ops, lttng_ust_channel_buffer_ops, event_write);
SAME(ust_channel_ops, lttng_ust_channel_buffer_ops, event_strcpy);
SAME(ust_channel_ops, lttng_ust_channel_buffer_ops, event_pstrcpy_pad);
SAME_SIZE(ust_recording, lttng_ust_ring_buffer_ctx);
SAME(ust_recording, lttng_ust_ring_buffer_ctx, client_priv);
SAME(ust_recording, lttng_ust_ring_buffer_ctx, data_size);
SAME(ust_recording, lttng_ust_ring_buffer_ctx, probe_ctx);
SAME(ust_recording, lttng_ust_ring_buffer_ctx, priv);
SAME_SIZE(ust_session, lttng_ust_session);
SAME(ust_session, lttng_ust_session, active);
SAME_SIZE(ust_channel_common, lttng_ust_channel_common);
SAME(ust_channel_common, lttng_ust_channel_common, enabled);
SAME(ust_channel_common, lttng_ust_channel_common, session);
SAME_SIZE(ust_channel, lttng_ust_channel_buffer);
SAME(ust_channel, lttng_ust_channel_buffer, parent);
SAME(ust_channel, lttng_ust_channel_buffer, ops);
SAME_SIZE(ust_event_common, lttng_ust_event_common);
SAME(ust_event_common, lttng_ust_event_common, type);
SAME(ust_event_common, lttng_ust_event_common, child);
SAME(ust_event_common, lttng_ust_event_common, enabled);
SAME(ust_event_common, lttng_ust_event_common, eval_filter);
SAME(ust_event_common, lttng_ust_event_common, run_filter);
SAME_SIZE(ust_event_recorder, lttng_ust_event_recorder);
SAME(ust_event_recorder, lttng_ust_event_recorder, parent);
SAME(ust_event_recorder, lttng_ust_event_recorder, priv);
SAME(ust_event_recorder, lttng_ust_event_recorder, chan);

int main(void) { return 0; }
