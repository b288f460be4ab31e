// SPDX-License-Identifier: MIT
// Metadata streams, piece by piece: a head, then data stream classes, then event classes as they
// appear. A file that holds the head and any number of whole pieces is a valid metadata stream.
#pragma once

#include "ctf/model.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sillage::ctf {

/// The beginning of a metadata stream: preamble, trace class, environment, clocks.
///
/// Shape: text to be written once, at the start of the file `metadata`; it ends in a newline.
/// Text:  names and strings of the model may be any bytes; what is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string metadata_head(Version version, const TraceClass& trace);

/// One data stream class, to be appended before its first event class.
[[nodiscard]] std::string metadata_stream_class(Version version, const TraceClass& trace,
                                                const DataStreamClass& stream);

/// One event class, to be appended before a packet that holds such an event.
[[nodiscard]] std::string metadata_event_class(Version version, const TraceClass& trace,
                                               const EventClass& event);

/// What the names of members in event contexts and payloads are to the writer of CTF 1.8.
enum class Identifiers : std::uint8_t {
  kMade,   ///< any text, of which it makes identifiers; locations are names in the same structure
  kGiven,  ///< identifiers, of which locations are made, too: they are written as they are
};

/// The same three in CTF 1.8's language.
///
/// Names of members in event contexts and payloads get a leading underscore, which readers take
/// off, and have what C identifiers cannot hold replaced by underscores; CTF 1.8 has no way to keep
/// those. BLOBs become arrays of bytes, booleans 8-bit integers, bit maps and bit arrays unsigned
/// integers.
///
/// Pre:    no options and no variable-length integers in the model: CTF 1.8 has none. layout.hpp
/// makes none.
/// Source: CTF 1.8.3 section 7; conventions of LTTng-UST 2.13's metadata.
[[nodiscard]] std::string tsdl_head(const TraceClass& trace);
/// Where there is no field for the number of the data stream class, none is written.
[[nodiscard]] std::string tsdl_stream_class(const TraceClass& trace, const DataStreamClass& stream,
                                            Identifiers identifiers = Identifiers::kMade);
[[nodiscard]] std::string tsdl_event_class(const TraceClass& trace, const EventClass& event,
                                           Identifiers identifiers = Identifiers::kMade);

/// The same three as CTF 2 fragments, each one line: RS, JSON, LF.
///
/// Source: CTF2-SPEC-2.0 section 5; RFC 7464; attributes as LTTng 2.14's ("lttng.org,2009").
[[nodiscard]] std::string json_head(const TraceClass& trace);
[[nodiscard]] std::string json_stream_class(const TraceClass& trace, const DataStreamClass& stream);
[[nodiscard]] std::string json_event_class(const TraceClass& trace, const EventClass& event);

}  // namespace sillage::ctf
