// SPDX-License-Identifier: MIT
#include "kernel/btf.hpp"

#include <bpf/btf.h>
#include <sys/utsname.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace sillage::kernel {
namespace {

constexpr const char* kBtfFolder = "/sys/kernel/btf";
constexpr std::uint32_t kMaxDepth = 32;  // of typedefs of typedefs, and of nested anonymous members

struct FreeBtf {
  void operator()(btf* object) const { btf__free(object); }
};

std::string running_release() {
  utsname names{};
  return uname(&names) == 0 ? std::string(names.release) : std::string("?");
}

bool is_qualifier(std::uint16_t kind) {
  return kind == BTF_KIND_TYPEDEF || kind == BTF_KIND_CONST || kind == BTF_KIND_VOLATILE ||
         kind == BTF_KIND_RESTRICT || kind == BTF_KIND_TYPE_TAG;
}

bool is_composite(const btf_type* type) {
  return btf_kind(type) == BTF_KIND_STRUCT || btf_kind(type) == BTF_KIND_UNION;
}

// BTF has the compiler's names of the basic types.
std::string_view basic_name(std::string_view c_name) {
  struct Name {
    std::string_view c, btf;
  };
  constexpr std::array<Name, 9> kNames{{{"unsigned", "unsigned int"},
                                        {"long", "long int"},
                                        {"unsigned long", "long unsigned int"},
                                        {"long long", "long long int"},
                                        {"unsigned long long", "long long unsigned int"},
                                        {"short", "short int"},
                                        {"unsigned short", "short unsigned int"},
                                        {"signed char", "signed char"},
                                        {"_Bool", "_Bool"}}};
  for (const Name& name : kNames)
    if (name.c == c_name) return name.btf;
  return c_name;
}

}  // namespace

struct Btf::Object {
  std::unique_ptr<btf, FreeBtf> types;
  std::string name;
};

Btf::Btf() = default;
Btf::Btf(Btf&&) noexcept = default;
Btf& Btf::operator=(Btf&&) noexcept = default;
Btf::~Btf() = default;

