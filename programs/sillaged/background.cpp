// SPDX-License-Identifier: MIT
#include "sillaged/background.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace sillage::daemon {

Result<std::unique_ptr<Background>> Background::create() {
  Fd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) return fail_errno("cannot make an eventfd");
  return std::unique_ptr<Background>(new Background(std::move(bell)));
}

Background::~Background() {
  for (auto& piece : pieces_) piece->thread.join();
}

void Background::run(std::function<void()> work, std::function<void()> then) {
  auto piece = std::make_unique<Piece>();
  piece->then = std::move(then);
  Piece* const done = piece.get();
  const int bell = bell_.value();
  piece->thread = std::thread([work = std::move(work), done, bell]() mutable {
    work();
    // What it holds goes in this thread, too: freeing may take as long as making.
    work = nullptr;
    // Pairs with the acquire load in process_done().
    done->is_done.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    (void)!::write(bell, &one, sizeof one);
  });
  pieces_.push_back(std::move(piece));
}

void Background::process_done() {
  std::uint64_t count;
  (void)!::read(bell_.value(), &count, sizeof count);
  std::vector<std::unique_ptr<Piece>> done;
  std::erase_if(pieces_, [&](std::unique_ptr<Piece>& piece) {
    if (!piece->is_done.load(std::memory_order_acquire)) return false;
    done.push_back(std::move(piece));
    return true;
  });
  for (auto& piece : done) {
    piece->thread.join();
    piece->then();
  }
}

void Background::finish() {
  while (!pieces_.empty()) {
    const std::unique_ptr<Piece> piece = std::move(pieces_.back());
    pieces_.pop_back();
    piece->thread.join();
    piece->then();
  }
}

}  // namespace sillage::daemon
