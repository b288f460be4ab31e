// SPDX-License-Identifier: MIT
#include "tracefs/event_format.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sillage::tracefs {
namespace {

std::string format(const std::string& fields, const std::string& print = "\"\"") {
  return "name: made\nID: 42\nformat:\n"
         "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
         "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n" +
         fields + "\nprint fmt: " + print + "\n";
}

FormatField only_field(const std::string& line, const std::string& print = "\"\"",
                       std::uint32_t long_bytes = 8) {
  const auto event =
      parse_event_format("made", format("\tfield:" + line + "\n", print), long_bytes);
  EXPECT_TRUE(event) << line << ": " << event.error().text();
  EXPECT_EQ(event->fields.size(), 1u);
  return event->fields.empty() ? FormatField{} : event->fields.front();
}

TEST(EventFormat, WholeText_NameIdFieldsAndPrintFormat) {
  const auto event = parse_event_format(
      "irq", format("\tfield:int irq;\toffset:8;\tsize:4;\tsigned:1;\n", "\"a\nb\", REC->irq"), 8);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->system, "irq");
  EXPECT_EQ(event->name, "made");
  EXPECT_EQ(event->id, 42u);
  ASSERT_EQ(event->common.size(), 2u);
  ASSERT_EQ(event->fields.size(), 1u);
  EXPECT_EQ(event->print_format, "\"a\nb\", REC->irq\n");
  EXPECT_EQ(event->find("common_pid")->offset, 4u);
  EXPECT_TRUE(event->find("irq")->is_signed);
  EXPECT_EQ(event->find("other"), nullptr);
}

TEST(EventFormat, Declarations_AreSplitIntoTypeNameAndCount) {
  FormatField field = only_field("const char * filename;\toffset:16;\tsize:8;\tsigned:0;");
  EXPECT_EQ(field.type, "const char *");
  EXPECT_EQ(field.name, "filename");
  EXPECT_TRUE(field.is_pointer);
  EXPECT_EQ(field.kind, FieldKind::kInteger);

  field = only_field("char comm[16];\toffset:8;\tsize:16;\tsigned:0;");
  EXPECT_EQ(field.kind, FieldKind::kText);

  field = only_field("unsigned long args[6];\toffset:16;\tsize:48;\tsigned:0;");
  EXPECT_TRUE(field.is_array);
  EXPECT_EQ(field.count(), 6u);

  field = only_field("unsigned char addr[6];\toffset:16;\tsize:6;\tsigned:0;");
  EXPECT_EQ(field.kind, FieldKind::kInteger);

  field = only_field("char comm[TASK_COMM_LEN];\toffset:8;\tsize:16;\tsigned:0;");
  EXPECT_EQ(field.kind, FieldKind::kText);
  EXPECT_EQ(field.count(), 16u);

  field = only_field("struct in6_addr address;\toffset:8;\tsize:16;\tsigned:0;");
  EXPECT_EQ(field.kind, FieldKind::kOpaque);
}

TEST(EventFormat, LocatedFields_KnowTheirElements) {
  FormatField field = only_field("__data_loc char[] name;\toffset:8;\tsize:4;\tsigned:1;");
  EXPECT_EQ(field.place, FieldPlace::kDataLoc);
  EXPECT_EQ(field.kind, FieldKind::kText);
  EXPECT_EQ(field.type, "char");

  field = only_field("__rel_loc u64[] values;\toffset:8;\tsize:4;\tsigned:0;");
  EXPECT_EQ(field.place, FieldPlace::kRelLoc);
  EXPECT_EQ(field.element_bytes, 8u);

  field = only_field("__data_loc unsigned long[] mask;\toffset:8;\tsize:4;\tsigned:0;", "", 4);
  EXPECT_EQ(field.element_bytes, 4u);

  // Characters that are printed as numbers are numbers.
  field = only_field("__data_loc char[] data;\toffset:8;\tsize:4;\tsigned:1;",
                     "\"%s\", __print_hex(__get_dynamic_array(data), 4)");
  EXPECT_EQ(field.kind, FieldKind::kInteger);

  field = only_field("char buf[];\toffset:16;\tsize:0;\tsigned:0;");
  EXPECT_EQ(field.place, FieldPlace::kToTheEnd);
}

TEST(EventFormat, OtherTexts_AreErrors) {
  for (const std::string& text :
       {std::string(), std::string("name: x\n"), std::string("ID: 5\n"),
        std::string("name: x\nID: five\n"), format("\tfield:;\toffset:8;\tsize:4;\tsigned:0;\n"),
        format("\tfield:int x;\toffset:8;\n"), format("\tfield:int x;\toffset:eight;\tsize:4;\n"),
        format("\tfield:x;\toffset:8;\tsize:4;\tsigned:0;\n"),
        format("\tfield:__data_loc char[] x;\toffset:8;\tsize:8;\tsigned:0;\n")}) {
    const auto event = parse_event_format("made", text, 8);
    ASSERT_FALSE(event) << text;
    EXPECT_EQ(event.error().code, Code::kCorrupt) << text;
  }
  const auto large = parse_event_format("made", std::string(kMaxFormatBytes + 1, ' '), 8);
  EXPECT_EQ(large.error().code, Code::kLimit);
  std::string many;
  for (std::size_t i = 0; i <= kMaxFormatFields; ++i)
    many += "\tfield:int x;\toffset:8;\tsize:4;\tsigned:0;\n";
  EXPECT_EQ(parse_event_format("made", format(many), 8).error().code, Code::kLimit);
}

}  // namespace
}  // namespace sillage::tracefs
