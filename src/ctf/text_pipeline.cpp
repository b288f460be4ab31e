// SPDX-License-Identifier: MIT
#include "ctf/text_pipeline.hpp"

#include <algorithm>
#include <utility>

namespace sillage::ctf {
namespace {

/// Text is written in pieces of about this size: they stay in the second-level cache.
constexpr std::size_t kPieceBytes = 128u << 10;
/// Events of a piece that another thread prints: some 50 KiB of text, so that a thread's share of the
/// pieces on their way stays in its second-level cache.
constexpr std::size_t kPieceRows = 256;
/// Pieces on their way, for each thread: enough that none waits for another.
constexpr std::size_t kPiecesPerThread = 4;

}  // namespace

TextPipeline::TextPipeline(TraceReader* reader, TextPrinter* printer, unsigned threads, Write write)
    : reader_(*reader),
      write_(std::move(write)),
      printer_(*printer),
      packets_(reader->streams().size()) {
  // The first negative time is printed in another way than those behind it: they need one printer.
  if (reader->begin_ns().value_or(0) < 0) threads = 1;
  for (unsigned i = 1; i < threads; ++i) printers_.emplace_back(printer->options());
  buffers_.resize(printers_.size() + 1);
}

TextPipeline::~TextPipeline() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
}

std::uint64_t TextPipeline::run(std::uint64_t limit) {
  return printers_.empty() ? run_alone(limit) : run_with_others(limit);
}

TextPipeline::Packet& TextPipeline::packet_of(const Run& run) {
  Packet& packet = packets_[run.index];
  if (packet.bytes != run.batch.packet.data()) {
    packet.bytes = run.batch.packet.data();
    packet.text = std::make_shared<const PaddedText>(printer_.packet_text(*run.stream));
    packet.piece = 0;
  }
  return packet;
}

std::uint64_t TextPipeline::run_alone(std::uint64_t limit) {
  std::uint64_t count = 0;
  while (count < limit && !is_over_) {
    auto run = reader_.next_run();
    if (!run) break;
    const PaddedText& packet = *packet_of(*run).text;
    auto& rows = run->batch.rows;
    rows = rows.first(std::min<std::uint64_t>(rows.size(), limit - count));
    count += rows.size();
    while (!rows.empty() && !is_over_) {
      rows = rows.subspan(printer_.print(*run->stream, run->batch, packet, kPieceBytes));
      if (printer_.text().size() >= kPieceBytes) flush();
    }
  }
  flush();
  return count;
}

std::uint64_t TextPipeline::run_with_others(std::uint64_t limit) {
  for (std::size_t i = 0; i < printers_.size(); ++i) {
    threads_.emplace_back([this, i] {
      while (Piece* piece = wait_for_piece(i)) {
        print(&printers_[i], piece);
        const std::lock_guard lock(mutex_);
        piece->state = State::kDone;
        changed_.notify_all();
      }
    });
  }
  std::uint64_t count = 0;
  while (count < limit && !is_over_) {
    auto run = reader_.next_run();
    if (!run) break;
    auto& rows = run->batch.rows;
    rows = rows.first(std::min<std::uint64_t>(rows.size(), limit - count));
    count += rows.size();
    add(*run);
    if (open_->rows.size() >= kPieceRows) {
      hand_out();
      settle(kPiecesPerThread * (printers_.size() + 1));
    }
  }
  flush();
  return count;
}

void TextPipeline::flush() {
  if (printers_.empty()) {
    if (!is_over_ && !printer_.text().empty()) is_over_ = !write_(printer_.text());
    printer_.clear();
    return;
  }
  hand_out();
  settle(0);
}

// Rows are copied: the reader's are gone when it goes on.
void TextPipeline::add(const Run& run) {
  if (open_ == nullptr) {
    if (free_.empty()) free_.push_back(std::make_unique<Piece>());
    open_ = std::move(free_.back());
    free_.pop_back();
    open_->parts.clear();
    open_->rows.clear();
    open_->sources.clear();
    ++piece_number_;
    open_->last_time = last_time_;
  }
  Packet& packet = packet_of(run);
  if (packet.piece != piece_number_) {
    packet.piece = piece_number_;
    packet.source = static_cast<std::uint32_t>(open_->sources.size());
    open_->sources.push_back(
        {.stream = run.stream, .packet = run.batch.packet, .packet_text = packet.text});
  }
  const auto count = static_cast<std::uint32_t>(run.batch.rows.size());
  open_->parts.push_back({.source = packet.source, .count = count});
  open_->rows.insert(open_->rows.end(), run.batch.rows.begin(), run.batch.rows.end());
  if (!run.stream->has_time()) return;
  const Row& last = run.batch.rows.back();
  last_time_ = {.is_known = true, .ns = run.stream->ns_of(last), .cycles = last.clock};
}

void TextPipeline::hand_out() {
  if (open_ == nullptr) return;
  const std::lock_guard lock(mutex_);
  open_->state = State::kReady;
  pieces_.push_back(std::move(open_));
  changed_.notify_all();
}

// Writes what is printed, and prints itself rather than wait, until at most `most` are left.
void TextPipeline::settle(std::size_t most) {
  std::unique_lock lock(mutex_);
  while (!pieces_.empty()) {
    if (pieces_.front()->state == State::kDone) {
      std::unique_ptr<Piece> piece = std::move(pieces_.front());
      pieces_.pop_front();
      lock.unlock();
      if (!is_over_) is_over_ = !write_(piece->text.view());
      lock.lock();
      buffers_[piece->printer].push_back(std::move(piece->text));
      free_.push_back(std::move(piece));
      continue;
    }
    if (pieces_.size() <= most) return;
    Piece* piece = find_ready();
    if (piece == nullptr) {
      changed_.wait(lock);
      continue;
    }
    take(piece, printers_.size());
    lock.unlock();
    print(&printer_, piece);
    lock.lock();
    piece->state = State::kDone;
  }
}

// The first piece that nobody prints yet, or nullptr. mutex_ is held, as in take().
TextPipeline::Piece* TextPipeline::find_ready() {
  const auto ready = std::ranges::find_if(
      pieces_, [](const auto& piece) { return piece->state == State::kReady; });
  return ready == pieces_.end() ? nullptr : ready->get();
}

void TextPipeline::take(Piece* piece, std::size_t printer) {
  piece->state = State::kTaken;
  piece->printer = printer;
  piece->text = {};
  std::vector<TextPrinter::Text>& buffers = buffers_[printer];
  if (buffers.empty()) return;
  piece->text = std::move(buffers.back());
  buffers.pop_back();
}

// The next piece to print; nullptr at the end.
TextPipeline::Piece* TextPipeline::wait_for_piece(std::size_t printer) {
  std::unique_lock lock(mutex_);
  while (true) {
    if (Piece* piece = find_ready()) {
      take(piece, printer);
      return piece;
    }
    if (is_stopping_) return nullptr;
    changed_.wait(lock);
  }
}

void TextPipeline::print(TextPrinter* printer, Piece* piece) {
  printer->clear();
  printer->set_last_time(piece->last_time);
  std::span<const Row> rows = piece->rows;
  for (const Part& part : piece->parts) {
    const Source& source = piece->sources[part.source];
    printer->print(*source.stream, {.packet = source.packet, .rows = rows.first(part.count)},
                   *source.packet_text, std::numeric_limits<std::size_t>::max());
    rows = rows.subspan(part.count);
  }
  printer->swap(&piece->text);
}

}  // namespace sillage::ctf
