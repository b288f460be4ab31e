// SPDX-License-Identifier: MIT
#include "convert/trace_directories.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

namespace sillage::convert {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMetadataName = "metadata";

Status find_below(const fs::path& path, std::vector<fs::path>* found) {
  std::error_code error;
  if (fs::is_regular_file(path / kMetadataName, error)) {
    found->push_back(path);
    return {};
  }
  std::vector<fs::path> below;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) below.push_back(entry->path());
  }
  if (error) return fail_errno(path.string(), error.value());
  std::sort(below.begin(), below.end());
  for (const fs::path& directory : below) SILLAGE_TRY(find_below(directory, found));
  return {};
}

// A name that no other path took.
std::string unique_name(const fs::path& path, std::set<std::string>* taken) {
  std::string base = path.filename().string();
  if (base.empty()) base = "trace";
  std::string name = base;
  for (unsigned number = 2; !taken->insert(name).second; ++number) {
    name = base + "-" + std::to_string(number);
  }
  return name;
}

}  // namespace

Result<std::vector<TraceDirectory>> find_trace_directories(const std::vector<std::string>& paths) {
  std::vector<TraceDirectory> directories;
  std::set<fs::path> seen;
  std::set<std::string> names;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::path absolute = fs::canonical(path, error);
    if (error) return fail_errno(path, error.value());
    std::vector<fs::path> found;
    if (fs::is_directory(absolute, error)) SILLAGE_TRY(find_below(absolute, &found));
    if (found.empty()) {
      return fail(Code::kNotFound, path +
                                       ": there is no trace here: no directory at or below it "
                                       "has a file named metadata");
    }
    const fs::path own = paths.size() == 1 ? fs::path() : fs::path(unique_name(absolute, &names));
    for (const fs::path& directory : found) {
      if (!seen.insert(directory).second) continue;
      fs::path place = own / directory.lexically_relative(absolute);
      if (place.filename() == ".") place = place.parent_path();
      directories.push_back({.path = directory.string(), .place = place.string()});
    }
  }
  return directories;
}

Result<std::vector<std::string>> data_stream_files(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (name == kMetadataName || name.starts_with('.') || !entry->is_regular_file(ignored))
      continue;
    names.push_back(name);
  }
  if (error) return fail_errno(directory, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

Status make_directories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail_errno(path, error.value());
  return {};
}

Status make_output_directory(const std::string& path) {
  std::error_code error;
  const bool is_there = fs::exists(path, error);
  if (is_there && (!fs::is_directory(path, error) || !fs::is_empty(path, error))) {
    return fail(Code::kAlreadyExists, path + ": there is something here already; choose another");
  }
  return make_directories(path);
}

}  // namespace sillage::convert
