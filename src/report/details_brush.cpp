// SPDX-License-Identifier: MIT
#include "report/details_brush.hpp"

namespace sillage::report {
namespace {

constexpr const char* kReset = "\033[0m";

constexpr const char* code_of(Ink ink) {
  switch (ink) {
    case Ink::kObject: return "\033[1m\033[1m\033[33m";
    case Ink::kProperty: return "\033[35m";
    case Ink::kMember:
    case Ink::kTag: return "\033[36m";
    case Ink::kType: return "\033[34m";
    case Ink::kValue: return "\033[1m";
    case Ink::kYes: return "\033[1m\033[1m\033[32m";
    case Ink::kNo: return "\033[1m\033[1m\033[31m";
    case Ink::kNone: return "\033[1m\033[1m\033[35m";
    case Ink::kEventName: return "\033[32m";
    case Ink::kTime: return "\033[1m\033[1m\033[34m";
    case Ink::kTagNumber: return "\033[1m\033[1m\033[36m";
  }
  return kReset;
}

}  // namespace

std::string Brush::operator()(Ink ink, std::string_view text) const {
  if (!has_colours_) return std::string(text);
  return begin(ink).append(text).append(kReset);
}

std::string Brush::begin(Ink ink) const { return has_colours_ ? code_of(ink) : ""; }

}  // namespace sillage::report
