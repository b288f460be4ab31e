// SPDX-License-Identifier: MIT
#include "kernel/syscall_dispatch.hpp"

#include "bpf/assembler.hpp"
#include "bpf/program.hpp"
#include "kernel/attach.hpp"
#include "kernel/maps.hpp"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace sillage::kernel {
namespace {

using bpf::Alu;
using bpf::If;
using bpf::Label;
using bpf::Size;
using enum bpf::Reg;

// Room for twice the numbers there are (the largest is 547, of x32), and behind them the place of the
// program for calls that nobody names.
constexpr std::uint32_t kNumbers = 1024;

// A byte of each number, and one that says whether programs differ in whom they reject.
constexpr std::uint32_t kFlags = kNumbers + 8;
constexpr std::uint32_t kGatesDiffer = kNumbers;

// From here on so many are wanted that asking costs more than it saves.
constexpr std::size_t kMostlyWanted = 256;

constexpr std::array<const char*, 2> kTracepoints{"sys_enter", "sys_exit"};

bool is_same(const std::vector<bpf_insn>& left, const std::vector<bpf_insn>& right) {
  return left.size() == right.size() &&
         (left.empty() ||
          std::memcmp(left.data(), right.data(), left.size() * sizeof(bpf_insn)) == 0);
}

}  // namespace

Result<std::unique_ptr<SyscallDispatch>> SyscallDispatch::create(const Btf& btf,
                                                                 const CurrentTask& current,
                                                                 int excluded_fd, bool may_change) {
  const auto registers = SyscallRegisters::find(btf);
  if (!registers) return tl::unexpected(registers.error());
  const auto task = btf.find_tag("task_struct");
  const auto tgid = btf.member(task.value_or(TypeRef{}), "tgid");
  if (!tgid) return tl::unexpected(tgid.error());
  std::unique_ptr<SyscallDispatch> made(new SyscallDispatch(*registers, may_change));
  made->current_ = current;
  made->excluded_fd_ = excluded_fd;
  made->tgid_offset_ = static_cast<std::int32_t>(tgid->offset_bytes);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto type = btf.find_tracepoint(kTracepoints[i]);
    if (!type)
      return fail(Code::kUnsupported,
                  "kernel " + btf.release() +
                      " cannot trace system calls (CONFIG_HAVE_SYSCALL_TRACEPOINTS)");
    made->attach_ids_[i] = type->id;
    for (Fd& table : made->directions_[i].tables) {
      auto map = create_program_table(kNumbers + 1);
      if (!map) return tl::unexpected(std::move(map).error());
      table = std::move(*map);
    }
    auto wanted = create_flags_map(kFlags);
    if (!wanted) return tl::unexpected(std::move(wanted).error());
    made->directions_[i].wanted = std::move(*wanted);
  }
  return made;
}

Status SyscallDispatch::check(const SyscallPlace& place) {
  if (place.number && *place.number >= kNumbers)
    return fail(Code::kLimit, "there is no system call " + std::to_string(*place.number));
  return {};
}

void SyscallDispatch::remove(const SyscallPlace& place) {
  Direction& direction = directions_[place.at_exit ? 1 : 0];
  const auto abi = static_cast<std::size_t>(place.abi);
  clear_program(direction.tables[abi].value(), place.number.value_or(kNumbers));
  if (place.number) {
    direction.numbers[abi].erase(*place.number);
  } else if (may_change_) {
    direction.has_unknown[abi] = false;
  }
  // Else programs look in vain.
  (void)say_wanted(direction);
}

std::string SyscallDispatch::table_pin(const SyscallPlace& place) {
  return std::string("table_") + kTracepoints[place.at_exit ? 1 : 0] + "_" +
         std::to_string(static_cast<int>(place.abi));
}

Status SyscallDispatch::put(int table_fd, const SyscallPlace& place, int program_fd) {
  if (program_fd >= 0) return set_program(table_fd, place.number.value_or(kNumbers), program_fd);
  clear_program(table_fd, place.number.value_or(kNumbers));
  return {};
}

Status SyscallDispatch::put(const SyscallPlace& place, int program_fd,
                            const std::vector<bpf_insn>& gate) {
  SILLAGE_TRY(expect(place, gate));
  const Direction& direction = directions_[place.at_exit ? 1 : 0];
  return put(direction.tables[static_cast<std::size_t>(place.abi)].value(), place, program_fd);
}

