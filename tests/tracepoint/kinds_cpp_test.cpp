// SPDX-License-Identifier: MIT
// Every kind of field, byte for byte, in C++: what C has, and what C++ has on top.
#define DEBUG 1  // as programs do; log levels must not mind
#include <sillage/tracepoint.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>
#if __cplusplus >= 202002L
#include <span>
#endif

#include "abi/catalog.h"
#include "checks.h"
#include "kinds.inc"

namespace shop {
enum class Colour : std::uint8_t { kRed = 1, kGreen };
SILLAGE_ENUM(Colour, kRed, kGreen);
enum Unlabelled : std::int16_t { kSome = -2 };
class Order {
 public:
  enum class State { kOpen, kClosed = 7 };
};
constexpr sillage_label kStates[] = {SILLAGE_LABEL(Order::State::kOpen, "open"),
                                     SILLAGE_LABEL_RANGE(1, 7, "closed")};
SILLAGE_ENUM_LABELS(Order::State, kStates);
}  // namespace shop

namespace {

struct Bits {
  unsigned low : 3, high : 5;
};

void test_enumerations() {
  RECORDING(enums);
  auto colour = shop::Colour::kGreen;
  SILLAGE_TRACEPOINT(
      kinds, enums, INFO, sillage_field(colour, colour), sillage_field(plain, shop::kSome),
      sillage_field(state, shop::Order::State::kClosed),
      sillage_nowrite(sillage_field(again, colour)), sillage_enum(other, colour, kOperations));
  EXPECT_PAYLOAD("\2\xfe\xff\7\0\0\0\2");
  EXPECT_FIELD(0, "colour", SILLAGE_KIND_ENUM, 1, 0, 10, 0);
  EXPECT_FIELD(1, "plain", SILLAGE_KIND_INTEGER, 2, SILLAGE_FIELD_SIGNED, 10, 0);
  EXPECT_FIELD(2, "state", SILLAGE_KIND_ENUM, 4, SILLAGE_FIELD_SIGNED, 10, 0);
  EXPECT_FIELD(3, "again", SILLAGE_KIND_ENUM, 1, SILLAGE_FIELD_NOWRITE, 10, 0);
  const sillage_field* fields = double_last.event->fields;
  EXPECT(fields[0].label_count == 2 && fields[0].labels[0].begin == 1 &&
         fields[0].labels[1].end == 2);
  EXPECT(std::string_view(fields[0].labels[1].label) == "kGreen");
  EXPECT(fields[2].label_count == 2 && std::string_view(fields[2].labels[1].label) == "closed");
  EXPECT(fields[3].label_count == 2 && std::string_view(fields[4].labels[1].label) == "set");
}

void test_standard_library() {
  std::string text("a\0b", 3);
  std::string_view view = "view and more";
  RECORDING(strings);
  SILLAGE_TRACEPOINT(kinds, strings, INFO, sillage_field(a, text),
                     sillage_field(b, view.substr(0, 4)), sillage_field(c, std::string_view()),
                     sillage_string(d, std::string("temporary")));
  // A string ends at its first NUL, or readers would lose their place.
  EXPECT_PAYLOAD("a\0view\0\0temporary\0");
  EXPECT_FIELD(0, "a", SILLAGE_KIND_STRING, 1, 0, 10, 0);

  std::array<std::int16_t, 2> array = {1, -1};
  std::vector<std::uint16_t> vector = {3, 4, 5};
  RECORDING(containers);
  SILLAGE_TRACEPOINT(kinds, containers, INFO, sillage_hex(a, array), sillage_field(v, vector),
                     sillage_network(w, vector), sillage_field(none, std::vector<double>()));
  EXPECT_PAYLOAD("\1\0\xff\xff\3\0\0\0\3\0\4\0\5\0\3\0\0\0\3\0\4\0\5\0\0\0\0\0");
  EXPECT_FIELD(0, "a", SILLAGE_KIND_ARRAY, 2, SILLAGE_FIELD_SIGNED, 16, 2);
  EXPECT_FIELD(1, "v", SILLAGE_KIND_SEQUENCE, 2, 0, 10, 0);
  EXPECT_FIELD(2, "w", SILLAGE_KIND_SEQUENCE, 2, SILLAGE_FIELD_BIG_ENDIAN, 10, 0);
  EXPECT_FIELD(3, "none", SILLAGE_KIND_SEQUENCE, 8, SILLAGE_FIELD_FLOAT_ELEMENTS, 10, 0);
#if __cplusplus >= 202002L
  RECORDING(spans);
  SILLAGE_TRACEPOINT(kinds, spans, INFO, sillage_field(s, std::span(vector).subspan(1)),
                     sillage_field(t, std::span<std::int16_t, 2>(array)));
  EXPECT_PAYLOAD("\2\0\0\0\4\0\5\0\2\0\0\0\1\0\xff\xff");
#endif
}

void test_cpp_values() {
  Bits bits = {5, 9};
  volatile int changing = 3;
  void (*function)() = &test_enumerations;
  auto [first, second] = std::pair(1, 2);
  int counter = 0;
  RECORDING(values);
  SILLAGE_TRACEPOINT(kinds, values, INFO, sillage_field(bits, bits.high),
                     sillage_field(changing, changing), sillage_field(first, first),
                     sillage_field(second, second), sillage_field(counter, counter++),
                     sillage_field(function, function), sillage_field(null, nullptr));
  EXPECT(double_last.bytes == 20 + 2 * sizeof(void*) && counter == 1);
  EXPECT(memcmp(double_last.payload, "\x9\0\0\0\3\0\0\0\1\0\0\0\2\0\0\0\0\0\0\0", 20) == 0);
  EXPECT_FIELD(5, "function", SILLAGE_KIND_INTEGER, sizeof(void*), 0, 16, 0);
  EXPECT_FIELD(6, "null", SILLAGE_KIND_INTEGER, sizeof(void*), 0, 16, 0);
  const void* pointers[2] = {&bits, nullptr};
  RECORDING(pointers);
  SILLAGE_TRACEPOINT(kinds, pointers, INFO, sillage_field(p, pointers));
  EXPECT_FIELD(0, "p", SILLAGE_KIND_ARRAY, sizeof(void*), 0, 16, 2);
}

}  // namespace

int main() {
  test_all();
  test_enumerations();
  test_standard_library();
  test_cpp_values();
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
