// SPDX-License-Identifier: MIT
#include "load.hpp"

#include "protocol.hpp"
#include "socket.hpp"

#include <pthread.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace kv {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kKeys = 10000;

/// One thread's requests: mostly gets of keys of which few are popular; what a get misses is set.
class Client {
 public:
  Client(int listener, std::uint32_t number)
      : connection_(connect_to(listener)), number_(number), random_(number) {}

  void run(double rate, Clock::time_point end) {
    std::exponential_distribution<double> pause_seconds(rate > 0 ? rate : 1);
    for (auto next = Clock::now(); next < end && Clock::now() < end;) {
      one_request();
      if (rate <= 0) continue;
      next += std::chrono::duration_cast<Clock::duration>(
          std::chrono::duration<double>(pause_seconds(random_)));
      std::this_thread::sleep_until(next);
    }
  }

  const LoadResult& result() const { return result_; }

 private:
  void one_request() {
    const auto dice = random_() % 1000;
    const std::string key = any_key();
    if (dice < 850) {
      const auto value = ask(Op::kGet, key, "");
      if (value) {
        ++result_.hits;
        if (!value->starts_with(key)) ++result_.wrong_answers;
      } else {
        ++result_.misses;
        ask(Op::kSet, key, value_of(key));
      }
    } else if (dice < 950) {
      ask(Op::kSet, key, value_of(key));
    } else if (dice < 990) {
      ask(Op::kDelete, key, "");
    } else {
      ask(Op::kScan, key.substr(0, 6), "");
    }
  }

  std::string any_key() {
    const double u = std::uniform_real_distribution<double>(0, 1)(random_);
    return "user:" + std::to_string(static_cast<unsigned>(kKeys * u * u * u));
  }

  /// The key first, so that it shows in the answer whose value it is.
  std::string value_of(const std::string& key) {
    return key + std::string(16 + random_() % 1000, '.');
  }

  /// The value of a hit.
  std::optional<std::string> ask(Op op, const std::string& key, const std::string& value) {
    ++result_.requests[static_cast<std::size_t>(op)];
    Request request;
    request.id = std::uint64_t{number_} << 32 | ++sequence_;
    request.op = op;
    request.key_bytes = static_cast<std::uint8_t>(key.size());
    request.value_bytes = static_cast<std::uint16_t>(value.size());
    std::memcpy(request.data, key.data(), key.size());
    std::memcpy(request.data + key.size(), value.data(), value.size());
    must(
        static_cast<int>(send(connection_.value(), &request, request.packet_bytes(), MSG_NOSIGNAL)),
        "send");
    Reply reply;
    const int bytes =
        must(static_cast<int>(recv(connection_.value(), &reply, sizeof reply, 0)), "recv");
    if (static_cast<std::size_t>(bytes) < offsetof(Reply, data) || reply.id != request.id)
      ++result_.wrong_answers;
    if (reply.status != Status::kDone) return std::nullopt;
    return std::string(reply.data, static_cast<std::size_t>(bytes) - offsetof(Reply, data));
  }

  Descriptor connection_;
  const std::uint32_t number_;
  std::minstd_rand random_;
  std::uint32_t sequence_ = 0;
  LoadResult result_;
};

}  // namespace

LoadResult run_load(int listener, unsigned clients, double rate,
                    std::chrono::milliseconds duration) {
  const auto end = Clock::now() + duration;
  std::vector<LoadResult> results(clients);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < clients; ++i) {
    threads.emplace_back([=, &results] {
      const std::string name = "client-" + std::to_string(i + 1);
      pthread_setname_np(pthread_self(), name.c_str());
      Client client(listener, i + 1);
      client.run(rate, end);
      results[i] = client.result();
    });
  }
  for (std::thread& thread : threads) thread.join();
  LoadResult total;
  for (const LoadResult& result : results) {
    for (std::size_t op = 0; op < total.requests.size(); ++op)
      total.requests[op] += result.requests[op];
    total.hits += result.hits;
    total.misses += result.misses;
    total.wrong_answers += result.wrong_answers;
  }
  return total;
}

}  // namespace kv
