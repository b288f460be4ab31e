// SPDX-License-Identifier: MIT
#include "ctf/json_metadata.hpp"

#include "ctf/metadata.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sillage::ctf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

const std::string kPreamble = R"({"type":"preamble","version":2})";
const std::string kStream = R"({"type":"data-stream-class"})";

std::string sequence(const std::vector<std::string>& fragments) {
  std::string text;
  for (const std::string& fragment : fragments) text += "\x1e" + fragment + "\n";
  return text;
}

Result<TraceModel> read(const std::vector<std::string>& fragments,
                        const MetadataLimits& limits = {}) {
  return read_json_metadata(sequence(fragments), limits);
}

/// The error's code, location and message of these fragments; "" if they are read.
std::string error_of(const std::vector<std::string>& fragments, Code code = Code::kCorrupt,
                     const MetadataLimits& limits = {}) {
  const auto model = read(fragments, limits);
  if (model) return "";
  EXPECT_EQ(model.error().code, code) << model.error().text();
  return model.error().text();
}

/// Fragments of a trace whose one event has the payload members `members`.
std::vector<std::string> with_payload(const std::string& members) {
  return {kPreamble, kStream,
          R"({"type":"event-record-class","name":"e","payload-field-class":{"type":"structure",)"
          R"("member-classes":[)" +
              members + "]}}"};
}
std::string member(const std::string& name, const std::string& field_class) {
  return R"({"name":")" + name + R"(","field-class":)" + field_class + "}";
}
const std::string kU8 =
    R"({"type":"fixed-length-unsigned-integer","length":8,"byte-order":"little-endian"})";
const std::string kI8 =
    R"({"type":"fixed-length-signed-integer","length":8,"byte-order":"little-endian"})";

/// The field class of the payload's last member; an empty structure if that is not read.
FieldClass payload_class(const std::string& members) {
  const auto model = read(with_payload(members));
  if (!model) {
    ADD_FAILURE() << model.error().text();
    return {Structure{}};
  }
  return *model->events.front().payload->as<Structure>()->members.back().field_class;
}

TEST(JsonMetadata, IsJson_ByItsFirstByte) {
  EXPECT_TRUE(is_json_metadata("\x1e{}"));
  EXPECT_FALSE(is_json_metadata("/* CTF 1.8 */"));
  EXPECT_FALSE(is_json_metadata(""));
}

TEST(JsonMetadata, OwnMetadata_IsReadAsItWasWritten) {
  TraceClass trace;
  trace.uuid = Uuid{std::byte{1}, std::byte{255}};
  trace.name = "n";
  trace.uid = "u";
  trace.environment = {{"b", std::int64_t{-5}}, {"a", "text"}};
  ClockClass clock{.id = "c", .frequency_hz = 333, .offset_seconds = -7, .offset_cycles = 332};
  clock.precision_cycles = 3;
  clock.accuracy_cycles = 4;
  trace.clocks = {clock};
  trace.packet_header = make_field_class(Structure{
      {{"magic", make_field_class(Integer{.roles = Role::kPacketMagicNumber})},
       {"uuid",
        make_field_class(StaticBlob{.length_bytes = 16, .roles = Role::kMetadataStreamUuid})}}});
  const auto model = read_json_metadata(
      json_head(trace) + json_stream_class(trace, {.id = 9, .default_clock_id = "c"}) +
          json_event_class(trace, {.id = 70000,
                                   .stream_class_id = 9,
                                   .name = "e\"\n",
                                   .log_level = 4,
                                   .emf_uri = "http://x",
                                   .payload = make_field_class(Structure{})}),
      {});
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_EQ(model->version, Version::kCtf2);
  EXPECT_EQ(model->trace.uuid, trace.uuid);
  EXPECT_EQ(model->trace.name, "n");
  EXPECT_EQ(model->trace.uid, "u");
  ASSERT_THAT(model->trace.environment, SizeIs(2));
  EXPECT_EQ(model->trace.environment[0].name, "b");
  EXPECT_EQ(model->trace.environment[0].value, EnvironmentValue(std::int64_t{-5}));
  EXPECT_EQ(model->trace.environment[1].value, EnvironmentValue("text"));
  ASSERT_THAT(model->trace.clocks, SizeIs(1));
  const ClockClass& read_clock = model->trace.clocks[0];
  EXPECT_EQ(read_clock.frequency_hz, 333U);
  EXPECT_EQ(read_clock.offset_seconds, -7);
  EXPECT_EQ(read_clock.offset_cycles, 332U);
  EXPECT_EQ(read_clock.precision_cycles, 3U);
  EXPECT_EQ(read_clock.accuracy_cycles, 4U);
  EXPECT_TRUE(read_clock.origin_is_unix_epoch);
  ASSERT_THAT(model->streams, SizeIs(1));
  EXPECT_EQ(model->streams[0].id, 9U);
  EXPECT_EQ(model->streams[0].default_clock_id, "c");
  ASSERT_THAT(model->events, SizeIs(1));
  EXPECT_EQ(model->events[0].id, 70000U);
  EXPECT_EQ(model->events[0].name, "e\"\n");
  EXPECT_EQ(model->events[0].log_level, 4);
  EXPECT_EQ(model->events[0].emf_uri, "http://x");
}

