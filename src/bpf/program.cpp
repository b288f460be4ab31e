// SPDX-License-Identifier: MIT
#include "bpf/program.hpp"

#include <bpf/bpf.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <string_view>
#include <vector>

namespace sillage::bpf {
namespace {

// The verifier's log of a large program is long; why it gave up is at the end.
constexpr std::size_t kLogBytes = std::size_t{16} << 20;
constexpr std::size_t kShownBytes = 600;

std::string kernel_name(const std::string& name) {
  std::string made = name.substr(0, BPF_OBJ_NAME_LEN - 1);
  std::replace_if(
      made.begin(), made.end(),
      [](unsigned char letter) { return std::isalnum(letter) == 0 && letter != '_'; }, '_');
  return made;
}

std::string last_lines(std::string_view log) {
  log = log.substr(0, log.find('\0'));
  // "processed N insns ..." says nothing about why; alone it is what a program has that was good.
  const std::size_t summary = log.rfind("\nprocessed ");
  if (summary != std::string_view::npos) log = log.substr(0, summary);
  if (log.starts_with("processed ")) return {};
  if (log.size() > kShownBytes) {
    log = log.substr(log.size() - kShownBytes);
    const std::size_t line = log.find('\n');
    if (line != std::string_view::npos) log = log.substr(line + 1);
  }
  return std::string(log);
}

}  // namespace

Result<Fd> load_program(std::span<const bpf_insn> code, const ProgramOptions& options) {
  bpf_prog_load_opts wanted{};
  wanted.sz = sizeof wanted;
  wanted.expected_attach_type = options.attach_type;
  wanted.attach_btf_id = options.attach_btf_id;
  if (options.attach_btf_fd >= 0)
    wanted.attach_btf_obj_fd = static_cast<std::uint32_t>(options.attach_btf_fd);
  if (options.sleepable) wanted.prog_flags |= BPF_F_SLEEPABLE;
  const std::string name = kernel_name(options.name);
  // The helpers that read the kernel's memory are for programs under the GPL only.
  const auto load = [&] {
    return ::bpf_prog_load(options.type, name.c_str(), "GPL", code.data(), code.size(), &wanted);
  };
  Fd fd(load());
  if (fd) return fd;
  const int error_number = errno;
  const std::string what = "the kernel refuses the program for " + options.name;
  if (error_number == EPERM)
    return fail(
        Code::kPermission,
        what + ": run as root, or with CAP_BPF and CAP_PERFMON; kernel lockdown refuses it, too");
  std::vector<char> log(kLogBytes);
  wanted.log_buf = log.data();
  wanted.log_size = static_cast<std::uint32_t>(log.size());
  wanted.log_level = 1;
  fd = Fd(load());
  if (fd) return fd;
  const std::string reason = last_lines({log.data(), log.size()});
  if (reason.empty()) return fail_errno(what, error_number);
  return fail(Code::kUnsupported, what + ": " + reason);
}

Result<Fd> open_module_btf(const std::string& module) {
  std::uint32_t id = 0;
  while (::bpf_btf_get_next_id(id, &id) == 0) {
    Fd fd(::bpf_btf_get_fd_by_id(id));
    if (!fd) continue;  // unloaded meanwhile
    char name[64] = {};
    bpf_btf_info info{};
    info.name = reinterpret_cast<std::uint64_t>(name);
    info.name_len = sizeof name;
    std::uint32_t bytes = sizeof info;
    if (::bpf_obj_get_info_by_fd(fd.value(), &info, &bytes) == 0 && info.kernel_btf != 0 &&
        module == name)
      return fd;
  }
  return fail(Code::kNotFound, "there is no module " + module + " with BTF");
}

Result<Fd> program_of_link(int link_fd) {
  bpf_link_info info{};
  std::uint32_t bytes = sizeof info;
  if (::bpf_obj_get_info_by_fd(link_fd, &info, &bytes) != 0)
    return fail_errno("cannot ask for the program of a BPF link");
  Fd program(::bpf_prog_get_fd_by_id(info.prog_id));
  if (!program) return fail_errno("cannot open the program of a BPF link");
  return program;
}

Result<std::uint32_t> link_id(int link_fd) {
  bpf_link_info info{};
  std::uint32_t bytes = sizeof info;
  if (::bpf_obj_get_info_by_fd(link_fd, &info, &bytes) != 0)
    return fail_errno("cannot ask for the number of a BPF link");
  return info.id;
}

bool has_link(std::uint32_t link_id) {
  return static_cast<bool>(Fd(::bpf_link_get_fd_by_id(link_id)));
}

Result<std::uint64_t> recursion_misses(int program_fd) {
  bpf_prog_info info{};
  std::uint32_t bytes = sizeof info;
  if (::bpf_obj_get_info_by_fd(program_fd, &info, &bytes) != 0)
    return fail_errno("cannot ask for the counters of a BPF program");
  return info.recursion_misses;
}

}  // namespace sillage::bpf
