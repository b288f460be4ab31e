// SPDX-License-Identifier: MIT
// How the fields of a trace are written again: a tree of the classes they get, each with where its
// value comes from.
#pragma once

#include "ctf/decode_plan.hpp"
#include "ctf/model.hpp"

#include <cstdint>
#include <vector>

namespace sillage::convert {

/// A field to write.
///
/// Children: members of a structure, the element of an array, what an option holds, options of a
///           variant in the order of the original's. Where the original is an option and the field a
///           variant: nothing, then what the option holds.
struct EncodeField {
  enum class Source : std::uint8_t {
    kValue,    ///< the next value of the original
    kWrapped,  ///< a structure of the made fields and the value itself, which cannot stand alone
    kLength,   ///< made: the elements or bytes of the next value
    kTag,      ///< made: the number of the next value's option; of an option, whether it is there
    kRole,     ///< made: what the head of the packet says under the role
  };
  Source source = Source::kValue;
  ctf::FieldClassRef field_class{};
  std::uint32_t alignment_bits = 1;
  ctf::Role role = ctf::Role::kPacketMagicNumber;  ///< of kRole
  std::vector<EncodeField> children{};
};

/// Fields of one root structure; no class: the trace has no such structure.
using EncodeScope = EncodeField;

/// The alignment of a field of this class.
[[nodiscard]] std::uint32_t alignment_of(const ctf::FieldClass& field_class);

/// The roles of all fields in a class; none without one.
[[nodiscard]] ctf::Roles roles_in(const ctf::FieldClassRef& field_class);

/// Writes fields exactly as they are.
///
/// Cost: one node per field class; shared classes are not shared here.
[[nodiscard]] EncodeField same_form(const ctf::FieldClassRef& field_class);

/// What the records of one event record class become.
struct EventForm {
  EncodeScope specific_context{}, payload{};
};

/// What the packets of one data stream class become.
struct StreamForm {
  /// Event records need not be written again: their bytes mean the same.
  bool keeps_bytes = true;
  EncodeScope packet_context{}, event_header{}, common_context{};
  std::vector<EventForm> events{};  ///< in the order of StreamPlan::events
};

/// What the data streams of a trace become.
struct TraceForm {
  EncodeScope packet_header{};
  std::vector<StreamForm> streams{};  ///< in the order of Plan::streams()
};

/// Writes a trace's packets with the same classes, to leave out some of their records.
[[nodiscard]] TraceForm same_form(const ctf::Plan& plan);

}  // namespace sillage::convert