TEST(JsonMetadata, SmallestTrace_HasDefaults) {
  const auto model = read({kPreamble, kStream});
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_FALSE(model->trace.uuid);
  EXPECT_EQ(model->trace.packet_header, nullptr);
  ASSERT_THAT(model->streams, SizeIs(1));
  EXPECT_EQ(model->streams[0].id, 0U);
  EXPECT_FALSE(model->streams[0].default_clock_id);
}

TEST(JsonMetadata, SeparatorsAndSpaces_MayRepeat) {
  EXPECT_TRUE(read_json_metadata("\x1e\x1e\n " + kPreamble + "\x1e\r\n" + kStream, {}));
}

TEST(JsonMetadata, Clock_HasIdentityAndOrigin) {
  const auto model =
      read({kPreamble,
            R"({"type":"clock-class","id":"i","namespace":"s","name":"n","uid":"u","frequency":5,
           "origin":{"namespace":"os","name":"on","uid":"ou"},"description":"d",
           "attributes":{"x": {"y" : [1, 2]}}})",
            R"({"type":"clock-class","id":"j","frequency":18446744073709551615,
           "offset-from-origin":{"cycles":18446744073709551614,"seconds":-9223372036854775808}})",
            kStream});
  ASSERT_TRUE(model) << model.error().text();
  const ClockClass& first = model->trace.clocks[0];
  EXPECT_EQ(first.name_space + "/" + first.name + "/" + first.uid, "s/n/u");
  EXPECT_FALSE(first.origin_is_unix_epoch);
  EXPECT_EQ(first.origin, (ClockOrigin{"os", "on", "ou"}));
  EXPECT_EQ(first.attributes, R"({"x": {"y" : [1, 2]}})");
  const ClockClass& second = model->trace.clocks[1];
  EXPECT_EQ(second.name, "");
  EXPECT_FALSE(second.origin);
  EXPECT_FALSE(second.origin_is_unix_epoch);
  EXPECT_EQ(second.frequency_hz, UINT64_MAX);
  EXPECT_EQ(second.offset_cycles, UINT64_MAX - 1);
  EXPECT_EQ(second.offset_seconds, INT64_MIN);
}

TEST(JsonMetadata, Integer_HasLayoutBaseAndMappings) {
  const FieldClass read_class = payload_class(
      member("m", R"({"type":"fixed-length-signed-integer","length":17,"byte-order":"big-endian",
               "bit-order":"first-to-last","alignment":64,"preferred-display-base":16,
               "mappings":{"b":[[-5,-1],[3,3]],"a":[[0,9]],"above":[[9223372036854775808,9223372036854775809]],
                           "cut":[[5,18446744073709551615]]}})"));
  const auto* integer = read_class.as<Integer>();
  ASSERT_NE(integer, nullptr);
  EXPECT_EQ(integer->layout, (BitLayout{17, 64, ByteOrder::kBig, BitOrder::kFirstToLast}));
  EXPECT_TRUE(integer->is_signed);
  EXPECT_EQ(integer->base, Base::kHexadecimal);
  const auto minus = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
  EXPECT_THAT(integer->mappings,
              ElementsAre(Mapping{"b", {{minus(-5), minus(-1)}, {3, 3}}}, Mapping{"a", {{0, 9}}},
                          Mapping{"above", {}}, Mapping{"cut", {{5, INT64_MAX}}}));
}

TEST(JsonMetadata, UnsignedMappings_LoseWhatIsNegative) {
  const FieldClass read_class = payload_class(member(
      "m",
      R"({"type":"variable-length-unsigned-integer","mappings":{"a":[[-45,1]],"b":[[-2,-1]]}})"));
  const auto* integer = read_class.as<VariableInteger>();
  ASSERT_NE(integer, nullptr);
  EXPECT_THAT(integer->mappings, ElementsAre(Mapping{"a", {{0, 1}}}, Mapping{"b", {}}));
}