Status SyscallDispatch::expect(const SyscallPlace& place, const std::vector<bpf_insn>& gate) {
  SILLAGE_TRY(check(place));
  Direction& direction = directions_[place.at_exit ? 1 : 0];
  if (!direction.gate) direction.gate = gate;
  // Before the program is there: whom it wants is not to be turned away.
  if (!direction.gates_differ && !is_same(*direction.gate, gate)) {
    direction.gates_differ = true;
    SILLAGE_TRY(say_wanted(direction));
  }
  direction.is_used = true;
  if (place.number) {
    direction.numbers[static_cast<std::size_t>(place.abi)].insert(*place.number);
    SILLAGE_TRY(say_wanted(direction));
  } else {
    const bool is_known =
        std::exchange(direction.has_unknown[static_cast<std::size_t>(place.abi)], true);
    if (is_known) return {};
    if (may_change_) return say_wanted(direction);
    // Another program looks there: it is attached by the next start().
    direction.link.reset();
    direction.program.reset();
  }
  return {};
}

Status SyscallDispatch::say_wanted(const Direction& direction) {
  std::array<std::uint8_t, kFlags> flags{};
  if (direction.has_unknown[0] || direction.has_unknown[1]) flags.fill(1);
  flags[kGatesDiffer] = direction.gates_differ;
  for (const auto& numbers : direction.numbers) {
    for (const std::uint32_t number : numbers) flags[number] = 1;
  }
  return set_flags(direction.wanted.value(), flags);
}

// Number in r7. Most calls of a machine are none that somebody asked for: they are to cost next to nothing.
void SyscallDispatch::leave_unwanted(bpf::Assembler* a, const Direction& direction,
                                     Label out) const {
  if (!may_change_ && (direction.has_unknown[0] || direction.has_unknown[1])) return;
  if (direction.numbers[0].size() > kMostlyWanted) return;
  const Label wanted = a->label();
  // At exit also -1.
  a->jump_if(If::kAboveOrEqual, r7, static_cast<std::int32_t>(kNumbers), wanted);
  a->load_map_value(r2, direction.wanted.value());
  a->alu(Alu::kAdd, r2, r7);
  a->load(Size::k1, r2, r2, 0);
  a->jump_if(If::kEqual, r2, 0, out);
  a->bind(wanted);
}

// Context in r6; r7 is kept.
void SyscallDispatch::leave_rejected(bpf::Assembler* a, const Direction& direction, Label out) {
  if (direction.gates_differ || !direction.gate || direction.gate->empty()) return;
  const Label others = a->label();
  a->load_map_value(r2, direction.wanted.value(), kGatesDiffer);
  a->load(Size::k1, r2, r2, 0);
  a->jump_if(If::kNotEqual, r2, 0, others);
  a->append(*direction.gate);
  a->jump_if(If::kEqual, r0, 0, out);
  a->bind(others);
}

// Context in r6. Falls through where there is no program.
void SyscallDispatch::jump_to(bpf::Assembler* a, const Fd& table,
                              std::optional<std::uint32_t> index) {
  a->move(r1, r6);
  a->load_map(r2, table.value());
  if (index) {
    a->move(r3, std::uint64_t{*index});
  } else {
    a->move(r3, r7);
  }
  a->call(BPF_FUNC_tail_call);
}

// Context in r6, number in r7. Falls through where there is no program for it.
//
// The kernel makes a jump to a constant place of a table a direct one. To a number that is in a register it jumps
// indirectly, which costs 10 ns and more where indirect branches are slow (retpolines): this is left to calls that were put
// there after the start.
void SyscallDispatch::jump_by_number(bpf::Assembler* a, bool at_exit, Abi abi) const {
  const auto index = static_cast<std::size_t>(abi);
  const Direction& direction = directions_[at_exit ? 1 : 0];
  const Fd& table = direction.tables[index];
  if (at_exit) {
    const Label is_number = a->label();
    a->jump_if(If::kNotEqual, r7, -1, is_number);
    a->move(r7, std::uint64_t{registers_.signal_return[index]});
    a->bind(is_number);
  }
  const Label others = a->label();
  const std::vector<std::uint32_t> numbers(direction.numbers[index].begin(),
                                           direction.numbers[index].end());
  if (!numbers.empty()) search(a, table, numbers, others);
  a->bind(others);
  jump_to(a, table, std::nullopt);
  if (may_change_ || direction.has_unknown[index]) jump_to(a, table, kNumbers);
}

