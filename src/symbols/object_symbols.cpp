// SPDX-License-Identifier: MIT
#include "symbols/object_symbols.hpp"

#include "symbols/debug_files.hpp"

#include <fmt/core.h>

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace sillage::symbols {
namespace {

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// As printf's %#x: zero has no prefix.
std::string offset_text(std::uint64_t offset) {
  return offset == 0 ? "+0" : fmt::format("+{:#x}", offset);
}

/// The function of a compilation unit that has an address.
struct Search {
  Dwarf_Addr address = 0;
  Dwarf_Die found = {};
  bool is_found = false;
};

int match_function(Dwarf_Die* function, void* data) {
  auto* search = static_cast<Search*>(data);
  if (dwarf_haspc(function, search->address) <= 0) return DWARF_CB_OK;
  search->found = *function;
  search->is_found = true;
  return DWARF_CB_ABORT;
}

}  // namespace

/// What libdwfl has open of an object.
class ObjectSymbols::Files {
 public:
  Files(MappedObject object, SearchOptions options)
      : object_(std::move(object)), options_(std::move(options)), dwfl_(dwfl_begin(&callbacks())) {
    if (dwfl_ == nullptr) return;
    const std::string path = options_.target_prefix + object_.path;
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (file && report(path, &file)) return;
    // Without the object itself its symbols are enough.
    std::string debug_path;
    file = open_debug_file(object_, options_, &debug_path);
    if (file) (void)report(debug_path, &file);
  }
  ~Files() {
    if (dwfl_ != nullptr) dwfl_end(dwfl_);
  }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  /// An address as the file has it.
  [[nodiscard]] std::uint64_t file_address(std::uint64_t base, std::uint64_t address) const {
    return object_.is_pic ? address - base + lowest_ : address;
  }

  [[nodiscard]] std::string function_at(std::uint64_t address) const {
    if (module_ == nullptr) return {};
    Dwarf_Addr bias = 0;
    if (Dwarf_Die* unit = unit_at(address, &bias); unit != nullptr) {
      Search search{address - bias, {}, false};
      (void)dwarf_getfuncs(unit, match_function, &search, 0);
      Dwarf_Addr entry = 0;
      const char* name = search.is_found ? dwarf_diename(&search.found) : nullptr;
      if (name != nullptr && dwarf_entrypc(&search.found, &entry) == 0 && entry <= search.address)
        return name + offset_text(search.address - entry);
    }
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char* name =
        dwfl_module_addrinfo(module_, address, &offset, &symbol, nullptr, nullptr, nullptr);
    return name == nullptr ? std::string() : name + offset_text(offset);
  }

  [[nodiscard]] std::string source_at(std::uint64_t address, bool has_full_path) const {
    if (module_ == nullptr) return {};
    Dwarf_Addr bias = 0;
    Dwarf_Die* unit = unit_at(address, &bias);
    Dwarf_Line* line = unit == nullptr ? nullptr : dwarf_getsrc_die(unit, address - bias);
    int number = 0;
    const char* name = line == nullptr ? nullptr : dwarf_linesrc(line, nullptr, nullptr);
    if (name == nullptr || dwarf_lineno(line, &number) != 0) return {};
    return fmt::format("{}:{}", has_full_path ? std::string(name) : last_part(name), number);
  }

 private:
  /// The compilation unit of an address in the module. By the table of addresses, or, as clang writes none, by a search.
  Dwarf_Die* unit_at(std::uint64_t address, Dwarf_Addr* bias) const {
    if (Dwarf_Die* unit = dwfl_module_addrdie(module_, address, bias); unit != nullptr) return unit;
    for (Dwarf_Die* unit = dwfl_module_nextcu(module_, nullptr, bias); unit != nullptr;
         unit = dwfl_module_nextcu(module_, unit, bias))
      if (dwarf_haspc(unit, address - *bias) == 1) return unit;
    return nullptr;
  }

  static const Dwfl_Callbacks& callbacks() {
    static const Dwfl_Callbacks callbacks = {.find_elf = nullptr,
                                             .find_debuginfo = find_debuginfo,
                                             .section_address = dwfl_offline_section_address,
                                             .debuginfo_path = nullptr};
    return callbacks;
  }

  /// In place of libdwfl's own, which may ask servers.
  static int find_debuginfo(Dwfl_Module* /*module*/, void** user_data, const char* /*name*/,
                            Dwarf_Addr /*base*/, const char* /*file*/, const char* link,
                            GElf_Word crc, char** file_name) {
    const auto* files = static_cast<const Files*>(*user_data);
    MappedObject wanted = files->object_;
    if (wanted.debug_link.empty() && link != nullptr) {
      wanted.debug_link = link;
      wanted.debug_link_crc = crc;
    }
    std::string path;
    Fd file = open_debug_file(wanted, files->options_, &path);
    if (!file) return -1;
    *file_name = strdup(path.c_str());
    return file.release();
  }

  bool report(const std::string& path, Fd* file) {
    // What is no file of its own cannot be what was mapped.
    struct stat status = {};
    if (fstat(file->value(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
    dwfl_report_begin(dwfl_);
    Dwfl_Module* module =
        dwfl_report_elf(dwfl_, object_.path.c_str(), path.c_str(), file->value(), 0, true);
    if (module != nullptr) (void)file->release();  // it is the module's now
    dwfl_report_end(dwfl_, nullptr, nullptr);
    if (module == nullptr) return false;
    void** user_data = nullptr;
    dwfl_module_info(module, &user_data, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    *user_data = this;
    if (!is_same_build(module)) {
      dwfl_report_begin(dwfl_);
      dwfl_report_end(dwfl_, nullptr, nullptr);
      return false;
    }
    module_ = module;
    lowest_ = lowest_address(module);
    return true;
  }

  bool is_same_build(Dwfl_Module* module) const {
    if (object_.build_id.empty()) return true;
    const unsigned char* id = nullptr;
    GElf_Addr address = 0;
    const int bytes = dwfl_module_build_id(module, &id, &address);
    return bytes > 0 &&
           std::equal(id, id + bytes, object_.build_id.begin(), object_.build_id.end());
  }

  static std::uint64_t lowest_address(Dwfl_Module* module) {
    GElf_Addr bias = 0;
    Elf* elf = dwfl_module_getelf(module, &bias);
    std::size_t count = 0;
    std::uint64_t lowest = UINT64_MAX;
    if (elf == nullptr || elf_getphdrnum(elf, &count) != 0) return 0;
    for (std::size_t i = 0; i < count; ++i) {
      GElf_Phdr segment;
      if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr) break;
      if (segment.p_type == PT_LOAD) lowest = std::min<std::uint64_t>(lowest, segment.p_vaddr);
    }
    return lowest == UINT64_MAX ? 0 : lowest;
  }

  MappedObject object_;
  SearchOptions options_;
  Dwfl* dwfl_;
  Dwfl_Module* module_ = nullptr;
  std::uint64_t lowest_ = 0;  // address of the first segment in the file
};

ObjectSymbols::ObjectSymbols(const MappedObject& object, const SearchOptions& options)
    : name_(options.has_full_paths ? options.target_prefix + object.path : last_part(object.path)),
      is_pic_(object.is_pic),
      has_full_paths_(options.has_full_paths),
      files_(std::make_unique<Files>(object, options)) {}

ObjectSymbols::~ObjectSymbols() = default;

Location ObjectSymbols::resolve(std::uint64_t base, std::uint64_t address) const {
  const std::uint64_t at = files_->file_address(base, address);
  Location location;
  location.object =
      name_ + (is_pic_ ? offset_text(address - base) : fmt::format("@{:#x}", address));
  location.function = files_->function_at(at);
  location.source = files_->source_at(at, has_full_paths_);
  return location;
}

}  // namespace sillage::symbols