TEST(JsonMetadata, Aliases_AreResolvedAndShared) {
  const auto model = read(
      {kPreamble, R"({"type":"field-class-alias","name":"u8","field-class":)" + kU8 + "}",
       R"({"type":"field-class-alias","name":"byte","field-class":"u8"})", kStream,
       R"({"type":"event-record-class","payload-field-class":{"type":"structure","member-classes":
                [{"name":"a","field-class":"byte"},{"name":"b","field-class":"u8"}]}})"});
  ASSERT_TRUE(model) << model.error().text();
  const auto& members = model->events[0].payload->as<Structure>()->members;
  EXPECT_EQ(members[0].field_class->as<Integer>()->layout.length_bits, 8U);
  EXPECT_EQ(members[0].field_class, members[1].field_class);
}

TEST(JsonMetadata, EveryKindOfClass_IsRead) {
  const std::string layout = R"("length":16,"byte-order":"little-endian"})";
  const std::string length = R"("length-field-location":{"path":["len"]})";
  const std::string len = member("len", kU8) + ",";
  EXPECT_TRUE(
      payload_class(member("m", R"({"type":"fixed-length-bit-array",)" + layout)).as<BitArray>());
  EXPECT_TRUE(
      payload_class(member("m", R"({"type":"fixed-length-boolean",)" + layout)).as<Boolean>());
  EXPECT_TRUE(
      payload_class(member("m", R"({"type":"fixed-length-floating-point-number",)" + layout))
          .as<Float>());
  const FieldClass map = payload_class(
      member("m", R"({"type":"fixed-length-bit-map","flags":{"x":[[1,2],[9,9]]},)" + layout));
  ASSERT_TRUE(map.as<BitMap>());
  EXPECT_THAT(map.as<BitMap>()->flags, ElementsAre(Mapping{"x", {{1, 2}, {9, 9}}}));
  const FieldClass text =
      payload_class(member("m", R"({"type":"null-terminated-string","encoding":"utf-32le"})"));
  ASSERT_TRUE(text.as<NullTerminatedString>());
  EXPECT_EQ(text.as<NullTerminatedString>()->encoding, Encoding::kUtf32Le);
  EXPECT_EQ(payload_class(member("m", R"({"type":"static-length-string","length":0})"))
                .as<StaticString>()
                ->length_bytes,
            0U);
  EXPECT_TRUE(payload_class(len + member("m", R"({"type":"dynamic-length-string",)" + length + "}"))
                  .as<DynamicString>());
  const FieldClass blob =
      payload_class(member("m", R"({"type":"static-length-blob","length":3,"media-type":"a/b"})"));
  ASSERT_TRUE(blob.as<StaticBlob>());
  EXPECT_EQ(blob.as<StaticBlob>()->media_type, "a/b");
  EXPECT_TRUE(payload_class(len + member("m", R"({"type":"dynamic-length-blob",)" + length + "}"))
                  .as<DynamicBlob>());
  const FieldClass array = payload_class(member(
      "m",
      R"({"type":"static-length-array","length":3,"minimum-alignment":32,"element-field-class":)" +
          kU8 + "}"));
  ASSERT_TRUE(array.as<StaticArray>());
  EXPECT_EQ(array.as<StaticArray>()->minimum_alignment_bits, 32U);
  EXPECT_TRUE(
      payload_class(len + member("m", R"({"type":"dynamic-length-array","element-field-class":)" +
                                          kU8 + "," + length + "}"))
          .as<DynamicArray>());
  const FieldClass optional = payload_class(
      len +
      member("m", R"({"type":"optional","selector-field-ranges":[[1,2]],"selector-field-location":
                           {"origin":"event-record-payload","path":["len"]},"field-class":)" +
                      kU8 + "}"));
  ASSERT_TRUE(optional.as<Optional>());
  EXPECT_EQ(optional.as<Optional>()->selector.origin, Scope::kPayload);
  EXPECT_FALSE(optional.as<Optional>()->selector_is_signed);
  const FieldClass variant = payload_class(
      member("len", kI8) + "," +
      member("m", R"({"type":"variant","selector-field-location":{"path":["len"]},"options":[
                      {"selector-field-ranges":[[-3,-3],[5,5]],"field-class":)" +
                      kU8 + R"(},
                      {"name":"x","selector-field-ranges":[[4,4]],"field-class":)" +
                      kI8 + "}]}"));
  ASSERT_TRUE(variant.as<Variant>());
  EXPECT_TRUE(variant.as<Variant>()->selector_is_signed);
  EXPECT_EQ(variant.as<Variant>()->options[0].name, "");
  EXPECT_EQ(variant.as<Variant>()->options[1].name, "x");
}

