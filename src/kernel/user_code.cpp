// SPDX-License-Identifier: MIT
#include "kernel/user_code.hpp"

#include "kernel/network_headers.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <bit>

namespace sillage::kernel {
namespace {

using bpf::Alu;
using bpf::If;
using bpf::Label;
using bpf::Size;
using enum bpf::Reg;

constexpr std::uint32_t kElementBytes = 64;

// Pieces that follow each other in memory as they do in the record are one.
std::vector<MemoryPiece> runs_of(const std::vector<MemoryPiece>& pieces) {
  std::vector<MemoryPiece> runs;
  for (const MemoryPiece& piece : pieces) {
    if (!runs.empty() && runs.back().offset + runs.back().bytes == piece.offset) {
      runs.back().bytes += piece.bytes;
    } else {
      runs.push_back(piece);
    }
  }
  return runs;
}

std::uint32_t end_of(const std::vector<MemoryPiece>& pieces) {
  std::uint32_t end = 0;
  for (const MemoryPiece& piece : pieces) end = std::max(end, piece.offset + piece.bytes);
  return end;
}

}  // namespace

std::uint32_t UserShape::bytes() const {
  std::uint32_t bytes = 0;
  for (const MemoryPiece& piece : pieces) bytes += piece.bytes;
  return bytes;
}

std::uint32_t UserCode::max_bytes(const FieldPlan& field) {
  switch (field.kind) {
    case FieldPlan::Kind::kUserMemory: return field.bytes;
    case FieldPlan::Kind::kUserElements: return 4 + field.user.max_count * field.user.bytes();
    case FieldPlan::Kind::kUserStrings: return 5 + field.user.max_count * kMaxStringBytes;
    case FieldPlan::Kind::kUserAddress: return 32 + kMaxAddressBytes;
    case FieldPlan::Kind::kKernelElements: return 4 + kMaxElements * field.bytes;
    case FieldPlan::Kind::kNetworkHeaders: return kMaxNetworkHeaderBytes;
    // Addresses and the mark behind them; twice for the verifier's sake.
    case FieldPlan::Kind::kKernelStack:
    case FieldPlan::Kind::kUserStack: return 4 + 2 * kMaxStackBytes + 8;
    default: return 0;
  }
}

// [r9 + to_offset] = bytes from where the kept pointer points; r0 is 0 if they could be read.
void UserCode::read(std::int32_t to_offset, std::uint32_t bytes, std::int32_t from_offset) {
  a_.move(r1, r9);
  if (to_offset != 0) a_.alu(Alu::kAdd, r1, to_offset);
  a_.move(r2, bytes);
  a_.load(Size::k8, r3, r10, pointer_);
  if (from_offset != 0) a_.alu(Alu::kAdd, r3, from_offset);
  a_.call(BPF_FUNC_probe_read_user);
}

// Through the stack, if that spares calls: a call costs as much as some ten loads.
void UserCode::copy_pieces(const UserShape& shape, std::int32_t to_offset) {
  const auto runs = runs_of(shape.pieces);
  const std::uint32_t end = end_of(shape.pieces);
  if ((runs.size() == 1 && !shape.wanted) || end > kElementBytes) {
    for (const MemoryPiece& run : runs) {
      read(to_offset, run.bytes, static_cast<std::int32_t>(run.offset));
      to_offset += static_cast<std::int32_t>(run.bytes);
    }
    return;
  }
  a_.move(r1, r10);
  a_.alu(Alu::kAdd, r1, element_);
  a_.move(r2, end);
  a_.load(Size::k8, r3, r10, pointer_);
  a_.call(BPF_FUNC_probe_read_user);
  for (const MemoryPiece& piece : shape.pieces) {
    for (std::uint32_t done = 0; done < piece.bytes;) {
      // The verifier wants loads from the stack aligned.
      std::uint32_t step = 8;
      while (step > piece.bytes - done || (piece.offset + done) % step != 0) step /= 2;
      a_.load(bpf::size_of_bytes(step), r1, r10,
              element_ + static_cast<std::int32_t>(piece.offset + done));
      a_.store(bpf::size_of_bytes(step), r9, to_offset + static_cast<std::int32_t>(done), r1);
      done += step;
    }
    to_offset += static_cast<std::int32_t>(piece.bytes);
  }
}

void UserCode::memory(const FieldPlan& field, std::int32_t offset) {
  values_.evaluate(field.value);
  a_.store(Size::k8, r10, pointer_, r1);
  copy_pieces(field.user, offset);
}

// r8 = the count, at most max_count.
void UserCode::load_count(const Node& count, std::uint32_t max_count) {
  const Label fits = a_.label();
  values_.evaluate(count);
  a_.move(r8, r1);
  a_.jump_if(If::kBelowOrEqual, r8, static_cast<std::int32_t>(max_count), fits);
  a_.move(r8, std::uint64_t{max_count});
  a_.bind(fits);
}

void UserCode::elements(const FieldPlan& field) {
  const UserShape& shape = field.user;
  load_count(field.count, shape.max_count);
  a_.store(Size::k4, r9, 0, r8);
  const auto runs = runs_of(shape.pieces);
  const bool is_whole = runs.size() == 1 && runs[0].offset == 0 && runs[0].bytes == shape.stride;
  values_.evaluate(field.value);
  if (!is_whole || shape.wanted) {
    a_.store(Size::k8, r10, pointer_, r1);
    return element_loop(shape);
  }
  a_.move(r3, r1);
  a_.alu(Alu::kAdd, r9, 4);
  if (shape.stride != 1) a_.alu(Alu::kMultiply, r8, static_cast<std::int32_t>(shape.stride));
  a_.move(r1, r9);
  a_.move(r2, r8);
  a_.call(BPF_FUNC_probe_read_user);
  a_.alu(Alu::kAdd, r9, r8);
}

// r8 elements of more than one piece, or only some of them: one after the other. What the verifier knows of
// the registers behind the loop must not depend on how often it ran, or it looks at the rest of the
// program once for each.
void UserCode::element_loop(const UserShape& shape) {
  const Label again = a_.label(), done = a_.label();
  const auto bytes = static_cast<std::int32_t>(shape.bytes());
  a_.store(Size::k8, r10, place_, r9);
  if (shape.wanted) {
    a_.store(Size::k8, r10, count_, 0);
  } else {
    a_.store(Size::k8, r10, count_, r8);
  }
  a_.alu(Alu::kAdd, r9, 4);
  a_.bind(again);
  // "Below 1": of "equal to 0" the verifiers of older kernels (6.1) do not learn that there is one left.
  a_.jump_if(If::kBelow, r8, 1, done);
  copy_pieces(shape, 0);
  if (shape.wanted) {
    // r2 = whether it is not zero, without a jump.
    a_.load(bpf::size_of_bytes(shape.wanted->bytes), r1, r10,
            element_ + static_cast<std::int32_t>(shape.wanted->offset));
    a_.move(r2, 0u);
    a_.alu(Alu::kSubtract, r2, r1);
    a_.alu(Alu::kOr, r2, r1);
    a_.alu(Alu::kShiftRight, r2, 63);
    a_.load(Size::k8, r1, r10, count_);
    a_.alu(Alu::kAdd, r1, r2);
    a_.store(Size::k8, r10, count_, r1);
    a_.alu(Alu::kMultiply, r2, bytes);
    a_.alu(Alu::kAdd, r9, r2);
  } else {
    a_.alu(Alu::kAdd, r9, bytes);
  }
  a_.load(Size::k8, r1, r10, pointer_);
  a_.alu(Alu::kAdd, r1, static_cast<std::int32_t>(shape.stride));
  a_.store(Size::k8, r10, pointer_, r1);
  a_.alu(Alu::kSubtract, r8, 1);
  a_.jump(again);
  a_.bind(done);
  if (shape.wanted) {
    a_.load(Size::k8, r1, r10, place_);
    a_.load(Size::k8, r2, r10, count_);
    a_.store(Size::k4, r1, 0, r2);
  } else {
    a_.load(Size::k8, r1, r10, count_);
    a_.alu(Alu::kMultiply, r1, bytes);
    a_.load(Size::k8, r9, r10, place_);
    a_.alu(Alu::kAdd, r9, 4);
    a_.alu(Alu::kAdd, r9, r1);
  }
}

// As in element_loop(), r9 behind it does not tell how often it ran.
void UserCode::kernel_elements(const FieldPlan& field) {
  const Label again = a_.label(), done = a_.label();
  load_count(field.count, kMaxElements);
  a_.store(Size::k4, r9, 0, r8);
  a_.store(Size::k8, r10, count_, r8);
  a_.store(Size::k8, r10, place_, r9);
  values_.evaluate(field.value);
  a_.store(Size::k8, r10, pointer_, r1);
  a_.alu(Alu::kAdd, r9, 4);
  a_.bind(again);
  // Not ==: before 6.8 the verifier learns no bound from that.
  a_.jump_if(If::kBelow, r8, 1, done);
  a_.move(r1, r9);
  a_.move(r2, std::uint64_t{field.bytes});
  a_.load(Size::k8, r3, r10, pointer_);
  a_.call(BPF_FUNC_probe_read_kernel);
  a_.alu(Alu::kAdd, r9, static_cast<std::int32_t>(field.bytes));
  a_.load(Size::k8, r1, r10, pointer_);
  a_.alu(Alu::kAdd, r1, static_cast<std::int32_t>(field.offset));
  a_.store(Size::k8, r10, pointer_, r1);
  a_.alu(Alu::kSubtract, r8, 1);
  a_.jump(again);
  a_.bind(done);
  a_.load(Size::k8, r1, r10, count_);
  a_.alu(Alu::kMultiply, r1, static_cast<std::int32_t>(field.bytes));
  a_.load(Size::k8, r9, r10, place_);
  a_.alu(Alu::kAdd, r9, 4);
  a_.alu(Alu::kAdd, r9, r1);
}

// [r9] = the string at r3, at most r2 bytes of it; r9 moves behind its NUL.
void UserCode::read_string() {
  const Label good = a_.label();
  a_.move(r1, r9);
  a_.call(BPF_FUNC_probe_read_user_str);
  a_.jump_if(If::kGreater, r0, 0, good);
  a_.store(Size::k1, r9, 0, 0);
  a_.move(r0, 1u);
  a_.bind(good);
  a_.alu(Alu::kAdd, r9, r0);
}

// As in element_loop(), no jumps on what was read.
void UserCode::strings(const FieldPlan& field) {
  const Label again = a_.label(), done = a_.label(), cut = a_.label();
  values_.evaluate(field.value);
  a_.store(Size::k8, r10, pointer_, r1);
  a_.store(Size::k8, r10, place_, r9);
  a_.store(Size::k8, r10, count_, 0);    // of strings that were cut
  a_.store(Size::k8, r10, element_, 0);  // of which the pointers of compat programs fill a half
  a_.alu(Alu::kAdd, r9, 4);
  a_.move(r8, 0u);
  a_.bind(again);
  a_.move(r1, r10);
  a_.alu(Alu::kAdd, r1, element_);
  a_.move(r2, field.user.stride);
  a_.load(Size::k8, r3, r10, pointer_);
  a_.call(BPF_FUNC_probe_read_user);
  a_.load(Size::k8, r3, r10, element_);  // zero if it cannot be read
  a_.jump_if(If::kEqual, r3, 0, done);
  a_.jump_if(If::kEqual, r8, static_cast<std::int32_t>(field.user.max_count), cut);
  a_.store(Size::k1, r9, 0, 0);
  a_.move(r1, r9);
  a_.move(r2, kMaxStringBytes);
  a_.call(BPF_FUNC_probe_read_user_str);
  // r0 = 1 if it is below 0: an empty string.
  a_.move(r1, r0);
  a_.alu(Alu::kShiftRight, r1, 63);
  a_.move(r2, r1);
  a_.alu(Alu::kSubtract, r2, 1);
  a_.alu(Alu::kAnd, r0, r2);
  a_.alu(Alu::kOr, r0, r1);
  a_.alu(Alu::kAnd, r0, static_cast<std::int32_t>(kMaxStringBytes));
  a_.alu(Alu::kAdd, r9, r0);
  // As long as the bound: it may have been longer.
  a_.alu(Alu::kAdd, r0, 1);
  a_.alu(Alu::kShiftRight, r0, std::countr_zero(kMaxStringBytes + 1));
  a_.load(Size::k8, r1, r10, count_);
  a_.alu(Alu::kAdd, r1, r0);
  a_.store(Size::k8, r10, count_, r1);
  a_.load(Size::k8, r1, r10, pointer_);
  a_.alu(Alu::kAdd, r1, static_cast<std::int32_t>(field.user.stride));
  a_.store(Size::k8, r10, pointer_, r1);
  a_.alu(Alu::kAdd, r8, 1);
  a_.jump(again);
  a_.bind(cut);
  a_.store(Size::k8, r10, count_, 1);
  a_.bind(done);
  a_.load(Size::k8, r1, r10, place_);
  a_.store(Size::k4, r1, 0, r8);
  a_.load(Size::k8, r1, r10, count_);
  a_.store(Size::k1, r9, 0, r1);
  a_.alu(Alu::kAdd, r9, 1);
}

void UserCode::address(const FieldPlan& field) {
  const Label none = a_.label(), known = a_.label(), v6 = a_.label(), not_ip = a_.label(),
              local = a_.label(), done = a_.label();
  load_count(field.count, kMaxAddressBytes);
  values_.evaluate(field.value);
  a_.store(Size::k8, r10, pointer_, r1);
  a_.jump_if(If::kBelow, r8, 2, none);
  read(0, 4, 0);
  a_.jump_if(If::kEqual, r0, 0, known);
  a_.bind(none);
  a_.store(Size::k4, r9, 0, 0);
  a_.move(r8, 2u);
  a_.bind(known);
  a_.load(Size::k2, r1, r9, 0);
  a_.alu(Alu::kAdd, r9, 4);
  a_.jump_if(If::kEqual, r1, AF_INET6, v6);
  a_.jump_if(If::kNotEqual, r1, AF_INET, not_ip);
  // struct sockaddr_in
  a_.store(Size::k4, r9, 0, 4);
  read(4, 4, 4);
  a_.store(Size::k4, r9, 8, 0);
  a_.store(Size::k1, r9, 12, 0);
  a_.store(Size::k4, r9, 13, 0);
  a_.alu(Alu::kAdd, r9, 17);
  a_.jump(done);
  // struct sockaddr_in6
  a_.bind(v6);
  a_.store(Size::k4, r9, 0, 0);
  a_.store(Size::k4, r9, 4, 8);  // of 16 bits
  read(8, 16, 8);
  a_.store(Size::k1, r9, 24, 0);
  a_.store(Size::k4, r9, 25, 0);
  a_.alu(Alu::kAdd, r9, 29);
  a_.jump(done);

  a_.bind(not_ip);
  a_.store(Size::k2, r9, -2, 0);
  a_.store(Size::k4, r9, 0, 0);
  a_.store(Size::k4, r9, 4, 0);
  a_.alu(Alu::kAdd, r9, 8);
  a_.jump_if(If::kEqual, r1, AF_UNIX, local);
  // Any other: what stands behind the family.
  a_.store(Size::k1, r9, 0, 0);
  a_.alu(Alu::kSubtract, r8, 2);
  a_.store(Size::k4, r9, 1, r8);
  a_.alu(Alu::kAdd, r9, 5);
  a_.move(r1, r9);
  a_.move(r2, r8);
  a_.load(Size::k8, r3, r10, pointer_);
  a_.alu(Alu::kAdd, r3, 2);
  a_.call(BPF_FUNC_probe_read_user);
  a_.alu(Alu::kAdd, r9, r8);
  a_.jump(done);

  a_.bind(local);
  unix_path();
  a_.store(Size::k4, r9, 0, 0);
  a_.alu(Alu::kAdd, r9, 4);
  a_.bind(done);
}

// The path of struct sockaddr_un, r8 bytes long with the family. Neither kind of name need end in NUL.
void UserCode::unix_path() {
  const Label abstract = a_.label(), unnamed = a_.label(), done = a_.label();
  a_.jump_if(If::kBelowOrEqual, r8, 2, unnamed);
  read(0, 1, 2);
  a_.load(Size::k1, r1, r9, 0);
  a_.jump_if(If::kEqual, r1, 0, abstract);
  a_.move(r2, r8);
  a_.alu(Alu::kSubtract, r2, 1);
  a_.load(Size::k8, r3, r10, pointer_);
  a_.alu(Alu::kAdd, r3, 2);
  read_string();
  a_.jump(done);
  a_.bind(abstract);
  a_.jump_if(If::kEqual, r8, 3, unnamed);
  a_.store(Size::k1, r9, 0, '@');
  a_.alu(Alu::kAdd, r9, 1);
  a_.move(r2, r8);
  a_.alu(Alu::kSubtract, r2, 2);
  a_.load(Size::k8, r3, r10, pointer_);
  a_.alu(Alu::kAdd, r3, 3);
  read_string();
  a_.jump(done);
  a_.bind(unnamed);
  a_.store(Size::k1, r9, 0, 0);
  a_.alu(Alu::kAdd, r9, 1);
  a_.bind(done);
}

}  // namespace sillage::kernel
