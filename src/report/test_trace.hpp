// SPDX-License-Identifier: MIT
// A small trace for the tests of printers.
#pragma once

#include "ctf/trace_reader.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace sillage::report {

/// Three events of two classes, and a class without any; a packet context, a context, an enumeration,
/// a structure, an array and text that needs quotes.
class TestTrace : public testing::Test {
 protected:
  static constexpr std::string_view kMetadata = R"(/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := u8;
typealias integer { size = 32; align = 8; signed = true; } := i32;
typealias integer { size = 64; align = 8; signed = false; map = clock.c.value; } := clock_value;
trace { major = 1; minor = 8; byte_order = le; };
env { hostname = "here"; answer = 42; };
clock { name = c; freq = 1000000000; offset_s = 1; };
stream {
  packet.context := struct { u8 cpu_id; };
  event.header := struct { u8 id; clock_value timestamp; };
  event.context := struct { i32 tid; };
};
event {
  name = "open"; id = 0; loglevel = 6;
  fields := struct { string path; enum : u8 { READ = 0, WRITE = 1 ... 2 } mode; struct { i32 x; i32 y; } at; };
};
event { name = "close, all"; id = 1; fields := struct { u8 list[2]; }; };
event { name = "never"; id = 2; fields := struct { i32 n; }; };
)";

  void SetUp() override {
    path_ = std::filesystem::path(testing::TempDir()) / ("report_test." + std::to_string(getpid()));
    std::filesystem::create_directories(path_);
    std::ofstream(path_ / "metadata", std::ios::binary) << kMetadata;
    std::string bytes(1, '\3');  // cpu_id
    open_event(&bytes, 100, "a \"b\",c", 2, -1);
    bytes += '\1';
    put<std::uint64_t>(&bytes, 200);
    put<std::int32_t>(&bytes, 8);
    bytes += "\x05\x06";
    open_event(&bytes, 300, "d", 0, 7);
    std::ofstream(path_ / "stream", std::ios::binary) << bytes;
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  [[nodiscard]] ctf::TraceReader open() const {
    return std::move(*ctf::TraceReader::open({path_.string()}, {}));
  }

  std::filesystem::path path_;

 private:
  template <class T>
  static void put(std::string* out, T value) {
    out->append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  static void open_event(std::string* out, std::uint64_t time, std::string_view path, char mode,
                         std::int32_t x) {
    *out += '\0';
    put<std::uint64_t>(out, time);
    put<std::int32_t>(out, 7);
    out->append(path).append(1, '\0').append(1, mode);
    put<std::int32_t>(out, x);
    put<std::int32_t>(out, 9);
  }
};

}  // namespace sillage::report
