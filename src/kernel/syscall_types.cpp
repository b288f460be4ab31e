// SPDX-License-Identifier: MIT
#include "kernel/syscall_types.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <span>
#include <string>
#include <utility>

namespace sillage::kernel {
namespace {

ctf::Base base_of(char letter) {
  return letter == 'x'   ? ctf::Base::kHexadecimal
         : letter == 'o' ? ctf::Base::kOctal
                         : ctf::Base::kDecimal;
}

// "s32", "x64", ...
std::optional<ctf::IntegerFormat> explicit_integer(std::string_view type) {
  if (type.size() < 2 || type.size() > 3 ||
      std::string_view("usxo").find(type[0]) == std::string_view::npos)
    return std::nullopt;
  std::uint32_t bits = 0;
  const auto [end, error] = std::from_chars(type.data() + 1, type.data() + type.size(), bits);
  if (error != std::errc() || end != type.data() + type.size() || bits < 8 || bits > 64 ||
      !std::has_single_bit(bits))
    return std::nullopt;
  ctf::IntegerFormat format;
  format.size_bytes = bits / 8;
  format.is_signed = type[0] == 's';
  format.base = base_of(type[0]);
  return format;
}

ctf::FieldClassRef bits_class(std::uint32_t width, std::vector<ctf::Mapping> mappings = {}) {
  return ctf::make_field_class(ctf::Integer{.layout = {.length_bits = width, .alignment_bits = 1},
                                            .mappings = std::move(mappings)});
}

// A member of the structure to be made, with the rest of its path.
struct NamedClass {
  std::vector<std::string> path;
  ctf::FieldClassRef field_class;
};

// Members whose paths begin with the same name become one structure.
ctf::FieldClassRef nest(std::span<const NamedClass> members, std::size_t depth) {
  ctf::Structure made;
  for (std::size_t i = 0; i < members.size();) {
    const std::string& name = members[i].path[depth];
    std::size_t end = i + 1;
    while (end < members.size() && members[end].path[depth] == name) ++end;
    const bool is_leaf = members[i].path.size() == depth + 1;
    made.members.push_back(
        {name, is_leaf ? members[i].field_class : nest(members.subspan(i, end - i), depth + 1)});
    i = is_leaf ? i + 1 : end;
  }
  return ctf::make_field_class(std::move(made));
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    parts.emplace_back(path.substr(0, dot));
    if (dot == path.size()) return parts;
    path.remove_prefix(dot + 1);
  }
}

}  // namespace

std::optional<TypeRef> SyscallTypes::find_scalar(std::string_view c_type) const {
  if (c_type.starts_with("const ")) c_type.remove_prefix(6);
  if (c_type.ends_with('*')) return std::nullopt;
  const auto type = btf_.find_type(c_type == "unsigned" ? "unsigned int" : c_type);
  if (!type) return std::nullopt;
  const TypeKind kind = btf_.shape(*type).kind;
  if (kind != TypeKind::kInteger && kind != TypeKind::kEnumeration) return std::nullopt;
  return *type;
}

ctf::IntegerFormat SyscallTypes::integer(std::string_view c_type) const {
  ctf::IntegerFormat format;
  format.size_bytes = word_bytes();
  const auto type = find_scalar(c_type);
  if (!type) {
    format.base = ctf::Base::kHexadecimal;  // a pointer under another name
    return format;
  }
  const TypeShape shape = btf_.shape(*type);
  format.size_bytes = shape.size_bytes;
  format.is_signed = shape.is_signed;
  if (!is_portable(*type)) format.size_bytes = word_bytes();
  return format;
}

std::vector<ctf::EnumerationLabel> SyscallTypes::labels(std::string_view enumeration) const {
  std::vector<ctf::EnumerationLabel> labels;
  const SyscallEnum* const found = rules_.find_enum(enumeration);
  if (found == nullptr) return labels;
  if (found->tag.empty()) {
    for (const SyscallLabel& label : found->labels)
      labels.push_back({label.name, {label.value, label.value}});
  } else if (const auto type = btf_.find_tag(found->tag); type) {
    for (const Enumerator& enumerator : btf_.enumerators(*type)) {
      const auto value = static_cast<std::uint64_t>(enumerator.value);
      labels.push_back({enumerator.name, {value, value}});
    }
  }
  return labels;
}

SyscallNumber SyscallTypes::number(std::string_view format, ctf::IntegerFormat own) const {
  if (const auto explicit_format = explicit_integer(format); explicit_format) {
    own = *explicit_format;
  } else if (format == "octal") {
    own.base = ctf::Base::kOctal;
  } else if (format == "hex" || format == "pointer" || rules_.find_flags(format) != nullptr) {
    own.base = ctf::Base::kHexadecimal;
  }
  return {ctf::integer_class(own, labels(format)), own.size_bytes};
}

std::optional<SyscallNumber> SyscallTypes::bits(std::string_view name) const {
  const std::vector<SyscallBits>* const flags = rules_.find_flags(name);
  if (flags == nullptr || flags->empty()) return std::nullopt;
  ctf::Structure made;
  std::uint32_t at = 0;
  const auto pad = [&](std::uint32_t up_to) {
    if (at == up_to) return;
    const std::string padding = made.members.empty() || at != 0 ? std::to_string(at) : "0";
    made.members.push_back({"padding_" + padding, bits_class(up_to - at)});
    at = up_to;
  };
  for (const SyscallBits& bit : *flags) {
    pad(bit.shift);
    std::vector<ctf::Mapping> mappings;
    for (const ctf::EnumerationLabel& label : labels(bit.enumeration))
      mappings.push_back({label.name, {label.range}});
    made.members.push_back({bit.name, bits_class(bit.width, std::move(mappings))});
    at = bit.shift + bit.width;
  }
  const std::uint32_t bytes = std::bit_ceil((at + 7) / 8);
  pad(bytes * 8);
  return SyscallNumber{ctf::make_field_class(std::move(made)), bytes};
}

