// SPDX-License-Identifier: MIT
#include "sillage/child_program.hpp"

#include "sillage/exit_status.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace sillage::command {
namespace {

[[noreturn]] void run_in_child(int go, int failure, char* const* arguments) {
  char byte = 0;
  ssize_t got;
  while ((got = read(go, &byte, 1)) < 0 && errno == EINTR) {
  }
  if (got != 1) _exit(0);  // the command gave up
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execvp(arguments[0], arguments);
  const int error = errno;
  (void)!write(failure, &error, sizeof error);
  _exit(error == ENOENT ? kExitNotFound : kExitNotExecutable);
}

}  // namespace

Result<ChildProgram> ChildProgram::prepare(
    std::vector<std::string> arguments,
    const std::vector<std::pair<std::string, std::string>>& environment) {
  int go[2], failure[2];
  if (pipe2(go, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe");
  Fd go_read(go[0]), go_write(go[1]);
  if (pipe2(failure, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe");
  Fd failure_read(failure[0]), failure_write(failure[1]);
  // This process has one thread, so the child may do as it likes between fork and exec.
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t pid = fork();
  if (pid < 0) return fail_errno("cannot make a process");
  if (pid == 0) {
    go_write.reset();
    failure_read.reset();
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    run_in_child(go_read.value(), failure_write.value(), pointers.data());
  }
  return ChildProgram(pid, arguments[0], std::move(go_write), std::move(failure_read));
}

ChildProgram::~ChildProgram() {
  if (!go_) return;  // it runs, or this object was moved from
  go_.reset();
  waitpid(pid_, nullptr, 0);
}

Status ChildProgram::run() {
  const bool told = write(go_.value(), "g", 1) == 1;
  go_.reset();
  if (!told) return fail(Code::kSystem, "the process for " + name_ + " ended before it could run");
  int error = 0;
  ssize_t got;
  while ((got = read(failure_.value(), &error, sizeof error)) < 0 && errno == EINTR) {
  }
  failure_.reset();
  if (got != sizeof error) return {};  // closed by the exec
  waitpid(pid_, nullptr, 0);
  if (error == ENOENT) {
    return fail(Code::kNotFound,
                "cannot run " + name_ + ": it, or the interpreter that it names, is not there");
  }
  return fail_errno("cannot run " + name_, error);
}

int ChildProgram::poll_status() {
  if (status_ >= 0) return status_;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return -1;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return status_;
}

void ChildProgram::send_signal(int number) const {
  if (status_ < 0) kill(pid_, number);
}

}  // namespace sillage::command