TEST(JsonMetadata, Attributes_AreKeptAsTheyStand) {
  const auto model = read({kPreamble, kStream,
                           R"({"type":"event-record-class","attributes":{"lttng.org,2009":
                               {"log-level":"debug:line","other":1},"babeltrace.org,2020":{"emf-uri":"e"}},
                               "payload-field-class":{"type":"structure","attributes":{"a":[null]}}})"});
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_EQ(model->events[0].log_level, kDefaultLogLevel);
  EXPECT_EQ(model->events[0].emf_uri, "e");
  EXPECT_THAT(model->events[0].attributes, StartsWith("{\"lttng.org,2009\":"));
  EXPECT_EQ(model->events[0].payload->attributes, R"({"a":[null]})");
}

TEST(JsonMetadata, AttributesThatAreNotAsExpected_MeanNothing) {
  const auto model = read({kPreamble, kStream,
                           R"({"type":"event-record-class","attributes":
                               {"lttng.org,2009":{"log-level":"loud","emf-uri":5},"babeltrace.org,2020":7}})"});
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_FALSE(model->events[0].log_level);
  EXPECT_THAT(model->events[0].emf_uri, IsEmpty());
}

TEST(JsonMetadata, LargeEnvironmentNumber_IsText) {
  const auto model = read(
      {kPreamble, R"({"type":"trace-class","environment":{"n":18446744073709551615}})", kStream});
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_EQ(model->trace.environment[0].value, EnvironmentValue("18446744073709551615"));
}

TEST(JsonMetadata, Error_HasFragmentByteAndPointer) {
  EXPECT_THAT(error_of(with_payload(member(
                  "m", R"({"type":"fixed-length-boolean","length":0,"byte-order":"big-endian"})"))),
              StartsWith("fragment 3, byte "));
  EXPECT_THAT(
      error_of(with_payload(member("a", kU8) + "," + member("m", R"({"type":"no"})"))),
      HasSubstr(", /payload-field-class/member-classes/1/field-class/type: 'no' is none of"));
  EXPECT_EQ(error_of({kPreamble, "[]"}),
            "fragment 2, byte 34: expected an object, this is an array");
  EXPECT_EQ(error_of({kPreamble, R"({"type":"data-stream-class","a/b~c":1})"}).substr(0, 37),
            "fragment 2, byte 72, /a~1b~0c: CTF 2 ");
}

TEST(JsonMetadata, NoJson_IsSaidWithItsByte) {
  EXPECT_THAT(error_of({kPreamble, "{\"type\" 5}"}),
              StartsWith("fragment 2, byte 44: this is no JSON:"));
  EXPECT_THAT(error_of({kPreamble, "{} {}"}), HasSubstr("this is no JSON"));
  EXPECT_THAT(error_of({kPreamble, " "}), HasSubstr("this is no JSON"));
  EXPECT_THAT(error_of({kPreamble, "{\"type\":\"\xff\"}"}), HasSubstr("this is no JSON"));
  EXPECT_THAT(error_of({kPreamble, R"({"type":"data-stream-class","id":1,"id":2})"}),
              HasSubstr("'id' is twice in this object"));
}

struct Case {
  std::vector<std::string> fragments;
  const char* message;
  Code code = Code::kCorrupt;
};

