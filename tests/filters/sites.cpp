// SPDX-License-Identifier: MIT
#include "sites.hpp"

#include "abi/app_protocol.h"
#include "contexts.hpp"

#include <bit>
#include <cstring>
#include <sstream>

namespace sillage::tests {
namespace {

using filter::Scalar;

struct Shape {
  const char* name;
  sillage_field_kind kind;
  std::uint8_t size, flags;
  std::uint32_t count;
};

constexpr std::uint8_t kSigned = SILLAGE_FIELD_SIGNED, kNetwork = SILLAGE_FIELD_BIG_ENDIAN,
                       kFloats = SILLAGE_FIELD_FLOAT_ELEMENTS, kHidden = SILLAGE_FIELD_NOWRITE;

// truth_test.py has the same.
constexpr Shape kI8{"i8", SILLAGE_KIND_INTEGER, 1, kSigned, 0},
    kU8{"u8", SILLAGE_KIND_INTEGER, 1, 0, 0}, kI16{"i16", SILLAGE_KIND_INTEGER, 2, kSigned, 0},
    kU16{"u16", SILLAGE_KIND_INTEGER, 2, 0, 0}, kI32{"i32", SILLAGE_KIND_INTEGER, 4, kSigned, 0},
    kU32{"u32", SILLAGE_KIND_INTEGER, 4, 0, 0}, kI64{"i64", SILLAGE_KIND_INTEGER, 8, kSigned, 0},
    kU64{"u64", SILLAGE_KIND_INTEGER, 8, 0, 0}, kN16{"n16", SILLAGE_KIND_INTEGER, 2, kNetwork, 0},
    kN32{"n32", SILLAGE_KIND_INTEGER, 4, kNetwork | kSigned, 0},
    kBool{"b", SILLAGE_KIND_BOOL, 1, 0, 0}, kEnum{"e", SILLAGE_KIND_ENUM, 4, kSigned, 0},
    kFloat{"f", SILLAGE_KIND_FLOAT, 4, 0, 0}, kDouble{"d", SILLAGE_KIND_FLOAT, 8, 0, 0},
    kString{"s", SILLAGE_KIND_STRING, 1, 0, 0}, kString2{"s2", SILLAGE_KIND_STRING, 1, 0, 0},
    kText{"t", SILLAGE_KIND_TEXT_ARRAY, 1, 0, 8},
    kTextSequence{"q", SILLAGE_KIND_TEXT_SEQUENCE, 1, 0, 0},
    kArray{"a", SILLAGE_KIND_ARRAY, 4, kSigned, 3}, kLongArray{"la", SILLAGE_KIND_ARRAY, 8, 0, 8},
    kSequence{"sq", SILLAGE_KIND_SEQUENCE, 2, 0, 0},
    kFloats8{"sf", SILLAGE_KIND_SEQUENCE, 8, kFloats, 0},
    kNetworkSequence{"sn", SILLAGE_KIND_SEQUENCE, 4, kNetwork | kSigned, 0},
    kHiddenString{"z", SILLAGE_KIND_STRING, 1, kHidden, 0},
    kHiddenInteger{"w", SILLAGE_KIND_INTEGER, 8, kSigned | kHidden, 0},
    kHiddenSequence{"hq", SILLAGE_KIND_SEQUENCE, 1, kHidden, 0},
    kBlob{"blob", SILLAGE_KIND_BLOB, 1, 0, 20};

TestSite make_site(const char* name, const std::vector<Shape>& shapes, bool is_for_kernel = false) {
  TestSite made;
  made.name = name;
  made.is_for_kernel = is_for_kernel;
  made.site.provider = "test";
  made.site.name = name;
  for (const Shape& shape : shapes) {
    apps::Field field;
    field.kind = shape.kind;
    field.size = shape.size;
    field.flags = shape.flags;
    field.count = shape.count;
    field.name = shape.name;
    made.site.fields.push_back(field);
    made.fields.push_back({shape.name, nullptr, nullptr, 0, shape.count,
                           static_cast<std::uint8_t>(shape.kind), shape.size, shape.flags, 10, 0});
  }
  return made;
}

std::vector<TestSite> make_sites() {
  std::vector<TestSite> sites;
  sites.push_back(make_site("words", {kI8, kU8, kI16, kU16, kI32, kN16, kI64, kN32}));
  sites.push_back(make_site(
      "block", {kLongArray, kText, kFloat, kDouble, kArray, kBool, kEnum, kBlob, kU64, kN16}));
  sites.push_back(
      make_site("kernel", {kI8, kU8, kI16, kU16, kI32, kU32, kI64, kU64, kString, kString2}, true));
  sites.push_back(make_site(
      "mixed", {kI32, kLongArray, kU16, kString, kI64, kSequence, kFloats8, kText, kTextSequence,
                kHiddenInteger, kNetworkSequence, kArray, kHiddenString, kBlob, kFloat, kString2}));
  sites.push_back(make_site(
      "hidden", {kHiddenSequence, kHiddenString, kI32, kHiddenInteger, kU8, kString, kDouble}));
  return sites;
}

int digit_of(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

}  // namespace

const TestSite* find_site(std::string_view name) {
  static std::vector<TestSite> sites = make_sites();
  for (TestSite& site : sites) {
    if (site.name != name) continue;
    site.event = {"test",
                  site.name.c_str(),
                  "sites.cpp",
                  nullptr,
                  site.fields.data(),
                  1,
                  static_cast<std::uint16_t>(site.fields.size()),
                  6,
                  0};
    return &site;
  }
  return nullptr;
}

filter::Scalar scalar_of(const apps::Field& field, std::string_view bytes, std::uint64_t element) {
  if (field.kind == SILLAGE_KIND_STRING || field.kind == SILLAGE_KIND_TEXT_ARRAY ||
      field.kind == SILLAGE_KIND_TEXT_SEQUENCE)
    return Scalar::of(bytes.substr(0, bytes.find('\0')));
  if ((element + 1) * field.size > bytes.size()) return {};
  std::string data(bytes.substr(element * field.size, field.size));
  if ((field.flags & SILLAGE_FIELD_BIG_ENDIAN) != 0) data = std::string(data.rbegin(), data.rend());
  std::uint64_t value = 0;
  std::memcpy(&value, data.data(), data.size());
  if (field.kind == SILLAGE_KIND_FLOAT || (field.flags & SILLAGE_FIELD_FLOAT_ELEMENTS) != 0) {
    if (field.size == 8) return Scalar::of(std::bit_cast<double>(value));
    return Scalar::of(double{std::bit_cast<float>(static_cast<std::uint32_t>(value))});
  }
  const unsigned unused = 64 - 8u * field.size;
  const bool is_signed = (field.flags & SILLAGE_FIELD_SIGNED) != 0;
  return Scalar::of(is_signed ? static_cast<std::int64_t>(value << unused) >> unused
                              : static_cast<std::int64_t>(value));
}

namespace {

template <class T>
T value_behind_tag(const std::string& value) {
  T number;
  std::memcpy(&number, value.data() + 1, sizeof number);
  return number;
}

Scalar app_scalar(const std::string& name) {
  const std::string value = app_value(name);
  const auto integer = [](auto number) { return Scalar::of(static_cast<std::int64_t>(number)); };
  switch (value[0]) {
    case SILLAGE_APP_CONTEXT_S8: return integer(value_behind_tag<std::int8_t>(value));
    case SILLAGE_APP_CONTEXT_S16: return integer(value_behind_tag<std::int16_t>(value));
    case SILLAGE_APP_CONTEXT_S32: return integer(value_behind_tag<std::int32_t>(value));
    case SILLAGE_APP_CONTEXT_S64: return integer(value_behind_tag<std::int64_t>(value));
    case SILLAGE_APP_CONTEXT_U8: return integer(value_behind_tag<std::uint8_t>(value));
    case SILLAGE_APP_CONTEXT_U16: return integer(value_behind_tag<std::uint16_t>(value));
    case SILLAGE_APP_CONTEXT_U32: return integer(value_behind_tag<std::uint32_t>(value));
    case SILLAGE_APP_CONTEXT_U64: return integer(value_behind_tag<std::uint64_t>(value));
    case SILLAGE_APP_CONTEXT_FLOAT: return Scalar::of(double{value_behind_tag<float>(value)});
    case SILLAGE_APP_CONTEXT_DOUBLE: return Scalar::of(value_behind_tag<double>(value));
    case SILLAGE_APP_CONTEXT_STRING: return Scalar::of(std::string_view("abba"));
    default: return {};
  }
}

}  // namespace

filter::Scalar EventRecord::read(std::uint32_t slot) const {
  const apps::SiteSchema::Place& place = places_[slot];
  if (!place.app_context.empty()) return app_scalar(place.app_context);
  if (place.is_context) {
    if (place.field == SILLAGE_CONTEXT_PROCNAME) return Scalar::of(std::string_view(kProcname));
    return Scalar::of(place.field == SILLAGE_CONTEXT_IP ? static_cast<std::int64_t>(kIp) : kVtid);
  }
  return scalar_of(site_.site.fields[place.field], values_[place.field], place.element.value_or(0));
}

Values values_of(const std::string& line) {
  Values values;
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    std::string bytes;
    for (std::size_t i = 0; word != "-" && i + 1 < word.size(); i += 2)
      bytes += static_cast<char>(digit_of(word[i]) * 16 + digit_of(word[i + 1]));
    values.push_back(bytes);
  }
  return values;
}

}  // namespace sillage::tests
