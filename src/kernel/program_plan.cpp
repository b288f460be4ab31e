// SPDX-License-Identifier: MIT
#include "kernel/program_plan.hpp"

#include "ctf/layout.hpp"
#include "kernel/network_headers.hpp"
#include "tracefs/lttng_names.hpp"

#include <string_view>
#include <utility>

namespace sillage::kernel {
namespace {

ctf::IntegerFormat integer_format(const FieldType& type) {
  ctf::IntegerFormat format;
  format.size_bytes = type.element_bytes;
  format.is_signed = type.is_signed;
  format.is_big_endian = type.is_network_order;
  switch (type.shown) {
    case FieldType::Shown::kDecimal: break;
    case FieldType::Shown::kHexadecimal: format.base = ctf::Base::kHexadecimal; break;
    case FieldType::Shown::kOctal: format.base = ctf::Base::kOctal; break;
  }
  return format;
}

std::vector<ctf::EnumerationLabel> labels_of(const ResolvedField& field) {
  std::vector<ctf::EnumerationLabel> labels;
  for (const Enumerator& enumerator : field.labels) {
    const auto value = static_cast<std::uint64_t>(enumerator.value);
    labels.push_back({enumerator.name, {value, value}});
  }
  return labels;
}

// `tag`: the field in front.
void add_class(const ResolvedField& field, const std::string& tag, ctf::PayloadBuilder* payload) {
  switch (field.type.kind) {
    case FieldType::Kind::kInteger:
      if (field.labels.empty()) {
        payload->integer(field.name, integer_format(field.type));
      } else {
        payload->enumeration(field.name, integer_format(field.type), labels_of(field));
      }
      break;
    case FieldType::Kind::kArray:
      payload->array(field.name, integer_format(field.type), field.type.count);
      break;
    case FieldType::Kind::kText: payload->text_array(field.name, field.type.count); break;
    case FieldType::Kind::kString:
    case FieldType::Kind::kPath: payload->string(field.name); break;
    case FieldType::Kind::kSequence:
      payload->sequence(field.name, integer_format(field.type));
      break;
    case FieldType::Kind::kHeaders: payload->field(field.name, network_header_class(tag)); break;
  }
}

ctf::IntegerFormat integer_format(const tracefs::FormatField& field) {
  ctf::IntegerFormat format;
  format.size_bytes = field.element_bytes;
  format.is_signed = field.is_signed;
  if (field.is_pointer) format.base = ctf::Base::kHexadecimal;
  return format;
}

// A field at a fixed place of the record.
FieldPlan plan_fixed(const tracefs::FormatField& field, std::string_view name,
                     ctf::PayloadBuilder* payload) {
  FieldPlan plan;
  plan.kind = FieldPlan::Kind::kRecordBytes;
  plan.name = name;
  plan.offset = field.offset;
  plan.bytes = field.size_bytes;
  plan.is_signed = field.is_signed;
  plan.is_array = field.is_array || field.kind == tracefs::FieldKind::kOpaque;
  if (field.kind == tracefs::FieldKind::kText) {
    plan.is_text = true;
    payload->text_array(name, field.size_bytes);
  } else if (field.kind == tracefs::FieldKind::kOpaque) {
    payload->blob(name, field.size_bytes, "application/octet-stream");
  } else if (field.is_array) {
    payload->array(name, integer_format(field), field.count());
  } else {
    payload->integer(name, integer_format(field));
  }
  return plan;
}

// A field whose place stands in the record.
FieldPlan plan_located(const tracefs::FormatField& field, std::string_view name,
                       ctf::PayloadBuilder* payload) {
  FieldPlan plan;
  plan.name = name;
  plan.offset = field.offset;
  plan.is_relative = field.place == tracefs::FieldPlace::kRelLoc;
  if (field.kind == tracefs::FieldKind::kText) {
    plan.kind = FieldPlan::Kind::kRecordString;
    payload->string(name);
    return plan;
  }
  plan.kind = FieldPlan::Kind::kRecordSequence;
  if (field.kind == tracefs::FieldKind::kOpaque) {
    plan.bytes = 1;
    payload->blob_sequence(name, "application/octet-stream");
  } else {
    plan.bytes = field.element_bytes;
    payload->sequence(name, integer_format(field));
  }
  return plan;
}

}  // namespace

FieldPlan plan_field(const ResolvedField& field) {
  FieldPlan plan;
  plan.name = field.name;
  plan.value = field.value;
  plan.bytes = field.type.size_bytes();
  plan.is_signed = field.type.is_signed;
  plan.is_network_order = field.type.is_network_order;
  switch (field.type.kind) {
    case FieldType::Kind::kInteger: break;
    case FieldType::Kind::kText: plan.is_text = true; [[fallthrough]];
    case FieldType::Kind::kArray: plan.kind = FieldPlan::Kind::kMemory; break;
    case FieldType::Kind::kString: plan.kind = FieldPlan::Kind::kKernelString; break;
    case FieldType::Kind::kPath: plan.kind = FieldPlan::Kind::kPath; break;
    case FieldType::Kind::kHeaders: plan.kind = FieldPlan::Kind::kNetworkHeaders; break;
    case FieldType::Kind::kSequence:
      plan.kind = FieldPlan::Kind::kKernelElements;
      plan.bytes = field.type.element_bytes;
      plan.count = field.count;
      plan.offset = field.stride;
      break;
  }
  return plan;
}

EventPlan plan_event(const ResolvedEvent& event) {
  EventPlan plan;
  plan.name = event.name;
  plan.attach.kind = event.needs_raw_arguments ? AttachPlan::Kind::kRawTracepoint
                                               : AttachPlan::Kind::kTypedTracepoint;
  plan.attach.name = event.tracepoint;
  plan.attach.target = event.attach_to;
  ctf::PayloadBuilder payload;
  std::string tag;
  for (const ResolvedField& field : event.fields) {
    plan.fields.push_back(plan_field(field));
    add_class(field, tag, &payload);
    tag = field.name;
  }
  plan.payload = payload.build();
  return plan;
}

Result<EventPlan> plan_tracepoint(const tracefs::EventFormat& format) {
  EventPlan plan;
  plan.name = tracefs::lttng_event_name(format.system, format.name);
  plan.attach.kind = AttachPlan::Kind::kTracepoint;
  plan.attach.name = format.name;
  plan.attach.event_id = format.id;
  ctf::PayloadBuilder payload;
  for (const tracefs::FormatField& field : format.fields) {
    const std::string_view name = tracefs::lttng_field_name(format.system, format.name, field.name);
    switch (field.place) {
      case tracefs::FieldPlace::kFixed:
        plan.fields.push_back(plan_fixed(field, name, &payload));
        break;
      case tracefs::FieldPlace::kDataLoc:
      case tracefs::FieldPlace::kRelLoc:
        plan.fields.push_back(plan_located(field, name, &payload));
        break;
      case tracefs::FieldPlace::kToTheEnd:
        return fail(Code::kUnsupported, format.name + ": how long its field " + field.name +
                                            " is does not stand in the record");
    }
  }
  plan.payload = payload.build();
  return plan;
}

}  // namespace sillage::kernel
