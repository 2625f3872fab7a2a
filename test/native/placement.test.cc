// A woken thread runs on another core than its waker, and may then run where it could before.
#include "placement.h"

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#ifdef __linux__

using namespace evengrad;

namespace {

int failures = 0;

void expect(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "FAILED: %s\n", what);
  ++failures;
}

// The thread of `run` on one core, for as long as it takes.
template <class Run>
void onCore(int core, Run run) {
  cpu_set_t before, one;
  sched_getaffinity(0, sizeof before, &before);
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  sched_setaffinity(0, sizeof one, &one);
  run();
  sched_setaffinity(0, sizeof before, &before);
}

// A sleeper that may run on `allowed` is woken from `core`, where it must not wake up if it may run
// elsewhere.
void testPlacement() {
  cpu_set_t all;
  sched_getaffinity(0, sizeof all, &all);
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &all)) continue;
    for (bool elsewhere : {true, false}) {
      cpu_set_t allowed = all;
      if (!elsewhere) {
        CPU_ZERO(&allowed);
        CPU_SET(core, &allowed);
      }
      std::mutex mutex;
      std::condition_variable changed;
      bool ready = false, woken = false;
      int wokenOn = -1;
      cpu_set_t after;
      Placement placement;
      std::thread sleeper([&] {
        sched_setaffinity(0, sizeof allowed, &allowed);
        placement.adopt();
        std::unique_lock<std::mutex> lock(mutex);
        ready = true;
        changed.notify_one();
        changed.wait(lock, [&] { return woken; });
        wokenOn = sched_getcpu();
        placement.release();
        sched_getaffinity(0, sizeof after, &after);
      });
      onCore(core, [&] {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [&] { return ready; });
        placement.keepOff();
        placement.keepOff();  // the second must not take the first one's limits for what is allowed
        woken = true;
        changed.notify_one();
      });
      sleeper.join();
      const bool alone = CPU_COUNT(&allowed) == 1;
      expect((wokenOn == core) == alone, "a thread wakes up on another core, if it may");
      expect(CPU_EQUAL(&after, &allowed), "a thread that is awake may run where it could before");
    }
  }
}

// What someone else allows a thread between its waking and its going on is what it may do then:
// here the very core that it was kept off.
void testOutside() {
  cpu_set_t all, kept, given, after;
  sched_getaffinity(0, sizeof all, &all);
  if (CPU_COUNT(&all) == 1) return;
  Placement placement;
  placement.adopt();
  placement.keepOff();
  sched_getaffinity(0, sizeof kept, &kept);
  CPU_XOR(&given, &all, &kept);
  expect(sched_setaffinity(0, sizeof given, &given) == 0, "a thread is kept off its waker's core");
  placement.release();
  sched_getaffinity(0, sizeof after, &after);
  expect(CPU_EQUAL(&after, &given), "what others allow a thread meanwhile stays");
  sched_setaffinity(0, sizeof all, &all);
}

}  // namespace

int main() {
  testPlacement();
  testOutside();
  if (failures == 0) std::puts("placement: all passed");
  return failures != 0;
}

#else

int main() { std::puts("placement: other systems choose by themselves"); }

#endif
