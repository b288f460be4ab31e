// SPDX-License-Identifier: MIT
#include "symbols/address_spaces.hpp"

namespace sillage::symbols {
namespace {

bool has(const MappedObject& object, std::uint64_t address) {
  return address >= object.base && address - object.base < object.bytes;
}

}  // namespace

void AddressSpaces::add(ProcessKey process, MappedObject object) {
  std::map<std::uint64_t, MappedObject>& objects = processes_[process];
  auto known = objects.find(object.base);
  if (known != objects.end() && known->second.path == object.path &&
      known->second.bytes == object.bytes)
    return;
  // What lies where it is now has been unloaded, and nobody was told.
  auto next = objects.lower_bound(object.base);
  if (next != objects.begin() && has(std::prev(next)->second, object.base))
    objects.erase(std::prev(next));
  while (next != objects.end() && has(object, next->first)) next = objects.erase(next);
  objects.insert_or_assign(object.base, std::move(object));
}

void AddressSpaces::remove(ProcessKey process, std::uint64_t base) {
  if (auto found = processes_.find(process); found != processes_.end()) found->second.erase(base);
}

MappedObject* AddressSpaces::at(ProcessKey process, std::uint64_t base) {
  auto found = processes_.find(process);
  if (found == processes_.end()) return nullptr;
  auto object = found->second.find(base);
  return object == found->second.end() ? nullptr : &object->second;
}

const MappedObject* AddressSpaces::find(ProcessKey process, std::uint64_t address) const {
  auto found = processes_.find(process);
  if (found == processes_.end()) return nullptr;
  auto behind = found->second.upper_bound(address);
  if (behind == found->second.begin()) return nullptr;
  const MappedObject& object = std::prev(behind)->second;
  return has(object, address) ? &object : nullptr;
}

}  // namespace sillage::symbols
