// SPDX-License-Identifier: MIT
#include "probe/filter_program.hpp"

#include "abi/app_protocol.h"
#include "probe/filter_tests.hpp"

#include <linux/bpf.h>

#include <cstddef>
#include <cstring>

namespace sillage::probe {
namespace {

static_assert(sizeof(bpf_insn) == 8);
constexpr std::uint32_t kUnknownOp = UINT32_MAX;
constexpr std::uint32_t kSignExtended = 0x80;  // BPF_MEMSX of RFC 9669, newer than our headers
constexpr std::uint8_t kPrefixBase = 6, kCellsBase = 7, kStackBase = 10;

/// A program's parts, all inside its bytes.
struct Parts {
  sillage_filter_program head;
  const sillage_filter_field* fields;
  const bpf_insn* instructions;
  const sillage_filter_literal* literals;
  const char* text;
};

bool find_parts(const void* from, std::uint64_t bytes, Parts* parts) {
  if (bytes < sizeof parts->head) return false;
  std::memcpy(&parts->head, from, sizeof parts->head);
  const sillage_filter_program& head = parts->head;
  if (head.bytes > bytes || head.prefix_bytes > SILLAGE_FILTER_MAX_PREFIX_BYTES ||
      head.stack_bytes > SILLAGE_FILTER_MAX_STACK_BYTES || head.stack_bytes % 8 != 0 ||
      head.field_count > SILLAGE_FILTER_MAX_FIELDS ||
      head.literal_count > SILLAGE_FILTER_MAX_LITERALS ||
      head.text_bytes > SILLAGE_FILTER_MAX_LITERAL_BYTES || head.instruction_count == 0 ||
      head.instruction_count > SILLAGE_FILTER_MAX_INSTRUCTIONS)
    return false;
  const std::uint64_t fields = sizeof head;
  const std::uint64_t instructions = fields + head.field_count * sizeof(sillage_filter_field);
  const std::uint64_t literals = instructions + head.instruction_count * sizeof(bpf_insn);
  const std::uint64_t text = literals + head.literal_count * sizeof(sillage_filter_literal);
  if (text + head.text_bytes > head.bytes) return false;
  const char* base = static_cast<const char*>(from);
  parts->fields = reinterpret_cast<const sillage_filter_field*>(base + fields);
  parts->instructions = reinterpret_cast<const bpf_insn*>(base + instructions);
  parts->literals = reinterpret_cast<const sillage_filter_literal*>(base + literals);
  parts->text = base + text;
  return true;
}

/// Whether a literal ends with its one NUL.
bool is_name(const Parts& parts, std::uint32_t index) {
  if (index >= parts.head.literal_count) return false;
  const sillage_filter_literal& literal = parts.literals[index];
  const char* const name = parts.text + literal.offset;
  return literal.bytes != 0 && std::memchr(name, 0, literal.bytes) == name + literal.bytes - 1;
}

bool is_field_sound(const Parts& parts, std::uint32_t index, std::uint32_t* walked) {
  const sillage_filter_field& field = parts.fields[index];
  switch (field.kind) {
    case SILLAGE_FILTER_VALUE:
    case SILLAGE_FILTER_TEXT:
      // In the order in which they are come to.
      if (field.field + 1u < *walked) return false;
      *walked = field.field + 1u;
      return field.kind == SILLAGE_FILTER_TEXT || field.bytes == 1 || field.bytes == 2 ||
             field.bytes == 4 || field.bytes == 8;
    case SILLAGE_FILTER_PREFIX_TEXT:
      return std::uint64_t{field.offset} + field.bytes <= parts.head.prefix_bytes;
    case SILLAGE_FILTER_CONTEXT_TEXT: return field.field == SILLAGE_CONTEXT_PROCNAME;
    case SILLAGE_FILTER_APP_VALUE: return is_name(parts, field.offset);
    case SILLAGE_FILTER_APP_TEXT:
      return field.offset < index && parts.fields[field.offset].kind == SILLAGE_FILTER_APP_VALUE;
    default: return false;
  }
}

FilterCode code_at(FilterCode first, std::uint32_t distance) {
  return static_cast<FilterCode>(static_cast<std::uint32_t>(first) + distance);
}

/// Which of a family of operations a code of eBPF is; kUnknownOp if none.
std::uint32_t arithmetic_of(std::uint8_t code) {
  switch (code & 0xf0) {
    case BPF_MOV: return 0;
    case BPF_ADD: return 1;
    case BPF_SUB: return 2;
    case BPF_MUL: return 3;
    case BPF_DIV: return 4;
    case BPF_MOD: return 5;
    case BPF_OR: return 6;
    case BPF_AND: return 7;
    case BPF_XOR: return 8;
    case BPF_LSH: return 9;
    case BPF_RSH: return 10;
    case BPF_ARSH: return 11;
    default: return kUnknownOp;
  }
}
std::uint32_t condition_of(std::uint8_t code) {
  switch (code & 0xf0) {
    case BPF_JEQ: return 0;
    case BPF_JNE: return 1;
    case BPF_JGT: return 2;
    case BPF_JGE: return 3;
    case BPF_JLT: return 4;
    case BPF_JLE: return 5;
    case BPF_JSGT: return 6;
    case BPF_JSGE: return 7;
    case BPF_JSLT: return 8;
    case BPF_JSLE: return 9;
    case BPF_JSET: return 10;
    default: return kUnknownOp;
  }
}

bool is_number(std::uint8_t reg) { return reg <= 5 || reg == 8; }

/// Checks and decodes instructions, one after the other.
class Decoder {
 public:
  Decoder(const Parts& parts, FilterOp* ops) : parts_(parts), ops_(ops) {}

