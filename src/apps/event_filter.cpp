// SPDX-License-Identifier: MIT
#include "apps/event_filter.hpp"

#include "abi/app_protocol.h"
#include "abi/filter.h"
#include "bpf/assembler.hpp"
#include "filter/by_type.hpp"
#include "filter/compile.hpp"

#include <linux/bpf.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>

namespace sillage::apps {
namespace {

using bpf::Size;
using enum bpf::Reg;
using filter::Operator;
using filter::Type;

bool has_fixed_size(const Field& field) {
  switch (field.kind) {
    case SILLAGE_KIND_STRING:
    case SILLAGE_KIND_TEXT_SEQUENCE:
    case SILLAGE_KIND_SEQUENCE:
    case SILLAGE_KIND_BLOB_SEQUENCE: return false;
    default: return true;
  }
}

std::uint64_t size_of(const Field& field) {
  switch (field.kind) {
    case SILLAGE_KIND_TEXT_ARRAY:
    case SILLAGE_KIND_BLOB: return field.count;
    case SILLAGE_KIND_ARRAY: return std::uint64_t{field.count} * field.size;
    default: return field.size;
  }
}

bool is_text(const Field& field) {
  return field.kind == SILLAGE_KIND_STRING || field.kind == SILLAGE_KIND_TEXT_ARRAY ||
         field.kind == SILLAGE_KIND_TEXT_SEQUENCE;
}

bool has_elements(const Field& field) {
  return field.kind == SILLAGE_KIND_ARRAY || field.kind == SILLAGE_KIND_SEQUENCE;
}

bool is_real(const Field& field) {
  return field.kind == SILLAGE_KIND_FLOAT ||
         (has_elements(field) && (field.flags & SILLAGE_FIELD_FLOAT_ELEMENTS) != 0);
}

template <class T>
void append(std::vector<std::byte>* to, const T* values, std::size_t count) {
  const auto* data = reinterpret_cast<const std::byte*>(values);
  to->insert(to->end(), data, data + count * sizeof(T));
}

std::uint16_t stack_bytes_of(const std::vector<bpf_insn>& code) {
  std::int32_t deepest = 0;
  for (const bpf_insn& instruction : code) {
    const std::uint32_t kind = BPF_CLASS(instruction.code);
    if (kind == BPF_ST || kind == BPF_STX || (kind == BPF_LDX && instruction.src_reg == BPF_REG_10))
      deepest = std::min<std::int32_t>(deepest, instruction.off);
  }
  return static_cast<std::uint16_t>(-deepest);
}

/// Emits the loads and calls of a tracepoint's filter, and keeps what they refer to.
class SiteCode final : public filter::FieldCode, public filter::HelperCode {
 public:
  SiteCode(const Site& site, bpf::Assembler& assembler) : site_(site), a_(assembler) {
    find_prefix();
  }

  void set_places(const std::vector<SiteSchema::Place>& places) { places_ = places; }

  /// The cells of all expressions are to be known before the first is compiled: they stand in the order of the fields.
  void add_cells(const filter::Tree& tree) {
    for (const filter::Node& node : tree.nodes) {
      if (node.kind != filter::Node::Kind::kField || node.type == Type::kMissing) continue;
      const SiteSchema::Place& place = places_[node.index];
      if (auto cell = cell_of(place)) cells_.push_back(*cell);
      if (!place.app_context.empty()) cells_.push_back(app_value_cell(place));
    }
  }
  void sort_cells() {
    const auto key = [](const sillage_filter_field& cell) {
      return std::tuple(cell.kind > SILLAGE_FILTER_TEXT, cell.field, cell.kind, cell.offset,
                        cell.bytes);
    };
    std::ranges::sort(cells_, {}, key);
    const auto same = [&](const auto& left, const auto& right) { return key(left) == key(right); };
    cells_.erase(std::unique(cells_.begin(), cells_.end(), same), cells_.end());
    // Behind the values that they belong to.
    for (sillage_filter_field& cell : cells_)
      if (cell.kind == SILLAGE_FILTER_APP_TEXT) cell.offset = value_index_of(cell);
  }

