// SPDX-License-Identifier: MIT
#include "sillage/doctor.hpp"

#include "apps/socket_path.hpp"
#include "client/daemon_start.hpp"
#include "control/client.hpp"
#include "ring/memory.hpp"
#include "sillage/units.hpp"
#include "tracefs/kernel_events.hpp"

#include <fmt/core.h>

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <utility>

namespace sillage::command {
namespace {

using tracefs::read_kernel_file;

constexpr std::size_t kMaxFileBytes = 65536;
constexpr std::uint64_t kLittleMemory = 256ULL << 20;
constexpr std::uint64_t kFewDescriptors = 1024;
constexpr std::chrono::seconds kAnswerDeadline{2};

std::optional<std::string> line_of(const std::string& path) {
  auto text = read_kernel_file(path, kMaxFileBytes);
  if (!text) return std::nullopt;
  text->erase(std::min(text->find('\n'), text->size()));
  return *text;
}

// The value of "NAME:\tVALUE" in a file such as /proc/self/status.
std::optional<std::string> field_of(const std::string& path, const std::string& name) {
  const auto text = read_kernel_file(path, kMaxFileBytes);
  const std::size_t at = text ? ("\n" + *text).find("\n" + name + ":") : std::string::npos;
  if (at == std::string::npos) return std::nullopt;
  const std::size_t begin = text->find_first_not_of(" \t", at + name.size() + 1);
  if (begin == std::string::npos) return std::nullopt;
  return text->substr(begin, text->find('\n', begin) - begin);
}

std::optional<std::uint64_t> number(const std::optional<std::string>& text, int base = 10) {
  std::uint64_t value = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value, base);
  if (error != std::errc() || end == text->data()) return std::nullopt;
  return value;
}

// A directory that is not there yet is made by the daemon in the one above it.
std::string trouble_with(const std::string& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) == 0) {
    if (!S_ISDIR(status.st_mode)) return "is no directory";
    return ::access(directory.c_str(), R_OK | W_OK | X_OK) == 0 ? "" : "may not be written to";
  }
  const std::size_t slash = directory.rfind('/');
  const std::string above =
      slash == 0 || slash == std::string::npos ? "/" : directory.substr(0, slash);
  return ::access(above.c_str(), W_OK | X_OK) == 0 ? ""
                                                   : "is not there and cannot be made in " + above;
}

std::string daemon_here() {
  auto client = client::connect_running();
  if (!client) return {};
  control::v1::Request request;
  request.mutable_version();
  const auto response = client->call(std::move(request), kAnswerDeadline);
  if (!response) return "does not answer: " + response.error().text();
  return fmt::format("{}, pid {}", response->version().version(), response->version().pid());
}

bool has(const MachineFacts& facts, unsigned capability) {
  return (facts.capabilities >> capability & 1) != 0;
}

// Loading needs both on their own, or the older one that has all.
bool may_load_programs(const MachineFacts& facts) {
  return has(facts, CAP_SYS_ADMIN) || (has(facts, CAP_BPF) && has(facts, CAP_PERFMON));
}

void judge_programs(const MachineFacts& facts, std::vector<Finding>* all) {
  all->push_back({"daemon", facts.daemon.empty() ? "none runs: commands start one" : facts.daemon,
                  facts.daemon.starts_with("does not") ? Verdict::kBad : Verdict::kGood,
                  facts.daemon.starts_with("does not")
                      ? "end it (see the pid in its lock file), and try again"
                      : ""});
  all->push_back(
      {"runtime directory",
       facts.runtime_directory + (facts.runtime_trouble.empty() ? "" : " " + facts.runtime_trouble),
       facts.runtime_trouble.empty() ? Verdict::kGood : Verdict::kBad,
       facts.runtime_trouble.empty() ? "" : "make it yours, or set SILLAGE_RUNTIME_DIR"});
  if (facts.has_rseq) {
    all->push_back({"restartable sequences", "registered by the C library", Verdict::kGood, ""});
  } else {
    all->push_back({"restartable sequences", "not registered", Verdict::kLimited,
                    "an event costs some 2 times as much; glibc 2.35 and Linux 4.18 have them, and "
                    "GLIBC_TUNABLES may "
                    "not say glibc.pthread.rseq=0"});
  }
  const std::string source = facts.clock_source.value_or("unknown");
  if (source == "tsc") {
    all->push_back({"clock", "TSC, which the kernel trusts", Verdict::kGood, ""});
  } else {
    all->push_back({"clock", source, Verdict::kLimited,
                    "events read the clock through the kernel's vDSO, some 2 times as dear; on "
                    "hardware with a stable TSC: "
                    "boot with tsc=reliable, or echo tsc > "
                    "/sys/devices/system/clocksource/clocksource0/current_clocksource"});
  }
  const std::uint64_t memory = std::min(facts.memory_bytes, facts.limited_memory_bytes);
  const bool is_little = memory < kLittleMemory;
  all->push_back(
      {"memory",
       size_text(memory) + (facts.limited_memory_bytes < facts.memory_bytes
                                ? " left by the limits of this control group"
                                : " available"),
       is_little ? Verdict::kLimited : Verdict::kGood,
       is_little
           ? "rings take sub-buffers x their size x CPUs: make them smaller with --subbuf-size and "
             "--num-subbuf"
           : ""});
  const bool is_few = facts.descriptor_limit < kFewDescriptors;
  all->push_back(
      {"descriptors", fmt::format("{} at most", facts.descriptor_limit),
       is_few ? Verdict::kLimited : Verdict::kGood,
       is_few ? "the daemon needs some 8 for each traced program: raise ulimit -n" : ""});
}

