// SPDX-License-Identifier: MIT
#include "ctf/metadata_reader.hpp"
#include "ctf/tsdl_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sillage::ctf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

const std::string kTrace = "trace { major = 1; minor = 8; byte_order = le; };\n";

/// Metadata of one event with these payload members, after `declarations`.
std::string with_payload(const std::string& members, const std::string& declarations = "") {
  return kTrace + declarations + "stream { };\nevent { name = e; fields := struct {\n" + members +
         "\n}; };\n";
}

Result<TraceModel> read(const std::string& text, const MetadataLimits& limits = {}) {
  return read_metadata(std::as_bytes(std::span(text)), limits);
}
std::string error_of(const std::string& text, Code code = Code::kCorrupt,
                     const MetadataLimits& limits = {}) {
  const auto model = read(text, limits);
  if (model) return "";
  EXPECT_EQ(model.error().code, code) << model.error().text();
  return model.error().text();
}
/// The payload's members; none if the text is not read.
std::vector<Member> members_of(const std::string& text) {
  const auto model = read(text);
  if (!model) {
    ADD_FAILURE() << model.error().text();
    return {};
  }
  return model->events.at(0).payload->as<Structure>()->members;
}
Integer integer_of(const std::string& members, const std::string& declarations = "") {
  const auto all = members_of(with_payload(members, declarations));
  const Integer* integer = all.empty() ? nullptr : all.back().field_class->as<Integer>();
  if (integer == nullptr) {
    ADD_FAILURE() << "the last member of " << members << " is no integer";
    return {};
  }
  return *integer;
}

TEST(TsdlMetadata, Integer_HasItsAttributes) {
  const Integer integer = integer_of(
      "integer { size = 0x11; align = 32; signed = true; base = hexadecimal; byte_order = be; } "
      "i;");
  EXPECT_EQ(integer.layout, (BitLayout{17, 32, ByteOrder::kBig, std::nullopt}));
  EXPECT_TRUE(integer.is_signed);
  EXPECT_EQ(integer.base, Base::kHexadecimal);
  EXPECT_EQ(integer_of("integer { size = 8; } i;").layout.alignment_bits, 8U);
  EXPECT_EQ(integer_of("integer { size = 9; } i;").layout.alignment_bits, 1U);
}

TEST(TsdlMetadata, CommentsAreSpace) {
  EXPECT_EQ(
      integer_of("/* a\n * b */ integer // c }\n { size /**/ = 5; } /* ; */ i;").layout.length_bits,
      5U);
}

TEST(TsdlMetadata, NamedTypes_AreFoundWhereTheyAreDeclared) {
  const std::string u5 = "integer { size = 5; }";
  EXPECT_EQ(integer_of("my i;", "typealias " + u5 + " := my;").layout.length_bits, 5U);
  EXPECT_EQ(integer_of("unsigned long int i;", "typealias " + u5 + " := unsigned long int;")
                .layout.length_bits,
            5U);
  EXPECT_EQ(integer_of("my i;", "typedef " + u5 + " my;").layout.length_bits, 5U);
  EXPECT_EQ(integer_of("typealias " + u5 + " := inner; inner i;").layout.length_bits, 5U);
  const auto members = members_of(with_payload("struct s a; enum e b; variant v <b> c;",
                                               "struct s { " + u5 + " x; }; enum e : " + u5 +
                                                   " { A, B = 7 };"
                                                   "variant v { struct s A; " +
                                                   u5 + " B; };"));
  ASSERT_THAT(members, SizeIs(3));
  EXPECT_NE(members[0].field_class->as<Structure>(), nullptr);
  EXPECT_THAT(members[1].field_class->as<Integer>()->mappings,
              ElementsAre(Mapping{"A", {{0, 0}}}, Mapping{"B", {{7, 7}}}));
  const auto* variant = members[2].field_class->as<Variant>();
  ASSERT_NE(variant, nullptr);
  EXPECT_THAT(variant->options, SizeIs(2));
  EXPECT_EQ(variant->options[1].ranges, (std::vector<IntegerRange>{{7, 7}}));
}