Result<Btf> Btf::load() {
  Btf all;
  all.release_ = running_release();
  std::unique_ptr<btf, FreeBtf> kernel(btf__load_vmlinux_btf());
  if (!kernel) {
    const int error = errno;
    if (error == ENOENT || error == ESRCH || error == ENODATA)
      return fail(Code::kUnsupported,
                  "kernel " + all.release_ + " has no " + kBtfFolder +
                      "/vmlinux (CONFIG_DEBUG_INFO_BTF=y makes it): its events can be recorded "
                      "as tracefs describes them only");
    return fail_errno("cannot read the types of kernel " + all.release_, error);
  }
  all.objects_.push_back({std::move(kernel), "vmlinux"});
  all.index(0, 1);

  std::error_code error;
  for (std::filesystem::directory_iterator entry(kBtfFolder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string module = entry->path().filename().string();
    if (module == "vmlinux") continue;
    // A module that goes away meanwhile is left out.
    btf* const base = all.objects_.front().types.get();
    std::unique_ptr<btf, FreeBtf> types(btf__load_module_btf(module.c_str(), base));
    if (!types) continue;
    all.objects_.push_back({std::move(types), module});
    all.index(static_cast<std::uint32_t>(all.objects_.size() - 1), btf__type_cnt(base));
  }
  return all;
}

Result<Btf> Btf::load_file(const std::string& path) {
  std::unique_ptr<btf, FreeBtf> types(btf__parse(path.c_str(), nullptr));
  if (!types) return fail_errno("cannot read the types in " + path);
  Btf all;
  all.release_ = path;
  all.objects_.push_back({std::move(types), path});
  all.index(0, 1);
  return all;
}

void Btf::index(std::uint32_t object, std::uint32_t first_id) {
  btf* const types = objects_[object].types.get();
  const std::uint32_t count = btf__type_cnt(types);
  if (object == 0) {
    tags_.reserve(count / 8);
    typedefs_.reserve(count / 32);
    functions_.reserve(count / 2);
  }
  for (std::uint32_t id = first_id; id < count; ++id) {
    const btf_type* type = btf__type_by_id(types, id);
    std::unordered_map<std::string_view, TypeRef>* names = nullptr;
    switch (btf_kind(type)) {
      case BTF_KIND_STRUCT:
      case BTF_KIND_UNION:
      case BTF_KIND_ENUM:
      case BTF_KIND_ENUM64: names = &tags_; break;
      case BTF_KIND_TYPEDEF:
      case BTF_KIND_INT:
      case BTF_KIND_FLOAT: names = &typedefs_; break;
      case BTF_KIND_FUNC: names = &functions_; break;
      case BTF_KIND_DATASEC:
        if (object == 0 && name({id, object}, type->name_off) == std::string_view(".data..percpu"))
          per_cpu_section_ = id;
        continue;
      default: continue;
    }
    const char* name = btf__name_by_offset(types, type->name_off);
    // The first of several of one name counts, the kernel's own before a module's.
    if (name != nullptr && *name != '\0') names->emplace(name, TypeRef{id, object});
  }
}

const btf_type* Btf::type(TypeRef ref) const {
  if (ref.object >= objects_.size()) return nullptr;
  return btf__type_by_id(objects_[ref.object].types.get(), ref.id);
}

const char* Btf::name(TypeRef ref, std::uint32_t name_offset) const {
  const char* text = btf__name_by_offset(objects_[ref.object].types.get(), name_offset);
  return text == nullptr ? "" : text;
}

TypeRef Btf::stripped(TypeRef ref) const {
  for (std::uint32_t depth = 0; depth < kMaxDepth; ++depth) {
    const btf_type* found = type(ref);
    if (found == nullptr) return {};
    if (!is_qualifier(btf_kind(found))) return ref;
    ref.id = found->type;
  }
  return {};
}

namespace {
std::optional<TypeRef> found_in(const std::unordered_map<std::string_view, TypeRef>& names,
                                std::string_view name) {
  const auto found = names.find(name);
  if (found == names.end()) return std::nullopt;
  return found->second;
}
}  // namespace

std::optional<std::uint32_t> Btf::per_cpu_offset(std::string_view variable) const {
  const btf_type* const section = type({per_cpu_section_, 0});
  if (section == nullptr || btf_kind(section) != BTF_KIND_DATASEC) return std::nullopt;
  const btf_var_secinfo* const places = btf_var_secinfos(section);
  for (std::uint32_t i = 0; i < btf_vlen(section); ++i) {
    const TypeRef place{places[i].type, 0};
    const btf_type* const found = type(place);
    if (found != nullptr && name(place, found->name_off) == variable) return places[i].offset;
  }
  return std::nullopt;
}

std::optional<TypeRef> Btf::find_tag(std::string_view name) const { return found_in(tags_, name); }

std::optional<TypeRef> Btf::find_typedef(std::string_view name) const {
  return found_in(typedefs_, name);
}

std::optional<TypeRef> Btf::find_function(std::string_view name) const {
  return found_in(functions_, name);
}

std::optional<TypeRef> Btf::find_tracepoint(std::string_view name) const {
  return found_in(typedefs_, "btf_trace_" + std::string(name));
}

Result<TypeRef> Btf::find_type(std::string_view c_name) const {
  std::optional<TypeRef> found;
  for (const std::string_view keyword : {"struct ", "union ", "enum "}) {
    if (c_name.starts_with(keyword)) {
      found = find_tag(c_name.substr(keyword.size()));
      if (!found)
        return fail(Code::kNotFound, "kernel " + release_ + " has no " + std::string(c_name));
    }
  }
  if (!found) found = find_typedef(basic_name(c_name));
  if (!found)
    return fail(Code::kNotFound, "kernel " + release_ + " has no type " + std::string(c_name));
  return *found;
}

TypeShape Btf::shape(TypeRef ref) const {
  const TypeRef plain = stripped(ref);
  const btf_type* found = plain.id == 0 ? nullptr : type(plain);
  TypeShape shape{.type = plain};
  if (found == nullptr) return shape;
  switch (btf_kind(found)) {
    case BTF_KIND_INT: {
      const std::uint8_t encoding = btf_int_encoding(found);
      shape.kind = (encoding & BTF_INT_BOOL) != 0 ? TypeKind::kBoolean : TypeKind::kInteger;
      shape.size_bytes = found->size;
      shape.is_signed = (encoding & BTF_INT_SIGNED) != 0;
      shape.is_character = std::string_view(name(plain, found->name_off)) == "char";
      break;
    }
    case BTF_KIND_ENUM:
      shape.kind = TypeKind::kEnumeration;
      shape.size_bytes = found->size;
      shape.is_signed = btf_kflag(found);
      // Before Linux 6.0 nothing said so.
      for (std::uint32_t i = 0; i < btf_vlen(found); ++i)
        shape.is_signed = shape.is_signed || btf_enum(found)[i].val < 0;
      break;
    case BTF_KIND_ENUM64:
      shape.kind = TypeKind::kEnumeration;
      shape.size_bytes = found->size;
      shape.is_signed = btf_kflag(found);
      break;
    case BTF_KIND_FLOAT:
      shape.kind = TypeKind::kFloat;
      shape.size_bytes = found->size;
      break;
    case BTF_KIND_PTR: {
      shape.kind = TypeKind::kPointer;
      shape.size_bytes = sizeof(void*);
      shape.target = {found->type, found->type == 0 ? 0 : plain.object};
      const btf_type* target = found->type == 0 ? nullptr : type(shape.target);
      shape.is_user_memory = target != nullptr && btf_kind(target) == BTF_KIND_TYPE_TAG &&
                             std::string_view(name(plain, target->name_off)) == "user";
      break;
    }
    case BTF_KIND_ARRAY: {
      shape.kind = TypeKind::kArray;
      shape.target = {btf_array(found)->type, plain.object};
      shape.count = btf_array(found)->nelems;
      const std::uint64_t bytes = std::uint64_t{this->shape(shape.target).size_bytes} * shape.count;
      shape.size_bytes = bytes > UINT32_MAX ? 0 : static_cast<std::uint32_t>(bytes);
      break;
    }
    case BTF_KIND_STRUCT:
      shape.kind = TypeKind::kStructure;
      shape.size_bytes = found->size;
      break;
    case BTF_KIND_UNION:
      shape.kind = TypeKind::kUnion;
      shape.size_bytes = found->size;
      break;
    case BTF_KIND_FUNC:
    case BTF_KIND_FUNC_PROTO: shape.kind = TypeKind::kFunction; break;
    default: break;
  }
  return shape;
}

std::string Btf::c_name(TypeRef ref) const {
  const btf_type* found = ref.id == 0 ? nullptr : type(ref);
  if (found == nullptr) return "void";
  std::string own = name(ref, found->name_off);
  const TypeRef inner{found->type, ref.object};  // for the kinds that have one
  switch (btf_kind(found)) {
    case BTF_KIND_PTR: {
      std::string target = c_name(inner);
      return target + (target.ends_with('*') ? "*" : " *");
    }
    case BTF_KIND_CONST: {
      std::string target = c_name(inner);
      return target.ends_with('*') ? target + "const" : "const " + target;
    }
    case BTF_KIND_VOLATILE: return "volatile " + c_name(inner);
    case BTF_KIND_RESTRICT:
    case BTF_KIND_TYPE_TAG: return c_name(inner);
    case BTF_KIND_ARRAY:
      return c_name({btf_array(found)->type, ref.object}) + "[" +
             std::to_string(btf_array(found)->nelems) + "]";
    case BTF_KIND_STRUCT: return own.empty() ? "struct {...}" : "struct " + own;
    case BTF_KIND_UNION: return own.empty() ? "union {...}" : "union " + own;
    case BTF_KIND_FWD: return (btf_kflag(found) ? "union " : "struct ") + own;
    case BTF_KIND_ENUM:
    case BTF_KIND_ENUM64: return own.empty() ? "enum {...}" : "enum " + own;
    case BTF_KIND_FUNC_PROTO: return "function";
    default: return own;
  }
}

std::optional<MemberPlace> Btf::find_member(TypeRef structure, std::string_view wanted,
                                            std::uint32_t base_bits, std::uint32_t depth) const {
  const btf_type* found = type(structure);
  if (found == nullptr || !is_composite(found) || depth == kMaxDepth) return std::nullopt;
  for (std::uint32_t i = 0; i < btf_vlen(found); ++i) {
    const btf_member& member = btf_members(found)[i];
    const std::string_view member_name = name(structure, member.name_off);
    const std::uint32_t bits = base_bits + btf_member_bit_offset(found, i);
    const TypeRef member_type{member.type, structure.object};
    if (member_name == wanted) {
      const std::uint32_t bit_count = btf_member_bitfield_size(found, i);
      return MemberPlace{member_type, bits / 8, bit_count == 0 ? 0 : bits % 8, bit_count};
    }
    if (member_name.empty()) {
      if (auto inner = find_member(stripped(member_type), wanted, bits, depth + 1)) return inner;
    }
  }
  return std::nullopt;
}

Result<MemberPlace> Btf::member(TypeRef structure, std::string_view path) const {
  MemberPlace place{.type = structure};
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    rest.remove_prefix(std::min(dot + 1, rest.size()));
    const TypeRef plain = stripped(place.type);
    const auto found = find_member(plain, part, 0, 0);
    if (!found)
      return fail(Code::kNotFound,
                  c_name(plain) + " of kernel " + release_ + " has no member " + std::string(part));
    const std::uint32_t base = place.offset_bytes;
    place = *found;
    place.offset_bytes += base;
  }
  return place;
}

