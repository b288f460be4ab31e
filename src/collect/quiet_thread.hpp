// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace sillage::collect {

/// Starts a thread that takes no signals: they are the program's.
template <class Work>
[[nodiscard]] std::thread start_without_signals(Work work) {
  sigset_t all, before;
  ::sigfillset(&all);
  // Of the thread's own doing: blocked, it would end the process past ring::BusGuard.
  ::sigdelset(&all, SIGBUS);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(work));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace sillage::collect
