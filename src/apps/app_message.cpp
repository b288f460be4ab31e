// SPDX-License-Identifier: MIT
#include "apps/app_message.hpp"

#include "base/byte_cursor.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace sillage::apps {
namespace {

constexpr std::size_t kMessageEnd = sizeof(sillage_app_request);

/// A table that nobody can change any more.
Result<Fd> make_table(const char* name, std::span<const std::byte> data) {
  Fd table(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!table) return fail_errno("cannot make a table for a program");
  std::size_t done = 0;
  while (done < data.size()) {
    ssize_t put = write(table.value(), data.data() + done, data.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return fail_errno("cannot fill a table for a program");
    done += static_cast<std::size_t>(put);
  }
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  if (fcntl(table.value(), F_ADD_SEALS, kSeals) != 0)
    return fail_errno("cannot seal a table for a program");
  return table;
}

/// What a program that does not know filters records: the sites that have none.
std::vector<std::uint32_t> unfiltered_ids(const Attachment& attachment) {
  std::vector<std::uint32_t> ids = attachment.ids;
  for (std::size_t i = 0; i < attachment.is_filtered.size(); ++i)
    if (attachment.is_filtered[i]) ids[i] = 0;
  return ids;
}

/// Adds what application contexts are called and counters count, which stands behind the attachments.
Status add_names(const std::vector<Attachment>& attachments, std::size_t count,
                 std::uint32_t abi_minor, AppReply* reply) {
  std::string names;
  std::size_t name_bytes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    for (const std::string& name : attachments[i].app_contexts) {
      names += name + '\0';
      name_bytes += name.size() + 1;
    }
    if (abi_minor < SILLAGE_APP_MINOR_COUNTERS) continue;
    for (const session::PerfCounter& from : attachments[i].counters) {
      const sillage_app_counter counter = {from.config, from.type, 0};
      names.append(reinterpret_cast<const char*>(&counter), sizeof counter);
    }
  }
  if (name_bytes > SILLAGE_APP_MAX_NAME_BYTES)
    return fail(Code::kLimit,
                "the application contexts of all channels have names of " +
                    std::to_string(name_bytes) + " bytes; a program is told at most " +
                    std::to_string(SILLAGE_APP_MAX_NAME_BYTES) + ": use fewer, or shorter ones");
  const auto bytes = std::as_bytes(std::span(names));
  reply->bytes.insert(reply->bytes.end(), bytes.begin(), bytes.end());
  const auto size = static_cast<std::uint32_t>(reply->bytes.size());
  std::memcpy(reply->bytes.data() + offsetof(sillage_app_header, bytes), &size, sizeof size);
  return {};
}

/// A text of a program, of what can be shown.
template <std::size_t kBytes>
std::string printable(const char (&text)[kBytes]) {
  std::string shown(text, strnlen(text, kBytes));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '_');
  return shown;
}

Result<AppClock> parse_clock(std::span<const std::byte> bytes_untrusted) {
  const auto from = ByteCursor(bytes_untrusted).take<sillage_app_clock>();
  if (!from || from->frequency_hz == 0)
    return fail(Code::kCorrupt, "a clock that cannot be", "message@" + std::to_string(kMessageEnd));
  return AppClock{from->frequency_hz,    from->value,           from->monotonic_ns,
                  printable(from->uuid), printable(from->name), printable(from->description)};
}

template <class T>
void append(std::vector<std::byte>* to, const T& value) {
  const auto* data = reinterpret_cast<const std::byte*>(&value);
  to->insert(to->end(), data, data + sizeof value);
}

sillage_app_header header_of(sillage_app_type type, std::size_t bytes) {
  return {SILLAGE_APP_MAGIC, SILLAGE_APP_ABI_MAJOR, SILLAGE_APP_ABI_MINOR,
          static_cast<std::uint32_t>(type), static_cast<std::uint32_t>(bytes)};
}

}  // namespace