  bool decode() {
    const std::uint32_t count = parts_.head.instruction_count;
    for (std::uint32_t at = 0; at < count; at++) {
      const bpf_insn& instruction = parts_.instructions[at];
      FilterOp* op = &ops_[at];
      *op = {};
      op->to = instruction.dst_reg;
      op->from = instruction.src_reg;
      op->constant = static_cast<std::uint64_t>(std::int64_t{instruction.imm});
      if (instruction.code == (BPF_LD | BPF_DW | BPF_IMM)) {
        if (!decode_constant(at, op)) return false;
        at++;
      } else if (!decode_one(at, instruction, op)) {
        return false;
      }
    }
    // Every jump ends inside; who does not jump comes here.
    return ops_[count - 1].code == FilterCode::kExit && jumps_are_sound(count);
  }

 private:
  // Two instructions; nobody comes to what stands in place of the second.
  bool decode_constant(std::uint32_t at, FilterOp* op) {
    if (at + 1 >= parts_.head.instruction_count || op->from != 0 || !is_number(op->to))
      return false;
    const bpf_insn& second = parts_.instructions[at + 1];
    if (second.code != 0 || second.dst_reg != 0 || second.src_reg != 0 || second.off != 0)
      return false;
    op->code = FilterCode::kMoveWide;
    op->constant = static_cast<std::uint32_t>(op->constant) |
                   std::uint64_t{static_cast<std::uint32_t>(second.imm)} << 32;
    FilterOp* next = op + 1;
    *next = {};
    next->code = FilterCode::kMoveWide;
    next->reserved = 1;  // no place to jump to
    return true;
  }

  bool decode_one(std::uint32_t at, const bpf_insn& instruction, FilterOp* op) {
    switch (BPF_CLASS(instruction.code)) {
      case BPF_ALU64: return decode_arithmetic(instruction, op);
      case BPF_ALU: return decode_swap(instruction, op);
      case BPF_LDX: return decode_load(instruction, op);
      case BPF_ST:
      case BPF_STX: return decode_store(instruction, op);
      case BPF_JMP: return decode_jump(at, instruction, op);
      default: return false;
    }
  }

  static bool decode_arithmetic(const bpf_insn& instruction, FilterOp* op) {
    const std::uint32_t which = arithmetic_of(instruction.code);
    const bool is_constant = BPF_SRC(instruction.code) == BPF_K;
    if (which == kUnknownOp || instruction.off != 0 || !is_number(op->to)) return false;
    if (is_constant ? op->from != 0 : !is_number(op->from)) return false;
    op->code = code_at(is_constant ? FilterCode::kMoveK : FilterCode::kMove, which);
    return true;
  }

