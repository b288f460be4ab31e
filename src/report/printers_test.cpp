// SPDX-License-Identifier: MIT
#include "report/csv_printer.hpp"
#include "report/details.hpp"
#include "report/json_printer.hpp"
#include "report/test_trace.hpp"

#include <limits>
#include <string>

namespace sillage::report {
namespace {

class PrintersTest : public TestTrace {
 protected:
  static std::string printed(ctf::TraceReader* reader, EventPrinter* printer) {
    while (const ctf::DataStream* stream = reader->next()) printer->print(*stream);
    return std::string(printer->text());
  }
};

TEST_F(PrintersTest, Json_OneObjectForEachEvent) {
  ctf::TraceReader reader = open();
  JsonPrinter printer;
  const std::string tail = ",\"trace\":{\"path\":\"" + path_.string() +
                           "\",\"hostname\":\"here\"},\"stream_class\":0,\"stream\":0,\"packet_"
                           "context\":{\"cpu_id\":3},";
  EXPECT_EQ(
      printed(&reader, &printer),
      R"({"type":"event","time_ns":1000000100,"cycles":100,"name":"open","id":0,"log_level":6)" +
          tail + R"("common_context":{"tid":7},"payload":{"path":"a \"b\",c","mode":)" +
          R"({"value":2,"labels":["WRITE"]},"at":{"x":-1,"y":9}}})" + "\n" +
          R"({"type":"event","time_ns":1000000200,"cycles":200,"name":"close, all","id":1)" + tail +
          R"("common_context":{"tid":8},"payload":{"list":[5,6]}})" + "\n" +
          R"({"type":"event","time_ns":1000000300,"cycles":300,"name":"open","id":0,"log_level":6)" +
          tail + R"("common_context":{"tid":7},"payload":{"path":"d","mode":)" +
          R"({"value":0,"labels":["READ"]},"at":{"x":7,"y":9}}})" + "\n");
}

TEST_F(PrintersTest, JsonLoss_UnknownCountIsNull) {
  const ctf::TraceReader reader = open();
  JsonPrinter printer;
  printer.print(ctf::Discarded{.stream = reader.streams().front()});
  EXPECT_TRUE(printer.text().starts_with(R"({"type":"lost_events","count":null,"trace":{)"))
      << printer.text();
}

TEST_F(PrintersTest, Csv_ColumnsOfAllClassesAndQuotes) {
  ctf::TraceReader reader = open();
  CsvPrinter printer(reader, EventSelection());
  const std::string path = path_.string();
  EXPECT_EQ(printed(&reader, &printer),
            "time_ns,trace,stream_class,stream,event,packet.cpu_id,context.tid,path,mode,at.x,at.y,"
            "list,n\n"
            "1000000100," +
                path +
                ",0,0,open,3,7,\"a \"\"b\"\",c\",2,-1,9,,\n"
                "1000000200," +
                path +
                ",0,0,\"close, all\",3,8,,,,,\"[5,6]\",\n"
                "1000000300," +
                path + ",0,0,open,3,7,d,0,7,9,,\n");
}

TEST_F(PrintersTest, Csv_OnlyColumnsOfChosenEvents) {
  const ctf::TraceReader reader = open();
  const auto selection = EventSelection::make({"never"}, nullptr, reader);
  ASSERT_TRUE(selection);
  EXPECT_EQ(CsvPrinter(reader, *selection).text(),
            "time_ns,trace,stream_class,stream,event,packet.cpu_id,context.tid,n\n");
}

class DetailsTest : public PrintersTest {
 protected:
  [[nodiscard]] std::string details(DetailsChoice choice) const {
    const ctf::TraceReader reader = open();
    EventSelection all;
    std::string text;
    print_details(
        reader, choice, &all, [](const Error& error) { ADD_FAILURE() << error.text(); },
        [&](std::string_view piece) {
          text += piece;
          return true;
        });
    return text;
  }
};

TEST_F(DetailsTest, Limit_MessagesUpToThatEvent) {
  const std::string text = details({.limit = 1});
  EXPECT_TRUE(text.starts_with("Trace class:\n  Stream class (ID 0):\n")) << text;
  EXPECT_NE(text.find("        mode: Unsigned enumeration (8-bit, Base 10, 2 mappings):\n"
                      "          READ: [0]\n          WRITE: [1, 2]\n"),
            std::string::npos)
      << text;
  const std::string event =
      "[100 cycles, 1,000,000,100 ns from origin]\n"
      "{Trace 0, Stream class ID 0, Stream ID 0}\n"
      "Event `open` (Class ID 0):\n"
      "  Common context:\n"
      "    tid: 7\n"
      "  Payload:\n"
      "    path: a \"b\",c\n"
      "    mode: 2\n"
      "    at:\n"
      "      x: -1\n"
      "      y: 9\n";
  EXPECT_TRUE(text.ends_with(event)) << text;
}

TEST_F(DetailsTest, Attributes_StandWithTheirClass) {
  std::ofstream(path_ / "metadata", std::ios::binary)
      << "\x1e{\"type\":\"preamble\",\"version\":2}\n"
         "\x1e{\"type\":\"trace-class\",\"attributes\":{\"b\":{\"yes\":true,\"list\":[1,null]},"
         "\"a\":-5}}\n"
         "\x1e{\"type\":\"data-stream-class\"}\n"
         "\x1e{\"type\":\"event-record-class\",\"payload-field-class\":{\"type\":\"structure\","
         "\"attributes\":{\"of\":\"all\"},\"member-classes\":[{\"name\":\"n\",\"field-class\":{"
         "\"type\":\"fixed-length-unsigned-integer\",\"length\":8,\"byte-order\":\"little-endian\","
         "\"attributes\":{\"unit\":\"s\"},\"mappings\":{\"low\":[[0,9]]}}}]}}\n";
  const std::string text = details({.limit = 1});
  EXPECT_TRUE(
      text.starts_with("Trace class:\n"
                       "  User attributes:\n"
                       "    a: -5\n"
                       "    b:\n"
                       "      list: Length 2:\n"
                       "        [0]: 1\n"
                       "        [1]: Null\n"
                       "      yes: Yes\n"
                       "  Stream class (ID 0):\n"))
      << text;
  EXPECT_NE(text.find("      Payload field class: Structure (1 member):\n"
                      "        User attributes:\n"
                      "          of: all\n"
                      "        Members:\n"
                      "          n: Unsigned enumeration (8-bit, Base 10, 1 mapping):\n"
                      "            User attributes:\n"
                      "              unit: s\n"
                      "            Mappings:\n"
                      "              low: [0, 9]\n"),
            std::string::npos)
      << text;
}

TEST_F(DetailsTest, Range_EventsInItOnly) {
  const std::string text = details({.range = {.begin_ns = 1'000'000'150, .end_ns = 1'000'000'250},
                                    .limit = std::numeric_limits<std::uint64_t>::max()});
  EXPECT_EQ(text.find("Event `open`"), std::string::npos);
  EXPECT_NE(text.find("Event `close, all`"), std::string::npos);
  EXPECT_TRUE(text.ends_with("Stream end\n")) << text;
}

}  // namespace
}  // namespace sillage::report
