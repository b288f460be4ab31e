// SPDX-License-Identifier: MIT
// The way the kernel's verifier goes through structures, so that what is loaded directly is what it allows.
#include "kernel/btf.hpp"

#include <bpf/btf.h>

#include <string_view>

namespace sillage::kernel {
namespace {

constexpr std::uint32_t kMaxDepth = 32;

bool is_composite(const btf_type* type) {
  return btf_kind(type) == BTF_KIND_STRUCT || btf_kind(type) == BTF_KIND_UNION;
}

}  // namespace

VerifiedLoad Btf::verified_load(TypeRef structure, std::uint32_t offset,
                                std::uint32_t bytes) const {
  return walk(structure, offset, bytes, 0);
}

VerifiedLoad Btf::walk(TypeRef structure, std::uint64_t offset, std::uint32_t bytes,
                       std::uint32_t depth) const {
  constexpr VerifiedLoad kRefused{};
  constexpr VerifiedLoad kScalar{VerifiedLoad::Kind::kScalar, {}};
  const TypeRef plain = stripped(structure);
  const btf_type* outer = type(plain);
  if (outer == nullptr || !is_composite(outer) || depth == kMaxDepth) return kRefused;
  const std::uint32_t count = btf_vlen(outer);

  if (offset + bytes > outer->size) {
    // Beyond the end is only an array without a length, as the last member.
    if (count == 0) return kRefused;
    const TypeShape last = shape({btf_members(outer)[count - 1].type, plain.object});
    const std::uint64_t begin = btf_member_bit_offset(outer, count - 1) / 8;
    if (last.kind != TypeKind::kArray || last.count != 0 || offset < begin) return kRefused;
    const TypeShape element = shape(last.target);
    if (element.kind == TypeKind::kInteger || element.kind == TypeKind::kBoolean) return kScalar;
    if (element.size_bytes == 0) return kRefused;
    return walk(element.type, (offset - begin) % element.size_bytes, bytes, depth + 1);
  }

  // In the order of the members, also of a union: the first that is there decides.
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t begin_bit = btf_member_bit_offset(outer, i);
    std::uint64_t begin = begin_bit / 8;
    if (offset + bytes <= begin) break;
    if (const std::uint32_t bits = btf_member_bitfield_size(outer, i); bits != 0) {
      if (offset <= begin && (begin_bit + bits + 7) / 8 <= offset + bytes) return kScalar;
      continue;
    }
    if (offset < begin) break;  // in a hole
    TypeShape member = shape({btf_members(outer)[i].type, plain.object});
    const std::uint64_t end = begin + member.size_bytes;
    if (offset >= end) continue;
    while (member.kind == TypeKind::kArray) member = shape(member.target);
    if (member.size_bytes == 0) return kRefused;
    begin += (offset - begin) / member.size_bytes * member.size_bytes;  // of the array's element
    if (member.kind == TypeKind::kStructure || member.kind == TypeKind::kUnion)
      return walk(member.type, offset - begin, bytes, depth + 1);
    if (member.kind == TypeKind::kPointer) {
      if (bytes != member.size_bytes || offset != begin) return kRefused;
      // Memory of users and of other CPUs is marked so where the compiler knows how to.
      const btf_type* tag = member.target.id == 0 ? nullptr : type(member.target);
      const std::string_view mark = tag != nullptr && btf_kind(tag) == BTF_KIND_TYPE_TAG
                                        ? std::string_view(name(member.target, tag->name_off))
                                        : std::string_view();
      const TypeShape target = shape(member.target);
      const bool is_composite_target =
          target.kind == TypeKind::kStructure || target.kind == TypeKind::kUnion;
      if (is_composite_target && mark != "user" && mark != "percpu")
        return {VerifiedLoad::Kind::kPointer, target.type};
    }
    return offset + bytes > end ? kRefused : kScalar;
  }
  return kRefused;
}

}  // namespace sillage::kernel