// Whether 32-bit programs have the type as it is here.
bool SyscallTypes::is_portable(TypeRef type) const {
  if (abi_ == Abi::kNative) return true;
  const TypeShape shape = btf_.shape(type);
  if (shape.kind == TypeKind::kPointer) return false;
  if (shape.kind == TypeKind::kArray) return is_portable(shape.target);
  const std::string name = btf_.c_name(shape.type);
  return name.find("long") == std::string::npos || name.find("long long") != std::string::npos;
}

// struct old_timespec32 for __kernel_timespec, old_timeval32 for __kernel_old_timeval.
std::optional<TypeRef> SyscallTypes::find_short_time(std::string_view tag) const {
  for (const std::string_view prefix : {"__kernel_", "old_"}) {
    if (tag.starts_with(prefix)) tag.remove_prefix(prefix.size());
  }
  return btf_.find_tag("old_" + std::string(tag) + "32");
}

std::optional<TypeRef> SyscallTypes::find_structure(const SyscallStructure& structure) const {
  const auto type = btf_.find_tag(structure.tag);
  if (!type || abi_ == Abi::kNative) return type;
  if (has_short_times_) {
    if (const auto found = find_short_time(structure.tag); found) return found;
  }
  const bool is_same = std::all_of(structure.members.begin(), structure.members.end(),
                                   [&](const SyscallMember& member) {
                                     const auto place = btf_.member(*type, member.path);
                                     return !place || is_portable(place->type);
                                   });
  return is_same ? type : btf_.find_tag("compat_" + structure.tag);
}

std::optional<SyscallMemory> SyscallTypes::structure(const SyscallStructure& structure) const {
  const auto type = find_structure(structure);
  if (!type) return std::nullopt;
  SyscallMemory made;
  std::vector<NamedClass> members;
  for (const SyscallMember& member : structure.members) {
    const auto place = btf_.member(*type, member.path);
    if (!place || place->bit_count != 0) continue;  // this kernel's has none
    const TypeShape shape = btf_.shape(place->type);
    MemoryPiece piece{place->offset_bytes, shape.size_bytes};
    ctf::FieldClassRef field_class;
    if (const auto flags = bits(member.format); flags) {
      field_class = flags->field_class;
      piece.bytes = std::min(flags->bytes, shape.size_bytes);
      if (flags->bytes > shape.size_bytes) continue;
    } else if (shape.kind == TypeKind::kArray) {
      const TypeShape element = btf_.shape(shape.target);
      if (element.is_character) {
        field_class = ctf::make_field_class(ctf::StaticString{.length_bytes = shape.size_bytes});
      } else {
        const SyscallNumber number = this->number(
            member.format, {.size_bytes = element.size_bytes, .is_signed = element.is_signed});
        if (number.bytes != element.size_bytes) continue;
        field_class = ctf::make_field_class(
            ctf::StaticArray{.length = shape.count, .element = number.field_class});
      }
    } else {
      ctf::IntegerFormat own{.size_bytes = shape.size_bytes, .is_signed = shape.is_signed};
      if (shape.kind == TypeKind::kPointer) own.base = ctf::Base::kHexadecimal;
      if (own.size_bytes != 1 && own.size_bytes != 2 && own.size_bytes != 4 && own.size_bytes != 8)
        continue;
      const SyscallNumber number = this->number(member.format, own);
      if (number.bytes > shape.size_bytes) continue;
      piece.bytes = number.bytes;
      field_class = number.field_class;
    }
    made.pieces.push_back(piece);
    members.push_back({split(member.field), std::move(field_class)});
  }
  if (members.empty()) return std::nullopt;
  made.field_class = nest(members, 0);
  made.size_bytes = btf_.shape(*type).size_bytes;
  return made;
}

std::optional<SyscallMemory> SyscallTypes::memory(std::string_view type) const {
  if (const std::size_t bracket = type.find('['); bracket != std::string_view::npos) {
    auto element = memory(type.substr(0, bracket));
    std::uint32_t count = 0;
    std::from_chars(type.data() + bracket + 1, type.data() + type.size(), count);
    if (!element || count == 0 || count > 64) return std::nullopt;
    const std::vector<MemoryPiece> pieces = element->pieces;
    for (std::uint32_t i = 1; i < count; ++i) {
      for (const MemoryPiece& piece : pieces)
        element->pieces.push_back({piece.offset + i * element->size_bytes, piece.bytes});
    }
    element->size_bytes *= count;
    element->field_class =
        ctf::make_field_class(ctf::StaticArray{.length = count, .element = element->field_class});
    return element;
  }
  if (const SyscallStructure* const found = rules_.find_structure(type); found != nullptr)
    return structure(*found);
  const auto flags = bits(type);
  const SyscallNumber number = flags ? *flags : this->number(type, {.size_bytes = 4});
  return SyscallMemory{number.field_class, {{0, number.bytes}}, number.bytes};
}

std::optional<MemoryPiece> SyscallTypes::member(std::string_view type,
                                                std::string_view path) const {
  const SyscallStructure* const structure = rules_.find_structure(type);
  const auto found = structure != nullptr ? find_structure(*structure) : std::nullopt;
  if (!found) return std::nullopt;
  const auto place = btf_.member(*found, path);
  if (!place) return std::nullopt;
  return MemoryPiece{place->offset_bytes, btf_.shape(place->type).size_bytes};
}

}  // namespace sillage::kernel