// Halves sorted numbers until one is left.
void SyscallDispatch::search(bpf::Assembler* a, const Fd& table,
                             std::span<const std::uint32_t> numbers, Label others) {
  const std::size_t half = numbers.size() / 2;
  const auto middle = static_cast<std::int32_t>(numbers[half]);
  if (numbers.size() == 1) {
    a->jump_if(If::kNotEqual, r7, middle, others);
    jump_to(a, table, numbers[half]);
    a->jump(others);
    return;
  }
  const Label upper = a->label();
  a->jump_if(If::kAboveOrEqual, r7, middle, upper);
  search(a, table, numbers.first(half), others);
  a->bind(upper);
  search(a, table, numbers.subspan(half), others);
}

Result<Fd> SyscallDispatch::load(bool at_exit) const {
  bpf::Assembler a;
  const Label compat = a.label(), out = a.label();
  a.move(r6, r1);
  if (at_exit) {
    a.load(Size::k8, r1, r6, 0);
    a.load(bpf::size_of_bytes(registers_.number_bytes), r7, r1, registers_.number);
    a.sign_extend(r7, registers_.number_bytes * 8);
  } else {
    a.load(Size::k8, r7, r6, 8);
  }
  leave_unwanted(&a, directions_[at_exit ? 1 : 0], out);
  leave_rejected(&a, directions_[at_exit ? 1 : 0], out);
  load_current_task(a, current_, 0);
  if (excluded_fd_ >= 0) {
    a.load_map_value(r3, excluded_fd_);
    a.load(Size::k4, r3, r3, 0);
    a.load(Size::k4, r2, r1, tgid_offset_);
    a.jump_if(If::kEqual, r2, r3, out);
  }
  a.load(Size::k4, r1, r1, registers_.compat_flags);
  a.jump_if(If::kAnyBit, r1, registers_.compat_mask, compat);
  jump_by_number(&a, at_exit, Abi::kNative);
  a.move(r0, 0u);
  a.exit();
  a.bind(compat);
  jump_by_number(&a, at_exit, Abi::kCompat);
  a.bind(out);
  a.move(r0, 0u);
  a.exit();
  const auto code = a.finish();
  if (!code) return tl::unexpected(code.error());
  bpf::ProgramOptions options;
  options.name = kTracepoints[at_exit ? 1 : 0];
  options.attach_btf_id = attach_ids_[at_exit ? 1 : 0];
  return bpf::load_program(*code, options);
}

Status SyscallDispatch::start() {
  // Exit first: what was entered before has no entry then, rather than an entry without an end.
  for (const bool at_exit : {true, false}) {
    Direction& direction = directions_[at_exit ? 1 : 0];
    if (!direction.is_used || direction.link) continue;
    if (!direction.program) {
      auto program = load(at_exit);
      if (!program) return tl::unexpected(std::move(program).error());
      direction.program = std::move(*program);
    }
    auto link = attach_tracing(direction.program.value(), kTracepoints[at_exit ? 1 : 0]);
    if (!link) return tl::unexpected(std::move(link).error());
    direction.link = std::move(link->link);
  }
  return {};
}

Status SyscallDispatch::pin(const PinDirectory& pins) {
  for (std::size_t i = 0; i < directions_.size(); ++i) {
    Direction& direction = directions_[i];
    if (!direction.link) continue;
    // The kernel empties a table when nobody but programs holds it.
    if (!direction.are_tables_pinned) {
      for (const Abi abi : {Abi::kNative, Abi::kCompat})
        SILLAGE_TRY(pins.pin(direction.tables[static_cast<std::size_t>(abi)].value(),
                             table_pin({abi, i == 1, {}})));
      direction.are_tables_pinned = true;
    }
    if (direction.is_link_pinned) continue;
    SILLAGE_TRY(pins.pin(direction.link.value(), std::string("link_") + kTracepoints[i]));
    direction.is_link_pinned = true;
  }
  return {};
}

void SyscallDispatch::stop() {
  for (Direction& direction : directions_) {
    direction.link.reset();
    direction.is_link_pinned = false;
  }
}

std::uint64_t SyscallDispatch::recursion_misses() const {
  std::uint64_t misses = 0;
  for (const Direction& direction : directions_) {
    if (direction.program) misses += bpf::recursion_misses(direction.program.value()).value_or(0);
  }
  return misses;
}

}  // namespace sillage::kernel