  static bool decode_swap(const bpf_insn& instruction, FilterOp* op) {
    if (instruction.code != (BPF_ALU | BPF_END | BPF_TO_BE) || instruction.off != 0 ||
        op->from != 0 || !is_number(op->to))
      return false;
    op->code = instruction.imm == 16   ? FilterCode::kSwap16
               : instruction.imm == 32 ? FilterCode::kSwap32
                                       : FilterCode::kSwap64;
    return instruction.imm == 16 || instruction.imm == 32 || instruction.imm == 64;
  }

  bool decode_load(const bpf_insn& instruction, FilterOp* op) const {
    const std::uint32_t mode = BPF_MODE(instruction.code);
    if ((mode != BPF_MEM && mode != kSignExtended) || instruction.imm != 0 || !is_number(op->to))
      return false;
    const bool is_signed = mode == kSignExtended;
    std::uint32_t bytes = 0;
    switch (BPF_SIZE(instruction.code)) {
      case BPF_B:
        bytes = 1, op->code = is_signed ? FilterCode::kLoadSigned1 : FilterCode::kLoad1;
        break;
      case BPF_H:
        bytes = 2, op->code = is_signed ? FilterCode::kLoadSigned2 : FilterCode::kLoad2;
        break;
      case BPF_W:
        bytes = 4, op->code = is_signed ? FilterCode::kLoadSigned4 : FilterCode::kLoad4;
        break;
      default:
        if (is_signed) return false;
        bytes = 8, op->code = FilterCode::kLoad8;
    }
    switch (op->from) {
      case kPrefixBase:
        op->from = kFilterPrefix;
        op->at = static_cast<std::uint32_t>(instruction.off);
        return instruction.off >= 0 &&
               static_cast<std::uint32_t>(instruction.off) + bytes <= parts_.head.prefix_bytes;
      case kCellsBase: op->from = kFilterCells; return is_cell(instruction.off, bytes, op);
      case kStackBase: op->from = kFilterStack; return is_stack(instruction.off, bytes, op);
      default: return false;
    }
  }

  // A value, or whether it is there; of texts neither: where they are is nobody's business.
  bool is_cell(std::int32_t offset, std::uint32_t bytes, FilterOp* op) const {
    if (offset < 0 || offset / 16 >= parts_.head.field_count) return false;
    op->at = static_cast<std::uint32_t>(offset);
    const std::uint32_t kind = parts_.fields[offset / 16].kind;
    return (kind == SILLAGE_FILTER_VALUE || kind == SILLAGE_FILTER_APP_VALUE) &&
           (offset % 16 == 0 || offset % 16 == 8) && bytes <= 8;
  }

  bool is_stack(std::int32_t offset, std::uint32_t bytes, FilterOp* op) const {
    const std::int32_t from_bottom = offset + parts_.head.stack_bytes;
    op->at = static_cast<std::uint32_t>(from_bottom);
    return offset < 0 && from_bottom >= 0 && from_bottom % 8 == 0 && bytes == 8;
  }

  bool decode_store(const bpf_insn& instruction, FilterOp* op) const {
    const bool is_constant = BPF_CLASS(instruction.code) == BPF_ST;
    if (BPF_MODE(instruction.code) != BPF_MEM || BPF_SIZE(instruction.code) != BPF_DW ||
        op->to != kStackBase)
      return false;
    if (is_constant ? op->from != 0 : !is_number(op->from) || instruction.imm != 0) return false;
    op->to = 0;
    op->code = is_constant ? FilterCode::kStoreK : FilterCode::kStore;
    return is_stack(instruction.off, 8, op);
  }

