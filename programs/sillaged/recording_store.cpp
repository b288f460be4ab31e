// SPDX-License-Identifier: MIT
#include "sillaged/recording_store.hpp"

#include "base/fd.hpp"
#include "ctf/model.hpp"
#include "kernel/pins.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace sillage::daemon {
namespace {

// Of one recording; session::RecordingSession allows fewer.
constexpr int kMaxKernelChannels = 1024;
// Of the kernel's trace: each is declared in some 100 bytes of metadata.
constexpr std::uint64_t kMaxStreamClasses = 1'000'000;
constexpr char kPins[] = "/sys/fs/bpf/sillage";

Status write_whole(const std::string& path, const std::string& bytes) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno("cannot make " + path);
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t put = ::write(file.value(), bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return fail_errno("cannot write " + path);
    done += static_cast<std::size_t>(put);
  }
  return {};
}

Status make(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno("cannot make the directory " + directory);
  return {};
}

std::string pin_name(std::uint64_t recording, std::size_t channel, std::uint32_t pins) {
  return std::to_string(recording) + "-" + std::to_string(channel) +
         (pins != 0 ? "-" + std::to_string(pins) : "");
}

/// Writes a file of a directory, which is made if need be, in one step.
Status replace_file(const std::string& directory, const std::string& path,
                    const std::string& bytes) {
  SILLAGE_TRY(make(directory));
  const std::string draft = path + ".new";
  SILLAGE_TRY(write_whole(draft, bytes));
  if (::rename(draft.c_str(), path.c_str()) != 0) return fail_errno("cannot rename " + draft);
  return {};
}

Result<std::string> read_path(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return fail_errno("cannot open " + path);
  return read_state_file(file.value(), path);
}

/// The files of a directory but for drafts, which go, and journals, which go if their recording's state is not there.
std::vector<std::string> files_of(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> paths;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::filesystem::path& path = entry->path();
    const bool is_draft = path.extension() == ".new";
    if (!is_draft && path.extension() != ".journal") {
      paths.push_back(path);
    } else if (is_draft || !std::filesystem::exists(path.parent_path() / path.stem(), error)) {
      ::unlink(path.c_str());
    }
  }
  return paths;
}

}  // namespace

