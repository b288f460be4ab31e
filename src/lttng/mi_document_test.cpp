// SPDX-License-Identifier: MIT
#include "lttng/mi_document.hpp"

#include <gtest/gtest.h>

namespace sillage::lttng {
namespace {

TEST(MiDocument, Answer_IsClosedAndEscaped) {
  MiDocument document("list");
  document.open("sessions");
  document.text("name", "a<b>&\"\x01");
  document.number("count", 7);
  document.boolean("on", true);
  const std::string text = document.finish(false);
  EXPECT_NE(text.find("schemaVersion=\"4.3\"><name>list</name><output><sessions>"
                      "<name>a&lt;b&gt;&amp;&quot;?</name><count>7</count><on>true</on>"
                      "</sessions></output><success>false</success></command>"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace sillage::lttng
