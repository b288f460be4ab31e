// SPDX-License-Identifier: MIT
// Metadata of sound traces for the fuzz targets: most field classes, the shapes that readers treat apart among them
// (LTTng's compact header, arrays of nothing, lengths in other scopes).
#pragma once

namespace sillage::fuzzing {

inline constexpr char kTsdlSample[] = R"tsdl(/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := uint8_t;
typealias integer { size = 32; align = 8; signed = false; } := uint32_t;
typealias integer { size = 64; align = 8; signed = false; } := uint64_t;
typealias integer { size = 5; align = 1; signed = false; } := uint5_t;
trace { major = 1; minor = 8; byte_order = le;
  packet.header := struct { uint32_t magic; uint32_t stream_id; uint64_t stream_instance_id; }; };
env { hostname = "here"; };
clock { name = "monotonic"; freq = 1000000000; offset = 5; };
typealias integer { size = 27; align = 1; signed = false; map = clock.monotonic.value; } := uint27_clock_t;
typealias integer { size = 64; align = 8; signed = false; map = clock.monotonic.value; } := uint64_clock_t;
stream { id = 0;
  packet.context := struct { uint64_clock_t timestamp_begin; uint64_clock_t timestamp_end; uint64_t content_size;
    uint64_t packet_size; uint64_t packet_seq_num; uint64_t events_discarded; uint32_t cpu_id; };
  event.header := struct {
    enum : uint5_t { compact = 0 ... 30, extended = 31 } id;
    variant <id> { struct { uint27_clock_t timestamp; } compact;
      struct { uint32_t id; uint64_clock_t timestamp; } extended; } v; } align(8);
  event.context := struct { integer { size = 8; align = 8; encoding = UTF8; } procname[4]; }; };
event { name = "numbers"; id = 0; stream_id = 0; loglevel = 6;
  fields := struct { integer { size = 3; signed = true; } a; integer { size = 13; byte_order = le; base = 16; } b;
    floating_point { exp_dig = 8; mant_dig = 24; align = 8; } f; floating_point { exp_dig = 11; mant_dig = 53; align = 1; } g;
    integer { size = 32; align = 32; byte_order = be; } n; }; };
event { name = "text"; id = 1; stream_id = 0;
  fields := struct { string s; uint8_t _length; integer { size = 8; align = 8; encoding = UTF8; } t[_length]; string u; }; };
event { name = "arrays"; id = 40; stream_id = 0;
  context := struct { uint8_t n; };
  fields := struct { uint32_t one[3]; struct { uint8_t k; uint8_t inner[k]; } two[event.context.n]; uint64_t m;
    struct { } none[m]; }; };
event { name = "choice"; id = 3; stream_id = 0;
  fields := struct { enum : uint8_t { A = 0 ... 9, B, C = 100 ... 200, D = 150 } tag;
    variant <tag> { uint8_t A; struct { string s; } B; uint64_t C; string D; } v; }; };
)tsdl";

// Each fragment begins with U+001E.
inline constexpr char kJsonSample[] =
    "\x1e"
    R"json({"type":"preamble","version":2,"uuid":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]}
)json"
    "\x1e"
    R"json({"type":"field-class-alias","name":"u8","field-class":{"type":"fixed-length-unsigned-integer","length":8,
"byte-order":"little-endian","alignment":8}}
)json"
    "\x1e"
    R"json({"type":"trace-class","packet-header-field-class":{"type":"structure","member-classes":[{"name":"magic",
"field-class":{"type":"fixed-length-unsigned-integer","length":32,"byte-order":"little-endian",
"alignment":8,"roles":["packet-magic-number"]}},{"name":"uuid","field-class":{"type":"static-length-blob",
"length":16,"roles":["metadata-stream-uuid"]}},{"name":"class",
"field-class":{"type":"variable-length-unsigned-integer","roles":["data-stream-class-id"]}},{"name":"id",
"field-class":{"type":"fixed-length-unsigned-integer","length":8,"byte-order":"little-endian","alignment":8,
"roles":["data-stream-id"]}}]}}
)json"
    "\x1e"
    R"json({"type":"clock-class","id":"c","frequency":3000000,"offset-from-origin":{"seconds":-7,"cycles":5},
"origin":"unix-epoch"}
)json"
    "\x1e"
    R"json({"type":"data-stream-class","id":1,"default-clock-class-id":"c",
