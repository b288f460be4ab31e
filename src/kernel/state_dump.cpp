// SPDX-License-Identifier: MIT
#include "kernel/state_dump.hpp"

#include "ctf/layout.hpp"
#include "kernel/attach.hpp"
#include "kernel/program_builder.hpp"
#include "kernel/program_plan.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

extern const std::string_view kKernelStateDumpText;  // statedump.txt

namespace sillage::kernel {
namespace {

constexpr std::string_view kMemoryMaps = "task_vma";

// The bytes of a record's payload.
class Payload {
 public:
  template <typename Integer>
  Payload& add(Integer value) {
    return bytes(&value, sizeof value);
  }
  Payload& bytes(const void* data, std::size_t size) {
    const auto* const first = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
    return *this;
  }
  Payload& text(const std::string& text) { return bytes(text.c_str(), text.size() + 1); }

  [[nodiscard]] std::span<const std::byte> view() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

ctf::IntegerFormat unsigned_format(std::uint32_t bytes, ctf::Base base = ctf::Base::kDecimal,
                                   bool is_big_endian = false) {
  ctf::IntegerFormat format;
  format.size_bytes = bytes;
  format.is_big_endian = is_big_endian;
  format.base = base;
  return format;
}

ctf::IntegerFormat signed_format(std::uint32_t bytes) {
  ctf::IntegerFormat format;
  format.size_bytes = bytes;
  format.is_signed = true;
  return format;
}

// Arguments of an iterator that are null when it has come to the end: all pointers but the first, `meta`.
std::vector<std::uint32_t> pointers_of(TypeRef function, const Btf& btf) {
  std::vector<std::uint32_t> pointers;
  const auto prototype = btf.prototype(function);
  for (std::uint32_t i = 1; prototype && i < prototype->parameters.size(); ++i)
    if (btf.shape(prototype->parameters[i].type).kind == TypeKind::kPointer) pointers.push_back(i);
  return pointers;
}

}  // namespace

Result<std::vector<EventRecipe>> state_dump_recipes() {
  return parse_recipes(kKernelStateDumpText, "statedump.txt");
}

Result<StateDump> StateDump::create(KernelChannel& channel, const Btf* btf,
                                    const StateDumpOptions& options, const Declare& declare) {
  StateDump dump(channel);
  const Status writer = channel.prepare_writer();
  if (writer) {
    dump.has_writer_ = true;
    SILLAGE_TRY(dump.declare_facts(declare));
  } else if (writer.error().code == Code::kPermission) {
    return tl::unexpected(writer.error());
  } else {
    dump.left_out_.push_back("devices, interrupts and processors: " + writer.error().message);
  }
  if (btf == nullptr) {
    dump.left_out_.emplace_back("tasks and files: programs cannot use this kernel's types");
  } else {
    SILLAGE_TRY(dump.add_iterators(*btf, options, declare));
  }
  return dump;
}

// Names, types and order of fields: as in statedump.txt. LTTng has no address_ipv6, and one event of an interface that
// is up for each IPv4 address.
Status StateDump::declare_facts(const Declare& declare) {
  ctf::PayloadBuilder payload;
  const auto add = [&](const char* name, EventId* id) -> Status {
    const auto declared = declare(std::string("lttng_statedump_") + name, payload.build());
    if (!declared) return tl::unexpected(declared.error());
    *id = *declared;
    return {};
  };
  SILLAGE_TRY(add("start", &ids_.start));
  SILLAGE_TRY(add("end", &ids_.end));
  payload.string("name")
      .integer("address_ipv4", unsigned_format(4, ctf::Base::kHexadecimal, true))
      .array("address_ipv6", unsigned_format(1, ctf::Base::kHexadecimal), 16);
  SILLAGE_TRY(add("network_interface", &ids_.interface));
  payload.integer("dev", unsigned_format(4)).string("diskname");
  SILLAGE_TRY(add("block_device", &ids_.block_device));
  payload.integer("irq", unsigned_format(4))
      .string("name")
      .string("action")
      .integer("tid", signed_format(4));
  SILLAGE_TRY(add("interrupt", &ids_.interrupt));
  payload.string("architecture")
      .integer("cpu_id", unsigned_format(2))
      .string("vendor")
      .integer("family", unsigned_format(1))
      .integer("model", unsigned_format(1))
      .string("model_name")
      .integer("physical_id", unsigned_format(2))
      .integer("core_id", unsigned_format(2))
      .integer("cores", unsigned_format(2));
  return add("cpu_topology", &ids_.processor);
}

Status StateDump::add_iterators(const Btf& btf, const StateDumpOptions& options,
                                const Declare& declare) {
  const auto recipes = state_dump_recipes();
  if (!recipes) return tl::unexpected(recipes.error());
  std::vector<std::string> names;  // of iterators, in the order of the file
  std::map<std::string, std::vector<ResolvedEvent>> events;
  for (const EventRecipe& recipe : *recipes) {
    if (recipe.tracepoint == kMemoryMaps && !options.memory_maps) continue;
    auto resolved = resolve_iterator(recipe, btf);
    if (!resolved) {
      left_out_.push_back(recipe.name + ": " + resolved.error().message);
      continue;
    }
    if (!events.contains(recipe.tracepoint)) names.push_back(recipe.tracepoint);
    events[recipe.tracepoint].push_back(std::move(*resolved));
  }
  for (const std::string& name : names) {
    IteratorPlan plan;
    plan.attach.kind = AttachPlan::Kind::kIterator;
    plan.attach.name = name;
    plan.attach.target = events[name].front().attach_to;
    plan.pointers = pointers_of(plan.attach.target, btf);
    for (const ResolvedEvent& event : events[name]) {
      RecordPlan record{.event = plan_event(event), .id = {}, .condition = event.condition};
      auto known = iterator_ids_.find(event.name);
      if (known == iterator_ids_.end()) {
        const auto id = declare(event.name, record.event.payload);
        if (!id) return tl::unexpected(id.error());
        known = iterator_ids_.emplace(event.name, *id).first;
      }
      record.id = known->second;
      plan.records.push_back(std::move(record));
    }
    auto link = channel_->make_iterator(plan);
    if (link) {
      iterators_.push_back({name, std::move(*link)});
      continue;
    }
    if (link.error().code == Code::kPermission) return tl::unexpected(std::move(link).error());
    left_out_.push_back(plan.records.front().event.name + ": " + link.error().message);
  }
  return {};
}

Status StateDump::run() {
  Status first;
  const auto note = [&](Status status) {
    if (first && !status) first = std::move(status);
  };
  if (has_writer_) note(channel_->write_record(ids_.start, {}));
  for (const Iterator& iterator : iterators_)
    note(run_iterator(iterator.link.value(), iterator.name));
  if (!has_writer_) return first;
  note(write_facts());
  note(channel_->write_record(ids_.end, {}));
  return first;
}

Status StateDump::write_facts() const {
  for (const InterfaceFact& fact : SystemFacts::interfaces()) {
    Payload payload;
    payload.text(fact.name)
        .bytes(fact.ipv4.data(), fact.ipv4.size())
        .bytes(fact.ipv6.data(), fact.ipv6.size());
    SILLAGE_TRY(channel_->write_record(ids_.interface, payload.view()));
  }
  for (const BlockDeviceFact& fact : facts_.block_devices()) {
    Payload payload;
    payload.add(fact.device).text(fact.name);
    SILLAGE_TRY(channel_->write_record(ids_.block_device, payload.view()));
  }
  for (const InterruptFact& fact : facts_.interrupts()) {
    Payload payload;
    payload.add(fact.irq).text(fact.chip).text(fact.action).add(fact.tid);
    SILLAGE_TRY(channel_->write_record(ids_.interrupt, payload.view()));
  }
  for (const ProcessorFact& fact : facts_.processors()) {
    Payload payload;
    payload.text(fact.architecture).add(fact.cpu_id).text(fact.vendor);
    payload.add(fact.family).add(fact.model).text(fact.model_name);
    payload.add(fact.physical_id).add(fact.core_id).add(fact.cores);
    SILLAGE_TRY(channel_->write_record(ids_.processor, payload.view()));
  }
  return {};
}

}  // namespace sillage::kernel
