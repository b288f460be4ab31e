// SPDX-License-Identifier: MIT
#include "symbols/object_symbols.hpp"

#include "symbols/debug_files.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace sillage::symbols {
namespace {

/// This test's own program, as a trace would tell of it.
MappedObject own_object() {
  MappedObject object;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto* made = static_cast<MappedObject*>(data);
        made->base = info->dlpi_addr;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& segment = info->dlpi_phdr[i];
          if (segment.p_type == PT_LOAD)
            made->bytes = std::max<std::uint64_t>(made->bytes, segment.p_vaddr + segment.p_memsz);
        }
        return 1;
      },
      &object);
  object.path = std::filesystem::read_symlink("/proc/self/exe");
  return object;
}

[[gnu::noinline]] std::uint64_t here() {
  return reinterpret_cast<std::uintptr_t>(
      __builtin_extract_return_addr(__builtin_return_address(0)));
}

class ObjectSymbolsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "symbols.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
};

TEST_F(ObjectSymbolsTest, OwnAddress_HasItsFunction) {
  const MappedObject object = own_object();
  const std::uint64_t address = here();
  const Location location = ObjectSymbols(object, {}).resolve(object.base, address);
  EXPECT_NE(location.object.find("symbols_test+0x"), std::string::npos) << location.object;
  EXPECT_NE(location.function.find("TestBody"), std::string::npos) << location.function;
}

TEST_F(ObjectSymbolsTest, AnotherBuildId_IsAnotherFile) {
  MappedObject object = own_object();
  object.build_id = {1, 2, 3, 4};
  const Location location = ObjectSymbols(object, {}).resolve(object.base, here());
  EXPECT_FALSE(location.object.empty());
  EXPECT_EQ(location.function, "");
  EXPECT_EQ(location.source, "");
}

TEST_F(ObjectSymbolsTest, FixedObject_IsShownWithItsAddress) {
  MappedObject object;
  object.base = 0x400000;
  object.path = "/nowhere/program";
  object.is_pic = false;
  EXPECT_EQ(ObjectSymbols(object, {}).resolve(0x400000, 0x401234).object, "program@0x401234");
  EXPECT_EQ(ObjectSymbols(object, {"", "/sysroot", true}).resolve(0x400000, 0x401234).object,
            "/sysroot/nowhere/program@0x401234");
}

TEST_F(ObjectSymbolsTest, FilesThatAreNoObjects_SayNothing) {
  const MappedObject own = own_object();
  std::ifstream file(own.path, std::ios::binary);
  std::string whole(1u << 17, '\0');
  file.read(whole.data(), static_cast<std::streamsize>(whole.size()));
  whole.resize(static_cast<std::size_t>(file.gcount()));
  MappedObject object = own;
  object.path = directory_ / "broken";
  // Cut anywhere, and with bytes that are not its own.
  for (std::size_t size : {0, 3, 64, 200, 5000, 100000}) {
    std::ofstream(object.path, std::ios::binary) << whole.substr(0, size);
    (void)ObjectSymbols(object, {}).resolve(own.base, here());
  }
  unsigned random = 1;
  for (int round = 0; round < 20; ++round) {
    std::string bytes = whole.substr(0, std::min<std::size_t>(whole.size(), 1u << 16));
    for (int i = 0; i < 40; ++i) {
      random = random * 1103515245 + 12345;
      bytes[(random >> 8) % (round % 2 == 0 ? 1024 : bytes.size())] = static_cast<char>(random);
    }
    std::ofstream(object.path, std::ios::binary) << bytes;
    (void)ObjectSymbols(object, {}).resolve(own.base, here());
  }
  object.path = directory_;
  EXPECT_EQ(ObjectSymbols(object, {}).resolve(own.base, here()).function, "");
}

TEST_F(ObjectSymbolsTest, DebugLink_CountsWithItsChecksum) {
  std::filesystem::create_directory(directory_ / ".debug");
  std::ofstream(directory_ / ".debug/link.debug") << "123456789";
  MappedObject object;
  object.path = directory_ / "program";
  object.debug_link = "link.debug";
  object.debug_link_crc = 0xcbf4'3926;  // of these nine digits, in every description of CRC-32
  std::string path;
  EXPECT_TRUE(open_debug_file(object, {}, &path));
  EXPECT_EQ(path, directory_ / ".debug/link.debug");
  object.debug_link_crc++;
  EXPECT_FALSE(open_debug_file(object, {}, &path));
  object.debug_link_crc--;
  object.debug_link = "../.debug/link.debug";
  EXPECT_FALSE(open_debug_file(object, {}, &path));
}

TEST_F(ObjectSymbolsTest, BuildId_LeadsToItsFile) {
  std::filesystem::create_directories(directory_ / ".build-id/ab");
  std::ofstream(directory_ / ".build-id/ab/cdef.debug") << "x";
  MappedObject object;
  object.path = "/program";
  object.build_id = {0xab, 0xcd, 0xef};
  std::string path;
  EXPECT_TRUE(open_debug_file(object, {directory_, "", false}, &path));
  object.build_id.push_back(1);
  EXPECT_FALSE(open_debug_file(object, {directory_, "", false}, &path));
}

}  // namespace
}  // namespace sillage::symbols