TEST(JsonMetadata, FragmentsThatCannotBe_AreRefused) {
  const std::string clock = R"({"type":"clock-class","id":"c","frequency":1000)";
  const std::string event = R"({"type":"event-record-class"})";
  const std::string stamped =
      R"(-field-class":{"type":"structure","member-classes":[{"name":"t","field-class":
         {"type":"variable-length-unsigned-integer","roles":["default-clock-timestamp"]}}]}})";
  const Case cases[] = {
      {{}, "no fragments"},
      {{kPreamble}, "no data stream class"},
      {{kStream}, "its preamble"},
      {{kPreamble, kPreamble}, "a second preamble"},
      {{R"({"type":"preamble","version":3})"}, "not CTF 2", Code::kUnsupported},
      {{R"({"type":"preamble"})"}, "property 'version' is missing"},
      {{R"({"type":"preamble","version":2,"uuid":[1,2]})"}, "16 integers"},
      {{R"({"type":"preamble","version":2,"uuid":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,256]})"},
       "/uuid/15: a byte is"},
      {{R"({"type":"preamble","version":2,"extensions":{"my.tracer":{"piano":null}}})"},
       "needs the extension 'piano' of 'my.tracer'",
       Code::kUnsupported},
      {{R"({"type":"preamble","version":2,"extensions":{"my.tracer":5}})"}, "expected an object"},
      {{kPreamble, R"({"type":"data-stream-class","extensions":{"a":{"b":1}}})"},
       "does not declare"},
      {{kPreamble, R"({"type":"data-stream-class","attributes":[]})"}, "expected an object"},
      {{kPreamble, "{}"}, "property 'type' is missing"},
      {{kPreamble, R"({"type":"x"})"}, "'x' is none of preamble, "},
      {{kPreamble, kStream, R"({"type":"trace-class"})"}, "before the data stream classes"},
      {{kPreamble, R"({"type":"trace-class"})", R"({"type":"trace-class"})"},
       "a second trace class"},
      {{kPreamble, R"({"type":"trace-class","environment":{"x":1.5}})"},
       "/environment/x: an environment"},
      {{kPreamble, R"({"type":"trace-class","packet-header-field-class":)" + kU8 + "}"},
       "must be a structure"},
      {{kPreamble, R"({"type":"trace-class","packet-header-field-class":"x"})"},
       "no field class alias 'x'"},
      {{kPreamble, R"({"type":"field-class-alias","name":"x","field-class":)" + kU8 + "}",
        R"({"type":"field-class-alias","name":"x","field-class":)" + kU8 + "}"},
       "a second field class alias 'x'"},
      {{kPreamble, R"({"type":"field-class-alias","name":"x","field-class":"x"})"},
       "no field class alias 'x'"},
      {{kPreamble, clock + "}", clock + "}"}, "a second clock class 'c'"},
      {{kPreamble, R"({"type":"clock-class","id":"c","frequency":0})"}, "above 0"},
      {{kPreamble, R"({"type":"clock-class","id":"c"})"}, "'frequency' is missing"},
      {{kPreamble, R"({"type":"clock-class","frequency":1})"}, "'id' is missing"},
      {{kPreamble, clock + R"(,"precision":-1})"}, "from 0 to"},
      {{kPreamble, clock + R"(,"origin":"big-bang"})"}, "\"unix-epoch\""},
      {{kPreamble, clock + R"(,"origin":{"name":"n"}})"}, "'uid' is missing"},
      {{kPreamble, clock + R"(,"offset-from-origin":{"cycles":1000}})"}, "below the frequency"},
      {{kPreamble, clock + R"(,"name":"n","uid":"u"})",
        R"({"type":"clock-class","id":"d","frequency":1001,"name":"n","uid":"u"})"},
       "clock class 'c' has the same"},
      {{kPreamble, R"({"type":"data-stream-class","default-clock-class-id":"c"})"},
       "no clock class 'c'"},
      {{kPreamble, kStream, kStream}, "a second data stream class with id 0"},
      {{kPreamble, R"({"type":"data-stream-class","packet-context)" + stamped},
       "'default-clock-class-id' must"},
      {{kPreamble, clock + "}",
        R"({"type":"data-stream-class","default-clock-class-id":"c",
                                    "event-record-common-context)" +
            stamped},
       "can have the role 'default-clock-timestamp'"},
      {{kPreamble, event}, "no data stream class with id 0"},
      {{kPreamble, kStream, event, event},
       "a second event record class with id 0 in data stream class 0"},
      {{kPreamble, R"({"type":"data-stream-class","id":-1})"}, "/id: expected an integer from 0"},
      {{kPreamble, R"({"type":"data-stream-class","id":1.0})"}, "this is a real"},
      {{kPreamble, R"({"type":"data-stream-class","id":18446744073709551616})"}, "this is a real"},
      {{kPreamble, R"({"type":"data-stream-class","surprise":1})"},
       "/surprise: CTF 2 has no such property"},
  };
  for (const Case& one : cases)
    EXPECT_THAT(error_of(one.fragments, one.code), HasSubstr(one.message)) << one.message;
}

TEST(JsonMetadata, PacketHeaderThatCannotBe_IsRefused) {
  const auto header = [](const std::string& members) {
    return std::vector<std::string>{
        kPreamble,
        R"({"type":"trace-class","packet-header-field-class":{"type":"structure","member-classes":[)" +
            members + "]}}",
        kStream};
  };
  const auto magic = [](int length) {
    return R"({"type":"fixed-length-unsigned-integer","length":)" + std::to_string(length) +
           R"(,"byte-order":"big-endian","roles":["packet-magic-number"]})";
  };
  EXPECT_EQ(error_of(header(member("m", magic(32)))), "");
  EXPECT_THAT(error_of(header(member("m", magic(16)))), HasSubstr("magic number"));
  EXPECT_THAT(error_of(header(member("a", kU8) + "," + member("m", magic(32)))),
              HasSubstr("magic number"));
  EXPECT_THAT(error_of(header(member("a", magic(32)) + "," + member("m", magic(32)))),
              HasSubstr("magic number"));
  const std::string uuid =
      R"({"type":"static-length-blob","length":16,"roles":["metadata-stream-uuid"]})";
  EXPECT_THAT(error_of(header(member("u", uuid))), HasSubstr("whose preamble has none"));
}

