// SPDX-License-Identifier: MIT
#include "apps/app_message.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <span>

namespace sillage::apps {
namespace {

sillage_app_request sound_request() {
  sillage_app_request request = {};
  request.header = {SILLAGE_APP_MAGIC, SILLAGE_APP_ABI_MAJOR, SILLAGE_APP_ABI_MINOR,
                    SILLAGE_APP_REGISTER, sizeof request};
  request.pid = 77;
  request.word_bits = 64;
  std::memcpy(request.procname, "a-name-of-16-byt", 16);  // not terminated
  return request;
}

Result<AppRequest> parse(const sillage_app_request& request,
                         std::size_t bytes = sizeof(sillage_app_request)) {
  return parse_app_request(std::as_bytes(std::span(&request, 1)).subspan(0, bytes));
}

TEST(AppMessage, SoundRequest) {
  auto request = parse(sound_request());
  ASSERT_TRUE(request);
  EXPECT_EQ(request->type, SILLAGE_APP_REGISTER);
  EXPECT_EQ(request->name, "a-name-of-16-byt");
  EXPECT_EQ(request->pid, 77u);
}

TEST(AppMessage, Malicious_F10_LengthsAndTypes) {
  for (std::uint32_t bytes : {0u, 1u, 79u, 0x80000000u, 0xffffffffu}) {
    auto request = sound_request();
    request.header.bytes = bytes;
    EXPECT_EQ(parse(request).error().code, Code::kCorrupt) << bytes;
  }
  for (std::size_t bytes = 0; bytes < sizeof(sillage_app_request); ++bytes) {
    auto request = sound_request();
    request.header.bytes = static_cast<std::uint32_t>(bytes);
    EXPECT_EQ(parse(request, bytes).error().code, Code::kCorrupt) << bytes;
  }
  for (std::uint32_t type : {0u, 4u, 16u, 17u, 0xffffffffu}) {
    auto request = sound_request();
    request.header.type = type;
    EXPECT_FALSE(parse(request)) << type;
  }
  auto request = sound_request();
  request.header.magic ^= 1;
  EXPECT_FALSE(parse(request));
}

TEST(AppMessage, Versions_MajorRefusedMinorRead) {
  auto request = sound_request();
  request.header.abi_major = SILLAGE_APP_ABI_MAJOR + 1;
  EXPECT_EQ(parse(request).error().code, Code::kUnsupported);
  request = sound_request();
  request.header.abi_minor = 7;
  EXPECT_TRUE(parse(request));
}

TEST(AppMessage, Attachments_TablesCannotBeChanged) {
  std::vector<Attachment> attachments(1);
  attachments[0] = {
      .ring_id = 5, .ring_fd = 0, .contexts = {2, 3}, .ids = {0, 8, 9}, .state_dump = 4};
  auto reply = make_attachments_reply(11, 12, 13, SILLAGE_APP_ABI_MINOR, 1, attachments);
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->descriptors.size(), 3u);
  sillage_app_reply head;
  std::memcpy(&head, reply->bytes.data(), sizeof head);
  EXPECT_EQ(head.header.bytes, reply->bytes.size());
  EXPECT_EQ(head.image_token, 11u);
  EXPECT_EQ(head.generation, 12u);
  EXPECT_EQ(head.registration, 13u);
  EXPECT_EQ(head.attachment_count, 1u);
  sillage_app_attachment first;
  std::memcpy(&first, reply->bytes.data() + sizeof head, sizeof first);
  EXPECT_EQ(first.ring_id, 5u);
  EXPECT_EQ(first.state_dump, 4u);
  const int table = reply->descriptors[2];
  std::uint32_t ids[4];
  EXPECT_EQ(pread(table, ids, sizeof ids, 0), 12);
  EXPECT_EQ(ids[1], 8u);
  EXPECT_EQ(mmap(nullptr, 12, PROT_READ | PROT_WRITE, MAP_SHARED, table, 0), MAP_FAILED);
  EXPECT_LT(pwrite(table, ids, 4, 0), 0);
  EXPECT_NE(ftruncate(table, 0), 0);
}

TEST(AppMessage, Attachments_FiltersOfProgramsThatKnowThem) {
  std::vector<Attachment> attachments(2);
  attachments[0] = {.ring_id = 1, .ring_fd = 0, .contexts = {}, .ids = {5, 6, 0}};
  attachments[0].is_filtered = {true, false, false};
  attachments[0].filters = std::make_shared<const std::vector<std::byte>>(16, std::byte{7});
  attachments[1] = {.ring_id = 2, .ring_fd = 0, .contexts = {}, .ids = {1, 1, 1}};
  for (const std::uint32_t minor : {0u, 1u}) {
    auto reply = make_attachments_reply(1, 1, 1, minor, 1, attachments);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->descriptors.size(), minor == 0 ? 5u : 6u);
    sillage_app_attachment first;
    std::memcpy(&first, reply->bytes.data() + sizeof(sillage_app_reply), sizeof first);
    EXPECT_EQ(first.flags, minor == 0 ? 0 : SILLAGE_APP_HAS_FILTERS);
    std::uint32_t ids[3];
    ASSERT_EQ(pread(reply->descriptors[2], ids, sizeof ids, 0), 12);
    // What is not filtered there would be recorded whole.
    EXPECT_EQ(ids[0], minor == 0 ? 0u : 5u);
    EXPECT_EQ(ids[1], 6u);
    if (minor == 0) continue;
    char filters[17];
    EXPECT_EQ(pread(reply->descriptors[3], filters, sizeof filters, 0), 16);
    EXPECT_LT(pwrite(reply->descriptors[3], filters, 1, 0), 0);
  }
}

