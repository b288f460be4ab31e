// SPDX-License-Identifier: MIT
#include "ctf/byte_search.hpp"
#include "trace/state.hpp"

#include <algorithm>

namespace sillage::trace {
namespace detail {

void Event::set_run(const ctf::Run& run, const Schema& about) {
  const StreamAccess& access = about.stream_accesses()[run.index];
  stream = run.stream;
  stream_ = access.info;
  classes = access.classes;
  accesses = access.fields;
  packet = run.batch.packet;
  row = run.batch.rows.data();
  last = row + run.batch.rows.size();
  set_row();
}

EventPlace Event::place() const {
  EventPlace place;
  place.stream_ = stream;
  place.stream_info_ = stream_;
  place.classes_ = classes;
  place.packet_ = packet.data();
  place.packet_bytes_ = packet.size();
  place.clock_ = row->clock;
  place.bit_ = row->bit;
  place.event_ = row->event;
  place.body_ = row->body;
  return place;
}

void Event::set_place(const EventPlace& place, const Schema& about) {
  // Asked for again, for its next field.
  if (row != nullptr && stream == place.stream_ && packet.data() == place.packet_ &&
      row->bit == place.bit_ && row->clock == place.clock_) {
    return;
  }
  stream = static_cast<const ctf::DataStream*>(place.stream_);
  stream_ = place.stream_info_;
  classes = place.classes_;
  accesses = about.stream_accesses()[stream_->index].fields;
  packet = {place.packet_, place.packet_bytes_};
  own_row_ = {.clock = place.clock_, .bit = place.bit_, .event = place.event_, .body = place.body_};
  row = &own_row_;
  last = row + 1;
  set_row();
}

const std::uint8_t* Event::anchor(std::uint16_t number) const {
  const auto* start = reinterpret_cast<const std::uint8_t*>(packet.data());
  const std::uint8_t* body = row->body_in(start);
  if (number == 0) return body;
  if (!has_anchors_) {
    has_anchors_ = true;
    static_cast<void>(ctf::find_end(stream->scan().classes[row->event], start, body,
                                    start + packet.size(), &anchors_));
  }
  return anchors_[number];
}

const ctf::EventView& Event::decode() const {
  if (!is_decoded_) {
    const auto& plan = stream->trace().plan;
    if (plan_of_reader_ != plan.get()) {
      reader_.emplace(plan);
      plan_of_reader_ = plan.get();
    }
    view_ = &reader_->read(packet, *row);
    is_decoded_ = true;
  }
  return *view_;
}

Field Event::wrap(const FieldInfo& info, const ctf::Value& value) const {
  Field field;
  field.info_ = &info;
  field.event_ = this;
  field.is_decoded_ = true;
  switch (info.type) {
    case FieldType::kFloat: field.real_ = value.real; break;
    case FieldType::kText:
    case FieldType::kBlob:
      field.data_ = value.data;
      field.size_ = value.size;
      break;
    case FieldType::kArray:
      field.value_ = &value;
      field.size_ = value.size;
      break;
    case FieldType::kStructure:
      field.value_ = &value;
      field.size_ = info.children.size();
      break;
    case FieldType::kOptional:
    case FieldType::kVariant:
      field.value_ = &value;
      field.size_ = value.number;
      break;
    default: field.number_ = value.number; break;
  }
  return field;
}

Field Event::find(ctf::Values values, const FieldInfo& info) const {
  // The root structure, then its members with what is in them.
  for (std::size_t i = 1; i < values.size(); i += values[i].extent) {
    if (values[i].field == info.number) return wrap(info, values[i]);
  }
  return {};
}

namespace {
// An integer of the machine's order at a whole byte.
std::uint64_t read_plain(const ctf::Op& op, const std::uint8_t* from) {
  const bool is_signed = op.kind == ctf::ValueKind::kSigned;
  switch (op.length_bits) {
    case 8: return is_signed ? static_cast<std::uint64_t>(static_cast<std::int8_t>(*from)) : *from;
    case 16: {
      const std::uint64_t number = ctf::load<std::uint16_t>(from);
      return is_signed ? static_cast<std::uint64_t>(static_cast<std::int16_t>(number)) : number;
    }
    case 32: {
      const std::uint64_t number = ctf::load<std::uint32_t>(from);
      return is_signed ? static_cast<std::uint64_t>(static_cast<std::int32_t>(number)) : number;
    }
    default: return ctf::load<std::uint64_t>(from);
  }
}
}  // namespace

Field Event::read(const FieldInfo& info, const FieldAccess& access) const {
  Field field;
  field.info_ = &info;
  field.event_ = this;
  const ctf::Op& op = *access.op;
  const std::uint8_t* from = anchor(access.place.anchor);
  if (access.is_plain) {
    field.number_ = read_plain(op, from + access.place.bit / ctf::kByte);
    return field;
  }
  if (op.code == ctf::OpCode::kScalar) {
    const std::uint64_t bits = ctf::load_bits(op.load, from, access.place.bit, op.length_bits);
    if (info.type == FieldType::kFloat) {
      field.real_ = ctf::real_of(op.is_reversed ? ctf::reverse_bits(bits, op.length_bits) : bits,
                                 op.length_bits);
    } else {
      field.number_ = ctf::integer_of(op, bits);
    }
    return field;
  }
  from += access.place.bit / ctf::kByte;
  const std::size_t unit = op.code == ctf::OpCode::kScalars ? op.stride / ctf::kByte : 1;
  std::size_t size = access.place.behind == 0
                         ? op.length
                         : static_cast<std::size_t>(anchor(access.place.behind) - from) / unit;
  if (op.code == ctf::OpCode::kTerminatedText) {
    --size;
  } else if (op.code == ctf::OpCode::kText) {
    const std::uint8_t* nul = ctf::find_nul(from, from + size);
    if (nul != nullptr) size = static_cast<std::size_t>(nul - from);
  }
  field.data_ = reinterpret_cast<const char*>(from);
  field.size_ = size;
  return field;
}

Field Event::field(std::size_t index) const {
  const EventClass& about = *class_;
  if (index >= about.fields.size()) return {};
  const FieldInfo& info = about.fields[index];
  if (info.scope == Scope::kPacketContext) return find(packet_context(), info);
  const FieldAccess& access = accesses[row->event][index];
  if (access.op != nullptr && row->is_fast()) return read(info, access);
  const ctf::EventView& event = decode();
  switch (info.scope) {
    case Scope::kCommonContext: return find(event.common_context, info);
    case Scope::kSpecificContext: return find(event.specific_context, info);
    default: return find(event.payload, info);
  }
}

Field Event::inside(const Field& field, std::size_t index) {
  if (!field || index >= field.size_ || field.info_->children.empty()) return {};
  const FieldInfo& info = *field.info_;
  const Event& event = *field.event_;
  if (!field.is_decoded_) {
    if (info.type != FieldType::kArray) return {};
    const ctf::Plan& plan = *event.stream->trace().plan;
    const ctf::Op& op = plan.ops()[plan.fields()[info.number].operation];
    Field element;
    element.info_ = &info.children.front();
    element.event_ = &event;
    const auto* from = reinterpret_cast<const std::uint8_t*>(field.data_);
    const std::uint64_t bits = ctf::load_bits(op.load, from, index * op.stride, op.length_bits);
    if (element.type() == FieldType::kFloat) {
      element.real_ = ctf::real_of(op.is_reversed ? ctf::reverse_bits(bits, op.length_bits) : bits,
                                   op.length_bits);
    } else {
      element.number_ = ctf::integer_of(op, bits);
    }
    return element;
  }
  const auto* value = static_cast<const ctf::Value*>(field.value_);
  const ctf::Value* const end = value + value->extent;
  switch (info.type) {
    case FieldType::kArray: {
      const ctf::Value* element = value + 1;
      if (value->extent == field.size_ + 1) {
        element += index;
      } else {
        // Elements are asked for one after the other: on from the last one.
        Walk& walk = event.walk_;
        if (walk.array != value || index < walk.index) walk = {.array = value, .element = element};
        for (; walk.index != index; ++walk.index) walk.element += walk.element->extent;
        element = walk.element;
      }
      return event.wrap(info.children.front(), *element);
    }
    case FieldType::kStructure:
      for (const ctf::Value* member = value + 1; member != end; member += member->extent) {
        if (member->field == info.children[index].number) {
          return event.wrap(info.children[index], *member);
        }
      }
      return {};
    case FieldType::kOptional:
    case FieldType::kVariant:
      for (const FieldInfo& child : info.children) {
        if (value + 1 != end && child.number == value[1].field) return event.wrap(child, value[1]);
      }
      return {};
    default: return {};
  }
}

Field Event::member(const Field& field, std::string_view name) {
  if (!field || field.type() != FieldType::kStructure) return {};
  const std::vector<FieldInfo>& members = field.info_->children;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (members[i].name == name) return inside(field, i);
  }
  return {};
}

template <class T>
void Event::copy_numbers(const Field& field, std::span<T> out) {
  if (!field || field.type() != FieldType::kArray) return;
  const std::size_t count = std::min(out.size(), field.size_);
  for (std::size_t i = 0; i < count; ++i) {
    const Field element = inside(field, i);
    if constexpr (std::is_same_v<T, double>) {
      out[i] = element.as_double();
    } else {
      out[i] = element.as_unsigned();
    }
  }
}

}  // namespace detail

