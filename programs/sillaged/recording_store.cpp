// SPDX-License-Identifier: MIT
#include "sillaged/recording_store.hpp"

#include "base/fd.hpp"
#include "ctf/model.hpp"
#include "kernel/pins.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace sillage::daemon {
namespace {

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

Result<std::string> read_whole(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.value(), &status) != 0) return fail_errno("cannot open " + path);
  if (!S_ISREG(status.st_mode) || status.st_size < 0 ||
      static_cast<std::size_t>(status.st_size) > kMaxStateBytes)
    return fail(Code::kCorrupt, path + " is not the state of a recording");
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::read(file.value(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(Code::kCorrupt, path + " cannot be read whole");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace

Result<v1::RecordingState> parse_state(const std::string& bytes) {
  v1::RecordingState state;
  if (!state.ParseFromString(bytes) || state.format() != kStateFormat)
    return fail(Code::kCorrupt, "it is not the state of a recording of this release");
  const bool is_of_kernel = state.request().kernel_channels_size() != 0;
  if (state.recording() == 0 || is_of_kernel != state.has_kernel() ||
      (is_of_kernel && state.kernel().uuid().size() != sizeof(ctf::Uuid)) ||
      state.nested_lost_size() > state.request().kernel_channels_size())
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

std::string RecordingStore::pin_path(std::uint64_t recording, std::size_t channel) const {
  return pin_parent() + "/" + std::to_string(recording) + "-" + std::to_string(channel);
}

Status RecordingStore::save(const v1::RecordingState& state) const {
  const std::string directory = paths_.states();
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno("cannot make the directory " + directory);
  const std::string path = paths_.state_file(state.recording());
  const std::string draft = path + ".new";
  SILLAGE_TRY(write_whole(draft, state.SerializeAsString()));
  if (::rename(draft.c_str(), path.c_str()) != 0) return fail_errno("cannot rename " + draft);
  return {};
}

void RecordingStore::remove(std::uint64_t recording) const {
  ::unlink(paths_.state_file(recording).c_str());
}

std::vector<v1::RecordingState> RecordingStore::load() const {
  std::vector<v1::RecordingState> states;
  std::error_code error;
  std::vector<std::string> paths;
  for (std::filesystem::directory_iterator entry(paths_.states(), error), end;
       !error && entry != end; entry.increment(error))
    paths.push_back(entry->path());
  for (const std::string& path : paths) {
    const auto bytes = read_whole(path);
    auto state = bytes ? parse_state(*bytes) : tl::unexpected(bytes.error());
    if (state && path == paths_.state_file(state->recording())) {
      states.push_back(std::move(*state));
    } else {
      ::unlink(path.c_str());
    }
  }
  return states;
}

void RecordingStore::remove_other_pins(const std::vector<v1::RecordingState>& kept) const {
  std::vector<std::string> names;
  for (const v1::RecordingState& state : kept)
    for (int channel = 0; channel < state.request().kernel_channels_size(); ++channel)
      names.push_back(std::to_string(state.recording()) + "-" + std::to_string(channel));
  kernel::PinDirectory::remove_others(pin_parent(), names);
}

}  // namespace sillage::daemon
