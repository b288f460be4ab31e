// SPDX-License-Identifier: MIT
// Types for tests: structures of this process, described as a kernel describes its own.
#pragma once

#include "kernel/btf.hpp"

#include <gtest/gtest.h>

#include <bpf/btf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sillage::kernel {

struct TestInner {
  std::uint8_t small;
};

struct TestOuter {
  std::int32_t number;
  bool flag;
  std::uint8_t low : 3;
  std::int8_t middle : 4;
  char name[16];
  TestInner embedded;
  TestInner* inner;
  void* untyped;
  union {
    std::uint64_t whole;
    TestInner* other;
    std::uint16_t hidden;
  };
  std::int32_t numbers[3];
  TestInner inners[2];
};

inline TestOuter test_outer(TestInner* inner) {
  inner->small = 200;
  TestOuter outer{};
  outer.number = -5;
  outer.flag = true;
  outer.low = 5;
  outer.middle = -2;
  outer.embedded.small = 77;
  outer.inner = inner;
  outer.untyped = inner;
  outer.whole = 0x1234;
  outer.numbers[2] = 12;
  outer.inners[1].small = 9;
  return outer;
}

/// BTF of the structures above and of a tracepoint with arguments
/// (struct test_outer *outer, int number, bool flag, char *name), as the kernel would have it.
class TestBtf {
 public:
  TestBtf() : types(load()) { arguments = types.tracepoint_arguments("test_event")->parameters; }

  Btf types;
  std::vector<Parameter> arguments;

 private:
  static Btf load() {
    const std::unique_ptr<btf, void (*)(btf*)> made(btf__new_empty(), btf__free);
    btf* b = made.get();
    const int s32 = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
    const int u8 = btf__add_int(b, "unsigned char", 1, 0);
    const int s8 = btf__add_int(b, "signed char", 1, BTF_INT_SIGNED);
    const int u16 = btf__add_int(b, "short unsigned int", 2, 0);
    const int u64 = btf__add_int(b, "long unsigned int", 8, 0);
    const int character = btf__add_int(b, "char", 1, BTF_INT_SIGNED);
    const int boolean = btf__add_int(b, "_Bool", 1, BTF_INT_BOOL);
    const int text = btf__add_array(b, s32, character, 16);
    const int s32_array = btf__add_array(b, s32, s32, 3);
    const int byte_type = btf__add_typedef(b, "my_byte", btf__add_const(b, u8));
    const int inner = btf__add_struct(b, "test_inner", sizeof(TestInner));
    btf__add_field(b, "small", byte_type, 0, 0);
    const int inner_pointer = btf__add_ptr(b, inner);
    const int inner_array = btf__add_array(b, s32, inner, 2);
    const int void_pointer = btf__add_ptr(b, 0);
    const int character_pointer = btf__add_ptr(b, character);
    const int either = btf__add_union(b, nullptr, 8);
    btf__add_field(b, "whole", u64, 0, 0);
    btf__add_field(b, "other", inner_pointer, 0, 0);
    btf__add_field(b, "hidden", u16, 0, 0);
    const int outer = btf__add_struct(b, "test_outer", sizeof(TestOuter));
    const auto add = [b](const char* name, int type, std::size_t offset) {
      btf__add_field(b, name, type, static_cast<__u32>(8 * offset), 0);
    };
    add("number", s32, offsetof(TestOuter, number));
    add("flag", boolean, offsetof(TestOuter, flag));
    constexpr __u32 kBits = 8 * (offsetof(TestOuter, flag) + 1);
    btf__add_field(b, "low", u8, kBits, 3);
    btf__add_field(b, "middle", s8, kBits + 3, 4);
    add("name", text, offsetof(TestOuter, name));
    add("embedded", inner, offsetof(TestOuter, embedded));
    add("inner", inner_pointer, offsetof(TestOuter, inner));
    add("untyped", void_pointer, offsetof(TestOuter, untyped));
    add("", either, offsetof(TestOuter, whole));
    add("numbers", s32_array, offsetof(TestOuter, numbers));
    add("inners", inner_array, offsetof(TestOuter, inners));
    const int outer_pointer = btf__add_ptr(b, outer);
    btf__add_enum(b, "test_enum", 4);
    btf__add_enum_value(b, "kThree", 3);

    const auto add_prototype = [&](bool with_names) {
      const int prototype = btf__add_func_proto(b, 0);
      btf__add_func_param(b, with_names ? "__data" : nullptr, void_pointer);
      btf__add_func_param(b, with_names ? "outer" : nullptr, outer_pointer);
      btf__add_func_param(b, with_names ? "number" : nullptr, s32);
      btf__add_func_param(b, with_names ? "flag" : nullptr, boolean);
      btf__add_func_param(b, with_names ? "name" : nullptr, character_pointer);
      return prototype;
    };
    btf__add_typedef(b, "btf_trace_test_event", btf__add_ptr(b, add_prototype(false)));
    btf__add_func(b, "__traceiter_test_event", BTF_FUNC_STATIC, add_prototype(true));

    __u32 size = 0;
    const void* bytes = btf__raw_data(b, &size);
    const int file = memfd_create("test-btf", MFD_CLOEXEC);
    EXPECT_EQ(write(file, bytes, size), static_cast<ssize_t>(size));
    auto loaded = Btf::load_file("/proc/self/fd/" + std::to_string(file));
    close(file);
    EXPECT_TRUE(loaded) << loaded.error().text();
    return std::move(*loaded);
  }
};

}  // namespace sillage::kernel