Result<std::string> read_state_file(int file, const std::string& path) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return fail_errno("cannot look at " + path);
  if (!S_ISREG(status.st_mode) || status.st_size < 0 ||
      static_cast<std::size_t>(status.st_size) > kMaxStateBytes)
    return fail(Code::kCorrupt, path + " is not the state of a recording");
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t got =
        ::pread(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(Code::kCorrupt, path + " cannot be read whole");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

Result<v1::SessionState> parse_session_state(const std::string& bytes) {
  v1::SessionState state;
  if (!state.ParseFromString(bytes) || state.format() != kStateFormat ||
      state.session().name().empty())
    return fail(Code::kCorrupt, "it is not the state of a session of this release");
  return state;
}

Result<v1::RecordingState> parse_state(const std::string& bytes) {
  v1::RecordingState state;
  if (!state.ParseFromString(bytes) || state.format() != kStateFormat)
    return fail(Code::kCorrupt, "it is not the state of a recording of this release");
  const bool is_of_kernel = state.kernel_channels() != 0;
  const bool is_sessions = !state.session().empty();
  if (state.recording() == 0 || is_of_kernel != state.has_kernel() || state.kernel_channels() < 0 ||
      state.kernel_channels() > kMaxKernelChannels ||
      (!is_sessions && state.request().kernel_channels_size() != state.kernel_channels()) ||
      (is_of_kernel && state.kernel().uuid().size() != sizeof(ctf::Uuid)) ||
      state.nested_lost_size() > state.kernel_channels() ||
      state.kernel_files_size() != state.kernel_channels() ||
      state.replaced_size() > state.kernel_channels() ||
      state.kernel().stream_classes() > kMaxStreamClasses)
    return fail(Code::kCorrupt, "it contradicts itself");
  return state;
}

std::string directory_name(const std::string& path) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string name;
  for (const char letter : path) {
    const auto byte = static_cast<unsigned char>(letter);
    if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
        (byte >= 'A' && byte <= 'Z')) {
      name += letter;
    } else if (letter == '/') {
      name += '-';
    } else {
      name += {'_', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return name;
}

std::string RecordingStore::pin_parent() const {
  return std::string(kPins) + "/" + directory_name(paths_.directory);
}

std::string RecordingStore::pin_path(std::uint64_t recording, std::size_t channel,
                                     std::uint32_t pins) const {
  return pin_parent() + "/" + pin_name(recording, channel, pins);
}

Status RecordingStore::save(const v1::RecordingState& state) const {
  return replace_file(paths_.states(), paths_.state_file(state.recording()),
                      state.SerializeAsString());
}

void RecordingStore::remove(std::uint64_t recording) const {
  // The state first: a journal alone is nobody's.
  ::unlink(paths_.state_file(recording).c_str());
  ::unlink(journal_path(recording).c_str());
}

void RecordingStore::remove_state(std::uint64_t recording) const {
  ::unlink(paths_.state_file(recording).c_str());
}

Status RecordingStore::make_directory() const { return make(paths_.states()); }

std::string RecordingStore::journal_path(std::uint64_t recording) const {
  return paths_.state_file(recording) + ".journal";
}

std::string RecordingStore::memory_path(std::uint64_t recording) const {
  return memory() + "/" + std::to_string(recording);
}

void RecordingStore::remove_memory(std::uint64_t recording) const {
  std::error_code ignored;
  std::filesystem::remove_all(memory_path(recording), ignored);
}

std::string RecordingStore::session_file(const std::string& name) const {
  return sessions() + "/" + directory_name(name);
}

Status RecordingStore::save_session(const v1::SessionState& state) const {
  return replace_file(sessions(), session_file(state.session().name()), state.SerializeAsString());
}

void RecordingStore::remove_session(const std::string& name) const {
  ::unlink(session_file(name).c_str());
}

std::string RecordingStore::put_aside(const std::string& path) const {
  const std::string directory = paths_.directory + "/refused";
  (void)::mkdir(directory.c_str(), 0700);
  std::string target = directory + path.substr(path.rfind('/'));
  (void)::rename(path.c_str(), target.c_str());
  return target;
}

void RecordingStore::refuse(std::uint64_t recording) const {
  remove_memory(recording);
  (void)put_aside(paths_.state_file(recording));
  (void)put_aside(journal_path(recording));
}

std::vector<v1::RecordingState> RecordingStore::load(std::vector<std::string>* refused) const {
  std::vector<v1::RecordingState> states;
  for (const std::string& path : files_of(paths_.states())) {
    const auto bytes = read_path(path);
    auto state = bytes ? parse_state(*bytes) : tl::unexpected(bytes.error());
    if (state && path == paths_.state_file(state->recording())) {
      states.push_back(std::move(*state));
    } else {
      refused->push_back("the state of a recording cannot be used: " +
                         (state ? "it has another one's name" : state.error().text()) +
                         "; it is in " + put_aside(path) +
                         ", and what was written of it is in its trace");
    }
  }
  return states;
}

std::vector<v1::SessionState> RecordingStore::load_sessions(
    std::vector<std::string>* refused) const {
  std::vector<v1::SessionState> states;
  for (const std::string& path : files_of(sessions())) {
    const auto bytes = read_path(path);
    auto state = bytes ? parse_session_state(*bytes) : tl::unexpected(bytes.error());
    if (state && path == session_file(state->session().name())) {
      states.push_back(std::move(*state));
    } else {
      refused->push_back("the state of a session cannot be used: " +
                         (state ? "it has another one's name" : state.error().text()) +
                         "; it is in " + put_aside(path) + ": create the session again");
    }
  }
  return states;
}

void RecordingStore::remove_others(const std::vector<v1::RecordingState>& kept) const {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(memory(), error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (std::none_of(kept.begin(), kept.end(), [&](const v1::RecordingState& state) {
          return entry->path().filename() == std::to_string(state.recording());
        }))
      std::filesystem::remove_all(entry->path(), ignored);
  }
  std::vector<std::string> names;
  for (const v1::RecordingState& state : kept)
    for (int channel = 0; channel < state.kernel_files_size(); ++channel)
      names.push_back(pin_name(state.recording(), static_cast<std::size_t>(channel),
                               state.kernel_files(channel).pins()));
  kernel::PinDirectory::remove_others(pin_parent(), names);
}

}  // namespace sillage::daemon
