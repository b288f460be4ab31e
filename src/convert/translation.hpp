// SPDX-License-Identifier: MIT
// A trace's metadata in the other version of the format, and what its packets become.
#pragma once

#include "base/result.hpp"
#include "convert/encode_form.hpp"
#include "ctf/decode_plan.hpp"
#include "ctf/model.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sillage::convert {

/// A translated trace.
struct Translation {
  ctf::TraceModel model{};  ///< as metadata_text() takes it
  TraceForm form{};
  /// What the target cannot say, one line each: where, and what became of it.
  std::vector<std::string> notices{};
};

/// Says the same in CTF 2. Nothing is lost, and all packets keep their bytes.
///
/// Ranges of a variant's options that overlap become apart: the first option that has a number keeps
/// it, as readers of CTF 1.8 choose. Source: CTF2-SPEC-2.0 section 5.3.20.
/// `packet_uuid`: of a packet; the trace's, if its metadata has none.
[[nodiscard]] Translation to_ctf2(const ctf::Plan& plan,
                                  const std::optional<ctf::Uuid>& packet_uuid = {});

/// Says in CTF 1.8 what it can say.
///
///   original                        becomes                                            bytes
///   bit array, bit map, boolean     unsigned integer; flags' names are lost            same
///   variable-length integer         integer of 64 bits                                 new
///   text of UTF-16, UTF-32          string of UTF-8                                    new
///   BLOB                            array of bytes; the media type is lost             same
///   option                          tag and variant of nothing or the field            new
///   variant without fitting labels  tag and variant                                    new
///   length behind arrays, options   length in front of the field (text: a string)      new
///   bit order against byte order    the usual one                                      new
///   packets without a length        content_size and packet_size, if they get new bytes
///   alignment of an array           that of its elements                               new
///
/// Made fields are named after the field: NAME_tag, NAME_length. Names that are no identifiers
/// change; namespaces, attributes, accuracies and origins of clocks are lost.
/// Errors: kUnsupported  a structure of the event header has two numbers of the event record class.
[[nodiscard]] Result<Translation> to_ctf18(const ctf::Plan& plan);

/// Whether a trace says in its environment that it follows LTTng's conventions: in CTF 2 that is its
/// namespace.
[[nodiscard]] bool follows_lttng(const ctf::TraceClass& trace);

/// The whole metadata stream of a translated trace.
[[nodiscard]] std::string metadata_text(const ctf::TraceModel& model);

}  // namespace sillage::convert