std::optional<Prototype> Btf::prototype(TypeRef function) const {
  TypeRef at = stripped(function);
  const btf_type* found = type(at);
  // A function, a pointer to one, or the prototype itself.
  for (int step = 0; found != nullptr && step < 2; ++step) {
    if (btf_kind(found) != BTF_KIND_FUNC && btf_kind(found) != BTF_KIND_PTR) break;
    at = stripped({found->type, at.object});
    found = type(at);
  }
  if (found == nullptr || btf_kind(found) != BTF_KIND_FUNC_PROTO) return std::nullopt;
  Prototype prototype;
  prototype.result = {found->type, at.object};
  for (std::uint32_t i = 0; i < btf_vlen(found); ++i) {
    const btf_param& parameter = btf_params(found)[i];
    if (parameter.type == 0 && parameter.name_off == 0) {
      prototype.is_variadic = true;
    } else {
      prototype.parameters.push_back(
          {name(at, parameter.name_off), TypeRef{parameter.type, at.object}});
    }
  }
  return prototype;
}

Result<Prototype> Btf::tracepoint_arguments(std::string_view tracepoint) const {
  const auto found = find_tracepoint(tracepoint);
  auto prototype = found ? this->prototype(*found) : std::nullopt;
  if (!prototype || prototype->parameters.empty())
    return fail(Code::kNotFound, "the types of kernel " + release_ + " have no tracepoint " +
                                     std::string(tracepoint));
  for (const std::string_view prefix : {"__traceiter_", "__probestub_", "__bpf_trace_"}) {
    const auto function = find_function(std::string(prefix) + std::string(tracepoint));
    const auto named = function ? this->prototype(*function) : std::nullopt;
    if (!named || named->parameters.size() != prototype->parameters.size()) continue;
    for (std::size_t i = 0; i < named->parameters.size(); ++i)
      prototype->parameters[i].name = named->parameters[i].name;
    break;
  }
  prototype->parameters.erase(prototype->parameters.begin());  // void *__data
  return std::move(*prototype);
}

std::vector<Enumerator> Btf::enumerators(TypeRef enumeration) const {
  const TypeRef plain = stripped(enumeration);
  const btf_type* found = type(plain);
  std::vector<Enumerator> all;
  if (found == nullptr) return all;
  if (btf_kind(found) == BTF_KIND_ENUM) {
    for (std::uint32_t i = 0; i < btf_vlen(found); ++i) {
      const auto& one = ::btf_enum(found)[i];
      all.push_back({name(plain, one.name_off), one.val});
    }
  } else if (btf_kind(found) == BTF_KIND_ENUM64) {
    for (std::uint32_t i = 0; i < btf_vlen(found); ++i) {
      const auto& one = ::btf_enum64(found)[i];
      all.push_back(
          {name(plain, one.name_off), static_cast<std::int64_t>(::btf_enum64_value(&one))});
    }
  }
  return all;
}

const std::string& Btf::object_name(std::uint32_t object) const { return objects_[object].name; }

}  // namespace sillage::kernel