void judge_rights(const MachineFacts& facts, std::vector<Finding>* all) {
  if (may_load_programs(facts)) {
    all->push_back(
        {"rights", facts.uid == 0 ? "root" : "CAP_BPF and CAP_PERFMON", Verdict::kGood, ""});
  } else {
    const std::string missing = has(facts, CAP_BPF)       ? "CAP_PERFMON"
                                : has(facts, CAP_PERFMON) ? "CAP_BPF"
                                                          : "CAP_BPF, CAP_PERFMON";
    all->push_back({"rights", "without " + missing, Verdict::kLimited,
                    "user-space events only; for the kernel's: sudo sillage record -k, or be in "
                    "the group tracing while "
                    "root's daemon runs"});
  }
  const bool is_locked =
      facts.lockdown && facts.lockdown->find("[confidentiality]") != std::string::npos;
  all->push_back(
      {"lockdown", facts.lockdown.value_or("not in this kernel"),
       is_locked ? Verdict::kBad : Verdict::kGood,
       is_locked ? "no program may read the kernel's memory: boot without lockdown=confidentiality"
                 : ""});
  const bool is_slow = facts.bpf_jit == "0";
  all->push_back(
      {"BPF compiler", is_slow ? "off" : "on", is_slow ? Verdict::kLimited : Verdict::kGood,
       is_slow ? "programs are interpreted, several times slower: sysctl net.core.bpf_jit_enable=1"
               : ""});
  const auto paranoid = facts.perf_paranoid;
  const bool is_barred =
      paranoid && !paranoid->starts_with('-') && *paranoid > "1" && !may_load_programs(facts);
  all->push_back({"perf_event_paranoid", paranoid.value_or("unknown"),
                  is_barred ? Verdict::kLimited : Verdict::kGood,
                  !is_barred ? ""
                  : *paranoid > "2"
                      ? "no perf counters, neither the kernel's nor those of programs' threads, "
                        "without CAP_PERFMON: sysctl kernel.perf_event_paranoid=1"
                      : "no perf counters of the kernel without CAP_PERFMON: sysctl "
                        "kernel.perf_event_paranoid=1"});
}

}  // namespace

MachineFacts examine_machine() {
  MachineFacts facts;
  facts.uid = ::geteuid();
  utsname name{};
  if (::uname(&name) == 0) {
    facts.release = name.release;
    facts.architecture = name.machine;
  }
  facts.capabilities = number(field_of("/proc/self/status", "CapEff"), 16).value_or(0);
  facts.lockdown = line_of("/sys/kernel/security/lockdown");
  facts.bpf_jit = line_of("/proc/sys/net/core/bpf_jit_enable");
  facts.perf_paranoid = line_of("/proc/sys/kernel/perf_event_paranoid");
  facts.clock_source = line_of("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  facts.has_rseq = __rseq_size != 0;
  facts.memory_bytes = ring::machine_memory_bytes();
  facts.limited_memory_bytes = ring::limited_memory_bytes();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.descriptor_limit = limit.rlim_max;
  facts.runtime_directory = apps::runtime_paths().directory;
  facts.runtime_trouble = trouble_with(facts.runtime_directory);
  facts.daemon = daemon_here();
  if (may_load_programs(facts)) facts.abilities = kernel::try_abilities();
  return facts;
}

std::vector<Finding> judge(const MachineFacts& facts) {
  std::vector<Finding> all;
  all.push_back(
      {"kernel", "Linux " + facts.release + ", " + facts.architecture, Verdict::kGood, ""});
  judge_programs(facts, &all);
  judge_rights(facts, &all);
  for (const kernel::Ability& ability : facts.abilities) {
    all.push_back({ability.name, ability.tried ? "tried: works" : ability.tried.error().text(),
                   ability.tried ? Verdict::kGood : Verdict::kLimited,
                   ability.tried ? "" : "lost without: " + ability.use});
  }
  return all;
}

std::string doctor_text(const std::vector<Finding>& findings) {
  std::size_t width = 0;
  for (const Finding& finding : findings) width = std::max(width, finding.subject.size());
  std::string text;
  for (const Finding& finding : findings) {
    const char* const verdict = finding.verdict == Verdict::kGood      ? "good"
                                : finding.verdict == Verdict::kLimited ? "limited"
                                                                       : "BAD";
    text += fmt::format("{:<7}  {:<{}}  {}\n", verdict, finding.subject, width, finding.found);
    if (!finding.remedy.empty())
      text += fmt::format("{:>{}}  -> {}\n", "", width + 9, finding.remedy);
  }
  return text;
}

int doctor() {
  const std::vector<Finding> findings = judge(examine_machine());
  fmt::print("{}", doctor_text(findings));
  const bool is_bad = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.verdict == Verdict::kBad;
  });
  return is_bad ? 1 : 0;
}

}  // namespace sillage::command