TEST(AppMessage, Attachments_AtMostTheProtocolsNumber) {
  std::vector<Attachment> attachments(SILLAGE_APP_MAX_ATTACHMENTS + 1);
  for (Attachment& attachment : attachments)
    attachment = {.ring_id = 1, .ring_fd = 0, .contexts = {}, .ids = {1}};
  auto reply = make_attachments_reply(1, 1, 1, SILLAGE_APP_ABI_MINOR, 1, attachments);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->descriptors.size(), 1u + 2 * SILLAGE_APP_MAX_ATTACHMENTS);
}

TEST(AppMessage, Attachments_NamesOfAppContextsBehindThem) {
  std::vector<Attachment> attachments(2);
  attachments[0] = {.ring_id = 1, .ring_fd = 0, .contexts = {128, 1, 129}, .ids = {1}};
  attachments[0].app_contexts = {"$app.a:b", "$app.a:c"};
  attachments[1] = {.ring_id = 2, .ring_fd = 0, .contexts = {128}, .ids = {1}};
  attachments[1].app_contexts = {"$app.d:e"};
  const std::size_t plain = sizeof(sillage_app_reply) + 2 * sizeof(sillage_app_attachment);
  const std::string names("$app.a:b\0$app.a:c\0$app.d:e\0", 27);
  auto reply = make_attachments_reply(1, 1, 1, SILLAGE_APP_ABI_MINOR, 1, attachments);
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->bytes.size(), plain + names.size());
  EXPECT_EQ(std::memcmp(reply->bytes.data() + plain, names.data(), names.size()), 0);
  sillage_app_reply head;
  std::memcpy(&head, reply->bytes.data(), sizeof head);
  EXPECT_EQ(head.header.bytes, reply->bytes.size());
  // One that does not know them refuses the channel by the number of the context.
  reply = make_attachments_reply(1, 1, 1, SILLAGE_APP_MINOR_FILTERS, 1, attachments);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->bytes.size(), plain);
  attachments[1].app_contexts = {std::string(SILLAGE_APP_MAX_NAME_BYTES, 'x')};
  reply = make_attachments_reply(1, 1, 1, SILLAGE_APP_ABI_MINOR, 1, attachments);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kLimit);
}

TEST(AppMessage, Attachments_CountersBehindTheNamesOfEach) {
  std::vector<Attachment> attachments(2);
  attachments[0] = {.ring_id = 1, .ring_fd = 0, .contexts = {160, 128, 161}, .ids = {1}};
  attachments[0].app_contexts = {"$app.a:b"};
  attachments[0].counters = {{"perf_thread_faults", 1, 2}, {"perf_thread_raw_r5_x", 4, 5}};
  attachments[1] = {.ring_id = 2, .ring_fd = 0, .contexts = {128}, .ids = {1}};
  attachments[1].app_contexts = {"$app.d:e"};
  const std::size_t plain = sizeof(sillage_app_reply) + 2 * sizeof(sillage_app_attachment);
  const sillage_app_counter counters[] = {{2, 1, 0}, {5, 4, 0}};
  auto reply = make_attachments_reply(1, 1, 1, SILLAGE_APP_ABI_MINOR, 1, attachments);
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->bytes.size(), plain + 9 + sizeof counters + 9);
  const std::byte* behind = reply->bytes.data() + plain;
  EXPECT_EQ(std::memcmp(behind, "$app.a:b", 9), 0);
  EXPECT_EQ(std::memcmp(behind + 9, counters, sizeof counters), 0);
  EXPECT_EQ(std::memcmp(behind + 9 + sizeof counters, "$app.d:e", 9), 0);
  // One that does not know them refuses the channel by the number of the context, and goes on with the next.
  reply = make_attachments_reply(1, 1, 1, SILLAGE_APP_MINOR_CLOCKS, 1, attachments);
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->bytes.size(), plain + 9 + 9);
  EXPECT_EQ(std::memcmp(reply->bytes.data() + plain + 9, "$app.d:e", 9), 0);
}

}  // namespace
}  // namespace sillage::apps