TEST(JsonMetadata, FieldClassesThatCannotBe_AreRefused) {
  const auto with = [](std::string text, const std::string& more) {
    text.insert(text.size() - 1, "," + more);
    return text;
  };
  const std::string blob = R"({"type":"static-length-blob","length":15})";
  const struct {
    std::string field_class;
    const char* message;
  } cases[] = {
      {R"({"type":"fixed-length-unsigned-integer","length":8})", "'byte-order' is missing"},
      {R"({"type":"fixed-length-unsigned-integer","byte-order":"big-endian"})",
       "'length' is missing"},
      {R"({"type":"fixed-length-unsigned-integer","length":8,"byte-order":"middle"})",
       "'middle' is none of"},
      {with(kU8, R"("alignment":0)"), "/alignment: an alignment is a power of two"},
      {with(kU8, R"("alignment":24)"), "a power of two"},
      {with(kU8, R"("preferred-display-base":3)"), "2, 8, 10 or 16"},
      {with(kU8, R"("mappings":{"a":[]})"), "/mappings/a: expected a range"},
      {with(kU8, R"("mappings":{"a":[[1]]})"), "/mappings/a/0: a range has two bounds"},
      {with(kU8, R"("mappings":{"a":[[2,1]]})"), "above the upper"},
      {with(kI8, R"("mappings":{"a":[[-1,-2]]})"), "above the upper"},
      {with(kU8, R"("mappings":{"a":[[3,-2]]})"), "above the upper"},
      {with(kU8, R"("roles":["king"])"), "/roles/0: there is no role 'king'"},
      {with(kU8, R"("roles":["packet-total-length"])"), "can have the role"},
      {with(kU8, R"("roles":["metadata-stream-uuid"])"), "one of static-length BLOBs"},
      {with(kI8, R"("roles":[])"), "no such property"},
      {with(blob, R"("roles":["event-record-class-id"])"), "one of unsigned integers"},
      {with(blob, R"("roles":["metadata-stream-uuid"])"), "16 bytes"},
      {R"({"type":"fixed-length-floating-point-number","length":80,"byte-order":"big-endian"})",
       "16, 32, 64, 128"},
      {R"({"type":"fixed-length-bit-map","length":8,"byte-order":"big-endian"})",
       "'flags' is missing"},
      {R"({"type":"fixed-length-bit-map","length":8,"byte-order":"big-endian","flags":{}})",
       "needs a flag"},
      {R"({"type":"null-terminated-string","encoding":"latin-1"})", "'latin-1' is none of"},
      {R"({"type":"static-length-array","length":1})", "'element-field-class' is missing"},
      {R"({"type":"structure","member-classes":[{"name":"a"}]})", "'field-class' is missing"},
      {R"({"type":"structure","member-classes":[{"field-class":{}}]})", "'name' is missing"},
      {R"({"type":"structure","member-classes":[)" + member("a", kU8) + "," + member("a", kU8) +
           "]}",
       "a second member 'a'"},
      {R"({"type":"variant","selector-field-location":{"path":["s"]},"options":[]})",
       "needs an option"},
  };
  for (const auto& one : cases)
    EXPECT_THAT(error_of(with_payload(member("m", one.field_class))), HasSubstr(one.message));
}

TEST(JsonMetadata, VariantOptionsOfOneValue_AreRefused) {
  const auto variant = [](const std::string& first, const std::string& second,
                          const std::string& third) {
    const auto option = [](const std::string& ranges) {
      return R"({"selector-field-ranges":)" + ranges + R"(,"field-class":)" + kU8 + "}";
    };
    return with_payload(
        member("s", kI8) + "," +
        member("v", R"({"type":"variant","selector-field-location":{"path":["s"]},"options":[)" +
                        option(first) + "," + option(second) + "," + option(third) + "]}"));
  };
  EXPECT_EQ(error_of(variant("[[0,9],[2,3]]", "[[10,10],[-5,-1]]", "[[11,20]]")), "");
  EXPECT_THAT(error_of(variant("[[0,9],[2,3]]", "[[5,6]]", "[[11,20]]")),
              HasSubstr("options 0 and 1"));
  EXPECT_THAT(error_of(variant("[[0,9]]", "[[-5,-5]]", "[[-7,1]]")), HasSubstr("options 1 and 2"));
  EXPECT_THAT(error_of(variant("[[0,100],[2,3]]", "[[101,101]]", "[[50,60]]")),
              HasSubstr("options 0 and 2"));
}