  void load_integer(std::uint32_t slot) override {
    const SiteSchema::Place& place = places_[slot];
    if (!place.app_context.empty()) return load_app_value(place);
    if (place.is_context) {
      a_.move(r1, std::uint64_t{place.field});
      a_.call_helper(SILLAGE_FILTER_CONTEXT);
      return a_.move(r1, r0);
    }
    const Field& field = site_.fields[place.field];
    const bool is_swapped = (field.flags & SILLAGE_FIELD_BIG_ENDIAN) != 0 && field.size > 1;
    const bool is_signed = (field.flags & SILLAGE_FIELD_SIGNED) != 0 && field.size < 8;
    load(place, is_signed && !is_swapped);
    if (!is_swapped) return;
    a_.swap_bytes(r1, field.size * 8u);
    if (is_signed) a_.sign_extend(r1, field.size * 8u);
  }

  void load_text(std::uint32_t, std::int32_t) override {}  // helpers look at texts where they are

  [[nodiscard]] bool can_be_missing(std::uint32_t slot) const override {
    const SiteSchema::Place& place = places_[slot];
    if (!place.app_context.empty()) return true;
    return !place.is_context && site_.fields[place.field].kind == SILLAGE_KIND_SEQUENCE;
  }
  void check_present(std::uint32_t slot, bpf::Label missing) override {
    const SiteSchema::Place& place = places_[slot];
    const bool is_app = !place.app_context.empty();
    const std::uint32_t cell = is_app ? value_index(place) : cell_index(place);
    a_.load(Size::k8, r1, r7, static_cast<std::int32_t>(16 * cell + 8));
    if (is_app) return a_.jump_if(bpf::If::kNotEqual, r1, app_type_of(place.app_type), missing);
    a_.jump_if(bpf::If::kEqual, r1, 0, missing);
  }

  void load_real(std::uint32_t slot) override {
    const SiteSchema::Place& place = places_[slot];
    if (!place.app_context.empty()) return load_app_value(place);
    load(place, false);
    if (site_.fields[place.field].size == 4) call(SILLAGE_FILTER_REAL_OF_FLOAT);
  }
  void make_real() override { call(SILLAGE_FILTER_REAL_OF_INTEGER); }
  void compute_real(Operator operation) override {
    switch (operation) {
      case Operator::kAdd: return call(SILLAGE_FILTER_REAL_ADD);
      case Operator::kSubtract: return call(SILLAGE_FILTER_REAL_SUBTRACT);
      case Operator::kMultiply: return call(SILLAGE_FILTER_REAL_MULTIPLY);
      case Operator::kDivide: return call(SILLAGE_FILTER_REAL_DIVIDE);
      case Operator::kLess: return call(SILLAGE_FILTER_REAL_LESS);
      case Operator::kLessOrEqual: return call(SILLAGE_FILTER_REAL_LESS_OR_EQUAL);
      case Operator::kGreater: return call(SILLAGE_FILTER_REAL_GREATER);
      case Operator::kGreaterOrEqual: return call(SILLAGE_FILTER_REAL_GREATER_OR_EQUAL);
      case Operator::kEqual: return call(SILLAGE_FILTER_REAL_EQUAL);
      default: return call(SILLAGE_FILTER_REAL_NOT_EQUAL);
    }
  }

  void order_fields(std::uint32_t left, std::uint32_t right) override {
    a_.move(r1, std::uint64_t{cell_index(places_[left])});
    a_.move(r2, std::uint64_t{cell_index(places_[right])});
    a_.call_helper(SILLAGE_FILTER_ORDER_FIELDS);
  }
  void order_field(std::uint32_t slot, std::string_view literal) override {
    a_.move(r1, std::uint64_t{cell_index(places_[slot])});
    a_.move(r2, std::uint64_t{add_literals({&literal, 1})});
    a_.call_helper(SILLAGE_FILTER_ORDER_LITERAL);
  }
  void match_field(std::uint32_t slot, const filter::Text& pattern) override {
    const std::vector<std::string_view> pieces(pattern.pieces.begin(), pattern.pieces.end());
    a_.move(r1, std::uint64_t{cell_index(places_[slot])});
    a_.move(r2, std::uint64_t{add_literals(pieces)});
    a_.move(r3, std::uint64_t{pieces.size()});
    a_.call_helper(SILLAGE_FILTER_MATCH);
  }

