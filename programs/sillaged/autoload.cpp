// SPDX-License-Identifier: MIT
#include "sillaged/autoload.hpp"

#include "base/fd.hpp"
#include "base/result.hpp"
#include "lttng/process_value.hpp"
#include "lttng/session_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

namespace sillage::daemon {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = std::size_t{17}
                                      << 20;  // more than a file of sessions may have

std::vector<std::string> files_at(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error))
    return fs::exists(path, error) ? std::vector{path} : std::vector<std::string>{};
  std::vector<std::string> files;
  for (fs::directory_iterator each(path, error), end; !error && each != end; each.increment(error))
    if (each->path().extension() == ".lttng") files.push_back(each->path().string());
  std::sort(files.begin(), files.end());
  return files;
}

/// Errors: kPermission  somebody else could have written it; kSystem.
Result<std::string> read_own_file(const std::string& path) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return fail_errno("cannot open " + path);
  struct stat status = {};
  if (fstat(file.value(), &status) != 0) return fail_errno("cannot look at " + path);
  if (!S_ISREG(status.st_mode)) return fail(Code::kInvalidArgument, path + " is no file");
  if ((status.st_uid != 0 && status.st_uid != geteuid()) || (status.st_mode & S_IWOTH) != 0)
    return fail(Code::kPermission,
                path + " is another user's, or everybody may write it: it is not loaded");
  std::string text;
  char buffer[16384];
  while (text.size() < kMaxFileBytes) {
    const ssize_t got = read(file.value(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read " + path);
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

Status add_file(const std::string& path, Autoload* autoload) {
  const auto text = read_own_file(path);
  if (!text) return tl::unexpected<Error>(text.error());
  auto sessions = lttng::read_session_file(*text, path);
  if (!sessions) return tl::unexpected<Error>(std::move(sessions).error());
  for (lttng::SavedSession& saved : *sessions) {
    if (!saved.output_problem.empty()) return fail(Code::kUnsupported, saved.output_problem);
    SILLAGE_TRY(lttng::look_up_names(&saved.session));
    const bool is_started = saved.session.state() == control::v1::Session::STARTED;
    const std::string name = saved.session.name();
    *autoload->requests.emplace_back().mutable_load_session()->mutable_session() =
        std::move(saved.session);
    if (is_started) autoload->requests.emplace_back().mutable_start_session()->set_name(name);
  }
  return {};
}

}  // namespace

std::vector<std::string> autoload_directories(const std::string& home) {
  return {home + "/.lttng/sessions/auto", "/etc/lttng/sessions/auto"};
}

Autoload read_autoload(const std::vector<std::string>& paths) {
  Autoload autoload;
  for (const std::string& path : paths)
    for (const std::string& file : files_at(path))
      if (const Status added = add_file(file, &autoload); !added)
        autoload.problems.push_back(added.error().text());
  return autoload;
}

}  // namespace sillage::daemon
