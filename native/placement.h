// Where a thread that is woken runs first: not on the core of the thread that wakes it.
#pragma once

#ifdef __linux__
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace evengrad {

// Linux likes to wake a thread on the waker's core, where the two of them then take turns: it was
// seen to part them only after 100 ms, during all of which another core had been idle. Other
// systems are left to choose.
class Placement {
 public:
#ifdef __linux__
  // By the thread itself, before anyone may wake it.
  void adopt() { thread_ = static_cast<pid_t>(syscall(SYS_gettid)); }

  // By a waker that goes on working, before it wakes the thread.
  void keepOff() {
    const int core = sched_getcpu();
    if (limited_ || core < 0 || sched_getaffinity(thread_, sizeof allowed_, &allowed_) != 0) return;
    others_ = allowed_;
    CPU_CLR(core, &others_);
    limited_ = CPU_COUNT(&others_) > 0 && sched_setaffinity(thread_, sizeof others_, &others_) == 0;
  }

  // By the thread, once woken: it may go on anywhere, or where someone else has let it meanwhile.
  void release() {
    cpu_set_t now;
    if (limited_ && sched_getaffinity(0, sizeof now, &now) == 0 && CPU_EQUAL(&now, &others_)) {
      sched_setaffinity(0, sizeof allowed_, &allowed_);
    }
    limited_ = false;
  }

 private:
  pid_t thread_ = 0;
  cpu_set_t allowed_, others_;
  bool limited_ = false;
#else
  void adopt() {}
  void keepOff() {}
  void release() {}
#endif
};

}  // namespace evengrad
