// SPDX-License-Identifier: MIT
#include "sillaged/recording_journal.hpp"

#include "sillaged/recording_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace sillage::daemon {
namespace {

struct EntryHead {
  std::uint32_t bytes = 0, check = 0;
};

std::uint32_t check_of(const std::string& bytes) {
  std::uint32_t hash = 2166136261u;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619u;
  return hash;
}

}  // namespace

Result<std::unique_ptr<RecordingJournal>> RecordingJournal::create(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno("cannot make " + path);
  return std::unique_ptr<RecordingJournal>(new RecordingJournal(std::move(file), 0));
}

Result<RecordingJournal::Opened> RecordingJournal::open(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return fail_errno("cannot open " + path);
  auto bytes = read_state_file(file.value(), path);
  if (!bytes) return tl::unexpected(std::move(bytes).error());
  std::vector<v1::JournalEntry> entries;
  std::size_t at = 0;
  while (bytes->size() - at >= sizeof(EntryHead)) {
    EntryHead head;
    std::memcpy(&head, bytes->data() + at, sizeof head);
    if (head.bytes > bytes->size() - at - sizeof head) break;
    const std::string text = bytes->substr(at + sizeof head, head.bytes);
    v1::JournalEntry entry;
    if (check_of(text) != head.check || !entry.ParseFromString(text)) {
      if (at + sizeof head + head.bytes == bytes->size()) break;
      return fail(Code::kCorrupt, "an entry that cannot be", path + "@" + std::to_string(at));
    }
    entries.push_back(std::move(entry));
    at += sizeof head + head.bytes;
  }
  if (::ftruncate(file.value(), static_cast<off_t>(at)) != 0)
    return fail_errno("cannot cut " + path);
  return Opened{std::unique_ptr<RecordingJournal>(new RecordingJournal(std::move(file), at)),
                std::move(entries)};
}

Status RecordingJournal::append(const v1::JournalEntry& entry) {
  const std::string text = entry.SerializeAsString();
  const EntryHead head{static_cast<std::uint32_t>(text.size()), check_of(text)};
  std::string bytes(sizeof head, '\0');
  std::memcpy(bytes.data(), &head, sizeof head);
  bytes += text;
  const std::lock_guard lock(mutex_);
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t put = ::pwrite(file_.value(), bytes.data() + done, bytes.size() - done,
                                 static_cast<off_t>(size_ + done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      const auto failure = fail_errno("cannot write a recording's journal");
      (void)!::ftruncate(file_.value(), static_cast<off_t>(size_));
      return failure;
    }
    done += static_cast<std::size_t>(put);
  }
  size_ += bytes.size();
  return {};
}

}  // namespace sillage::daemon