  /// The finished program.
  [[nodiscard]] Result<std::vector<std::byte>> finish() const {
    const auto code = a_.finish();
    if (!code || code->size() > SILLAGE_FILTER_MAX_INSTRUCTIONS ||
        literals_.size() > SILLAGE_FILTER_MAX_LITERALS ||
        text_.size() > SILLAGE_FILTER_MAX_LITERAL_BYTES)
      return fail(Code::kLimit, "the filter is too large: make it simpler");
    if (cells_.size() > SILLAGE_FILTER_MAX_FIELDS)
      return fail(Code::kLimit,
                  "the filter looks at more than " + std::to_string(SILLAGE_FILTER_MAX_FIELDS) +
                      " texts, elements of sequences and fields behind such: make it simpler");
    sillage_filter_program head = {};
    head.prefix_bytes = static_cast<std::uint16_t>(used_prefix_);
    head.stack_bytes = stack_bytes_of(*code);
    head.field_count = static_cast<std::uint16_t>(cells_.size());
    head.literal_count = static_cast<std::uint16_t>(literals_.size());
    head.instruction_count = static_cast<std::uint32_t>(code->size());
    head.text_bytes = static_cast<std::uint32_t>(text_.size());
    std::vector<std::byte> bytes;
    append(&bytes, &head, 1);
    append(&bytes, cells_.data(), cells_.size());
    append(&bytes, code->data(), code->size());
    append(&bytes, literals_.data(), literals_.size());
    append(&bytes, text_.data(), text_.size());
    bytes.resize((bytes.size() + 7) / 8 * 8);
    head.bytes = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(bytes.data(), &head, sizeof head);
    return bytes;
  }

 private:
  // Fields that stand at a fixed place of the record.
  void find_prefix() {
    std::uint64_t at = 0;
    for (const Field& field : site_.fields) {
      if (!has_fixed_size(field) || (field.flags & SILLAGE_FIELD_NOWRITE) != 0) break;
      prefix_of_.push_back(at);
      at += size_of(field);
    }
  }

  // Where so many bytes of a field are in the prefix.
  [[nodiscard]] std::optional<std::uint32_t> in_prefix(std::uint32_t field, std::uint64_t offset,
                                                       std::uint64_t bytes) const {
    if (field >= prefix_of_.size()) return std::nullopt;
    const std::uint64_t at = prefix_of_[field] + offset;
    if (at + bytes > SILLAGE_FILTER_MAX_PREFIX_BYTES) return std::nullopt;
    return static_cast<std::uint32_t>(at);
  }

  std::uint64_t offset_of(const SiteSchema::Place& place) const {
    return place.element.value_or(0) * site_.fields[place.field].size;
  }

  static std::int32_t app_type_of(Type type) {
    return type == Type::kInteger ? SILLAGE_FILTER_APP_INTEGER
           : type == Type::kReal  ? SILLAGE_FILTER_APP_REAL
                                  : SILLAGE_FILTER_APP_STRING;
  }

  // The literal that is a context's name, with its NUL.
  std::uint32_t name_index(const std::string& name) {
    const auto known = app_names_.find(name);
    if (known != app_names_.end()) return known->second;
    const std::string_view with_nul(name.c_str(), name.size() + 1);
    return app_names_[name] = add_literals({&with_nul, 1});
  }
  sillage_filter_field app_value_cell(const SiteSchema::Place& place) {
    sillage_filter_field cell = {};
    cell.kind = SILLAGE_FILTER_APP_VALUE;
    cell.offset = name_index(place.app_context);
    return cell;
  }
  // The cell of the value whose name a text's cell has before sort_cells().
  [[nodiscard]] std::uint32_t value_index_of(const sillage_filter_field& text) const {
    const auto found = std::ranges::find_if(cells_, [&](const sillage_filter_field& cell) {
      return cell.kind == SILLAGE_FILTER_APP_VALUE && cell.offset == text.offset;
    });
    return static_cast<std::uint32_t>(found - cells_.begin());
  }
  std::uint32_t value_index(const SiteSchema::Place& place) {
    return value_index_of(app_value_cell(place));
  }
  void load_app_value(const SiteSchema::Place& place) {
    a_.load(Size::k8, r1, r7, static_cast<std::int32_t>(16 * value_index(place)));
  }

