// SPDX-License-Identifier: MIT
#include "symbols/event_resolver.hpp"

#include "ctf/field_lookup.hpp"

#include <string_view>

namespace sillage::symbols {
namespace {

using ctf::find_field;
using ctf::find_value;
using ctf::kNone;
using ctf::number_in;
using ctf::text_in;
using ctf::Value;
using ctf::ValueKind;
using ctf::Values;

std::vector<std::uint8_t> bytes_in(Values values, std::uint32_t field) {
  const Value* array = find_value(values, field);
  std::vector<std::uint8_t> bytes;
  if (array == nullptr || array->kind != ValueKind::kArray) return bytes;
  for (const Value* element = array + 1; element != array + array->extent;
       element += element->extent)
    bytes.push_back(static_cast<std::uint8_t>(element->number));
  return bytes;
}

}  // namespace

EventResolver::Plan EventResolver::make_plan(const ctf::DataStream& stream) {
  const ctf::Plan& plan = *stream.trace().plan;
  const ctf::EventPlan& event = stream.event_plan();
  const auto context = [&](std::string_view name) {
    return find_field(plan, stream.plan().common_context, name);
  };
  const auto field = [&](std::string_view name) { return find_field(plan, event.payload, name); };
  Plan made;
  made.vpid = context("vpid");
  made.ip = context("ip");
  made.base = field("baddr");
  made.bytes = field("memsz");
  made.path = field("path");
  made.is_pic = field("is_pic");
  made.build_id = field("build_id");
  made.file = field("filename");
  made.crc = field("crc");
  // LTTng-UST's names: of the state dump, of the loader's state, and of the calls that change it.
  const std::string_view name = event.event_class->name;
  for (const std::string_view provider :
       {"lttng_ust_statedump:", "lttng_ust_lib:", "lttng_ust_dl:"}) {
    if (!name.starts_with(provider)) continue;
    const std::string_view what = name.substr(provider.size());
    if (what == "start") made.kind = Kind::kStart;
    if (what == "bin_info" || what == "load" || what == "dlopen" || what == "dlmopen")
      made.kind = Kind::kObject;
    if (what == "build_id") made.kind = Kind::kBuildId;
    if (what == "debug_link") made.kind = Kind::kDebugLink;
    // Not dlclose: others may still have the object open.
    if (what == "unload") made.kind = Kind::kGone;
  }
  return made;
}

const EventResolver::Plan& EventResolver::plan_of(const ctf::DataStream& stream) {
  const auto [plan, is_new] = plans_.try_emplace(&stream.event_plan());
  if (is_new) plan->second = make_plan(stream);
  return plan->second;
}

void EventResolver::follow(const Plan& plan, AddressSpaces::ProcessKey process,
                           const ctf::EventView& event) {
  if (plan.kind == Kind::kStart) return spaces_.clear(process);
  const auto base = number_in(event.payload, plan.base);
  if (!base) return;
  if (plan.kind == Kind::kGone) return spaces_.remove(process, *base);
  if (plan.kind == Kind::kObject) {
    MappedObject object;
    object.base = *base;
    object.bytes = number_in(event.payload, plan.bytes).value_or(0);
    object.path = text_in(event.payload, plan.path);
    // Events of the loader do not say: what it loads can lie anywhere.
    object.is_pic = number_in(event.payload, plan.is_pic).value_or(1) != 0;
    return spaces_.add(process, std::move(object));
  }
  MappedObject* object = spaces_.at(process, *base);
  if (object == nullptr) return;
  if (plan.kind == Kind::kBuildId) {
    object->build_id = bytes_in(event.payload, plan.build_id);
  } else {
    object->debug_link = text_in(event.payload, plan.file);
    object->debug_link_crc =
        static_cast<std::uint32_t>(number_in(event.payload, plan.crc).value_or(0));
  }
}

EventResolver::Known& EventResolver::known(const MappedObject& object) {
  Known& known = objects_[{object.path, object.build_id}];
  if (known.symbols == nullptr) known.symbols = std::make_unique<ObjectSymbols>(object, options_);
  return known;
}

const Location* EventResolver::resolve(const ctf::DataStream& stream) {
  static const Location nowhere;
  const Plan& plan = plan_of(stream);
  if (plan.vpid == kNone || plan.ip == kNone) return nullptr;
  const ctf::EventView& event = stream.event();
  const auto vpid = number_in(event.common_context, plan.vpid);
  const auto ip = number_in(event.common_context, plan.ip);
  if (!vpid || !ip) return nullptr;
  const AddressSpaces::ProcessKey process{&stream.trace(), static_cast<std::int64_t>(*vpid)};
  if (plan.kind != Kind::kOther) follow(plan, process, event);
  const MappedObject* object = spaces_.find(process, *ip);
  if (object == nullptr) return &nowhere;
  Known& file = known(*object);
  const auto [location, is_new] = file.by_offset.try_emplace(*ip - object->base);
  if (is_new) location->second = file.symbols->resolve(object->base, *ip);
  return &location->second;
}

}  // namespace sillage::symbols