TEST(JsonMetadata, LocationsThatLeadNowhere_AreRefused) {
  const auto array = [](const std::string& location) {
    return R"({"type":"dynamic-length-array","element-field-class":)" + kU8 +
           R"(,"length-field-location":)" + location + "}";
  };
  const auto structure = [](const std::string& members) {
    return R"({"type":"structure","member-classes":[)" + members + "]}";
  };
  const std::string len = member("len", kU8);
  const struct {
    std::string members;
    const char* message;  ///< "": it is right
  } cases[] = {
      {len + "," + member("a", array(R"({"path":["len"]})")), ""},
      {len + "," + member("s", structure(member("a", array(R"({"path":[null,"len"]})")))), ""},
      {len + "," +
           member("s", structure(member(
                           "a", array(R"({"origin":"event-record-payload","path":["len"]})")))),
       ""},
      {member("s", structure(len)) + "," + member("a", array(R"({"path":["s","len"]})")), ""},
      {member("s", structure(len)) + "," + member("a", array(R"({"path":["s",null,"s","len"]})")),
       ""},
      {member("s",
              structure(
                  len + "," +
                  member("a", array(R"({"origin":"event-record-payload","path":["s","len"]})")))),
       ""},
      {len + "," + member("a", array(R"({"path":["other"]})")),
       "field 'a': there is no field 'other' in front"},
      {member("a", array(R"({"path":["len"]})")) + "," + len, "no field 'len' in front"},
      {member("a", array(R"({"path":["a"]})")), "no field 'a' in front"},
      {len + "," + member("a", array(R"({"path":[null,"len"]})")), "'(parent).len'"},
      {len + "," + member("s", structure(member("a", array(R"({"path":["len"]})")))),
       "field 's.a': there is no"},
      {len + "," + member("a", array(R"({"origin":"packet-header","path":["len"]})")),
       "no field 'len'"},
      {member("len", kI8) + "," + member("a", array(R"({"path":["len"]})")), "is no length"},
      {member("len", structure("")) + "," + member("a", array(R"({"path":["len"]})")),
       "is no length"},
      {len + "," + member("a", array(R"({"path":[]})")), "a path ends with"},
      {len + "," + member("a", array(R"({"path":["len",null]})")), "a path ends with"},
      {len + "," + member("a", array(R"({"path":[5]})")), "/path/0: expected a string"},
      {len + "," + member("a", array(R"({"origin":"nowhere","path":["len"]})")),
       "'nowhere' is none of"},
      {member("l",
              R"({"type":"static-length-array","length":2,"element-field-class":)" + kU8 + "}") +
           "," + member("a", array(R"({"path":["l"]})")),
       "no field 'l' in front"},
  };
  for (const auto& one : cases) {
    const std::string error = error_of(with_payload(one.members));
    if (*one.message == '\0')
      EXPECT_EQ(error, "") << one.members;
    else
      EXPECT_THAT(error, HasSubstr(one.message)) << one.members;
  }
}

TEST(JsonMetadata, SelectorsOfTheWrongKind_AreRefused) {
  const auto optional = [](const std::string& ranges) {
    return member(
        "o", R"({"type":"optional","selector-field-location":{"path":["s"]},"field-class":)" + kU8 +
                 (ranges.empty() ? "" : R"(,"selector-field-ranges":)" + ranges) + "}");
  };
  const std::string boolean =
      R"({"type":"fixed-length-boolean","length":8,"byte-order":"little-endian"})";
  EXPECT_EQ(error_of(with_payload(member("s", boolean) + "," + optional(""))), "");
  EXPECT_EQ(error_of(with_payload(member("s", kU8) + "," + optional("[[1,18446744073709551615]]"))),
            "");
  EXPECT_EQ(error_of(with_payload(member("s", kI8) + "," + optional("[[-1,1]]"))), "");
  EXPECT_THAT(error_of(with_payload(member("s", kU8) + "," + optional(""))),
              HasSubstr("is no boolean"));
  EXPECT_THAT(error_of(with_payload(member("s", boolean) + "," + optional("[[1,1]]"))),
              HasSubstr("that is an integer"));
  EXPECT_THAT(error_of(with_payload(member("s", kU8) + "," + optional("[[-1,1]]"))),
              HasSubstr("is unsigned"));
  EXPECT_THAT(
      error_of(with_payload(member("s", kI8) + "," + optional("[[1,18446744073709551615]]"))),
      HasSubstr("above 2^63 - 1"));
}

