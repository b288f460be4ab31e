// SPDX-License-Identifier: MIT
// The floor under every eBPF tracer: programs that do nothing, attached to the tracepoints named, until standard input ends.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>

int main(int argc, char** argv) {
  libbpf_set_print(nullptr);
  const bpf_insn nothing[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
  };
  for (int i = 1; i < argc; ++i) {
    const int type = libbpf_find_vmlinux_btf_id(argv[i], BPF_TRACE_RAW_TP);
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_RAW_TP,
                .attach_btf_id = static_cast<__u32>(type));
    const int program = type < 0 ? type
                                 : bpf_prog_load(BPF_PROG_TYPE_TRACING, "nothing", "GPL", nothing,
                                                 std::size(nothing), &options);
    if (program < 0 || bpf_raw_tracepoint_open(nullptr, program) < 0) {
      std::fprintf(stderr, "cannot attach to %s: %s\n", argv[i], std::strerror(errno));
      return 1;
    }
  }
  std::puts("attached");
  std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}
