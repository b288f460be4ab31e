// SPDX-License-Identifier: MIT
// The running kernel's types (BTF): structures, their members, functions, tracepoints' arguments.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct btf;
struct btf_type;

namespace sillage::kernel {

/// A type: its number in one BTF object. Number 0 is void.
struct TypeRef {
  std::uint32_t id = 0;
  std::uint32_t object = 0;  ///< 0: the kernel's own; others: a module's, see Btf::object_name
  bool operator==(const TypeRef&) const = default;
};

/// What a type is once names (typedef) and qualifiers (const ...) are off.
enum class TypeKind : std::uint8_t {
  kVoid,  ///< also a structure that is only declared, and what nobody can load
  kInteger,
  kBoolean,
  kEnumeration,
  kFloat,
  kPointer,
  kArray,
  kStructure,
  kUnion,
  kFunction,
};

struct TypeShape {
  TypeKind kind = TypeKind::kVoid;
  TypeRef type{};                ///< this type without names and qualifiers
  std::uint32_t size_bytes = 0;  ///< 0: unknown
  bool is_signed = false;
  bool is_character = false;    ///< an integer of the C type char
  TypeRef target{};             ///< what a pointer points to; the element of an array
  std::uint32_t count = 0;      ///< elements of an array
  bool is_user_memory = false;  ///< a pointer to user memory, if this kernel's BTF says so
};

/// Where a member of a structure is.
struct MemberPlace {
  TypeRef type{};
  std::uint32_t offset_bytes = 0;  ///< of the byte that holds its first bit
  std::uint32_t bit_shift = 0;     ///< of a bit field, from bit 0 of that byte (little endian)
  std::uint32_t bit_count = 0;     ///< of a bit field; 0: an ordinary member
};

/// What the verifier makes of a load from inside a structure that it knows.
struct VerifiedLoad {
  enum class Kind : std::uint8_t {
    kRefused,  ///< it would not load the program
    kScalar,   ///< a number; also a pointer that it will not follow
    kPointer,  ///< a pointer to the structure `target`, which it follows
  };
  Kind kind = Kind::kRefused;
  TypeRef target{};
};

/// An argument of a function or tracepoint.
struct Parameter {
  std::string name;  ///< "" if this kernel's BTF does not say
  TypeRef type{};
};

struct Enumerator {
  std::string name;
  std::int64_t value = 0;
};

struct Prototype {
  std::vector<Parameter> parameters;
  TypeRef result{};
  bool is_variadic = false;
};

/// The types of the running kernel and its modules, indexed by name.
///
/// Lifetime: names that it returns as views are its own.
/// Threads:  reading from any.
class Btf {
 public:
  /// Reads /sys/kernel/btf.
  ///
  /// Errors: kUnsupported  the kernel has no BTF (CONFIG_DEBUG_INFO_BTF); says what works without.
  ///         kPermission, kNoSpace, kSystem  it cannot be read.
  /// Cost:   25 ms and 15 MB for a kernel of 126,000 types.
  [[nodiscard]] static Result<Btf> load();
  /// Types from a BTF file; for tests.
  [[nodiscard]] static Result<Btf> load_file(const std::string& path);

  Btf(Btf&&) noexcept;
  Btf& operator=(Btf&&) noexcept;
  ~Btf();

  /// Release of the kernel that it describes: "6.1.0-18-amd64".
  [[nodiscard]] const std::string& release() const { return release_; }

  /// The structure, union or enumeration with that tag.
  [[nodiscard]] std::optional<TypeRef> find_tag(std::string_view name) const;
  /// The typedef or basic type ("int", "unsigned long") of that name.
  [[nodiscard]] std::optional<TypeRef> find_typedef(std::string_view name) const;
  /// The function of that name: what fentry attaches to.
  [[nodiscard]] std::optional<TypeRef> find_function(std::string_view name) const;
  /// The typedef that tp_btf programs of a tracepoint attach to.
  [[nodiscard]] std::optional<TypeRef> find_tracepoint(std::string_view name) const;
  /// A type as C writes it, but no pointer: "struct task_struct", "u32", "unsigned long".
  [[nodiscard]] Result<TypeRef> find_type(std::string_view c_name) const;

  /// Where a variable of each CPU lies among them, in bytes from the first.
  [[nodiscard]] std::optional<std::uint32_t> per_cpu_offset(std::string_view variable) const;

  /// Every function's name, with where it is; modules' too.
  [[nodiscard]] const std::unordered_map<std::string_view, TypeRef>& functions() const {
    return functions_;
  }

  [[nodiscard]] TypeShape shape(TypeRef type) const;
  /// The type as C writes it.
  [[nodiscard]] std::string c_name(TypeRef type) const;

  /// A member by its path from a structure: "uid.val", through anonymous members too.
  ///
  /// Errors: kNotFound  names the member, the structure and the kernel.
  [[nodiscard]] Result<MemberPlace> member(TypeRef structure, std::string_view path) const;

  /// What the verifier makes of loading `bytes` bytes at `offset` of a structure.
  ///
  /// Source: kernel/bpf/btf.c btf_struct_walk(), Linux 5.11 to 6.18.
  [[nodiscard]] VerifiedLoad verified_load(TypeRef structure, std::uint32_t offset,
                                           std::uint32_t bytes) const;

  /// Arguments and result of a function.
  [[nodiscard]] std::optional<Prototype> prototype(TypeRef function) const;
  /// Arguments of a tracepoint, as the kernel's source names them, without the leading data pointer.
  ///
  /// Errors: kNotFound  the kernel has no such tracepoint, or no BTF of it.
  /// Source: include/linux/tracepoint.h: `btf_trace_NAME` has the types, `__traceiter_NAME` (since
  ///         Linux 5.10) or `__bpf_trace_NAME` the names.
  [[nodiscard]] Result<Prototype> tracepoint_arguments(std::string_view tracepoint) const;

  /// The names of an enumeration's values, in the kernel's order; none of another type.
  [[nodiscard]] std::vector<Enumerator> enumerators(TypeRef enumeration) const;

  /// "vmlinux", or the module whose BTF it is.
  [[nodiscard]] const std::string& object_name(std::uint32_t object) const;

 private:
  struct Object;
  Btf();
  void index(std::uint32_t object, std::uint32_t first_id);
  [[nodiscard]] const btf_type* type(TypeRef ref) const;
  [[nodiscard]] const char* name(TypeRef ref, std::uint32_t name_offset) const;
  [[nodiscard]] TypeRef stripped(TypeRef ref) const;
  [[nodiscard]] VerifiedLoad walk(TypeRef structure, std::uint64_t offset, std::uint32_t bytes,
                                  std::uint32_t depth) const;
  [[nodiscard]] std::optional<MemberPlace> find_member(TypeRef structure, std::string_view name,
                                                       std::uint32_t base_bits,
                                                       std::uint32_t depth) const;

  std::vector<Object> objects_;
  std::uint32_t per_cpu_section_ = 0;  // in vmlinux; 0 = it has none
  std::string release_;
  std::unordered_map<std::string_view, TypeRef> tags_, typedefs_, functions_;
};

}  // namespace sillage::kernel
