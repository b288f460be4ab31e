// SPDX-License-Identifier: MIT
#include "kernel/elf_probes.hpp"

#include "base/byte_cursor.hpp"
#include "base/fd.hpp"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace sillage::kernel {
namespace {

constexpr std::uint32_t kSdtNoteType = 3;
constexpr std::string_view kSdtNoteName = "stapsdt";

struct EndElf {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfFile = std::unique_ptr<Elf, EndElf>;

// A part of the file that is loaded.
struct Segment {
  std::uint64_t address = 0, file_bytes = 0, offset = 0;
  bool is_code = false;
};

std::vector<Segment> segments_of(Elf* elf, std::uint64_t file_bytes) {
  std::vector<Segment> segments;
  std::size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return segments;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr || header.p_type != PT_LOAD)
      continue;
    if (header.p_offset > file_bytes) continue;
    segments.push_back({header.p_vaddr, std::min(header.p_filesz, file_bytes - header.p_offset),
                        header.p_offset, (header.p_flags & PF_X) != 0});
  }
  return segments;
}

// From an address as the linker gave it to where it is in the file.
std::optional<std::uint64_t> file_offset_of(const std::vector<Segment>& segments,
                                            std::uint64_t address, bool must_be_code) {
  for (const Segment& segment : segments) {
    if (address >= segment.address && address - segment.address < segment.file_bytes &&
        (segment.is_code || !must_be_code))
      return address - segment.address + segment.offset;
  }
  return std::nullopt;
}

void read_symbols(Elf* elf, Elf_Scn* section, const GElf_Shdr& header,
                  const std::vector<Segment>& segments, std::vector<ElfFunction>* functions) {
  Elf_Data* data = elf_getdata(section, nullptr);
  if (data == nullptr || header.sh_entsize == 0) return;
  const std::uint64_t count = header.sh_size / header.sh_entsize;
  for (std::uint64_t i = 0; i < count; ++i) {
    GElf_Sym symbol;
    if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) return;
    if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) continue;
    const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
    const auto offset = file_offset_of(segments, symbol.st_value, true);
    if (name == nullptr || *name == '\0' || !offset) continue;
    functions->push_back({name, *offset, symbol.st_size});
  }
}

std::optional<std::string> take_string(ByteCursor* cursor) {
  std::string text;
  while (const auto character = cursor->take<char>()) {
    if (*character == '\0') return text;
    text += *character;
  }
  return std::nullopt;
}

// The content of one note: addresses of the place, of the base section and of the semaphore, then three
// strings. All addresses are moved by as much as the base section was since (prelink).
std::optional<SdtProbe> parse_sdt_note(std::span<const std::byte> content,
                                       std::optional<std::uint64_t> base_now,
                                       const std::vector<Segment>& segments) {
  ByteCursor cursor(content);
  const auto addresses = cursor.take<std::array<std::uint64_t, 3>>();
  auto provider = take_string(&cursor), name = take_string(&cursor),
       arguments = take_string(&cursor);
  if (!addresses || !provider || !name || !arguments) return std::nullopt;
  const auto [place, base_then, semaphore] = *addresses;
  const std::uint64_t moved = base_now ? *base_now - base_then : 0;
  const auto offset = file_offset_of(segments, place + moved, true);
  if (!offset) return std::nullopt;
  SdtProbe probe{std::move(*provider), std::move(*name), *offset, 0, std::move(*arguments)};
  if (semaphore != 0) {
    const auto counter = file_offset_of(segments, semaphore + moved, false);
    if (!counter) return std::nullopt;
    probe.semaphore_file_offset = *counter;
  }
  return probe;
}

void read_notes(Elf_Scn* section, std::optional<std::uint64_t> base_now,
                const std::vector<Segment>& segments, std::vector<SdtProbe>* probes) {
  Elf_Data* data = elf_getdata(section, nullptr);
  if (data == nullptr) return;
  GElf_Nhdr header;
  std::size_t name_at = 0, content_at = 0;
  for (std::size_t at = 0; (at = gelf_getnote(data, at, &header, &name_at, &content_at)) > 0;) {
    const auto* bytes = static_cast<const std::byte*>(data->d_buf);
    const std::string_view name(reinterpret_cast<const char*>(bytes) + name_at,
                                header.n_namesz == 0 ? 0 : header.n_namesz - 1);
    if (header.n_type != kSdtNoteType || name != kSdtNoteName) continue;
    auto probe = parse_sdt_note({bytes + content_at, header.n_descsz}, base_now, segments);
    if (probe) probes->push_back(std::move(*probe));
  }
}

}  // namespace

