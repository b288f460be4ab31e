// SPDX-License-Identifier: MIT
#include "ctf/metadata.hpp"

#include "ctf/layout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sillage::ctf {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TraceClass small_trace(std::int64_t offset_ns = 5) {
  TraceClass trace;
  trace.uuid = Uuid{};
  trace.environment = {
      {"domain", "ust"}, {"7 bad name", std::int64_t{-1}}, {"text", "a\"\\\n\x01z"}};
  trace.clocks = {monotonic_clock_class("boot", offset_ns)};
  return trace;
}

EventClass event_of(FieldClassRef payload) {
  return {.id = 32,
          .stream_class_id = 1,
          .name = "p:e",
          .log_level = 13,
          .payload = std::move(payload)};
}

std::string tsdl_of(PayloadBuilder& payload) {
  return tsdl_event_class(TraceClass(), event_of(payload.build()));
}
std::string json_of(PayloadBuilder& payload) {
  return json_event_class(TraceClass(), event_of(payload.build()));
}

TEST(Tsdl, Head_IsWholeText) {
  EXPECT_EQ(tsdl_head(small_trace()), R"(/* CTF 1.8 */

trace {
	major = 1;
	minor = 8;
	uuid = "00000000-0000-0000-0000-000000000000";
	byte_order = le;
};

env {
	domain = "ust";
	_7_bad_name = -1;
	text = "a\"\\\n\001z";
};

clock {
	name = "monotonic";
	uuid = "boot";
	description = "Monotonic Clock";
	freq = 1000000000;
	offset = 5;
	absolute = true;
};

)");
}

TEST(Tsdl, OffsetOutsideOfWhatOneNumberHolds_IsSecondsAndCycles) {
  EXPECT_THAT(tsdl_head(small_trace(-1)), HasSubstr("\toffset_s = -1;\n\toffset = 999999999;\n"));
  TraceClass trace = small_trace();
  trace.clocks[0].offset_seconds = 10'000'000'000;
  EXPECT_THAT(tsdl_head(trace), HasSubstr("\toffset_s = 10000000000;\n\toffset = 5;\n"));
}

TEST(Tsdl, NoFieldForStreamNumbers_NoneAreWritten) {
  EXPECT_EQ(tsdl_stream_class(TraceClass(), {}), "stream {\n};\n\n");
  EXPECT_THAT(tsdl_event_class(TraceClass(), {}), Not(HasSubstr("stream_id")));
}

TEST(Tsdl, GivenIdentifiers_AreWrittenAsTheyAre) {
  Structure payload;
  payload.members.push_back({"len", make_field_class(Integer{})});
  payload.members.push_back(
      {"_text", make_field_class(DynamicString{.length_bytes = {.path = {"len"}}})});
  payload.members.push_back(
      {"_far", make_field_class(DynamicString{
                   .length_bytes = {.origin = Scope::kPacketContext, .path = {"a", "b"}}})});
  const std::string text =
      tsdl_event_class(TraceClass(), event_of(make_field_class(payload)), Identifiers::kGiven);
  EXPECT_THAT(text, HasSubstr("} len;"));
  EXPECT_THAT(text, HasSubstr("} _text[len];"));
  EXPECT_THAT(text, HasSubstr("} _far[stream.packet.context.a.b];"));
}

TEST(Tsdl, EventOfManyKinds_IsWholeText) {
  EventClass event = event_of(
      PayloadBuilder()
          .integer("net", {.size_bytes = 2, .base = Base::kHexadecimal, .is_big_endian = true})
          .enumeration("kind", {.size_bytes = 1, .is_signed = true},
                       {{"one", {1, 1}}, {"below", {UINT64_MAX, 0}}})
          .floating("real", 8)
          .text_sequence("text")
          .array("list", {.size_bytes = 4, .is_signed = true}, 3)
          .blob("image", 2, "image/tiff")
          .boolean("yes")
          .build());
  event.emf_uri = "http://x/";
  TraceClass trace;
  trace.packet_header = packet_header_class();
  EXPECT_EQ(tsdl_event_class(trace, event), R"(event {
	name = "p:e";
	id = 32;
	stream_id = 1;
	loglevel = 13;
	model.emf.uri = "http://x/";
	fields := struct {
		integer { size = 16; align = 8; signed = 0; encoding = none; base = 16; byte_order = be; } _net;
		enum : integer { size = 8; align = 8; signed = 1; encoding = none; base = 10; } {
			"one" = 1,
			"below" = -1 ... 0,
		} _kind;
		floating_point { exp_dig = 11; mant_dig = 53; align = 8; } _real;
		integer { size = 32; align = 8; signed = 0; encoding = none; base = 10; } __text_length;
		integer { size = 8; align = 8; signed = 1; encoding = UTF8; base = 10; } _text[__text_length];
		integer { size = 32; align = 8; signed = 1; encoding = none; base = 10; } _list[3];
		integer { size = 8; align = 8; signed = 0; encoding = none; base = 16; } _image[2];
		integer { size = 8; align = 8; signed = 0; encoding = none; base = 10; } _yes;
	};
};

)");
}

TEST(Tsdl, NamesThatBecomeOneIdentifier_AreToldApart) {
  PayloadBuilder payload;
  const std::string text =
      tsdl_of(payload.boolean("a-b").boolean("a_b").text_sequence("c d").text_sequence("c_d"));
  EXPECT_THAT(text, HasSubstr("} _a_b;"));
  EXPECT_THAT(text, HasSubstr("} _a_b_2;"));
  EXPECT_THAT(text, HasSubstr("_c_d[__c_d_length];"));
  EXPECT_THAT(text, HasSubstr("_c_d_2[__c_d_length_2];"));
}