TEST(TsdlMetadata, Enumeration_MayOverlapAndBeNegative) {
  const Integer integer = integer_of(
      "enum : integer { size = 8; signed = true; } { A = -3 ... 4, \"b c\", A = 9, D = 4 } i;");
  const auto minus_3 = static_cast<std::uint64_t>(-3);
  EXPECT_THAT(integer.mappings, ElementsAre(Mapping{"A", {{minus_3, 4}, {9, 9}}},
                                            Mapping{"b c", {{5, 5}}}, Mapping{"D", {{4, 4}}}));
}

TEST(TsdlMetadata, Underscore_IsTakenOffOnce) {
  const std::string u8 = "integer { size = 8; } ";
  const auto members =
      members_of(with_payload(u8 + "_a; " + u8 + "__b; " + u8 + "c; " + u8 + "_; "));
  ASSERT_THAT(members, SizeIs(4));
  EXPECT_EQ(members[0].name, "a");
  EXPECT_EQ(members[1].name, "_b");
  EXPECT_EQ(members[2].name, "c");
  EXPECT_EQ(members[3].name, "_");
  // References use the names as they are written.
  const auto array = members_of(with_payload(u8 + "_len; " + u8 + "data[_len];"));
  EXPECT_EQ(array.back().field_class->as<DynamicArray>()->length.path,
            (std::vector<std::optional<std::string>>{"len"}));
}

TEST(TsdlMetadata, References_FindTheNearestOrTheNamedField) {
  const std::string u8 = "integer { size = 8; } ";
  const auto text = kTrace + "stream { event.header := struct { " + u8 +
                    "n; }; event.context := struct { " + u8 +
                    "m; }; };"
                    "event { name = e; context := struct { " +
                    u8 + "k; }; fields := struct { " + u8 + "n; struct { " + u8 + "a[n]; " + u8 +
                    "b[stream.event.header.n]; " + u8 + "c[event.context.k]; } s; }; };";
  const auto all = members_of(text);
  ASSERT_THAT(all, SizeIs(2));
  const auto& inner = all[1].field_class->as<Structure>()->members;
  EXPECT_FALSE(inner[0].field_class->as<DynamicArray>()->length.origin);
  EXPECT_EQ(inner[1].field_class->as<DynamicArray>()->length.origin, Scope::kEventRecordHeader);
  EXPECT_EQ(inner[2].field_class->as<DynamicArray>()->length.origin, Scope::kSpecificContext);
}

TEST(TsdlMetadata, TextArrays_AreStrings) {
  const auto members =
      members_of(with_payload("char a[4]; integer { size = 8; } n; char b[n]; string c;",
                              "typealias integer { size = 8; encoding = UTF8; } := char;"));
  ASSERT_THAT(members, SizeIs(4));
  EXPECT_NE(members[0].field_class->as<StaticString>(), nullptr);
  EXPECT_NE(members[2].field_class->as<DynamicString>(), nullptr);
  EXPECT_NE(members[3].field_class->as<NullTerminatedString>(), nullptr);
}