  // None: a context or an application's that is no text, or in the prefix.
  std::optional<sillage_filter_field> cell_of(const SiteSchema::Place& place) {
    sillage_filter_field cell = {};
    if (!place.app_context.empty()) {
      if (place.app_type != Type::kText) return std::nullopt;
      cell.kind = SILLAGE_FILTER_APP_TEXT;
      cell.offset = name_index(place.app_context);
      return cell;
    }
    cell.field = static_cast<std::uint16_t>(place.field);
    if (place.is_context) {
      if (place.field != SILLAGE_CONTEXT_PROCNAME) return std::nullopt;
      cell.kind = SILLAGE_FILTER_CONTEXT_TEXT;
      return cell;
    }
    const Field& field = site_.fields[place.field];
    if (is_text(field)) {
      const auto at = in_prefix(place.field, 0, field.count);
      cell.kind = at ? SILLAGE_FILTER_PREFIX_TEXT : SILLAGE_FILTER_TEXT;
      if (!at) return cell;
      cell.field = 0;
      cell.offset = *at;
      cell.bytes = field.count;
      used_prefix_ = std::max(used_prefix_, *at + field.count);
      return cell;
    }
    if (const auto at = in_prefix(place.field, offset_of(place), field.size)) {
      used_prefix_ = std::max(used_prefix_, *at + field.size);
      return std::nullopt;
    }
    cell.kind = SILLAGE_FILTER_VALUE;
    cell.offset = static_cast<std::uint32_t>(offset_of(place));
    cell.bytes = field.size;
    return cell;
  }

  std::uint32_t cell_index(const SiteSchema::Place& place) {
    auto wanted = cell_of(place);
    if (wanted->kind == SILLAGE_FILTER_APP_TEXT) wanted->offset = value_index(place);
    const auto found = std::ranges::find_if(cells_, [&](const sillage_filter_field& cell) {
      return cell.kind == wanted->kind && cell.field == wanted->field &&
             cell.offset == wanted->offset && cell.bytes == wanted->bytes;
    });
    return static_cast<std::uint32_t>(found - cells_.begin());
  }

  void load(const SiteSchema::Place& place, bool is_signed) {
    const Field& field = site_.fields[place.field];
    const Size size = bpf::size_of_bytes(field.size);
    const auto at = in_prefix(place.field, offset_of(place), field.size);
    const bpf::Reg base = at ? r6 : r7;
    const auto offset = static_cast<std::int32_t>(at ? *at : 16 * cell_index(place));
    if (is_signed) {
      a_.load_signed(size, r1, base, offset);
    } else {
      a_.load(size, r1, base, offset);
    }
  }

  void call(sillage_filter_helper helper) {
    a_.call_helper(helper);
    a_.move(r1, r0);
  }

  std::uint32_t add_literals(std::span<const std::string_view> texts) {
    const auto first = static_cast<std::uint32_t>(literals_.size());
    for (const std::string_view text : texts) {
      literals_.push_back(
          {static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(text.size())});
      text_.insert(text_.end(), text.begin(), text.end());
    }
    return first;
  }

