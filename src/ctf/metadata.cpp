// SPDX-License-Identifier: MIT
#include "ctf/metadata.hpp"

namespace sillage::ctf {

std::string metadata_head(Version version, const TraceClass& trace) {
  return version == Version::kCtf18 ? tsdl_head(trace) : json_head(trace);
}

std::string metadata_stream_class(Version version, const TraceClass& trace,
                                  const DataStreamClass& stream) {
  return version == Version::kCtf18 ? tsdl_stream_class(trace, stream)
                                    : json_stream_class(trace, stream);
}

std::string metadata_event_class(Version version, const TraceClass& trace,
                                 const EventClass& event) {
  return version == Version::kCtf18 ? tsdl_event_class(trace, event)
                                    : json_event_class(trace, event);
}

}  // namespace sillage::ctf
