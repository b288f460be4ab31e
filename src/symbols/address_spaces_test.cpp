// SPDX-License-Identifier: MIT
#include "symbols/address_spaces.hpp"

#include <gtest/gtest.h>

namespace sillage::symbols {
namespace {

const int kTrace = 0, kOtherTrace = 0;
const AddressSpaces::ProcessKey kProcess{&kTrace, 7};

MappedObject object(std::uint64_t base, std::uint64_t bytes, const char* path) {
  MappedObject made;
  made.base = base;
  made.bytes = bytes;
  made.path = path;
  return made;
}

std::string path_at(const AddressSpaces& spaces, std::uint64_t address) {
  const MappedObject* found = spaces.find(kProcess, address);
  return found == nullptr ? "none" : found->path;
}

TEST(AddressSpaces, FirstAndLastByte_AreOfTheObject) {
  AddressSpaces spaces;
  spaces.add(kProcess, object(0x1000, 0x100, "a"));
  EXPECT_EQ(path_at(spaces, 0xfff), "none");
  EXPECT_EQ(path_at(spaces, 0x1000), "a");
  EXPECT_EQ(path_at(spaces, 0x10ff), "a");
  EXPECT_EQ(path_at(spaces, 0x1100), "none");
}

TEST(AddressSpaces, OtherProcessOrTrace_HasNothing) {
  AddressSpaces spaces;
  spaces.add(kProcess, object(0x1000, 0x100, "a"));
  EXPECT_EQ(spaces.find({&kTrace, 8}, 0x1000), nullptr);
  EXPECT_EQ(spaces.find({&kOtherTrace, 7}, 0x1000), nullptr);
}

TEST(AddressSpaces, ObjectOverOthers_TakesTheirPlace) {
  AddressSpaces spaces;
  spaces.add(kProcess, object(0x1000, 0x2000, "below"));
  spaces.add(kProcess, object(0x4000, 0x100, "inside"));
  spaces.add(kProcess, object(0x8000, 0x100, "above"));
  spaces.add(kProcess, object(0x2000, 0x3000, "new"));
  EXPECT_EQ(path_at(spaces, 0x1000), "none");
  EXPECT_EQ(path_at(spaces, 0x4010), "new");
  EXPECT_EQ(path_at(spaces, 0x8000), "above");
}

TEST(AddressSpaces, KnownObject_KeepsItsBuildId) {
  AddressSpaces spaces;
  spaces.add(kProcess, object(0x1000, 0x100, "a"));
  spaces.at(kProcess, 0x1000)->build_id = {1, 2};
  spaces.add(kProcess, object(0x1000, 0x100, "a"));
  EXPECT_EQ(spaces.at(kProcess, 0x1000)->build_id.size(), 2u);
  spaces.add(kProcess, object(0x1000, 0x100, "b"));
  EXPECT_TRUE(spaces.at(kProcess, 0x1000)->build_id.empty());
}

TEST(AddressSpaces, RemovedOrCleared_IsGone) {
  AddressSpaces spaces;
  spaces.add(kProcess, object(0x1000, 0x100, "a"));
  spaces.add(kProcess, object(0x2000, 0x100, "b"));
  spaces.remove(kProcess, 0x1000);
  EXPECT_EQ(path_at(spaces, 0x1000), "none");
  EXPECT_EQ(path_at(spaces, 0x2000), "b");
  spaces.clear(kProcess);
  EXPECT_EQ(path_at(spaces, 0x2000), "none");
}

TEST(AddressSpaces, SizesThatCannotBe_AreNoTrouble) {
  AddressSpaces spaces;
  spaces.add(kProcess, object(UINT64_MAX, UINT64_MAX, "end"));
  spaces.add(kProcess, object(0, UINT64_MAX, "all"));
  EXPECT_EQ(path_at(spaces, 5), "all");
}

}  // namespace
}  // namespace sillage::symbols
