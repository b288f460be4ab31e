// SPDX-License-Identifier: MIT
#include "kernel/filter_code.hpp"

#include <algorithm>

namespace sillage::kernel {
namespace {

using bpf::Alu;
using bpf::If;
using bpf::Label;
using bpf::Size;
using enum bpf::Reg;

// On the stack: temporaries and an element of a sequence, then one short text such as the name of a process. The whole is what the ring's
// out-of-line switch leaves of 512 bytes.
constexpr std::int32_t kStackTop = -320;
constexpr std::uint32_t kStackBytes = 120;
constexpr std::int32_t kElement = kStackTop - static_cast<std::int32_t>(kStackBytes) - 8;
constexpr std::uint32_t kShortText = 24;
constexpr std::int32_t kText = kElement - static_cast<std::int32_t>(kShortText);

bool is_text(const FieldPlan& field) {
  switch (field.kind) {
    case FieldPlan::Kind::kKernelString:
    case FieldPlan::Kind::kUserString:
    case FieldPlan::Kind::kRecordString: return true;
    default: return field.is_text;
  }
}

std::uint32_t text_buffers(const FilterPlan& plan) {
  std::uint32_t buffers = 0;
  for (const filter::Tree& tree : plan.any_of)
    buffers = std::max(buffers, filter::text_needs(tree).buffers);
  return buffers;
}

}  // namespace

bool FilterCode::needs_scratch(const FilterPlan& plan) {
  const std::uint32_t buffers = text_buffers(plan);
  if (buffers != 1) return buffers != 0;
  return std::any_of(plan.fields.begin(), plan.fields.end(), [](const FieldPlan& field) {
    return is_text(field) && (!field.is_fixed() || field.bytes >= kShortText);
  });
}

Status FilterCode::emit(Label no_match) {
  if (plan_.any_of.empty()) return {};
  if (text_buffers(plan_) != 0 && !needs_scratch(plan_)) {
    text_bytes_ = kShortText;
    a_.move(r9, r10);
    a_.alu(Alu::kAdd, r9, kText);
    for (std::int32_t at = 0; at < static_cast<std::int32_t>(kShortText); at += 8)
      a_.store(Size::k8, r9, at, 0);
  }
  const filter::CompileOptions options{
      .stack_top = kStackTop, .stack_bytes = kStackBytes, .text_bytes = text_bytes_};
  const Label match = a_.label();
  for (const filter::Tree& tree : plan_.any_of) {
    const bool is_last = &tree == &plan_.any_of.back();
    const Label next = is_last ? no_match : a_.label();
    SILLAGE_TRY(filter::compile(tree, *this, options, a_, match, next));
    if (!is_last) a_.bind(next);
  }
  a_.bind(match);
  return {};
}

void FilterCode::load_integer(std::uint32_t slot) {
  const FieldPlan& field = plan_.fields[slot];
  const std::uint32_t bits = field.bytes * 8;
  if (field.kind == FieldPlan::Kind::kRecordBytes) {
    a_.load(bpf::size_of_bytes(field.bytes), r1, r6, static_cast<std::int32_t>(field.offset));
    if (field.is_signed && bits < 64) a_.sign_extend(r1, bits);
    return;
  }
  if (field.kind == FieldPlan::Kind::kRecordSequence) {
    load_item(field);
  } else {
    values_.evaluate(field.value);
  }
  if (field.is_network_order && bits > 8) a_.swap_bytes(r1, bits);
  if (bits == 64) return;
  if (field.is_signed) {
    a_.sign_extend(r1, bits);
  } else {
    a_.zero_extend(r1, bits);
  }
}

// Through a helper: the verifier knows no bound of where it is.
void FilterCode::load_item(const FieldPlan& field) {
  const auto begin = static_cast<std::int32_t>(field.element.value_or(0) * field.bytes);
  a_.load(Size::k4, r3, r6, static_cast<std::int32_t>(field.offset));
  a_.alu(Alu::kAnd, r3, 0xffff);
  a_.move(r1, r6);
  a_.alu(Alu::kAdd, r3, r1);
  a_.alu(Alu::kAdd, r3,
         begin + (field.is_relative ? static_cast<std::int32_t>(field.offset + 4) : 0));
  a_.store(Size::k8, r10, kElement, 0);
  a_.move(r1, r10);
  a_.alu(Alu::kAdd, r1, kElement);
  a_.move(r2, std::uint64_t{field.bytes});
  a_.call(BPF_FUNC_probe_read_kernel);
  a_.load(bpf::size_of_bytes(field.bytes), r1, r10, kElement);
}

Status FilterCode::look_up(const std::vector<std::int64_t>& values) {
  if (sets_ == nullptr) return FieldCode::look_up(values);
  const auto map = sets_->find(values);
  if (!map) return tl::unexpected(map.error());
  a_.store(Size::k8, r10, kElement, r1);
  a_.load_map(r1, *map);
  a_.move(r2, r10);
  a_.alu(Alu::kAdd, r2, kElement);
  a_.call(BPF_FUNC_map_lookup_elem);
  return {};
}

void FilterCode::check_present(std::uint32_t slot, Label missing) {
  const FieldPlan& field = plan_.fields[slot];
  if (field.kind == FieldPlan::Kind::kRecordSequence) {
    a_.load(Size::k4, r1, r6, static_cast<std::int32_t>(field.offset));
    a_.alu(Alu::kShiftRight, r1, 16);
    if (field.bytes != 1) a_.alu(Alu::kDivide, r1, static_cast<std::int32_t>(field.bytes));
  } else {
    values_.evaluate(field.count);
  }
  a_.jump_if(If::kBelowOrEqual, r1, static_cast<std::int32_t>(field.element.value_or(0)), missing);
}

void FilterCode::load_text(std::uint32_t slot, std::int32_t offset) {
  const FieldPlan& field = plan_.fields[slot];
  if (!field.is_fixed()) return load_string(field, offset);
  const std::uint32_t bytes = std::min(field.bytes, text_bytes_ - 1);
  if (field.kind == FieldPlan::Kind::kRecordBytes) {
    load_record_bytes(field, offset, bytes);
  } else {
    values_.copy_memory(field.value, bytes, offset);
  }
  a_.store(Size::k1, r9, offset + static_cast<std::int32_t>(bytes), 0);
}

// The verifier wants loads from the record and stores to the stack aligned to their size.
void FilterCode::load_record_bytes(const FieldPlan& field, std::int32_t offset,
                                   std::uint32_t bytes) {
  for (std::uint32_t done = 0; done < bytes;) {
    const std::uint32_t from = field.offset + done;
    const std::uint32_t to = static_cast<std::uint32_t>(offset) + done;
    std::uint32_t step = 8;
    while (step > bytes - done || from % step != 0 || to % step != 0) step /= 2;
    a_.load(bpf::size_of_bytes(step), r1, r6, static_cast<std::int32_t>(from));
    a_.store(bpf::size_of_bytes(step), r9, static_cast<std::int32_t>(to), r1);
    done += step;
  }
}

void FilterCode::load_string(const FieldPlan& field, std::int32_t offset) {
  const Label read = a_.label();
  if (field.kind == FieldPlan::Kind::kRecordString) {
    a_.load(Size::k4, r1, r6, static_cast<std::int32_t>(field.offset));
    a_.alu(Alu::kAnd, r1, 0xffff);
    a_.move(r3, r6);
    a_.alu(Alu::kAdd, r3, r1);
    if (field.is_relative) a_.alu(Alu::kAdd, r3, static_cast<std::int32_t>(field.offset + 4));
  } else {
    values_.evaluate(field.value);
    a_.move(r3, r1);
  }
  a_.move(r1, r9);
  if (offset != 0) a_.alu(Alu::kAdd, r1, offset);
  a_.move(r2, std::uint64_t{text_bytes_});
  a_.call(field.kind == FieldPlan::Kind::kUserString ? BPF_FUNC_probe_read_user_str
                                                     : BPF_FUNC_probe_read_kernel_str);
  // What cannot be read is an empty text, as in the record.
  a_.jump_if(If::kGreater, r0, 0, read);
  a_.store(Size::k1, r9, offset, 0);
  a_.bind(read);
}

}  // namespace sillage::kernel
