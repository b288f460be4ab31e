// SPDX-License-Identifier: MIT
#include "kernel/system_calls.hpp"

#include "tracefs/kernel_events.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

extern const std::string_view kSystemCallsText;  // syscalls_ARCHITECTURE.txt

namespace sillage::kernel {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kMaxNumber = 4096;  // the largest today is 547
constexpr std::uint32_t kRegisters = 6;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (;;) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos || line[begin] == '#') return words;
    const std::size_t end = std::min(line.find(' ', begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

// "compat_sys_NAME" that a line of the table may name, beside the call.
struct TableLine {
  SystemCall call;
  std::string compat_function;
};

std::optional<TableLine> parse_line(const std::vector<std::string_view>& words) {
  if (words.size() < 3 || words.size() > 5) return std::nullopt;
  TableLine line;
  if (words[0] == "32")
    line.call.abi = Abi::kCompat;
  else if (words[0] != "64")
    return std::nullopt;
  const auto [end, status] =
      std::from_chars(words[1].data(), words[1].data() + words[1].size(), line.call.number);
  if (status != std::errc() || end != words[1].data() + words[1].size() ||
      line.call.number > kMaxNumber)
    return std::nullopt;
  line.call.user_name = std::string(words[2]);
  line.call.name = std::string(words.size() > 3 ? words[3] : words[2]);
  if (words.size() > 4) line.compat_function = std::string(words[4]);
  return line;
}

Result<std::vector<TableLine>> parse_table(std::string_view text) {
  std::vector<TableLine> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto words = words_of(line);
    if (words.empty()) continue;
    auto parsed = parse_line(words);
    if (!parsed)
      return fail(Code::kCorrupt, "\"" + std::string(line) + "\" is no line of a table of calls");
    lines.push_back(std::move(*parsed));
  }
  return lines;
}

// From what tracefs says of sys_enter_NAME.
std::optional<std::vector<SystemCallArgument>> arguments_in_tracefs(const std::string& tracefs,
                                                                    const std::string& name) {
  const auto format = tracefs::read_event_format(tracefs, {"syscalls", "sys_enter_" + name});
  if (!format) return std::nullopt;
  std::vector<SystemCallArgument> arguments;
  for (const tracefs::FormatField& field : format->fields) {
    if (field.name == "__syscall_nr") continue;
    // Copies of what pointers point to, which some kernels add, are no arguments.
    if (field.place != tracefs::FieldPlace::kFixed) continue;
    arguments.push_back({field.name, field.type});
  }
  return arguments;
}

// From the function behind the entry: SYSCALL_DEFINE makes __do_sys_NAME with the arguments as they are
// declared, if the compiler leaves it.
std::optional<std::vector<SystemCallArgument>> arguments_in_types(
    const Btf& btf, std::initializer_list<std::string> functions) {
  for (const std::string& name : functions) {
    const auto function = btf.find_function(name);
    const auto prototype = function ? btf.prototype(*function) : std::nullopt;
    if (!prototype || prototype->parameters.size() > kRegisters) continue;
    std::vector<SystemCallArgument> arguments;
    bool is_named = true;
    for (const Parameter& parameter : prototype->parameters) {
      is_named = is_named && !parameter.name.empty() && parameter.name != "__unused";
      arguments.push_back({parameter.name, btf.c_name(parameter.type)});
    }
    if (is_named) return arguments;
  }
  return std::nullopt;
}

std::vector<SystemCallArgument> all_registers() {
  std::vector<SystemCallArgument> arguments;
  for (std::uint32_t i = 0; i < kRegisters; ++i)
    arguments.push_back({"arg" + std::to_string(i), "unsigned long"});
  return arguments;
}

void find_arguments(const std::string& tracefs, const Btf* btf, const std::string& compat_function,
                    SystemCall* call) {
  std::optional<std::vector<SystemCallArgument>> arguments;
  if (!compat_function.empty() && btf != nullptr)
    arguments = arguments_in_types(*btf, {"__do_compat_sys_" + compat_function});
  if (!arguments) arguments = arguments_in_tracefs(tracefs, call->name);
  if (!arguments && btf != nullptr)
    arguments = arguments_in_types(*btf, {"__do_sys_" + call->name, "__se_sys_" + call->name});
  // Those that 32-bit programs have in another form than 64-bit ones have the same arguments: ia32_pread64.
  if (!arguments && call->abi == Abi::kCompat)
    arguments = arguments_in_tracefs(tracefs, call->user_name);
  call->has_types = arguments.has_value();
  call->arguments = arguments ? std::move(*arguments) : all_registers();
}

}  // namespace

std::string SystemCall::entry_event() const {
  return (abi == Abi::kCompat ? "compat_syscall_entry_" : "syscall_entry_") + name;
}

std::string SystemCall::exit_event() const {
  return (abi == Abi::kCompat ? "compat_syscall_exit_" : "syscall_exit_") + name;
}

Result<std::vector<SystemCall>> parse_system_call_table(std::string_view text) {
  auto lines = parse_table(text);
  if (!lines) return tl::unexpected(std::move(lines).error());
  std::vector<SystemCall> calls;
  for (TableLine& line : *lines) calls.push_back(std::move(line.call));
  return calls;
}

Result<SystemCalls> SystemCalls::load(const std::string& tracefs, const Btf* btf) {
  auto lines = parse_table(kSystemCallsText);
  if (!lines) return tl::unexpected(std::move(lines).error());
  std::sort(lines->begin(), lines->end(), [](const TableLine& a, const TableLine& b) {
    return std::tie(a.call.abi, a.call.number) < std::tie(b.call.abi, b.call.number);
  });
  SystemCalls calls;
  std::set<std::string> names;
  for (TableLine& line : *lines) {
    find_arguments(tracefs, btf, line.compat_function, &line.call);
    auto& by_number = line.call.abi == Abi::kNative ? calls.native_ : calls.compat_;
    if (by_number.size() <= line.call.number) by_number.resize(line.call.number + 1, kNone);
    by_number[line.call.number] = static_cast<std::uint32_t>(calls.all_.size());
    names.insert(line.call.name);
    calls.all_.push_back(std::move(line.call));
  }
  if (const auto events = tracefs::event_names(tracefs); events) {
    constexpr std::string_view kEnter = "sys_enter_";
    for (const tracefs::EventName& event : *events) {
      if (event.system != "syscalls" || !event.event.starts_with(kEnter)) continue;
      const std::string name = event.event.substr(kEnter.size());
      if (!names.contains(name)) calls.without_number_.push_back(name);
    }
  }
  return calls;
}

const SystemCall* SystemCalls::find(Abi abi, std::uint32_t number) const {
  const auto& by_number = abi == Abi::kNative ? native_ : compat_;
  if (number >= by_number.size() || by_number[number] == kNone) return nullptr;
  return &all_[by_number[number]];
}

}  // namespace sillage::kernel