Result<ElfProbes> ElfProbes::load(const std::string& path) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("cannot open " + path);
  elf_version(EV_CURRENT);
  // Not mapped: whoever cuts the file short meanwhile would end this process.
  const ElfFile elf(elf_begin(file.value(), ELF_C_READ, nullptr));
  GElf_Ehdr header;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr)
    return fail(Code::kUnsupported, path + " is no program or library (ELF)");
  ElfProbes probes;
  probes.path_ = path;
  const bool is_64 = gelf_getclass(elf.get()) == ELFCLASS64;
  if (is_64 && header.e_machine == EM_X86_64)
    probes.machine_ = Machine::kX86;
  else if (is_64 && header.e_machine == EM_AARCH64)
    probes.machine_ = Machine::kArm64;
  else
    return fail(Code::kUnsupported, path + " is for another kind of machine than x86-64 and arm64");
  std::size_t names = 0;
  if (elf_getshdrstrndx(elf.get(), &names) != 0)
    return fail(Code::kCorrupt, path + ": its sections have no names");
  struct stat status {};
  if (fstat(file.value(), &status) != 0) return fail_errno("cannot read " + path);
  const std::vector<Segment> segments =
      segments_of(elf.get(), static_cast<std::uint64_t>(status.st_size));

  std::optional<std::uint64_t> base;
  std::vector<Elf_Scn*> notes;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf.get(), section)) != nullptr;) {
    GElf_Shdr section_header;
    if (gelf_getshdr(section, &section_header) == nullptr) continue;
    const char* name = elf_strptr(elf.get(), names, section_header.sh_name);
    if (section_header.sh_type == SHT_SYMTAB || section_header.sh_type == SHT_DYNSYM)
      read_symbols(elf.get(), section, section_header, segments, &probes.functions_);
    else if (section_header.sh_type == SHT_NOTE)
      notes.push_back(section);
    else if (name != nullptr && std::string_view(name) == ".stapsdt.base")
      base = section_header.sh_addr;
  }
  for (Elf_Scn* section : notes) read_notes(section, base, segments, &probes.sdt_probes_);
  // Exported functions stand in both tables.
  auto& all = probes.functions_;
  const auto key = [](const ElfFunction& f) { return std::tie(f.name, f.file_offset); };
  std::sort(all.begin(), all.end(),
            [&](const ElfFunction& a, const ElfFunction& b) { return key(a) < key(b); });
  all.erase(
      std::unique(all.begin(), all.end(),
                  [&](const ElfFunction& a, const ElfFunction& b) { return key(a) == key(b); }),
      all.end());
  return probes;
}

Result<std::uint64_t> ElfProbes::file_offset(std::string_view place) const {
  const std::size_t plus = std::min(place.find('+'), place.size());
  const std::string symbol(place.substr(0, plus));
  std::uint64_t offset = 0;
  if (plus != place.size()) {
    std::string_view digits = place.substr(plus + 1);
    const int base = digits.starts_with("0x") ? 16 : 10;
    if (base == 16) digits.remove_prefix(2);
    const auto [end, status] =
        std::from_chars(digits.data(), digits.data() + digits.size(), offset, base);
    if (status != std::errc() || end != digits.data() + digits.size())
      return fail(Code::kInvalidArgument,
                  "\"" + std::string(place) + "\": a number should stand behind the +");
  }
  const auto found =
      std::lower_bound(functions_.begin(), functions_.end(), symbol,
                       [](const ElfFunction& f, const std::string& name) { return f.name < name; });
  if (found == functions_.end() || found->name != symbol)
    return fail(Code::kNotFound,
                path_ + " has no function " + symbol +
                    (functions_.empty() ? ": it has no symbols at all, as it was stripped" : ""));
  if (offset != 0 && offset >= found->size_bytes)
    return fail(Code::kInvalidArgument, symbol + " of " + path_ + " has " +
                                            std::to_string(found->size_bytes) + " bytes only");
  return found->file_offset + offset;
}

Result<std::vector<SdtProbe>> ElfProbes::find_sdt(std::string_view provider,
                                                  std::string_view name) const {
  std::vector<SdtProbe> found;
  std::set<std::string> others;
  for (const SdtProbe& probe : sdt_probes_) {
    if (probe.provider == provider && probe.name == name) found.push_back(probe);
    others.insert(probe.provider + ":" + probe.name);
  }
  if (!found.empty()) return found;
  std::string list;
  constexpr std::size_t kShown = 10;
  for (std::size_t i = 0; const std::string& other : others) {
    if (i++ == kShown) break;
    list += (list.empty() ? "" : ", ") + other;
  }
  return fail(Code::kNotFound,
              path_ + " has no SDT probe " + std::string(provider) + ":" + std::string(name) +
                  (others.empty() ? ", and no other"
                                  : "; it has " + list + (others.size() > kShown ? ", ..." : "")));
}

}  // namespace sillage::kernel
