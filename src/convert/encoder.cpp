// SPDX-License-Identifier: MIT
#include "convert/encoder.hpp"

#include "ctf/field_traits.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <variant>

namespace sillage::convert {

using namespace ctf;  // the model's names are this file's words

namespace {

constexpr unsigned kByte = 8;
/// Bytes of a LEB128 integer of 64 bits.
constexpr unsigned kVariableBytes = 10;

Roles roles_of(const FieldClass& field_class) {
  if (const auto* integer = field_class.as<Integer>()) return integer->roles;
  if (const auto* integer = field_class.as<VariableInteger>()) return integer->roles;
  return {};
}

// Source: IEEE 754-2019 section 3.4, binary16. The value was one: nothing is rounded.
std::uint64_t to_binary16(double value) {
  const std::uint64_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) return sign | 0x7e00;
  if (std::isinf(value)) return sign | 0x7c00;
  if (value == 0) return sign;
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(value), &exponent);  // in [0.5, 1)
  if (exponent < -13) return sign | static_cast<std::uint64_t>(std::ldexp(fraction, exponent + 24));
  const auto digits = static_cast<std::uint64_t>(std::ldexp(fraction, 11)) & 0x3ff;
  return sign | static_cast<std::uint64_t>(exponent + 14) << 10 | digits;
}

std::uint64_t real_bits(double value, unsigned length_bits) {
  switch (length_bits) {
    case 16: return to_binary16(value);
    case 32: return std::bit_cast<std::uint32_t>(static_cast<float>(value));
    default: return std::bit_cast<std::uint64_t>(value);
  }
}

std::uint64_t reverse_bits(std::uint64_t value, unsigned length) {
  std::uint64_t reversed = 0;
  for (unsigned i = 0; i < length; ++i) reversed |= (value >> i & 1) << (length - 1 - i);
  return reversed;
}

// The next code point of UTF-8 that a decoder made; bytes that are none are code points themselves.
std::uint32_t take_code(std::string_view* text) {
  const auto lead = static_cast<std::uint8_t>(text->front());
  const std::size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  std::uint32_t code = lead;
  if (length > 1 && text->size() >= length) {
    code = lead & (0xffu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
      code = code << 6 | (static_cast<std::uint8_t>((*text)[i]) & 0x3f);
    }
  }
  text->remove_prefix(std::min(length, text->size()));
  return code;
}

void put_unit(std::uint32_t unit, unsigned size, bool is_big, std::string* out) {
  for (unsigned i = 0; i < size; ++i) {
    *out += static_cast<char>(unit >> kByte * (is_big ? size - 1 - i : i));
  }
}

void to_encoding(std::string_view text, Encoding encoding, std::string* out) {
  out->clear();
  const bool is_big = encoding == Encoding::kUtf16Be || encoding == Encoding::kUtf32Be;
  const bool is_utf16 = encoding == Encoding::kUtf16Be || encoding == Encoding::kUtf16Le;
  while (!text.empty()) {
    const std::uint32_t code = take_code(&text);
    if (!is_utf16) {
      put_unit(code, 4, is_big, out);
    } else if (code < 0x10000) {
      put_unit(code, 2, is_big, out);
    } else {
      put_unit(0xd800 + ((code - 0x10000) >> 10), 2, is_big, out);
      put_unit(0xdc00 + ((code - 0x10000) & 0x3ff), 2, is_big, out);
    }
  }
}

bool is_usual(const BitLayout& layout) {
  if (!layout.bit_order) return true;
  return (*layout.bit_order == BitOrder::kFirstToLast) == (layout.byte_order == ByteOrder::kLittle);
}

}  // namespace

void Encoder::encode(const EncodeScope& form, Values values, BitWriter* out,
                     const HeadValues* head) {
  if (!form.field_class) return;
  out_ = out;
  head_ = head;
  // A structure that the original has not holds made fields only, which need no value.
  static constexpr Value kNothing{.number = 0};
  put(form, values.empty() ? &kNothing : values.data());
}

// A packet's field keeps its width: what does not fit is cut as the tracer would.
std::uint64_t Encoder::replaced(Roles roles, std::uint64_t number) const {
  if (head_ == nullptr || roles.empty()) return number;
  for (std::size_t i = 0; i < kRoleCount; ++i) {
    if (roles.has(static_cast<Role>(i)) && (*head_)[i]) number = *(*head_)[i];
  }
  return number;
}

void Encoder::put_fixed(const BitLayout& layout, std::uint64_t bits) {
  if (!is_usual(layout)) bits = reverse_bits(bits, layout.length_bits);
  out_->align(std::max(layout.alignment_bits, 1u));
  out_->put_bits(bits, layout.length_bits, layout.byte_order);
}

// Numbers of the packet's head are written twice, first without knowing them: so all their bytes are
// taken at once.
void Encoder::put_variable(std::uint64_t number, bool is_signed, bool is_padded) {
  out_->align(kByte);
  for (unsigned count = 1;; ++count) {
    const std::uint64_t part = number & 0x7f;
    number = is_signed ? static_cast<std::uint64_t>(static_cast<std::int64_t>(number) >> 7)
                       : number >> 7;
    const bool ends =
        is_signed ? number == ((part & 0x40) != 0 ? ~std::uint64_t{0} : 0) : number == 0;
    const bool is_last = is_padded ? count == kVariableBytes : ends;
    out_->put_bits(part | (is_last ? 0 : 0x80), kByte, ByteOrder::kLittle);
    if (is_last) return;
  }
}

