// SPDX-License-Identifier: MIT
#include "session/session_list.hpp"

#include <gtest/gtest.h>

namespace sillage::session {
namespace {

constexpr char kNow[] = "20261121-153000";

TEST(SessionList, NamesAndPaths_AreLttngs) {
  struct Case {
    SessionRequest request;
    std::string name, path;
  } const cases[] = {
      {{.base_path = "/t"}, "auto-20261121-153000", "/t/auto-20261121-153000"},
      {{.name = "a", .base_path = "/t"}, "a", "/t/a-20261121-153000"},
      {{.name = "b", .output_path = "/x/y", .base_path = "/t"}, "b", "/x/y"},
      {{.name = "c", .mode = OutputMode::kSnapshot, .base_path = "/t"},
       "c",
       "/t/c-20261121-153000"},
      {{.name = "d", .mode = OutputMode::kNone, .base_path = "/t"}, "d", ""},
  };
  SessionList list;
  for (const Case& each : cases) {
    const auto session = list.create(each.request, kNow);
    ASSERT_TRUE(session) << session.error().message;
    EXPECT_EQ((*session)->options().name, each.name);
    EXPECT_EQ((*session)->options().output_path, each.path);
    EXPECT_EQ(*list.find(each.name), *session);
  }
  EXPECT_EQ(list.all().size(), std::size(cases));
  // Within the same second the generated name is taken.
  EXPECT_EQ(list.create({.base_path = "/t"}, kNow).error().code, Code::kAlreadyExists);
}

TEST(SessionList, WhatCannotBe_ChangesNothing) {
  SessionList list;
  ASSERT_TRUE(list.create({.name = "there", .base_path = "/t"}, kNow));
  const std::pair<SessionRequest, Code> cases[] = {
      {{.name = "there", .base_path = "/t"}, Code::kAlreadyExists},
      {{.name = "a/b", .base_path = "/t"}, Code::kInvalidArgument},
      {{.name = ".", .base_path = "/t"}, Code::kInvalidArgument},
      {{.name = std::string(255, 'n'), .base_path = "/t"}, Code::kInvalidArgument},
      {{.name = "a", .output_path = "relative"}, Code::kInvalidArgument},
      {{.name = "a"}, Code::kInvalidArgument},
      {{.name = "a", .mode = OutputMode::kNone, .output_path = "/x"}, Code::kInvalidArgument},
      {{.name = "a", .base_path = "/t", .format = "ctf-3"}, Code::kInvalidArgument},
  };
  for (const auto& [request, code] : cases) {
    const auto session = list.create(request, kNow);
    ASSERT_FALSE(session) << request.name;
    EXPECT_EQ(session.error().code, code) << request.name;
  }
  EXPECT_EQ(list.all().size(), 1u);
  const auto missing = list.find("ther");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "Session name not found; did you mean there?");
  list.remove("there");
  list.remove("there");
  EXPECT_FALSE(list.find("there"));
}

}  // namespace
}  // namespace sillage::session
