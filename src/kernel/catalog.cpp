// SPDX-License-Identifier: MIT
#include "kernel/catalog.hpp"

#include "tracefs/kernel_events.hpp"
#include "tracefs/lttng_names.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sillage::kernel {
namespace {

constexpr std::size_t kMaxListBytes = std::size_t{64}
                                      << 20;  // of kallsyms: 5 MB with 120,000 symbols

// "s32", "x64", "text[16]", "u32[4]", "string"
std::string type_text(const FieldType& type) {
  if (type.kind == FieldType::Kind::kString) return "string";
  if (type.kind == FieldType::Kind::kText) return "text[" + std::to_string(type.count) + "]";
  std::string text = type.is_network_order                          ? "be"
                     : type.is_signed                               ? "s"
                     : type.shown == FieldType::Shown::kHexadecimal ? "x"
                     : type.shown == FieldType::Shown::kOctal       ? "o"
                                                                    : "u";
  text += std::to_string(8 * type.element_bytes);
  if (type.kind == FieldType::Kind::kArray) text += "[" + std::to_string(type.count) + "]";
  if (!type.enumeration.empty()) text += "{" + type.enumeration + "}";
  for (const Enumerator& label : type.labels)
    text += (&label == type.labels.data() ? " " : "|") + label.name;
  return text;
}

std::string type_text(const tracefs::FormatField& field) {
  if (field.place != tracefs::FieldPlace::kFixed)
    return field.kind == tracefs::FieldKind::kText ? "string" : field.type + "[]";
  if (field.kind == tracefs::FieldKind::kText)
    return "text[" + std::to_string(field.size_bytes) + "]";
  return field.is_array ? field.type + "[" + std::to_string(field.count()) + "]" : field.type;
}

// Takes what stands before the next line end.
std::string_view take_line(std::string_view* text) {
  const std::size_t end = std::min(text->find('\n'), text->size());
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return line;
}

}  // namespace

KernelSymbols KernelSymbols::load() {
  KernelSymbols symbols;
  const auto text = tracefs::read_kernel_file("/proc/kallsyms", kMaxListBytes);
  if (!text) return symbols;
  for (std::string_view rest = *text; !rest.empty();) {
    // ADDRESS TYPE NAME [MODULE]
    const std::string_view line = take_line(&rest);
    std::uint64_t address = 0;
    const auto [end, status] = std::from_chars(line.data(), line.data() + line.size(), address, 16);
    const auto digits = static_cast<std::size_t>(end - line.data());
    constexpr std::size_t kTypeBytes = 3;  // " T "
    if (status != std::errc() || address == 0 || line.size() <= digits + kTypeBytes) continue;
    const std::string_view name = line.substr(digits + kTypeBytes);
    if (name.find('\t') != std::string_view::npos) continue;  // a module's
    symbols.addresses_.emplace(name, address);
  }
  return symbols;
}

std::optional<std::uint64_t> KernelSymbols::address(std::string_view name) const {
  const auto found = addresses_.find(std::string(name));
  if (found == addresses_.end()) return std::nullopt;
  return found->second;
}

Result<Catalog> Catalog::load() {
  auto mounted = tracefs::find_tracefs();
  if (!mounted) return tl::unexpected(std::move(mounted).error());
  auto names = tracefs::event_names(*mounted);
  if (!names) return tl::unexpected(std::move(names).error());
  Catalog catalog;
  catalog.tracefs_ = std::move(*mounted);
  auto types = Btf::load();
  if (types)
    catalog.btf_ = std::make_unique<Btf>(std::move(*types));
  else
    catalog.why_no_types_ = types.error().text();
  for (tracefs::EventName& name : *names) {
    if (name.system == "syscalls") continue;
    KernelTracepoint tracepoint;
    tracepoint.name = tracefs::lttng_event_name(name.system, name.event);
    tracepoint.why_not = tracefs::why_not_recordable(catalog.tracefs_, name);
    tracepoint.has_types = catalog.btf_ && catalog.btf_->find_tracepoint(name.event);
    tracepoint.system = std::move(name.system);
    tracepoint.event = std::move(name.event);
    catalog.tracepoints_.push_back(std::move(tracepoint));
  }
  auto recipes = built_in_recipes();
  if (!recipes) return tl::unexpected(std::move(recipes).error());
  for (EventRecipe& recipe : *recipes)
    catalog.recipes_[recipe.tracepoint].push_back(std::move(recipe));
  return catalog;
}

const KernelTracepoint* Catalog::find_tracepoint(std::string_view name) const {
  const KernelTracepoint* by_kernel_name = nullptr;
  for (const KernelTracepoint& tracepoint : tracepoints_) {
    if (tracepoint.name == name) return &tracepoint;
    if (tracepoint.event == name) by_kernel_name = &tracepoint;
  }
  return by_kernel_name;
}

Result<tracefs::EventFormat> Catalog::format(const KernelTracepoint& tracepoint) const {
  return tracefs::read_event_format(tracefs_, {tracepoint.system, tracepoint.event});
}

std::optional<ResolvedEvent> Catalog::recipe(const KernelTracepoint& tracepoint) const {
  const auto found = recipes_.find(tracepoint.event);
  if (found == recipes_.end() || !btf_) return std::nullopt;
  const VariableFinder variable = [this](std::string_view name) {
    if (!symbols_) symbols_ = KernelSymbols::load();
    return symbols_->address(name);
  };
  for (const EventRecipe& recipe : found->second) {
    if (recipe.name != tracepoint.name) continue;
    if (auto event = resolve(recipe, *btf_, variable)) return std::move(*event);
  }
  return std::nullopt;
}

Result<std::vector<FieldSummary>> Catalog::fields(const KernelTracepoint& tracepoint) const {
  std::vector<FieldSummary> fields;
  if (const auto event = recipe(tracepoint)) {
    for (const ResolvedField& field : event->fields)
      fields.push_back({field.name, type_text(field.type)});
    return fields;
  }
  auto description = format(tracepoint);
  if (!description) return tl::unexpected(std::move(description).error());
  for (const tracefs::FormatField& field : description->fields) {
    fields.push_back(
        {std::string(tracefs::lttng_field_name(tracepoint.system, tracepoint.event, field.name)),
         type_text(field)});
  }
  return fields;
}

Result<SystemCalls> Catalog::system_calls() const { return SystemCalls::load(tracefs_, btf()); }

Result<std::vector<std::string>> Catalog::functions() const {
  if (!btf_) return fail(Code::kUnsupported, "functions cannot be recorded: " + why_no_types_);
  const std::string path = tracefs_ + "/available_filter_functions";
  const auto text = tracefs::read_kernel_file(path, kMaxListBytes);
  if (!text)
    return fail(Code::kUnsupported, "functions cannot be recorded: " + text.error().text() +
                                        " (it lists those that the kernel lets be traced: "
                                        "CONFIG_FUNCTION_TRACER)");
  std::vector<std::string> names;
  for (std::string_view rest = *text; !rest.empty();) {
    // NAME [MODULE]
    const std::string_view line = take_line(&rest);
    const std::string_view name = line.substr(0, std::min(line.find(' '), line.size()));
    if (btf_->find_function(name)) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace sillage::kernel