TEST(Tsdl, NameThatReadersWouldConfuseWithAnEarlierOne_GoesWithoutUnderscore) {
  PayloadBuilder payload;
  // The length of `buf` is `_buf_length`: `__buf_length` here, which readers show without one underscore.
  const std::string text =
      tsdl_of(payload.text_sequence("buf").boolean("buf_length").boolean("_int").boolean("int"));
  EXPECT_THAT(text, HasSubstr("} __buf_length;"));
  EXPECT_THAT(text, HasSubstr("} buf_length;"));
  EXPECT_THAT(text, HasSubstr("} __int;"));
  EXPECT_THAT(text, HasSubstr("} _int_2;"));  // `int` alone is a keyword
}

TEST(Tsdl, HostileName_CannotEndTheStringOrTheBlock) {
  EventClass event = event_of(nullptr);
  event.name = std::string("\"; };\n/* \\ \0 */", 15);
  EXPECT_THAT(tsdl_event_class(TraceClass(), event),
              HasSubstr("\tname = \"\\\"; };\\n/* \\\\ \xef\xbf\xbd */\";\n\tid"));
}

TEST(Json, Head_IsTwoFragmentsAndTheClock) {
  TraceClass trace = small_trace();
  trace.uid = "u";
  EXPECT_EQ(
      json_head(trace),
      "\x1e{\"type\":\"preamble\",\"version\":2,\"uuid\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}\n"
      "\x1e{\"type\":\"trace-class\",\"name\":\"\",\"uid\":\"u\",\"environment\":{\"domain\":"
      "\"ust\","
      "\"7 bad name\":-1,\"text\":\"a\\\"\\\\\\n\\u0001z\"}}\n"
      "\x1e{\"type\":\"clock-class\",\"id\":\"monotonic\",\"name\":\"monotonic\",\"uid\":\"boot\","
      "\"description\":\"Monotonic Clock\",\"frequency\":1000000000,\"origin\":\"unix-epoch\","
      "\"offset-from-origin\":{\"seconds\":0,\"cycles\":5}}\n");
}

TEST(Json, LogLevelAndEmfUri_AreLttngsAttributes) {
  EventClass event = event_of(nullptr);
  event.log_level = 4;
  event.emf_uri = "http://x/";
  EXPECT_EQ(
      json_event_class(TraceClass(), event),
      "\x1e{\"type\":\"event-record-class\",\"id\":32,\"data-stream-class-id\":1,\"name\":\"p:e\","
      "\"attributes\":{\"lttng.org,2009\":{\"log-level\":\"warning\",\"emf-uri\":\"http://x/"
      "\"}}}\n");
}

TEST(Json, LogLevelThatDoesNotExist_IsLeftOut) {
  EventClass event = event_of(nullptr);
  event.log_level = 15;
  EXPECT_THAT(json_event_class(TraceClass(), event), Not(HasSubstr("attributes")));
}

TEST(Json, Blobs_HaveTheirMediaTypeUnlessItIsTheUsualOne) {
  PayloadBuilder payload;
  const std::string text =
      json_of(payload.blob("a", 2, "image/tiff").blob("b", 3, "").blob_sequence("c", "text/csv"));
  EXPECT_THAT(text,
              HasSubstr(R"({"type":"static-length-blob","length":2,"media-type":"image/tiff"})"));
  EXPECT_THAT(text, HasSubstr(R"({"type":"static-length-blob","length":3})"));
  EXPECT_THAT(
      text, HasSubstr(R"({"type":"dynamic-length-blob","length-field-location":{"origin":)"
                      R"("event-record-payload","path":["_c_length"]},"media-type":"text/csv"})"));
}

TEST(Json, Mappings_KeepSignsAndTheTopOf64Bits) {
  PayloadBuilder payload;
  const std::string text = json_of(
      payload.enumeration("s", {.size_bytes = 8, .is_signed = true}, {{"m", {UINT64_MAX, 0}}})
          .enumeration("u", {.size_bytes = 8}, {{"m", {0, UINT64_MAX}}}));
  EXPECT_THAT(text, HasSubstr(R"("mappings":{"m":[[-1,0]]})"));
  EXPECT_THAT(text, HasSubstr(R"("mappings":{"m":[[0,18446744073709551615]]})"));
}

TEST(Json, NamesThatAreNoText_StillMakeOneLineOfJson) {
  EventClass event = event_of(nullptr);
  event.name = "\x1e\n\xff";
  const std::string text = json_event_class(TraceClass(), event);
  EXPECT_THAT(text, HasSubstr("\"name\":\"\\u001e\\n\xef\xbf\xbd\""));
  EXPECT_EQ(text.find('\x1e', 1), std::string::npos);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
}

TEST(Metadata, Version_SelectsTheLanguage) {
  EXPECT_THAT(metadata_head(Version::kCtf18, TraceClass()), StartsWith("/* CTF 1.8 */\n"));
  EXPECT_THAT(metadata_head(Version::kCtf2, TraceClass()),
              StartsWith("\x1e{\"type\":\"preamble\""));
  EXPECT_THAT(metadata_stream_class(Version::kCtf18, TraceClass(), {}), StartsWith("stream {"));
  EXPECT_THAT(metadata_stream_class(Version::kCtf2, TraceClass(), {}), StartsWith("\x1e{"));
  EXPECT_THAT(metadata_event_class(Version::kCtf18, TraceClass(), {}), StartsWith("event {"));
  EXPECT_THAT(metadata_event_class(Version::kCtf2, TraceClass(), {}), StartsWith("\x1e{"));
}

}  // namespace
}  // namespace sillage::ctf
