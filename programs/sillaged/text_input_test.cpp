// SPDX-License-Identifier: MIT
#include "sillaged/text_input.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace sillage::daemon {
namespace {

class TextInputTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/sillage-text-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    path_ = folder_ + "/logger";
  }
  void TearDown() override {
    (void)::unlink(path_.c_str());
    (void)::rmdir(folder_.c_str());
  }
  void write(std::string_view text) const {
    const Fd fd(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(fd);
    ASSERT_EQ(::write(fd.value(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  static std::vector<std::string> lines_of(TextInput& input) {
    std::vector<std::string> lines;
    input.read_lines([&](std::string_view line) { lines.emplace_back(line); });
    return lines;
  }
  std::string folder_, path_;
};

TEST_F(TextInputTest, Lines_OneEach) {
  auto input = TextInput::create(path_);
  ASSERT_TRUE(input) << input.error().message;
  write("one\ntwo\n\n");
  write("three");
  EXPECT_EQ(lines_of(*input), (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_TRUE(lines_of(*input).empty());
  write("four\n");
  EXPECT_EQ(lines_of(*input), (std::vector<std::string>{"four"}));
}

TEST_F(TextInputTest, LongOrWithNul_CutInto1024AndAtNul) {
  auto input = TextInput::create(path_);
  ASSERT_TRUE(input) << input.error().message;
  write(std::string(2500, 'x') + "\n" + std::string("a\0b", 3) + "\n");
  const auto lines = lines_of(*input);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].size(), 1024u);
  EXPECT_EQ(lines[2].size(), 452u);
  EXPECT_EQ(lines[3], "a");
}

TEST_F(TextInputTest, FileInItsPlace_IsReplaced) {
  {
    const Fd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_TRUE(fd);
  }
  {
    auto input = TextInput::create(path_);
    ASSERT_TRUE(input) << input.error().message;
    struct stat status = {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_TRUE(S_ISFIFO(status.st_mode));
    EXPECT_EQ(status.st_mode & 0777, 0622u);
  }
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace sillage::daemon
