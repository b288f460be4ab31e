// SPDX-License-Identifier: MIT
#include "session/inclusion_set.hpp"

#include <utility>

namespace sillage::session {
namespace {

constexpr std::size_t kMaxValues = 65536;

}  // namespace

std::string_view attribute_name(ProcessAttribute attribute) {
  switch (attribute) {
    case ProcessAttribute::kPid: return "pid";
    case ProcessAttribute::kVpid: return "vpid";
    case ProcessAttribute::kUid: return "uid";
    case ProcessAttribute::kVuid: return "vuid";
    case ProcessAttribute::kGid: return "gid";
    case ProcessAttribute::kVgid: return "vgid";
  }
  return "?";
}

bool has_attribute(Domain domain, ProcessAttribute attribute) {
  return domain == Domain::kKernel || attribute == ProcessAttribute::kVpid ||
         attribute == ProcessAttribute::kVuid || attribute == ProcessAttribute::kVgid;
}

Status InclusionSet::add(std::uint32_t value, std::string name) {
  if (policy_ == Policy::kListed && values_.contains(value))
    return fail(Code::kAlreadyExists, "already in the inclusion set");
  if (values_.size() == kMaxValues)
    return fail(Code::kLimit, "an inclusion set has at most 65536 members: remove some first");
  policy_ = Policy::kListed;
  values_.emplace(value, std::move(name));
  return {};
}

Status InclusionSet::remove(std::uint32_t value) {
  if (policy_ == Policy::kAll)
    return fail(Code::kInvalidArgument,
                "all processes are in: remove all first, or add those that shall be in");
  if (values_.erase(value) == 0) return fail(Code::kNotFound, "not in the inclusion set");
  if (values_.empty()) policy_ = Policy::kNone;
  return {};
}

void InclusionSet::add_all() {
  policy_ = Policy::kAll;
  values_.clear();
}

void InclusionSet::remove_all() {
  policy_ = Policy::kNone;
  values_.clear();
}

}  // namespace sillage::session
