// SPDX-License-Identifier: MIT
// The instructions of an event's filter.
#pragma once

#include "base/result.hpp"
#include "bpf/assembler.hpp"
#include "filter/compile.hpp"
#include "kernel/maps.hpp"
#include "kernel/program_plan.hpp"
#include "kernel/value_code.hpp"

#include <cstdint>
#include <vector>

namespace sillage::kernel {

/// Emits a filter over the fields of a plan.
///
/// Registers: r6 is the program's context, r7 keeps its value, the others are lost; r9 is the scratch area if there
///            is need of one.
/// Stack:     below what ValueCode uses, to kStackEnd.
class FilterCode final : public filter::FieldCode {
 public:
  /// Bytes of a text that count, with a NUL.
  static constexpr std::uint32_t kTextBytes = 256;

  /// `sets` may be null: then there are no large ones.
  FilterCode(bpf::Assembler& assembler, ValueCode& values, const FilterPlan& plan, SetMaps* sets)
      : a_(assembler), values_(values), plan_(plan), sets_(sets) {}

  /// Whether there are texts that the stack has no room for: two of kTextBytes go to where r9 points.
  [[nodiscard]] static bool needs_scratch(const FilterPlan& plan);

  /// Goes on if the event is to be recorded, and to `no_match` if not.
  ///
  /// Errors: those of filter::compile().
  [[nodiscard]] Status emit(bpf::Label no_match);

  void load_integer(std::uint32_t slot) override;
  void load_text(std::uint32_t slot, std::int32_t offset) override;
  [[nodiscard]] Status look_up(const std::vector<std::int64_t>& values) override;
  [[nodiscard]] bool can_be_missing(std::uint32_t slot) const override {
    return plan_.fields[slot].element.has_value();
  }
  void check_present(std::uint32_t slot, bpf::Label missing) override;

 private:
  void load_item(const FieldPlan& field);
  void load_record_bytes(const FieldPlan& field, std::int32_t offset, std::uint32_t bytes);
  void load_string(const FieldPlan& field, std::int32_t offset);

  bpf::Assembler& a_;
  ValueCode& values_;
  const FilterPlan& plan_;
  SetMaps* const sets_;
  std::uint32_t text_bytes_ = kTextBytes;
};

}  // namespace sillage::kernel
