// SPDX-License-Identifier: MIT
#include "probe/loaded_objects.hpp"

#include <gtest/gtest.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>

namespace sillage::probe {
namespace {

/// All objects, by where they are.
std::map<std::uintptr_t, LoadedObject> walk() {
  auto objects = std::make_unique<ObjectWalk>();
  auto details = std::make_unique<ObjectDetails>();
  std::map<std::uintptr_t, LoadedObject> found;
  objects->open();
  while (const LoadedObject* object = objects->next()) {
    objects->read_details(details.get());
    EXPECT_LE(details->build_id_bytes, kMaxBuildIdBytes);
    EXPECT_LT(std::strlen(details->debug_link), kMaxDebugLinkBytes);
    found.emplace(object->base, *object);
  }
  objects->close();
  return found;
}

std::string own_file() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A file with these bytes, mapped as if it were an object's first segment.
class MappedFile {
 public:
  MappedFile(const std::string& bytes, int protection) {
    std::string name = testing::TempDir() + "object.XXXXXX";
    const int fd = mkstemp(name.data());
    path_ = name;
    EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    bytes_ = bytes.size();
    memory_ = mmap(nullptr, bytes_, protection, MAP_PRIVATE, fd, 0);
    EXPECT_NE(memory_, MAP_FAILED);
    close(fd);
  }
  ~MappedFile() {
    munmap(memory_, bytes_);
    unlink(path_.c_str());
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  [[nodiscard]] std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(memory_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  void* memory_;
  std::size_t bytes_;
};

TEST(ObjectWalk, OwnProcess_HasWhatTheLoaderHas) {
  const auto found = walk();
  for (const void* inside :
       {reinterpret_cast<const void*>(&own_file), reinterpret_cast<const void*>(&std::strlen)}) {
    Dl_info info = {};
    ASSERT_NE(dladdr(inside, &info), 0);
    const auto object = found.find(reinterpret_cast<std::uintptr_t>(info.dli_fbase));
    ASSERT_NE(object, found.end()) << info.dli_fname;
    EXPECT_TRUE(object->second.is_pic);
    EXPECT_LT(reinterpret_cast<std::uintptr_t>(inside) - object->first,
              object->second.memory_bytes);
    EXPECT_TRUE(std::filesystem::equivalent(object->second.path, info.dli_fname));
  }
}

TEST(ObjectWalk, FileThatIsOnlyRead_IsNoObject) {
  const MappedFile file(own_file(), PROT_READ);
  EXPECT_FALSE(walk().contains(file.address()));
}

TEST(ObjectWalk, FileThatIsExecutable_IsOne) {
  const MappedFile file(own_file(), PROT_READ | PROT_EXEC);
  EXPECT_TRUE(walk().contains(file.address()));
}

TEST(ObjectWalk, FileWithoutEnd_IsPassedOver) {
  const std::string whole = own_file();
  for (const std::size_t bytes : {1u, 63u, 64u, 65u, 700u, 4095u, 4097u}) {
    const MappedFile file(whole.substr(0, bytes), PROT_READ | PROT_EXEC);
    EXPECT_FALSE(walk().empty());
  }
  // What has become shorter since ends with a signal for who touches it.
  const MappedFile file(whole.substr(0, 65536), PROT_READ | PROT_EXEC);
  ASSERT_EQ(truncate(file.path().c_str(), 0), 0);
  EXPECT_FALSE(walk().contains(file.address()));
}

TEST(ObjectWalk, AnyBytes_AreRead) {
  const std::string whole = own_file().substr(0, 1u << 18);
  unsigned random = 7;
  const auto next = [&random] { return random = random * 1103515245 + 12345, random >> 8; };
  for (int round = 0; round < 100; ++round) {
    std::string bytes = whole;
    // Headers and notes stand in front.
    for (int i = 0; i < 30; ++i) bytes[16 + next() % 1500] = static_cast<char>(next());
    const MappedFile file(bytes, PROT_READ | PROT_EXEC);
    EXPECT_FALSE(walk().empty());
  }
}

TEST(ObjectWalk, PathWithANewLine_IsItsOwn) {
  const std::string path = testing::TempDir() + "an object\nof two lines";
  std::ofstream(path, std::ios::binary) << own_file();
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  void* memory = mmap(nullptr, 1u << 20, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  close(fd);
  ASSERT_NE(memory, MAP_FAILED);
  const auto found = walk();
  const auto object = found.find(reinterpret_cast<std::uintptr_t>(memory));
  ASSERT_NE(object, found.end());
  EXPECT_EQ(std::filesystem::path(object->second.path).filename(), "an object\nof two lines");
  munmap(memory, 1u << 20);
  unlink(path.c_str());
}

}  // namespace
}  // namespace sillage::probe
