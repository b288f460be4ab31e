// SPDX-License-Identifier: MIT
#include "sillage/program_file.hpp"

#include <gtest/gtest.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace sillage::command {
namespace {

/// A directory that is all of PATH, with one program in it and one file that is none.
class ProgramFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "sillage-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    write("script", "#!/bin/sh\n", 0700);
    write("text", "hello", 0600);
    std::filesystem::create_directory(folder_ / "inner");
    old_path_ = getenv("PATH");
    setenv("PATH", ("/no/such/folder:" + name).c_str(), 1);
  }
  void TearDown() override {
    setenv("PATH", old_path_.c_str(), 1);
    std::filesystem::remove_all(folder_);
  }
  void write(const char* name, const char* text, mode_t mode) {
    std::ofstream(folder_ / name) << text;
    chmod((folder_ / name).c_str(), mode);
  }

  std::filesystem::path folder_;
  std::string old_path_;
};

TEST_F(ProgramFile, Check_LooksInPathAsTheShellDoes) {
  EXPECT_TRUE(check_program("script"));
  EXPECT_TRUE(check_program(folder_ / "script"));
  for (const char* name : {"", "missing", "text", "inner"})
    EXPECT_EQ(check_program(name).error().code, Code::kNotFound) << name;
}

TEST_F(ProgramFile, Check_PathThatIsNoProgram_SaysWhy) {
  EXPECT_EQ(check_program(folder_ / "missing").error().code, Code::kNotFound);
  EXPECT_EQ(check_program(folder_ / "text").error().code, Code::kPermission);
  EXPECT_EQ(check_program(folder_ / "inner").error().message,
            "cannot run " + (folder_ / "inner").string() + ": a directory");
}

TEST_F(ProgramFile, Check_EmptyPartOfPath_IsTheCurrentDirectory) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  for (const char* path : {":/no", "/no:", ""}) {
    setenv("PATH", path, 1);
    EXPECT_TRUE(check_program("script")) << path;
  }
  std::filesystem::current_path(before);
}

TEST_F(ProgramFile, Silence_IsExplainedFromTheFile) {
  EXPECT_NE(explain_silence("script").find("is a script"), std::string::npos);
  EXPECT_NE(explain_silence("/bin/sh").find("no tracepoints"), std::string::npos);
  EXPECT_EQ(explain_silence("missing"), "");
}

}  // namespace
}  // namespace sillage::command