  bool decode_jump(std::uint32_t at, const bpf_insn& instruction, FilterOp* op) const {
    if (instruction.code == (BPF_JMP | BPF_EXIT)) {
      op->code = FilterCode::kExit;
      return op->to == 0 && op->from == 0 && instruction.off == 0 && instruction.imm == 0;
    }
    if (instruction.code == (BPF_JMP | BPF_CALL)) {
      op->code = FilterCode::kCall;
      op->at = static_cast<std::uint32_t>(instruction.imm);
      return op->to == 0 && op->from == 0 && instruction.off == 0 &&
             op->at >= SILLAGE_FILTER_ORDER_FIELDS && op->at <= SILLAGE_FILTER_REAL_NOT_EQUAL;
    }
    if (instruction.off < 0) return false;
    op->at = at + 1 + static_cast<std::uint32_t>(instruction.off);
    if (op->at >= parts_.head.instruction_count) return false;
    if (instruction.code == (BPF_JMP | BPF_JA)) {
      op->code = FilterCode::kJump;
      return op->to == 0 && op->from == 0 && instruction.imm == 0;
    }
    const std::uint32_t which = condition_of(instruction.code);
    const bool is_constant = BPF_SRC(instruction.code) == BPF_K;
    if (which == kUnknownOp || !is_number(op->to)) return false;
    if (is_constant ? op->from != 0 : !is_number(op->from) || instruction.imm != 0) return false;
    op->code = code_at(is_constant ? FilterCode::kIfEqualK : FilterCode::kIfEqual, which);
    return true;
  }

  // None into the middle of a constant.
  [[nodiscard]] bool jumps_are_sound(std::uint32_t count) const {
    for (std::uint32_t at = 0; at < count; at++) {
      const FilterOp& op = ops_[at];
      if (op.code < FilterCode::kJump || op.code > FilterCode::kIfAnyBitK) continue;
      if (ops_[op.at].reserved != 0) return false;
    }
    return true;
  }

  const Parts& parts_;
  FilterOp* const ops_;
};

}  // namespace

std::uint64_t decoded_filter_bytes(const void* from, std::uint64_t bytes) {
  Parts parts;
  if (!find_parts(from, bytes, &parts)) return 0;
  return sizeof(Filter) +
         parts.head.instruction_count *
             (sizeof(FilterTest) + sizeof(FilterOp) + sizeof(std::uint16_t)) +
         parts.head.literal_count * sizeof(sillage_filter_literal) +
         parts.head.field_count * sizeof(sillage_filter_field) + parts.head.text_bytes;
}

const Filter* decode_filter(const void* from, std::uint64_t bytes, void* memory) {
  Parts parts;
  if (!find_parts(from, bytes, &parts)) return nullptr;
  for (std::uint32_t i = 0; i < parts.head.literal_count; i++) {
    const sillage_filter_literal& literal = parts.literals[i];
    if (std::uint64_t{literal.offset} + literal.bytes > parts.head.text_bytes) return nullptr;
  }
  std::uint32_t walked = 0;
  bool has_app_values = false;
  for (std::uint32_t i = 0; i < parts.head.field_count; i++) {
    if (!is_field_sound(parts, i, &walked)) return nullptr;
    has_app_values = has_app_values || parts.fields[i].kind == SILLAGE_FILTER_APP_VALUE;
  }
  auto* filter = static_cast<Filter*>(memory);
  auto* tests = reinterpret_cast<FilterTest*>(filter + 1);
  auto* ops = reinterpret_cast<FilterOp*>(tests + parts.head.instruction_count);
  auto* literals = reinterpret_cast<sillage_filter_literal*>(ops + parts.head.instruction_count);
  auto* fields = reinterpret_cast<sillage_filter_field*>(literals + parts.head.literal_count);
  auto* live = reinterpret_cast<std::uint16_t*>(fields + parts.head.field_count);
  auto* text = reinterpret_cast<char*>(live + parts.head.instruction_count);
  if (!Decoder(parts, ops).decode()) return nullptr;
  FilterTarget start;
  const FilterProgramParts checked = {ops, parts.head.instruction_count, parts.fields,
                                      parts.head.field_count, parts.head.literal_count};
  if (!make_tests(checked, tests, live, &start)) return nullptr;
  std::memcpy(literals, parts.literals, parts.head.literal_count * sizeof *literals);
  std::memcpy(fields, parts.fields, parts.head.field_count * sizeof *fields);
  std::memcpy(text, parts.text, parts.head.text_bytes);
  *filter = {tests,
             ops,
             fields,
             literals,
             text,
             start,
             parts.head.prefix_bytes,
             parts.head.stack_bytes,
             parts.head.field_count,
             parts.head.literal_count,
             has_app_values};
  return filter;
}

}  // namespace sillage::probe