Result<AppRequest> parse_app_request(std::span<const std::byte> bytes_untrusted) {
  auto header = ByteCursor(bytes_untrusted).take<sillage_app_header>();
  if (!header) return fail(Code::kCorrupt, "a message smaller than its header", "message@0");
  if (header->magic != SILLAGE_APP_MAGIC)
    return fail(Code::kCorrupt, "not a message of a program", "message@0");
  if (header->abi_major != SILLAGE_APP_ABI_MAJOR) {
    return fail(Code::kUnsupported, "a program that speaks version " +
                                        std::to_string(header->abi_major) +
                                        " of the protocol; this daemon speaks " +
                                        std::to_string(SILLAGE_APP_ABI_MAJOR));
  }
  if (header->bytes != bytes_untrusted.size()) {
    return fail(Code::kCorrupt,
                "a message of " + std::to_string(bytes_untrusted.size()) +
                    " bytes that says it has " + std::to_string(header->bytes),
                "message@12");
  }
  // Newer minor versions may have more behind what is known here.
  auto request = ByteCursor(bytes_untrusted).take<sillage_app_request>();
  if (!request)
    return fail(Code::kCorrupt, "a request cut short", "message@" + std::to_string(kMessageEnd));
  if (request->header.type != SILLAGE_APP_REGISTER && request->header.type != SILLAGE_APP_UPDATE &&
      request->header.type != SILLAGE_APP_UNREGISTER) {
    return fail(Code::kCorrupt, "a request of unknown type " + std::to_string(request->header.type),
                "message@8");
  }
  AppRequest checked;
  checked.type = static_cast<sillage_app_type>(request->header.type);
  checked.image_token = request->image_token;
  checked.pid = request->pid;
  checked.word_bits = request->word_bits == 32 ? 32 : 64;
  checked.abi_minor = request->header.abi_minor;
  checked.name.assign(request->procname, strnlen(request->procname, sizeof request->procname));
  if (checked.type == SILLAGE_APP_REGISTER && checked.abi_minor >= SILLAGE_APP_MINOR_CLOCKS &&
      bytes_untrusted.size() > sizeof *request) {
    auto clock = parse_clock(bytes_untrusted.subspan(sizeof *request));
    if (!clock) return tl::unexpected<Error>(std::move(clock).error());
    checked.clock = *std::move(clock);
  }
  return checked;
}

Result<AppReply> make_attachments_reply(std::uint64_t image_token, std::uint32_t generation,
                                        std::uint32_t registration, std::uint32_t abi_minor,
                                        int clock_fd, const std::vector<Attachment>& attachments) {
  AppReply reply;
  const std::size_t count = std::min<std::size_t>(attachments.size(), SILLAGE_APP_MAX_ATTACHMENTS);
  reply.descriptors.push_back(clock_fd);
  sillage_app_reply head = {};
  head.header =
      header_of(SILLAGE_APP_ATTACHMENTS, sizeof head + count * sizeof(sillage_app_attachment));
  head.image_token = image_token;
  head.generation = generation;
  head.registration = registration;
  head.attachment_count = static_cast<std::uint32_t>(count);
  append(&reply.bytes, head);
  for (std::size_t i = 0; i < count; ++i) {
    const Attachment& from = attachments[i];
    const bool knows_filters = abi_minor >= SILLAGE_APP_MINOR_FILTERS;
    const bool has_filters = from.filters != nullptr && knows_filters;
    const std::vector<std::uint32_t> ids =
        from.filters != nullptr && !knows_filters ? unfiltered_ids(from) : from.ids;
    auto table = make_table("sillage-ids", std::as_bytes(std::span(ids)));
    if (!table) return tl::unexpected<Error>(std::move(table).error());
    sillage_app_attachment to = {};
    to.flags = has_filters ? SILLAGE_APP_HAS_FILTERS : 0;
    to.ring_id = from.ring_id;
    to.state_dump = from.state_dump;
    const std::size_t contexts =
        std::min<std::size_t>(from.contexts.size(), SILLAGE_APP_MAX_CONTEXTS);
    to.context_count = static_cast<std::uint8_t>(contexts);
    for (std::size_t k = 0; k < contexts; ++k)
      to.contexts[k] = static_cast<std::uint8_t>(from.contexts[k]);
    append(&reply.bytes, to);
    reply.descriptors.push_back(from.ring_fd);
    reply.descriptors.push_back(table->value());
    reply.owned.push_back(*std::move(table));
    if (!has_filters) continue;
    auto filters = make_table("sillage-filters", *from.filters);
    if (!filters) return tl::unexpected<Error>(std::move(filters).error());
    reply.descriptors.push_back(filters->value());
    reply.owned.push_back(*std::move(filters));
  }
  if (abi_minor >= SILLAGE_APP_MINOR_APP_CONTEXTS)
    SILLAGE_TRY(add_names(attachments, count, abi_minor, &reply));
  return reply;
}

AppReply make_refusal(int status) {
  AppReply reply;
  sillage_app_reply head = {};
  head.header = header_of(SILLAGE_APP_REFUSED, sizeof head);
  head.status = static_cast<std::uint32_t>(status);
  append(&reply.bytes, head);
  return reply;
}

}  // namespace sillage::apps
