// Runs: programs executed one at a time, in order, on an environment's own thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "memory.h"
#include "program.h"
#include "thread.h"

namespace evengrad {

// One execution of a program. The slots' data and the program must outlive it.
struct Run {
  Program* program = nullptr;
  std::vector<void*> slots;      // data of each slot, none null
  std::vector<int64_t> strides;  // of each slot, elements per step
  int64_t steps = 0;
  std::atomic<bool> aborted{false};

  // The outcome.
  int64_t completed = 0;
  bool failed = false;
  std::string error;
  int64_t failedInstruction = -1;  // -1: no instruction's fault, there was no memory
};

// One environment's arena, queue and thread. All but the thread itself belongs to the environment's
// main thread.
class Runner {
 public:
  // `finished(context)` is called on the runner's thread after each run.
  Runner(void (*finished)(void* context), void* context) : finished_(finished), context_(context) {}
  ~Runner() { close(); }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // False if the thread cannot be started.
  bool start();
  void submit(Run* run);
  // The finished runs since the last call, in order; each submitted run comes out once.
  std::vector<Run*> takeFinished();
  // Executes on the calling thread, which is right only while no submitted run is unfinished.
  void execute(Run& run);
  // Stops the running program between two instructions, wherever that is, and joins the thread.
  // Returns the runs that never came out of takeFinished.
  std::vector<Run*> close();

  // Every live program's arena need. The arena is given back once no live program needs its size,
  // here if `idle`, otherwise by the next run.
  void addProgram(int64_t arenaBytes);
  void removeProgram(int64_t arenaBytes, bool idle);
  // Bytes of arena and scratch.
  int64_t bytes() const { return arena_.bytes() + scratch_.bytes(); }
  int64_t arenaBytes() const { return arena_.bytes(); }

 private:
  void loop();
  void shrink();

  void (*finished_)(void* context);
  void* context_;
  Thread thread_;
  std::mutex mutex_;
  std::condition_variable queued_;
  std::deque<Run*> queue_;
  std::vector<Run*> done_;
  std::atomic<bool> closing_{false};
  std::map<int64_t, int> programs_;  // arena bytes of live programs -> how many
  std::atomic<int64_t> wanted_{0};   // the largest of them
  Block arena_;
  Block scratch_;
};

}  // namespace evengrad