TEST(JsonMetadata, NestingBeyondTheLimit_IsRefused) {
  const auto nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i <= depth; ++i)
      text += R"({"name":"m","field-class":)" +
              (i == depth ? kU8 : R"({"type":"structure","member-classes":[)");
    for (std::size_t i = 0; i < depth; ++i) text += "}]}";
    return with_payload(text + "}");
  };
  const MetadataLimits limits;
  EXPECT_EQ(error_of(nested(limits.nesting - 2)), "");
  EXPECT_THAT(error_of(nested(limits.nesting - 1), Code::kLimit),
              HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(error_of(nested(100'000), Code::kLimit), HasSubstr("nested more than"));
  EXPECT_THAT(error_of({kPreamble, std::string(1'000'000, '[')}, Code::kLimit),
              HasSubstr("nested more than"));
  EXPECT_EQ(error_of({kPreamble,
                      R"({"type":"data-stream-class","attributes":{"a":[[[[[[[[[[1]]]]]]]]]]}})"}),
            "");
}

// Thirty lines of aliases, each a structure of two of the one before: a billion fields.
TEST(JsonMetadata, AliasesOfAliases_AreCounted) {
  std::vector<std::string> fragments{
      kPreamble, R"({"type":"field-class-alias","name":"a0","field-class":)" + kU8 + "}"};
  for (int i = 1; i <= 30; ++i) {
    const std::string inner = "\"a" + std::to_string(i - 1) + "\"";
    fragments.push_back(R"({"type":"field-class-alias","name":"a)" + std::to_string(i) +
                        R"(","field-class":{"type":"structure","member-classes":[)" +
                        member("x", inner) + "," + member("y", inner) + "]}}");
  }
  EXPECT_THAT(error_of(fragments, Code::kLimit), HasSubstr("more than 1048576 fields"));

  // Each use of a large one is below the limit, all of them together are not.
  fragments.resize(21);
  fragments.push_back(kStream);
  for (int i = 0; i < 10; ++i)
    fragments.push_back(R"({"type":"event-record-class","id":)" + std::to_string(i) +
                        R"(,"payload-field-class":"a19"})");
  EXPECT_THAT(error_of(fragments, Code::kLimit), HasSubstr("in all its classes, too many for"));
}

TEST(JsonMetadata, SizesBeyondTheLimits_AreRefused) {
  EXPECT_EQ(
      error_of(with_payload(member(
          "m",
          R"({"type":"static-length-array","length":2305843009213693951,"element-field-class":)" +
              kU8 + "}"))),
      "");
  EXPECT_THAT(
      error_of(
          with_payload(member(
              "m",
              R"({"type":"static-length-array","length":4611686018427387904,"element-field-class":)" +
                  kU8 + "}")),
          Code::kLimit),
      HasSubstr("'length' is above"));
  EXPECT_THAT(error_of(with_payload(member(
                           "m", R"({"type":"static-length-blob","length":4611686018427387904})")),
                       Code::kLimit),
              HasSubstr("'length' is above"));
  EXPECT_THAT(
      error_of(
          with_payload(member(
              "m",
              R"({"type":"fixed-length-boolean","length":4294967296,"byte-order":"big-endian"})")),
          Code::kLimit),
      HasSubstr("2^32 bits"));
  EXPECT_THAT(
      error_of(with_payload(member("m", R"({"type":"structure","minimum-alignment":65536})")),
               Code::kLimit),
      HasSubstr("alignments above 32768 bits"));
  const std::string name(MetadataLimits().string_bytes + 1, 'n');
  EXPECT_THAT(error_of(with_payload(member(name, kU8)), Code::kLimit),
              HasSubstr("longer than 1048576 bytes"));
}

TEST(JsonMetadata, MemoryBeyondTheBudget_IsRefused) {
  const MetadataLimits limits{.memory_per_byte = 2, .memory_bytes = 1 << 16};
  std::string numbers = "[0";
  for (int i = 0; i < 20'000; ++i) numbers += ",0";
  numbers += "]";
  EXPECT_THAT(
      error_of({kPreamble, R"({"type":"data-stream-class","attributes":{"a":)" + numbers + "}}"},
               Code::kLimit, limits),
      HasSubstr("MiB of memory for its size"));
  // What one fragment needed is free for the next.
  std::vector<std::string> fragments{kPreamble};
  for (int i = 0; i < 200; ++i)
    fragments.push_back(R"({"type":"data-stream-class","id":)" + std::to_string(i) +
                        R"(,"attributes":{},"packet-context-field-class":{"type":"structure"}})");
  EXPECT_EQ(error_of(fragments, Code::kCorrupt, limits), "");
}

TEST(JsonMetadata, ManyMembers_AreRead) {
  std::string members;
  for (int i = 0; i < 5'000; ++i)
    members += (i == 0 ? "" : ",") + member("m" + std::to_string(i), kU8);
  const auto model = read(with_payload(members));
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_THAT(model->events[0].payload->as<Structure>()->members, SizeIs(5'000));
}

}  // namespace
}  // namespace sillage::ctf
