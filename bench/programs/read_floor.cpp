// SPDX-License-Identifier: MIT
// What reading costs that does nothing else: reads the files below a directory into a buffer and looks at each cache line.
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  constexpr std::size_t kBufferBytes = 256u << 10;
  constexpr std::size_t kLineBytes = 64;
  std::vector<std::uint8_t> buffer(kBufferBytes);
  std::uint64_t sum = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
    if (!entry.is_regular_file()) continue;
    const int fd = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 1;
    for (ssize_t size = 0; (size = read(fd, buffer.data(), buffer.size())) > 0;) {
      for (std::size_t i = 0; i < static_cast<std::size_t>(size); i += kLineBytes) sum += buffer[i];
    }
    close(fd);
  }
  std::printf("%llu\n", static_cast<unsigned long long>(sum));
  return 0;
}