void Encoder::put_number(const FieldClass& field_class, std::uint64_t number) {
  if (const BitLayout* layout = layout_of(field_class)) return put_fixed(*layout, number);
  const auto& variable = *field_class.as<VariableInteger>();
  put_variable(number, variable.is_signed, head_ != nullptr && !variable.roles.empty());
}

void Encoder::put_scalar(const FieldClass& field_class, const Value& value) {
  const bool is_real = value.kind == ValueKind::kFloat32 || value.kind == ValueKind::kFloat64;
  if (is_real) {
    const BitLayout& layout = *layout_of(field_class);
    return put_fixed(layout, real_bits(value.real, layout.length_bits));
  }
  const std::uint32_t operation = plan_.fields()[value.field].operation;
  // Elements of plain arrays have no operation of their own.
  if (operation != kNone && plan_.ops()[operation].slot != kNone) {
    slots_[plan_.ops()[operation].slot] = value.number;
  }
  put_number(field_class, replaced(roles_of(field_class), value.number));
}

void Encoder::put_text(const FieldClass& field_class, const Value& value) {
  Encoding encoding = Encoding::kUtf8;
  std::optional<std::uint64_t> length_bytes;
  if (const auto* fixed = field_class.as<StaticString>()) {
    encoding = fixed->encoding;
    length_bytes = fixed->length_bytes;
  } else if (const auto* dynamic = field_class.as<DynamicString>()) {
    encoding = dynamic->encoding;
    length_bytes = slots_[plan_.ops()[plan_.fields()[value.field].operation].key];
  } else if (const auto* terminated = field_class.as<NullTerminatedString>()) {
    encoding = terminated->encoding;
  }
  std::string_view text = value.text();
  if (encoding != Encoding::kUtf8) {
    to_encoding(text, encoding, &text_);
    text = text_;
  }
  const std::uint64_t end = length_bytes.value_or(text.size() + unit_bytes(encoding));
  text = text.substr(0, end);
  out_->put_bytes(text);
  // What follows the text up to its end is zero: its NUL, and what nobody shows.
  for (std::uint64_t i = text.size(); i < end; ++i) out_->put_bits(0, kByte, ByteOrder::kLittle);
}

void Encoder::put_blob(const FieldClass& field_class, const Value& value) {
  const auto* blob = field_class.as<StaticBlob>();
  const std::optional<Uuid>& uuid = plan_.model().trace.uuid;
  const bool is_uuid = blob != nullptr && blob->roles.has(Role::kMetadataStreamUuid) && uuid &&
                       value.size == uuid->size();
  if (!is_uuid) return out_->put_bytes(value.text());
  out_->put_bytes({reinterpret_cast<const char*>(uuid->data()), uuid->size()});
}

std::size_t Encoder::chosen(const Value& value) const {
  if (value.kind == ValueKind::kOptional) return value.number != 0 ? 1 : 0;
  const std::vector<std::uint32_t>& options = plan_.fields()[value.field].children;
  const auto place = std::find(options.begin(), options.end(), (&value + 1)->field);
  return static_cast<std::size_t>(place - options.begin());
}

void Encoder::put_made(const EncodeField& form, const Value* value) {
  std::uint64_t number = 0;
  switch (form.source) {
    case EncodeField::Source::kLength: number = value->size; break;
    case EncodeField::Source::kTag: number = chosen(*value); break;
    case EncodeField::Source::kRole:
      number = head_ == nullptr ? 0 : (*head_)[static_cast<std::size_t>(form.role)].value_or(0);
      break;
    default: break;
  }
  put_number(*form.field_class, number);
}

void Encoder::put_array(const EncodeField& form, const Value* value) {
  out_->align(form.alignment_bits);
  if (value->kind == ValueKind::kBlob) return out_->put_bytes(value->text());
  const Value* const end = value + value->extent;
  for (const Value* element = value + 1; element != end; element += element->extent) {
    put(form.children.front(), element);
  }
}

// Writes one member of a structure, `value` or made from it; returns the value of the next.
const Value* Encoder::put_member(const EncodeField& form, const Value* value) {
  const bool is_made =
      form.source != EncodeField::Source::kValue && form.source != EncodeField::Source::kWrapped;
  if (is_made) {
    put_made(form, value);
    return value;
  }
  put(form, value);
  return value + value->extent;
}

void Encoder::put(const EncodeField& form, const Value* value) {
  const FieldClass& to = *form.field_class;
  if (to.as<Structure>() != nullptr) {
    out_->align(form.alignment_bits);
    const Value* member = form.source == EncodeField::Source::kWrapped ? value : value + 1;
    for (const EncodeField& child : form.children) member = put_member(child, member);
    return;
  }
  if (to.as<StaticArray>() != nullptr || to.as<DynamicArray>() != nullptr) {
    return put_array(form, value);
  }
  if (to.as<Optional>() != nullptr) {
    if (value->number != 0) put(form.children.front(), value + 1);
    return;
  }
  if (to.as<Variant>() != nullptr) {
    const std::size_t option = chosen(*value);
    if (value->kind == ValueKind::kVariant || option == 1) put(form.children[option], value + 1);
    return;
  }
  switch (value->kind) {
    case ValueKind::kText: return put_text(to, *value);
    case ValueKind::kBlob: return put_blob(to, *value);
    default: return put_scalar(to, *value);
  }
}

}  // namespace sillage::convert
