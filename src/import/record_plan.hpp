// SPDX-License-Identifier: MIT
// From the kernel's layout of an event's records to CTF's: field classes once, then bytes.
#pragma once

#include "ctf/model.hpp"
#include "tracefs/event_format.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sillage::import {

/// How records of one event become payloads.
///
/// A payload has the event's fields in the record's order under LTTng's names, packed and in this
/// machine's byte order; strings and arrays that stand elsewhere in the record are put in their
/// place. Integers of system calls have the size of their C type, not of a register. The specific
/// context has what all records begin with but for their type and thread: `common_flags`,
/// `common_preempt_count`.
///
/// Cost: one copy per run of bytes that are the same in both layouts.
class RecordPlan {
 public:
  /// `order`: of the machine that recorded.
  RecordPlan(const tracefs::EventFormat& format, ctf::ByteOrder order);

  [[nodiscard]] const ctf::FieldClassRef& specific_context() const { return context_; }
  [[nodiscard]] const ctf::FieldClassRef& payload() const { return payload_; }

  /// Appends specific context and payload of a record; false, and nothing appended, if the record is
  /// too short for its fields or says that one stands outside of it.
  [[nodiscard]] bool append(std::span<const std::byte> record, std::vector<std::byte>* out) const;

 private:
  enum class Action : std::uint8_t {
    kCopy,      // `bytes` from `offset`
    kSwap,      // the same, in elements of `element_bytes` whose bytes are turned round
    kString,    // text at `place`, and a NUL
    kSequence,  // u32 count, elements at `place`
  };
  struct Step {
    Action action;
    tracefs::FieldPlace place = tracefs::FieldPlace::kFixed;
    std::uint32_t offset = 0, bytes = 0, element_bytes = 1;
  };

  void add_copy(std::uint32_t offset, std::uint32_t bytes, std::uint32_t element_bytes);
  void run(const Step& step, std::span<const std::byte> from, std::vector<std::byte>* out) const;

  ctf::ByteOrder order_;
  std::vector<Step> steps_;
  std::size_t fixed_bytes_ = 0;  // a record must have that many
  ctf::FieldClassRef context_, payload_;
};

}  // namespace sillage::import
