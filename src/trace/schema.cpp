// SPDX-License-Identifier: MIT
#include "trace/schema.hpp"

#include "ctf/text.hpp"

#include <algorithm>

namespace sillage::trace::detail {
namespace {

static_assert(static_cast<int>(ctf::Cell::kNumbers) == static_cast<int>(CellType::kNumbers) &&
              static_cast<int>(ctf::Cell::kFloat64) == static_cast<int>(CellType::kFloat64));
static_assert(sizeof(ctf::CellBytes) == sizeof(Bytes));

FieldType type_of(const ctf::FieldClass& field_class) {
  struct Visitor {
    FieldType operator()(const ctf::BitArray&) const { return FieldType::kBits; }
    FieldType operator()(const ctf::BitMap&) const { return FieldType::kBits; }
    FieldType operator()(const ctf::Boolean&) const { return FieldType::kBoolean; }
    FieldType operator()(const ctf::Integer& kind) const {
      return kind.is_signed ? FieldType::kSigned : FieldType::kUnsigned;
    }
    FieldType operator()(const ctf::VariableInteger& kind) const {
      return kind.is_signed ? FieldType::kSigned : FieldType::kUnsigned;
    }
    FieldType operator()(const ctf::Float&) const { return FieldType::kFloat; }
    FieldType operator()(const ctf::NullTerminatedString&) const { return FieldType::kText; }
    FieldType operator()(const ctf::StaticString&) const { return FieldType::kText; }
    FieldType operator()(const ctf::DynamicString&) const { return FieldType::kText; }
    FieldType operator()(const ctf::StaticBlob&) const { return FieldType::kBlob; }
    FieldType operator()(const ctf::DynamicBlob&) const { return FieldType::kBlob; }
    FieldType operator()(const ctf::StaticArray&) const { return FieldType::kArray; }
    FieldType operator()(const ctf::DynamicArray&) const { return FieldType::kArray; }
    FieldType operator()(const ctf::Structure&) const { return FieldType::kStructure; }
    FieldType operator()(const ctf::Optional&) const { return FieldType::kOptional; }
    FieldType operator()(const ctf::Variant&) const { return FieldType::kVariant; }
  };
  return std::visit(Visitor{}, field_class.kind);
}

void describe_number(const ctf::FieldClass& field_class, FieldInfo* info) {
  const auto add_labels = [info](const std::vector<ctf::Mapping>& mappings) {
    for (const ctf::Mapping& mapping : mappings) {
      for (const ctf::IntegerRange& range : mapping.ranges) {
        info->labels.push_back({.name = mapping.name, .lower = range.lower, .upper = range.upper});
      }
    }
  };
  std::visit(
      [&](const auto& kind) {
        if constexpr (requires { kind.layout; }) info->bits = kind.layout.length_bits;
        if constexpr (requires { kind.base; }) info->base = static_cast<std::uint32_t>(kind.base);
        if constexpr (requires { kind.mappings; }) add_labels(kind.mappings);
        if constexpr (requires { kind.flags; }) add_labels(kind.flags);
      },
      field_class.kind);
}

FieldInfo describe(const ctf::Plan& plan, std::uint32_t number, Scope scope) {
  const ctf::Field& field = plan.fields()[number];
  FieldInfo info{
      .name = field.name, .type = type_of(*field.field_class), .scope = scope, .number = number};
  describe_number(*field.field_class, &info);
  info.children.reserve(field.children.size());
  for (const std::uint32_t child : field.children) {
    if (info.type == FieldType::kStructure && plan.fields()[child].is_hidden) continue;
    info.children.push_back(describe(plan, child, scope));
  }
  return info;
}

TraceInfo describe(const ctf::Trace& trace) {
  const ctf::TraceClass& about = trace.plan->model().trace;
  TraceInfo info{.path = trace.path, .name = trace.name};
  if (about.uuid) info.uuid = ctf::uuid_text(*about.uuid);
  for (const ctf::EnvironmentEntry& entry : about.environment) {
    info.environment.emplace_back(entry.name, entry.value);
  }
  for (const ctf::ClockClass& clock : about.clocks) {
    info.clocks.push_back({.name = clock.name,
                           .uid = clock.uid,
                           .description = clock.description,
                           .frequency_hz = clock.frequency_hz,
                           .offset_seconds = clock.offset_seconds,
                           .offset_cycles = clock.offset_cycles,
                           .origin_is_unix_epoch = clock.origin_is_unix_epoch,
                           .precision_cycles = clock.precision_cycles});
  }
  return info;
}

// The field itself, or what it is a part of, in `fields`.
const FieldInfo* find(const std::vector<FieldInfo>& fields, std::uint32_t number) {
  for (const FieldInfo& field : fields) {
    if (field.number == number) return &field;
    if (const FieldInfo* inside = find(field.children, number)) return inside;
  }
  return nullptr;
}

Scope scope_of(ctf::Scope scope) {
  switch (scope) {
    case ctf::Scope::kPacketContext: return Scope::kPacketContext;
    case ctf::Scope::kCommonContext: return Scope::kCommonContext;
    case ctf::Scope::kSpecificContext: return Scope::kSpecificContext;
    default: return Scope::kPayload;
  }
}

}  // namespace

Schema::Schema(const ctf::TraceReader& reader) : kept_(reader.traces()) {
  for (const auto& trace : kept_) add_trace(*trace);
  for (ctf::DataStream* stream : reader.streams()) {
    const auto trace = std::find_if(kept_.begin(), kept_.end(), [&](const auto& each) {
      return each.get() == &stream->trace();
    });
    by_stream_[{&stream->plan(), {stream->id(), stream->name()}}] = streams_.size();
    streams_.push_back({.index = streams_.size(),
                        .trace = static_cast<std::size_t>(trace - kept_.begin()),
                        .class_id = stream->plan().stream_class->id,
                        .id = stream->id(),
                        .path = stream->name(),
                        .begin_ns = stream->begin_ns(),
                        .end_ns = stream->end_ns(),
                        .has_time = stream->has_time()});
  }
  for (const ctf::DataStream* stream : reader.streams()) {
    const std::size_t first = first_class(stream->plan());
    stream_accesses_.push_back({.info = &stream_of(*stream),
                                .classes = classes_.data() + first,
                                .fields = accesses_.data() + first});
  }
}

namespace {
bool is_plain(const ctf::Op& op) {
  const bool is_native =
      op.load == ctf::Load::kByte ||
      (ctf::kIsLittleHost ? op.load >= ctf::Load::kLittle16 && op.load <= ctf::Load::kLittle64
                          : op.load >= ctf::Load::kBig16 && op.load <= ctf::Load::kBig64);
  return op.code == ctf::OpCode::kScalar && is_native && !op.is_reversed &&
         (op.kind == ctf::ValueKind::kUnsigned || op.kind == ctf::ValueKind::kSigned);
}
}  // namespace

void Schema::add_trace(const ctf::Trace& trace) {
  traces_.push_back(describe(trace));
  for (const ctf::StreamPlan& stream : trace.plan->streams()) {
    first_classes_[&stream] = classes_.size();
    for (std::uint32_t i = 0; i < stream.events.size(); ++i) add_class(trace, stream, i);
  }
}

void Schema::add_class(const ctf::Trace& trace, const ctf::StreamPlan& stream,
                       std::uint32_t event) {
  const ctf::Plan& plan = *trace.plan;
  const ctf::EventPlan& about = stream.events[event];
  const ctf::ClassScan& scan =
      trace.scans[static_cast<std::size_t>(&stream - plan.streams().data())].classes[event];
  EventClass added{.index = classes_.size(),
                   .trace = traces_.size() - 1,
                   .stream_class_id = stream.stream_class->id,
                   .id = about.event_class->id,
                   .name = about.event_class->name,
                   .log_level = about.event_class->log_level,
                   .emf_uri = about.event_class->emf_uri};
  std::vector<FieldAccess>& accesses = accesses_.emplace_back();
  const auto add = [&](const ctf::ScopePlan& scope, Scope which) {
    if (scope.empty()) return;
    for (const std::uint32_t child : plan.fields()[scope.root].children) {
      const ctf::Field& field = plan.fields()[child];
      if (field.is_hidden) continue;
      added.fields.push_back(describe(plan, child, which));
      FieldAccess access;
      const auto place =
          std::find_if(scan.places.begin(), scan.places.end(), [&](const ctf::Place& each) {
            return each.op == field.operation && which != Scope::kPacketContext;
          });
      if (scan.is_fast && place != scan.places.end()) {
        const ctf::Op& op = plan.ops()[place->op];
        access = {.op = &op, .place = *place, .is_plain = is_plain(op)};
      }
      accesses.push_back(access);
    }
  };
  add(stream.packet_context, Scope::kPacketContext);
  add(stream.common_context, Scope::kCommonContext);
  add(about.specific_context, Scope::kSpecificContext);
  add(about.payload, Scope::kPayload);
  classes_.push_back(std::move(added));
  // Once the fields stand where they stay.
  EventClass& kept = classes_.back();
  for (const ctf::ColumnPlan& column : ctf::plan_columns(plan, stream, event, scan)) {
    kept.columns.push_back({.path = plan.path(column.field),
                            .type = static_cast<CellType>(column.cell),
                            .element = static_cast<CellType>(column.element),
                            .scope = scope_of(column.scope),
                            .field = find(kept.fields, column.field)});
  }
}

const StreamInfo& Schema::stream_of(const ctf::DataStream& stream) const {
  return streams_[by_stream_.at({&stream.plan(), {stream.id(), stream.name()}})];
}

}  // namespace sillage::trace::detail
