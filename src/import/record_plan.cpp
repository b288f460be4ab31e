// SPDX-License-Identifier: MIT
#include "import/record_plan.hpp"

#include "ctf/layout.hpp"
#include "import/integer_bytes.hpp"
#include "tracefs/lttng_names.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace sillage::import {
namespace {

// What a system call's argument is, by its C type; none: what the record has, a register.
struct ArgumentType {
  std::string_view name;
  std::uint32_t bytes;
  bool is_signed;
};
constexpr std::array<ArgumentType, 22> kArgumentTypes{{
    {"int", 4, true},    {"unsigned int", 4, false}, {"unsigned", 4, false}, {"pid_t", 4, true},
    {"uid_t", 4, false}, {"gid_t", 4, false},        {"mode_t", 4, false},   {"umode_t", 2, false},
    {"u32", 4, false},   {"__u32", 4, false},        {"uint32_t", 4, false}, {"s32", 4, true},
    {"__s32", 4, true},  {"key_t", 4, true},         {"clockid_t", 4, true}, {"timer_t", 4, true},
    {"mqd_t", 4, true},  {"key_serial_t", 4, true},  {"rwf_t", 4, true},     {"qid_t", 4, false},
    {"long", 8, true},   {"off_t", 8, true},
}};

std::optional<ArgumentType> argument_type(std::string_view name) {
  for (const ArgumentType& type : kArgumentTypes)
    if (type.name == name) return type;
  return std::nullopt;
}

// From record offset and size of a located field to its bytes; none if they are not all inside.
std::optional<std::span<const std::byte>> located(tracefs::FieldPlace place, std::uint32_t offset,
                                                  std::span<const std::byte> record,
                                                  ctf::ByteOrder order) {
  if (place == tracefs::FieldPlace::kToTheEnd) return record.subspan(offset);
  const std::uint64_t location = load_integer(record.data() + offset, 4, order);
  std::size_t begin = location & 0xffff;
  const std::size_t size = location >> 16;
  if (size == 0) return std::span<const std::byte>();
  if (place == tracefs::FieldPlace::kRelLoc) begin += offset + 4;
  if (begin > record.size() || record.size() - begin < size) return std::nullopt;
  return record.subspan(begin, size);
}

}  // namespace

RecordPlan::RecordPlan(const tracefs::EventFormat& format, ctf::ByteOrder order) : order_(order) {
  ctf::PayloadBuilder builder;
  const auto base = [](const tracefs::FormatField& field) {
    return field.is_pointer ? ctf::Base::kHexadecimal : ctf::Base::kDecimal;
  };
  const auto add = [&](const tracefs::FormatField& field, std::string_view name) {
    const std::uint32_t end =
        field.offset + (field.place == tracefs::FieldPlace::kToTheEnd ? 0 : field.size_bytes);
    if (end < field.offset) return;  // 4 GiB of record: no record will have it
    if (field.place == tracefs::FieldPlace::kFixed && field.size_bytes == 0) return;
    fixed_bytes_ = std::max<std::size_t>(fixed_bytes_, end);
    const ctf::IntegerFormat integer{
        .size_bytes = field.element_bytes, .is_signed = field.is_signed, .base = base(field)};
    if (field.place != tracefs::FieldPlace::kFixed) {
      const bool is_text = field.kind == tracefs::FieldKind::kText;
      const bool is_opaque = field.kind == tracefs::FieldKind::kOpaque;
      if (is_text)
        builder.string(name);
      else if (is_opaque)
        builder.blob_sequence(name, ctf::kDefaultMediaType);
      else
        builder.sequence(name, integer);
      steps_.push_back({is_text ? Action::kString : Action::kSequence, field.place, field.offset,
                        field.size_bytes, is_text || is_opaque ? 1 : field.element_bytes});
      return;
    }
    if (field.kind == tracefs::FieldKind::kText) {
      builder.text_array(name, field.size_bytes);
      add_copy(field.offset, field.size_bytes, 1);
    } else if (field.kind == tracefs::FieldKind::kOpaque) {
      builder.blob(name, field.size_bytes, ctf::kDefaultMediaType);
      add_copy(field.offset, field.size_bytes, 1);
    } else if (field.is_array) {
      builder.array(name, integer, field.count());
      add_copy(field.offset, field.size_bytes, field.element_bytes);
    } else if (const auto type =
                   format.system == "syscalls" ? argument_type(field.type) : std::nullopt;
               type && type->bytes <= field.size_bytes) {
      builder.integer(name, {.size_bytes = type->bytes, .is_signed = type->is_signed});
      const bool is_little = order == ctf::ByteOrder::kLittle;
      add_copy(field.offset + (is_little ? 0 : field.size_bytes - type->bytes), type->bytes,
               type->bytes);
    } else {
      builder.integer(name, integer);
      add_copy(field.offset, field.size_bytes, field.size_bytes);
    }
  };
  for (const tracefs::FormatField& field : format.common) {
    if (field.name != "common_type" && field.name != "common_pid") add(field, field.name);
  }
  context_ = builder.build();
  for (const tracefs::FormatField& field : format.fields) {
    if (!tracefs::is_left_out(format.system, field.name))
      add(field, tracefs::lttng_field_name(format.system, format.name, field.name));
  }
  payload_ = builder.build();
}

void RecordPlan::add_copy(std::uint32_t offset, std::uint32_t bytes, std::uint32_t element_bytes) {
  const bool is_swapped = order_ != ctf::kNativeByteOrder && element_bytes > 1;
  if (!is_swapped && !steps_.empty()) {
    Step& last = steps_.back();
    if (last.action == Action::kCopy && last.offset + last.bytes == offset) {
      last.bytes += bytes;
      return;
    }
  }
  steps_.push_back({is_swapped ? Action::kSwap : Action::kCopy, tracefs::FieldPlace::kFixed, offset,
                    bytes, element_bytes});
}

bool RecordPlan::append(std::span<const std::byte> record, std::vector<std::byte>* out) const {
  if (record.size() < fixed_bytes_) return false;
  const std::size_t before = out->size();
  for (const Step& step : steps_) {
    std::span<const std::byte> from;
    if (step.place == tracefs::FieldPlace::kFixed) {
      from = record.subspan(step.offset, step.bytes);
    } else if (const auto found = located(step.place, step.offset, record, order_)) {
      from = *found;
    } else {
      out->resize(before);
      return false;
    }
    run(step, from, out);
  }
  return true;
}

void RecordPlan::run(const Step& step, std::span<const std::byte> from,
                     std::vector<std::byte>* out) const {
  switch (step.action) {
    case Action::kCopy: out->insert(out->end(), from.begin(), from.end()); return;
    case Action::kString: {
      const auto end = std::find(from.begin(), from.end(), std::byte{0});
      out->insert(out->end(), from.begin(), end);
      out->push_back(std::byte{0});
      return;
    }
    case Action::kSequence: append_integer(from.size() / step.element_bytes, 4, out); break;
    case Action::kSwap: break;
  }
  for (; from.size() >= step.element_bytes; from = from.subspan(step.element_bytes))
    append_integer(load_integer(from.data(), step.element_bytes, order_), step.element_bytes, out);
}

}  // namespace sillage::import
