// SPDX-License-Identifier: MIT
// A key-value server with tracepoints, and a load for it. README.md says what to look at.
#include <sillage/tracepoint.h>
#include "cache.hpp"
#include "load.hpp"
#include "server.hpp"

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>

namespace {

struct Options {
  std::string socket;
  unsigned workers = 4, clients = 8;
  unsigned long entries = 4000, lifetime_ms = 1000;
  double load_seconds = 0, rate = 1000;
};

int usage() {
  std::fprintf(
      stderr,
      "usage: kv --socket PATH | --load SECONDS  [options]\n"
      "  --socket PATH    serve there until ^C\n"
      "  --load SECONDS   serve and be one's own clients for so long, then print what they did\n"
      "  --workers N      threads that serve (4)\n"
      "  --entries N      how many keys the cache holds (4000)\n"
      "  --lifetime MS    how long (1000)\n"
      "  --clients N      threads that ask (8)\n"
      "  --rate N         requests a second of each (1000); 0: as many as are answered\n");
  return 2;
}

bool parse(int argc, char** argv, Options* options) {
  const option names[] = {{"socket", 1, nullptr, 's'},   {"load", 1, nullptr, 'l'},
                          {"workers", 1, nullptr, 'w'},  {"entries", 1, nullptr, 'e'},
                          {"lifetime", 1, nullptr, 't'}, {"clients", 1, nullptr, 'c'},
                          {"rate", 1, nullptr, 'r'},     {nullptr, 0, nullptr, 0}};
  for (int name; (name = getopt_long(argc, argv, "", names, nullptr)) != -1;) {
    switch (name) {
      case 's': options->socket = optarg; break;
      case 'l': options->load_seconds = std::strtod(optarg, nullptr); break;
      case 'w': options->workers = static_cast<unsigned>(std::strtoul(optarg, nullptr, 10)); break;
      case 'e': options->entries = std::strtoul(optarg, nullptr, 10); break;
      case 't': options->lifetime_ms = std::strtoul(optarg, nullptr, 10); break;
      case 'c': options->clients = static_cast<unsigned>(std::strtoul(optarg, nullptr, 10)); break;
      case 'r': options->rate = std::strtod(optarg, nullptr); break;
      default: return false;
    }
  }
  return optind == argc && options->workers > 0 &&
         options->socket.empty() != (options->load_seconds <= 0);
}

/// Looks at the cache ten times a second, if anybody wants to know.
void report(kv::Cache* cache, const std::stop_token& end) {
  pthread_setname_np(pthread_self(), "reporter");
  while (!end.stop_requested()) {
    // Counting takes every lock: not to be done for nobody.
    if (sillage_tracepoint_enabled(kv, cache_filled, INFO)) {
      const auto entries = cache->entries_per_shard();
      SILLAGE_TRACEPOINT(kv, cache_filled, INFO, sillage_field(entries, entries));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

int run(const Options& options) {
  // Blocked in all threads to come, so that sigwait() gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  if (!options.socket.empty()) pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  kv::Cache cache(options.entries, std::chrono::milliseconds(options.lifetime_ms));
  kv::Server server(kv::listen_at(options.socket), cache, options.workers);
  std::jthread reporter([&cache](const std::stop_token& end) { report(&cache, end); });
  sillage_tracelog(NOTICE, "kv serves with %u workers and room for %lu keys", options.workers,
                   options.entries);

  if (!options.socket.empty()) {
    int number = 0;
    sigwait(&signals, &number);
    unlink(options.socket.c_str());
    return 0;
  }
  const auto duration = std::chrono::milliseconds(static_cast<long>(options.load_seconds * 1000));
  const kv::LoadResult done =
      kv::run_load(server.listener(), options.clients, options.rate, duration);
  const auto [get, set, erase, scan] = done.requests;
  std::printf("%lu requests: %lu get, %lu set, %lu delete, %lu scan; %lu hits, %lu misses\n",
              get + set + erase + scan, get, set, erase, scan, done.hits, done.misses);
  if (done.wrong_answers != 0) std::fprintf(stderr, "kv: %lu wrong answers\n", done.wrong_answers);
  return done.wrong_answers == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, &options)) return usage();
  try {
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kv: %s\n", error.what());
    return 1;
  }
}
