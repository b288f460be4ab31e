// SPDX-License-Identifier: MIT
#include "apps/image_control.hpp"

#include "apps/test_image.hpp"

#include <gtest/gtest.h>

namespace sillage::apps {
namespace {

using testing::ImageBuilder;
using testing::kImageSeals;
using testing::memory_file;

std::vector<std::byte> sound_image() {
  ImageBuilder builder;
  builder.event("app", "start");
  builder.event("app", "stop");
  return builder.bytes();
}

TEST(ImageControl, Gates_HalvesAreIndependent) {
  Fd file = memory_file(sound_image());
  auto control = ImageControl::open(file, Limits{});
  ASSERT_TRUE(control) << control.error().text();
  control->set_gate(1, SILLAGE_DOMAIN_USER, 5);
  control->set_gate(1, SILLAGE_DOMAIN_ROOT, 9);
  std::uint64_t gates[2];
  ASSERT_EQ(pread(file.value(), gates, sizeof gates, sizeof(sillage_image_header)),
            ssize_t{sizeof gates});
  EXPECT_EQ(gates[0], 0u);
  EXPECT_EQ(gates[1], UINT64_C(9) << 32 | 5);  // the user's is the low half
  control->set_gate(1, SILLAGE_DOMAIN_USER, 0);
  EXPECT_EQ(control->gate(1, SILLAGE_DOMAIN_USER), 0u);
  EXPECT_EQ(control->gate(1, SILLAGE_DOMAIN_ROOT), 9u);
}

TEST(ImageControl, Gone_IsReadLive) {
  Fd file = memory_file(sound_image());
  auto control = ImageControl::open(file, Limits{});
  ASSERT_TRUE(control);
  EXPECT_FALSE(control->is_gone());
  const std::uint32_t gone = 1;
  ASSERT_EQ(pwrite(file.value(), &gone, sizeof gone, offsetof(sillage_image_header, gone)),
            ssize_t{sizeof gone});
  EXPECT_TRUE(control->is_gone());
}

TEST(ImageControl, Behind_IsWhoListensAndHasNotAnswered) {
  for (const std::uint32_t minor : {0u, 1u}) {  // 0: those words are something else
    auto image = sound_image();
    std::memcpy(image.data() + offsetof(sillage_image_header, abi_minor), &minor, sizeof minor);
    Fd file = memory_file(image);
    auto control = ImageControl::open(file, Limits{});
    ASSERT_TRUE(control);
    const auto answer = [&](std::uint32_t listens, std::uint32_t heard) {
      const std::uint32_t words[] = {listens, heard};
      ASSERT_EQ(pwrite(file.value(), words, sizeof words, offsetof(sillage_image_header, listens)),
                ssize_t{sizeof words});
    };
    control->ring_bell();
    EXPECT_FALSE(control->is_behind());
    answer(1, 0);
    EXPECT_EQ(control->is_behind(), minor == 1);
    answer(1, 1);
    EXPECT_FALSE(control->is_behind());
    control->ring_bell();
    EXPECT_EQ(control->is_behind(), minor == 1);
    const std::uint32_t gone = 1;
    ASSERT_EQ(pwrite(file.value(), &gone, sizeof gone, offsetof(sillage_image_header, gone)),
              ssize_t{sizeof gone});
    EXPECT_FALSE(control->is_behind());
  }
}

TEST(ImageControl, F08_UnsealedMemory_IsRefused) {
  for (int seals : {0, F_SEAL_SHRINK, F_SEAL_GROW}) {
    EXPECT_EQ(ImageControl::open(memory_file(sound_image(), seals), Limits{}).error().code,
              Code::kPermission);
  }
  EXPECT_TRUE(
      ImageControl::open(memory_file(sound_image(), F_SEAL_SHRINK | F_SEAL_GROW), Limits{}));
  // Sealed against writing: its gates cannot be set.
  EXPECT_FALSE(
      ImageControl::open(memory_file(sound_image(), kImageSeals | F_SEAL_WRITE), Limits{}));
}

TEST(ImageControl, Malicious_OtherDescriptors_AreRefused) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  Fd read_end(ends[0]), write_end(ends[1]);
  Fd directory(open("/", O_RDONLY | O_CLOEXEC)), null(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const Fd* fd : {&read_end, &directory, &null}) {
    EXPECT_EQ(ImageControl::open(*fd, Limits{}).error().code, Code::kPermission);
  }
  EXPECT_FALSE(ImageControl::open(Fd(), Limits{}));
}

TEST(ImageControl, Malicious_HugePages_AreRefused) {
  Fd file(memfd_create("sillage-image", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB));
  if (!file || ftruncate(file.value(), 2 << 20) != 0) GTEST_SKIP() << "no huge pages here";
  ASSERT_EQ(fcntl(file.value(), F_ADD_SEALS, kImageSeals), 0);
  EXPECT_EQ(ImageControl::open(file, Limits{}).error().code, Code::kPermission);
}

TEST(ImageControl, Sizes_AreLimited) {
  Limits limits;
  limits.image_bytes = 1000;
  EXPECT_TRUE(ImageControl::open(memory_file(sound_image()), limits));
  auto large = sound_image();
  large.resize(1001);
  EXPECT_EQ(ImageControl::open(memory_file(large), limits).error().code, Code::kLimit);
  // A sparse file of any size costs nothing to make, and must cost nothing to refuse.
  Fd sparse(memfd_create("sillage-image", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate(sparse.value(), off_t{1} << 40), 0);
  ASSERT_EQ(fcntl(sparse.value(), F_ADD_SEALS, kImageSeals), 0);
  EXPECT_EQ(ImageControl::open(sparse, Limits{}).error().code, Code::kLimit);
}

TEST(ImageControl, UnfinishedImage_IsNotReady) {
  std::vector<std::byte> zeros(4096);
  EXPECT_EQ(ImageControl::open(memory_file(zeros), Limits{}).error().code, Code::kNotReady);
}

}  // namespace
}  // namespace sillage::apps
