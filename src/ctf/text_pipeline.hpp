// SPDX-License-Identifier: MIT
// All events of a reader as text: on one thread, or scanned and merged on one while others print.
#pragma once

#include "ctf/text_printer.hpp"
#include "ctf/trace_reader.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sillage::ctf {

/// Prints the events of a reader, in order.
///
/// The thread that calls run() reads, and hands out pieces of some thousand events; whichever thread
/// is free prints them, it included, and it writes their text in order. Nobody spins.
/// Lifetime: the reader, the printer and what `write` needs must outlive it.
/// Threads:  run() and flush() on one; `write` is called on that one.
class TextPipeline {
 public:
  /// Takes text; false if there is no use in more.
  using Write = std::function<bool(std::string_view)>;

  /// `printer` says how; with more than one thread the others have copies of it.
  TextPipeline(TraceReader* reader, TextPrinter* printer, unsigned threads, Write write);
  ~TextPipeline();
  TextPipeline(const TextPipeline&) = delete;
  TextPipeline& operator=(const TextPipeline&) = delete;

  /// Prints up to `limit` events; how many there were.
  std::uint64_t run(std::uint64_t limit = std::numeric_limits<std::uint64_t>::max());

  /// Writes the text of all events that were read so far. For the reader's reports, which come
  /// between them.
  void flush();

 private:
  /// Where rows are from.
  struct Source {
    const DataStream* stream = nullptr;
    std::span<const std::byte> packet{};
    std::shared_ptr<const PaddedText> packet_text{};
  };
  /// Rows of one source in sequence: often only one.
  struct Part {
    std::uint32_t source = 0, count = 0;
  };
  enum class State : std::uint8_t { kReady, kTaken, kDone };
  struct Piece {
    State state = State::kReady;
    std::vector<Source> sources{};
    std::vector<Part> parts{};
    std::vector<Row> rows{};            // of all parts
    TextPrinter::LastTime last_time{};  // in front of it
    std::size_t printer = 0;            // who printed it
    TextPrinter::Text text{};
  };

  std::uint64_t run_alone(std::uint64_t limit);
  std::uint64_t run_with_others(std::uint64_t limit);
  struct Packet {
    const std::byte* bytes = nullptr;
    std::shared_ptr<const PaddedText> text{};
    std::uint64_t piece = 0;   // the last one that has it
    std::uint32_t source = 0;  // there
  };
  Packet& packet_of(const Run& run);
  void add(const Run& run);
  void hand_out();
  void settle(std::size_t most);
  Piece* find_ready();
  void take(Piece* piece, std::size_t printer);
  Piece* wait_for_piece(std::size_t printer);
  static void print(TextPrinter* printer, Piece* piece);

  TraceReader& reader_;
  Write write_;
  TextPrinter& printer_;
  bool is_over_ = false;         // `write` said so
  std::vector<Packet> packets_;  // those that streams are in, by Run::index

  // With other threads.
  std::unique_ptr<Piece> open_;
  std::uint64_t piece_number_ = 0;  // of open_, from 1 on
  TextPrinter::LastTime last_time_;
  std::vector<std::unique_ptr<Piece>> free_;
  std::mutex mutex_;
  std::condition_variable changed_;            // a piece is ready or done, or it is over
  std::deque<std::unique_ptr<Piece>> pieces_;  // in order; guarded by mutex_, as their states
  bool is_stopping_ = false;                   // guarded by mutex_
  std::vector<TextPrinter> printers_;          // of the other threads
  /// Buffers of each thread, this one last; guarded by mutex_. A buffer goes back to the thread that
  /// wrote to it last: it is in that CPU's cache.
  std::vector<std::vector<TextPrinter::Text>> buffers_;
  std::vector<std::jthread> threads_;
};

}  // namespace sillage::ctf
