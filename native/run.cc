// The executor: steps through a program's instructions, honouring aborts where no state is at risk.
#include "run.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "pool.h"

namespace evengrad {

namespace {

void outOfMemory(Run& run, int64_t bytes) {
  char text[160];
  std::snprintf(text, sizeof text,
                "out of memory: this graph needs %.1f GB for intermediates and the system has no "
                "more. Use a smaller batch?",
                static_cast<double>(bytes) / 1e9);
  run.failed = true;
  run.error = text;
}

void compute(const Instruction& instruction, Context& context) {
  instruction.kernel->run(instruction.call, instruction.plan, context);
}

void computeTimed(const Instruction& instruction, Context& context, std::atomic<int64_t>& spent) {
  const auto began = std::chrono::steady_clock::now();
  compute(instruction, context);
  const std::chrono::nanoseconds took = std::chrono::steady_clock::now() - began;
  spent.store(spent.load(std::memory_order_relaxed) + took.count(), std::memory_order_relaxed);
}

}  // namespace

void Runner::execute(Run& run) {
  Program& program = *run.program;
  shrink();
  Team team(threadCount());
  const int64_t scratchBytes = program.scratchBytes(team.threads());
  if (!arena_.reserve(std::max<int64_t>(program.arenaBytes(), 1)) ||
      !scratch_.reserve(scratchBytes)) {
    return outOfMemory(run, program.arenaBytes() + scratchBytes);
  }
  program.place(arena_.data(), run.slots.data(), run.strides.data());

  Context context{team, scratch_.data()};
  const std::vector<Instruction>& instructions = program.instructions();
  const size_t count = instructions.size();
  std::atomic<int64_t>* const profile = program.profile();
  // Once a variable is written, an abort waits for the end of the step; closing waits for nothing,
  // as everything that the program touches goes away.
  const auto stopBefore = [&](size_t instruction) {
    return closing_.load(std::memory_order_relaxed) ||
           (instruction <= program.firstVariableWrite() &&
            run.aborted.load(std::memory_order_relaxed));
  };
  for (int64_t step = 0; step < run.steps && !stopBefore(0); ++step) {
    if (step > 0) program.advance();
    for (size_t i = 0; i < count; ++i) {
      if (stopBefore(i)) return;
      const Instruction& instruction = instructions[i];
      if (profile) {
        computeTimed(instruction, context, profile[i]);
      } else {
        compute(instruction, context);
      }
      if (context.failed()) {
        run.failed = true;
        run.error = context.error;
        run.failedInstruction = static_cast<int64_t>(i);
        return;
      }
    }
    run.completed = step + 1;
  }
}

bool Runner::start() {
  return thread_.started() ||
         thread_.start([](void* runner) { static_cast<Runner*>(runner)->loop(); }, this);
}

void Runner::submit(Run* run) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(run);
  }
  queued_.notify_one();
}

std::vector<Run*> Runner::takeFinished() {
  std::vector<Run*> runs;
  std::lock_guard<std::mutex> lock(mutex_);
  runs.swap(done_);
  return runs;
}

void Runner::loop() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    queued_.wait(lock, [&] { return closing_ || !queue_.empty(); });
    if (closing_) return;
    Run* run = queue_.front();
    lock.unlock();
    execute(*run);
    lock.lock();
    queue_.pop_front();
    done_.push_back(run);
    if (closing_) return;
    lock.unlock();
    finished_(context_);
    lock.lock();
  }
}

std::vector<Run*> Runner::close() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    closing_ = true;
  }
  queued_.notify_one();
  thread_.join();
  std::vector<Run*> runs = takeFinished();
  runs.insert(runs.end(), queue_.begin(), queue_.end());
  queue_.clear();
  return runs;
}

void Runner::addProgram(int64_t arenaBytes) {
  ++programs_[arenaBytes];
  wanted_.store(programs_.rbegin()->first, std::memory_order_relaxed);
}

void Runner::removeProgram(int64_t arenaBytes, bool idle) {
  const auto entry = programs_.find(arenaBytes);
  if (--entry->second == 0) programs_.erase(entry);
  const int64_t wanted = programs_.empty() ? 0 : programs_.rbegin()->first;
  wanted_.store(wanted, std::memory_order_relaxed);
  if (idle) shrink();
}

void Runner::shrink() {
  if (arena_.bytes() <= Block::rounded(wanted_.load(std::memory_order_relaxed))) return;
  arena_.release();
  scratch_.release();
}

}  // namespace evengrad