TEST(TsdlMetadata, Clocks_HaveOffsetsAndIdentity) {
  const auto model = read(kTrace +
                          "clock { name = a; uuid = \"0f37a32b-1796-408d-b723-bd27b45921c6\"; freq "
                          "= 7; offset_s = -2; offset = 15;"
                          " precision = 3; absolute = true; }; clock { name = \"b\"; };"
                          "stream { event.header := struct { integer { size = 8; map = "
                          "clock.a.value; } timestamp; }; };");
  ASSERT_TRUE(model) << model.error().text();
  ASSERT_THAT(model->trace.clocks, SizeIs(2));
  const ClockClass& clock = model->trace.clocks[0];
  EXPECT_EQ(clock.frequency_hz, 7U);
  EXPECT_EQ(clock.offset_seconds, 0);  // -2 s and 15 cycles
  EXPECT_EQ(clock.offset_cycles, 1U);
  EXPECT_TRUE(clock.origin_is_unix_epoch);
  EXPECT_EQ(model->trace.clocks[1].frequency_hz, 1'000'000'000U);
  EXPECT_EQ(model->streams[0].default_clock_id, "a");
}

TEST(TsdlMetadata, Environment_KeepsKindsAndOrder) {
  const auto model = read(kTrace + "env { b = \"x\\n\\101\"; a = -0x10; };stream { };");
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_EQ(model->trace.environment[0].value, EnvironmentValue("x\nA"));
  EXPECT_EQ(model->trace.environment[1].value, EnvironmentValue(std::int64_t{-16}));
}

TEST(TsdlMetadata, Error_HasLineAndColumn) {
  EXPECT_EQ(error_of(with_payload("  integer { size = 0; } i;")).substr(0, 18),
            "line 4, column 20:");
  EXPECT_THAT(error_of(with_payload("unknown_t i;")), StartsWith("line 4, column 1: "));
  EXPECT_THAT(error_of("trace {\n  major = 1;\n  minor = 8;\n  byte_order = middle;\n};"),
              StartsWith("line 4, column 16: "));
  EXPECT_THAT(error_of("trace { major = 1; minor = 9; byte_order = le; };", Code::kUnsupported),
              StartsWith("line 1, column 28: "));
}

TEST(TsdlMetadata, TextThatCannotBe_IsRefused) {
  const std::string u8 = "integer { size = 8; } ";
  const struct {
    std::string text;
    const char* message;
  } cases[] = {
      {"", "no 'trace' block"},
      {" ", "no 'trace' block"},
      {"/* CTF 1.8", "comment"},
      {kTrace + kTrace, "a second 'trace' block"},
      {"trace { major = 1; minor = 8; };", "needs a 'byte_order'"},
      {kTrace + "env { a = \"b; };", "string"},
      {kTrace + "clock { freq = 0; name = c; };", "above 0"},
      {kTrace + "clock { freq = 1; };", "needs a 'name'"},
      {kTrace + "clock { name = c; offset = 18446744073709551616; };", "64 bits"},
      {kTrace + "stream { id = 1; };", "no 'stream_id'"},
      {kTrace + "stream { }; event { fields := struct { }; };", "needs a 'name'"},
      {kTrace + "stream { }; event { name = e; stream_id = 5; };", "of stream 5"},
      {kTrace + "stream { }; event { name = e; id = 1; }; event { name = f; id = 1; };",
       "a second event with id 1"},
      {with_payload("integer { } i;"), "size"},
      {with_payload("integer { size = 65; } i;"), "1 to 64 bits"},
      {with_payload("integer { size = 8; align = 3; } i;"), "power of two"},
      {with_payload("integer { size = 8; size = 8; } i;"), "twice"},
      {with_payload("integer { size = 8; map = clock.c.value; } i;"), "'c'"},
      {with_payload("floating_point { exp_dig = 9; mant_dig = 24; } f;"), "IEEE 754"},
      {with_payload("enum : string { A } e;"), ""},
      {with_payload("enum : " + u8 + " { A = 5 ... 4 } e;"), ""},
      {with_payload(u8 + "a; " + u8 + "a;"), "'a'"},
      {with_payload(u8 + "data[len];"), "no field 'len' before this one"},
      {with_payload(u8 + "data[data];"), "no field 'data' before this one"},
      {with_payload("integer { size = 8; signed = true; } len; " + u8 + "data[len];"),
       "is no length"},
      {with_payload("variant { " + u8 + "A; } v;"), "needs a <tag>"},
      {with_payload(u8 + "t; variant <t> { " + u8 + "A; } v;"), "is no tag"},
      {with_payload("enum : " + u8 + " { A } t; variant <t> { " + u8 + "B; } v;"), "no option"},
      {with_payload("struct s i;"), "'struct s'"},
      {with_payload("struct s { struct s i; } i;"), "'struct s'"},
      {with_payload(u8 + "i"), ""},
      {with_payload("\x01"), "byte"},
  };
  for (const auto& one : cases) {
    const std::string error = error_of(one.text);
    EXPECT_NE(error, "") << one.text;
    EXPECT_THAT(error, HasSubstr(one.message)) << one.text;
    EXPECT_THAT(error, StartsWith("line ")) << one.text;
  }
}

TEST(TsdlMetadata, NestingBeyondTheLimit_IsRefused) {
  const auto nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += "struct { ";
    text += "integer { size = 8; } i;";
    for (std::size_t i = 0; i < depth; ++i) text += " } s;";
    return with_payload(text);
  };
  EXPECT_EQ(error_of(nested(60)), "");
  EXPECT_THAT(error_of(nested(64), Code::kLimit), HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(error_of(nested(100'000), Code::kLimit), HasSubstr("nested more than"));
  // Arrays of arrays are nested, too.
  std::string lengths;
  for (int i = 0; i < 20'000; ++i) lengths += "[2]";
  EXPECT_THAT(error_of(with_payload("integer { size = 8; } a" + lengths + ";"), Code::kLimit),
              StartsWith("line 4"));
  EXPECT_NE(error_of(kTrace + std::string(100'000, '{')), "");
  EXPECT_NE(error_of(kTrace + "env { a = " + std::string(100'000, '-') + "1; };"), "");
}

TEST(TsdlMetadata, SizesBeyondTheLimits_AreRefused) {
  EXPECT_EQ(error_of(with_payload("integer { size = 8; } a[0x1fffffffffffffff];")), "");
  EXPECT_THAT(error_of(with_payload("integer { size = 8; } a[4611686018427387904];"), Code::kLimit),
              StartsWith("line 4"));
  EXPECT_THAT(error_of(with_payload("integer { size = 8; align = 65536; } a;"), Code::kLimit),
              HasSubstr("alignments above"));
  EXPECT_THAT(
      error_of(with_payload("integer { size = 8; } " + std::string((1 << 20) + 1, 'n') + ";"),
               Code::kLimit),
      HasSubstr("longer than 1048576 bytes"));
}

/// Types a0 to aCOUNT, each but the first a structure of two of the one before.
std::string doubling_aliases(int count) {
  std::string text = "typealias integer { size = 8; } := a0;";
  std::string inner = "a0";
  for (int i = 1; i <= count; ++i) {
    std::string name = "a";
    name += std::to_string(i);
    text.append("typealias struct { ").append(inner).append(" x; ").append(inner);
    text.append(" y; } := ").append(name).append(";");
    inner = std::move(name);
  }
  return text;
}

TEST(TsdlMetadata, AliasesOfAliases_AreCounted) {
  EXPECT_THAT(error_of(with_payload("a30 a;", doubling_aliases(30)), Code::kLimit),
              HasSubstr("more than 1048576 fields"));
}

TEST(TsdlMetadata, MemoryBeyondTheBudget_IsRefusedWithItsPlace) {
  const MetadataLimits limits{.memory_per_byte = 2, .memory_bytes = 1 << 16};
  std::string members, events;
  for (int i = 0; i < 20'000; ++i) members += "u a" + std::to_string(i) + ";";
  for (int i = 0; i < 5'000; ++i)
    events += "event { name = e; id = " + std::to_string(i) + "; };\n";
  const std::string type = "typealias integer { size = 8; } := u;";
  for (const std::string& text : {with_payload(members, type), with_payload("", events)}) {
    const std::string error = error_of(text, Code::kLimit, limits);
    EXPECT_THAT(error, StartsWith("line "));
    EXPECT_THAT(error, HasSubstr("MiB of memory for its size"));
  }
  // A few bytes that say much when they are placed.
  EXPECT_THAT(error_of(with_payload("a12 a;", doubling_aliases(12)), Code::kLimit, limits),
              StartsWith("line "));
}

TEST(TsdlMetadata, BadUtf8AndSpaces_AreHarmless) {
  EXPECT_EQ(error_of(kTrace + "env { a = \"\xff\xfe\"; }; stream { };"), "");
  EXPECT_EQ(error_of(kTrace + std::string(1 << 20, ' ') + "stream { };"), "");
  EXPECT_EQ(error_of(kTrace + "stream { };" + std::string(100, '\0')), "");
}

}  // namespace
}  // namespace sillage::ctf
