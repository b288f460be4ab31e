// SPDX-License-Identifier: MIT
#include "session/snapshot_output.hpp"

#include "session/checks.hpp"

#include <algorithm>
#include <utility>

namespace sillage::session {
namespace {

constexpr std::size_t kMaxPath = 3700;  // PATH_MAX less a snapshot's directory and those in it
constexpr char kUnnamed[] = "snapshot-";

Status check(const std::string& name, const std::string& path) {
  if (!name.empty() && (!can_be_file_name(name) || name[0] == '.'))
    return fail(Code::kInvalidArgument,
                "Invalid snapshot name: \"" + name + "\": it becomes a directory's");
  if (path.empty() || path[0] != '/' || path.size() > kMaxPath ||
      path.find('\0') != std::string::npos)
    return fail(Code::kInvalidArgument,
                "the output of snapshots must be an absolute path of at most 3700 bytes");
  return {};
}

}  // namespace

Result<SnapshotOutput> SnapshotOutputs::add(std::string name, std::string path,
                                            std::uint64_t max_bytes) {
  SILLAGE_TRY(check(name, path));
  if (name.empty()) name = kUnnamed + std::to_string(next_id_);
  if (std::any_of(outputs_.begin(), outputs_.end(),
                  [&](const SnapshotOutput& each) { return each.name == name; }))
    return fail(Code::kAlreadyExists,
                "Snapshot output already exists: choose another name with --name");
  outputs_.push_back({next_id_++, std::move(name), std::move(path), max_bytes});
  return outputs_.back();
}

Result<SnapshotOutput> SnapshotOutputs::remove(std::string_view name_or_id) {
  auto found = std::find_if(outputs_.begin(), outputs_.end(),
                            [&](const SnapshotOutput& each) { return each.name == name_or_id; });
  if (found == outputs_.end())
    found = std::find_if(outputs_.begin(), outputs_.end(), [&](const SnapshotOutput& each) {
      return std::to_string(each.id) == name_or_id;
    });
  if (found == outputs_.end())
    return fail(Code::kNotFound,
                "Invalid parameter: there is no snapshot output " + std::string(name_or_id));
  SnapshotOutput gone = std::move(*found);
  outputs_.erase(found);
  return gone;
}

Result<std::vector<SnapshotPlan>> SnapshotOutputs::plan(const SnapshotRequest& request,
                                                        const std::string& datetime) {
  std::vector<SnapshotOutput> wanted = outputs_;
  if (!request.path.empty()) wanted = {{0, kUnnamed + std::string("0"), request.path, 0}};
  if (wanted.empty())
    return fail(Code::kNotFound,
                "Snapshot record failed: the session has no snapshot output; add one");
  SILLAGE_TRY(check(request.name, wanted.front().path));
  std::vector<SnapshotPlan> plans;
  for (const SnapshotOutput& output : wanted) {
    const std::string& name = request.name.empty() ? output.name : request.name;
    std::string path = output.path;
    path.append("/").append(name).append("-").append(datetime).append("-");
    path += std::to_string(snapshots_);
    plans.push_back(
        {std::move(path), request.max_bytes != 0 ? request.max_bytes : output.max_bytes});
    // With a name for all of them, or the same place, two would be one.
    const auto same = [&](const SnapshotPlan& other) { return other.path == plans.back().path; };
    if (std::any_of(plans.begin(), plans.end() - 1, same))
      plans.back().path += "-" + std::to_string(output.id);
  }
  ++snapshots_;
  return plans;
}

}  // namespace sillage::session