  const Site& site_;
  bpf::Assembler& a_;
  std::vector<SiteSchema::Place> places_;
  std::vector<std::uint64_t> prefix_of_;  // by field: where it is in the record
  std::uint32_t used_prefix_ = 0;
  std::vector<sillage_filter_field> cells_;
  std::vector<sillage_filter_literal> literals_;
  std::vector<char> text_;
  std::map<std::string, std::uint32_t> app_names_;  // their literals
};

}  // namespace

filter::Slot SiteSchema::add(const Place& place, Type type) const {
  places_.push_back(place);
  return {.index = static_cast<std::uint32_t>(places_.size() - 1), .type = type};
}

std::optional<filter::Slot> SiteSchema::find_field(const filter::FieldName& name) const {
  const auto found = std::ranges::find(site_.fields, name.path.front().member, &Field::name);
  if (found == site_.fields.end()) return std::nullopt;
  const Field& field = *found;
  Place place{.field = static_cast<std::uint32_t>(found - site_.fields.begin())};
  if (name.path.size() == 1) {
    if (is_text(field)) return add(place, Type::kText);
    if (field.kind == SILLAGE_KIND_FLOAT) return add(place, Type::kReal);
    const bool is_integer = field.kind == SILLAGE_KIND_INTEGER || field.kind == SILLAGE_KIND_BOOL ||
                            field.kind == SILLAGE_KIND_ENUM;
    if (!is_integer) return std::nullopt;
    return add(place, Type::kInteger);
  }
  const filter::PathStep& step = name.path[1];
  if (name.path.size() != 2 || !step.member.empty() || !has_elements(field)) return std::nullopt;
  // No sequence can have so many.
  constexpr std::uint64_t kMostElements = UINT32_MAX / 8;
  if (step.index >= (field.kind == SILLAGE_KIND_ARRAY ? field.count : kMostElements))
    return std::nullopt;
  place.element = step.index;
  return add(place, is_real(field) ? Type::kReal : Type::kInteger);
}

std::optional<filter::Slot> SiteSchema::find(const filter::FieldName& name) const {
  using Space = filter::FieldName::Space;
  if (name.space == Space::kPayload) return find_field(name);
  if (name.path.size() != 1) return std::nullopt;
  if (name.space == Space::kApplication)
    return add({.app_context = name.text(), .app_type = name.only}, name.only);
  const auto context = find_context_(name.path.front().member);
  if (!context) return std::nullopt;
  return add({.is_context = true, .field = *context},
             *context == SILLAGE_CONTEXT_PROCNAME ? Type::kText : Type::kInteger);
}

filter::Binding bind_filter(const filter::Tree& tree, const Site& site,
                            const FindContext& find_context) {
  const SiteSchema schema(site, find_context);
  filter::Binding binding = filter::bind(tree, schema);
  if (!binding.can_match() || !filter::has_application_fields(tree)) return binding;
  const auto split = filter::split_by_type(tree);
  if (!split) return binding;
  // Of the variants of a comparison most do not fit, which is no mistake unless none does.
  filter::Binding variants = filter::bind(*split, schema);
  if (variants.can_match()) return binding;
  binding.tree.nodes.back().type = Type::kMissing;
  if (!binding.mismatch) binding.mismatch = std::move(variants.mismatch);
  return binding;
}

Result<std::vector<std::byte>> make_filter_program(const std::vector<const filter::Tree*>& any_of,
                                                   const Site& site,
                                                   const FindContext& find_context) {
  SiteSchema schema(site, find_context);
  std::vector<filter::Tree> trees;
  for (const filter::Tree* tree : any_of) {
    auto split = filter::split_by_type(*tree);
    if (!split) return tl::unexpected(std::move(split).error());
    filter::Binding binding = filter::bind(*split, schema);
    if (binding.can_match()) trees.push_back(std::move(binding.tree));
  }
  if (trees.empty()) return fail(Code::kNotFound, "the event lacks fields that the filter needs");
  bpf::Assembler assembler;
  SiteCode code(site, assembler);
  code.set_places(schema.places());
  for (const filter::Tree& tree : trees) code.add_cells(tree);
  code.sort_cells();
  const filter::CompileOptions options{
      .stack_bytes = SILLAGE_FILTER_MAX_STACK_BYTES, .text_bytes = 0, .helpers = &code};
  const bpf::Label match = assembler.label();
  for (const filter::Tree& tree : trees) {
    const bpf::Label next = assembler.label();
    SILLAGE_TRY(filter::compile(tree, code, options, assembler, match, next));
    assembler.bind(next);
  }
  assembler.move(r0, 0u);
  assembler.exit();
  assembler.bind(match);
  assembler.move(r0, 1u);
  assembler.exit();
  return code.finish();
}

std::vector<std::byte> make_filter_table(const std::vector<std::optional<std::size_t>>& program_of,
                                         const std::vector<std::vector<std::byte>>& programs) {
  std::uint64_t at = sizeof(sillage_filter_table) + program_of.size() * sizeof(std::uint32_t);
  at = (at + 7) / 8 * 8;
  std::vector<std::uint32_t> offsets;
  for (const auto& program : programs) {
    offsets.push_back(static_cast<std::uint32_t>(at));
    at += program.size();
  }
  sillage_filter_table head = {};
  head.magic = SILLAGE_FILTER_MAGIC;
  head.abi_major = SILLAGE_FILTER_ABI_MAJOR;
  head.abi_minor = SILLAGE_FILTER_ABI_MINOR;
  head.bytes = static_cast<std::uint32_t>(at);
  head.site_count = static_cast<std::uint32_t>(program_of.size());
  std::vector<std::byte> bytes;
  append(&bytes, &head, 1);
  for (const auto& which : program_of) {
    const std::uint32_t offset = which ? offsets[*which] : 0;
    append(&bytes, &offset, 1);
  }
  bytes.resize((bytes.size() + 7) / 8 * 8);
  for (const auto& program : programs) append(&bytes, program.data(), program.size());
  return bytes;
}

}  // namespace sillage::apps