namespace {
const detail::Event& of(const Event& event) { return static_cast<const detail::Event&>(event); }

bool is_in(const Label& label, const Field& field) {
  const std::uint64_t number = field.as_unsigned();
  if (field.type() == FieldType::kBits) {
    for (std::uint64_t bit = label.lower; bit <= std::min<std::uint64_t>(label.upper, 63); ++bit) {
      if ((number >> bit & 1) != 0) return true;
    }
    return false;
  }
  if (field.type() != FieldType::kSigned) return number >= label.lower && number <= label.upper;
  return field.as_signed() >= static_cast<std::int64_t>(label.lower) &&
         field.as_signed() <= static_cast<std::int64_t>(label.upper);
}
}  // namespace

EventPlace Event::place() const { return of(*this).place(); }
Field Event::operator[](std::size_t index) const { return of(*this).field(index); }

Field Field::operator[](std::size_t index) const { return detail::Event::inside(*this, index); }
Field Field::find(std::string_view name) const { return detail::Event::member(*this, name); }
void Field::copy_numbers(std::span<std::uint64_t> out) const {
  detail::Event::copy_numbers(*this, out);
}
void Field::copy_numbers(std::span<double> out) const { detail::Event::copy_numbers(*this, out); }

std::string_view Field::label() const {
  if (info_ == nullptr || !is_number()) return {};
  for (const Label& label : info_->labels) {
    if (is_in(label, *this)) return label.name;
  }
  return {};
}

}  // namespace sillage::trace