"packet-context-field-class":{"type":"structure","member-classes":[{"name":"size",
"field-class":{"type":"fixed-length-unsigned-integer","length":32,"byte-order":"little-endian",
"alignment":8,"roles":["packet-total-length"]}},{"name":"content",
"field-class":{"type":"fixed-length-unsigned-integer","length":32,"byte-order":"little-endian",
"alignment":8,"roles":["packet-content-length"]}},{"name":"begin",
"field-class":{"type":"fixed-length-unsigned-integer","length":64,"byte-order":"little-endian",
"alignment":8,"roles":["default-clock-timestamp"]}},{"name":"end",
"field-class":{"type":"fixed-length-unsigned-integer","length":64,"byte-order":"little-endian",
"alignment":8,"roles":["packet-end-default-clock-timestamp"]}},{"name":"lost",
"field-class":{"type":"variable-length-unsigned-integer",
"roles":["discarded-event-record-counter-snapshot"]}},{"name":"number",
"field-class":{"type":"variable-length-unsigned-integer","roles":["packet-sequence-number"]}},{"name":"cpu",
"field-class":"u8"}]},"event-record-header-field-class":{"type":"structure","member-classes":[{"name":"id",
"field-class":{"type":"variable-length-unsigned-integer","roles":["event-record-class-id"]}},{"name":"time",
"field-class":{"type":"variable-length-unsigned-integer","roles":["default-clock-timestamp"]}}]},
"event-record-common-context-field-class":{"type":"structure","member-classes":[{"name":"n",
"field-class":"u8"}]}}
)json"
    "\x1e"
    R"json({"type":"event-record-class","id":0,"data-stream-class-id":1,"name":"scalars",
"payload-field-class":{"type":"structure","member-classes":[{"name":"bits",
"field-class":{"type":"fixed-length-bit-array","length":5,"byte-order":"big-endian",
"bit-order":"first-to-last"}},{"name":"map","field-class":{"type":"fixed-length-bit-map","length":11,
"byte-order":"big-endian","flags":{"x":[[0,3]],"y":[[2,10]]}}},{"name":"yes",
"field-class":{"type":"fixed-length-boolean","length":8,"byte-order":"little-endian"}},{"name":"signed",
"field-class":{"type":"fixed-length-signed-integer","length":7,"byte-order":"little-endian",
"mappings":{"a":[[-3,3]],"b":[[2,9]]}}},{"name":"half",
"field-class":{"type":"fixed-length-floating-point-number","length":16,"byte-order":"big-endian",
"alignment":8}},{"name":"leb","field-class":{"type":"variable-length-signed-integer",
"preferred-display-base":16}}]}}
)json"
    "\x1e"
    R"json({"type":"event-record-class","id":1,"data-stream-class-id":1,"name":"text",
"payload-field-class":{"type":"structure","member-classes":[{"name":"a",
"field-class":{"type":"null-terminated-string"}},{"name":"b","field-class":{"type":"null-terminated-string",
"encoding":"utf-16le"}},{"name":"c","field-class":{"type":"static-length-string","length":8,
"encoding":"utf-32be"}},{"name":"d","field-class":{"type":"dynamic-length-string",
"length-field-location":{"path":["n"],"origin":"event-record-common-context"},"encoding":"utf-16be"}},
{"name":"e","field-class":{"type":"dynamic-length-blob","length-field-location":{"path":["n"],
"origin":"event-record-common-context"}}},{"name":"f","field-class":{"type":"static-length-blob","length":3,
"media-type":"image/png"}}]}}
)json"
    "\x1e"
    R"json({"type":"event-record-class","id":2,"data-stream-class-id":1,"name":"compounds",
"specific-context-field-class":{"type":"structure","member-classes":[{"name":"big",
"field-class":{"type":"variable-length-unsigned-integer"}},{"name":"tag",
"field-class":{"type":"variable-length-signed-integer"}}]},"payload-field-class":{"type":"structure",
"member-classes":[{"name":"empty","field-class":{"type":"dynamic-length-array",
"length-field-location":{"path":["big"],"origin":"event-record-specific-context"},
"element-field-class":{"type":"structure","member-classes":[]}}},{"name":"rows",
"field-class":{"type":"dynamic-length-array","length-field-location":{"path":["n"],
"origin":"event-record-common-context"},"minimum-alignment":32,"element-field-class":{"type":"structure",
"member-classes":[{"name":"k","field-class":{"type":"variable-length-unsigned-integer"}},{"name":"cells",
"field-class":{"type":"dynamic-length-array","length-field-location":{"path":["k"]},
"element-field-class":"u8"}}]}}},{"name":"maybe","field-class":{"type":"optional",
"selector-field-location":{"path":["tag"],"origin":"event-record-specific-context"},
"selector-field-ranges":[[-5,-1],[3,3]],"field-class":{"type":"static-length-array","length":2,
"element-field-class":{"type":"null-terminated-string"}}}},{"name":"one","field-class":{"type":"variant",
"selector-field-location":{"path":["tag"],"origin":"event-record-specific-context"},
"options":[{"selector-field-ranges":[[-9,0]],"field-class":"u8"},{"name":"s","selector-field-ranges":[[1,
7]],"field-class":{"type":"structure","member-classes":[{"name":"x",
"field-class":{"type":"null-terminated-string"}}]}}]}}]}}
)json";

}  // namespace sillage::fuzzing
