// The pool, the verification of programs and the executor, on kernels made for the purpose.
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pool.h"
#include "program.h"
#include "run.h"

using namespace evengrad;

namespace {

int failures = 0;

void expect(bool ok, const std::string& what) {
  if (ok) return;
  std::fprintf(stderr, "FAILED: %s\n", what.c_str());
  ++failures;
}

// ---- The pool

struct Region {
  std::vector<std::atomic<int>> hits;
  std::vector<std::atomic<bool>> busy;  // by worker
  std::atomic<int> errors{0};
  int work;

  Region(int64_t chunks, int threads, int work) : hits(chunks), busy(threads), work(work) {}

  static void body(void* state, int64_t chunk, int worker) {
    Region& region = *static_cast<Region*>(state);
    if (worker < 0 || worker >= static_cast<int>(region.busy.size()) ||
        region.busy[worker].exchange(true)) {
      ++region.errors;  // scratch is indexed by worker: two at once would share it
      return;
    }
    volatile double sink = 0;
    for (int i = 0; i < region.work; ++i) sink = sink + i;
    ++region.hits[chunk];
    region.busy[worker] = false;
  }

  bool once() const {
    for (const auto& hit : hits) {
      if (hit != 1) return false;
    }
    return errors == 0;
  }
};

void runRegion(int threads, int64_t chunks, int work) {
  Region region(chunks, threads, work);
  Team team(threads);
  team.run(chunks, Region::body, &region);
  expect(region.once(), "each of " + std::to_string(chunks) + " chunks runs once on " +
                            std::to_string(threads) + " threads");
}

void testRegions() {
  for (int threads : {1, 2, 3, 8, 100}) {
    for (int64_t chunks : {0, 1, 2, 3, 7, 64, 1000}) {
      for (int work : {0, 100, 3000}) runRegion(threads, chunks, work);
    }
  }
}

// More callers at once than the pool has places, each with its own thread count.
void testConcurrentRegions() {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 80; ++caller) {
    callers.emplace_back([caller] {
      for (int i = 0; i < 40; ++i)
        runRegion(1 + caller % 5, 1 + (i * 7 + caller) % 50, i % 3 * 200);
    });
  }
  for (std::thread& caller : callers) caller.join();
}

void testNestedRegions() {
  static std::atomic<int> inner;
  inner = 0;
  Team team(4);
  for (int i = 0; i < 50; ++i) {
    team.run(
        8,
        [](void* team, int64_t, int) {
          static_cast<Team*>(team)->run(
              5, [](void*, int64_t, int) { ++inner; }, nullptr);
        },
        &team);
  }
  expect(inner == 50 * 8 * 5, "nested regions run all chunks");
}

// Regions after pauses longer than helpers spin: they have to be woken.
void testSleepingHelpers() {
  for (int i = 0; i < 50; ++i) {
    std::this_thread::sleep_for(std::chrono::microseconds(200 * (i % 3)));
    runRegion(4, 16, 2000);
  }
}

void testHelpersTakePart() {
  struct State {
    std::atomic<int> inside{0};
    std::atomic<bool> together{false};
  } state;
  Team team(2);
  // Chunks that wait for each other a while: only two threads at once can meet.
  for (int i = 0; i < 20 && !state.together; ++i) {
    team.run(
        2,
        [](void* opaque, int64_t, int) {
          State& state = *static_cast<State*>(opaque);
          if (++state.inside == 2) state.together = true;
          for (int wait = 0; wait < 200 && !state.together; ++wait) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
          }
          --state.inside;
        },
        &state);
  }
  expect(state.together, "a helper takes part");
}

// ---- Programs, on kernels that count, fail or ask for scratch

const char* fine(const Call&) { return nullptr; }
const char* refuse(const Call&) { return "refused"; }
const char* oneInOneOut(const Call& call) {
  return call.nIn == 1 && call.nOut == 1 && call.in->count == call.out->count
             ? nullptr
             : "not one in one out";
}

std::atomic<int> plans{0};
std::function<void(const Call&, Context&)> hook;  // what kernel `custom` does

enum : int { kAddOne, kRefuse, kFail, kCustom, kNothing };  // instead of the first rows of ops.def

const KernelTable& testTable() {
  static std::vector<Kernel> kernels;
  static KernelTable table{"test", nullptr};
  if (kernels.empty()) {
    const Kernel nothing{"nothing", fine,    nullptr,
                         nullptr,   nullptr, [](const Call&, const void*, Context&) {}};
    kernels.assign(kKernelCount, nothing);
    kernels[kAddOne] = {
        "addOne",
        oneInOneOut,
        [](const Call&, int threads) { return int64_t{64} * threads; },
        [](const Call&) -> void* {
          ++plans;
          return new int(1);
        },
        [](void* plan) {
          --plans;
          delete static_cast<int*>(plan);
        },
        [](const Call& call, const void* plan, Context& context) {
          struct Job {
            const Call& call;
            int one;
            char* scratch;
          } job{call, *static_cast<const int*>(plan), static_cast<char*>(context.scratch)};
          context.pool.run(
              call.out->count,
              [](void* opaque, int64_t i, int worker) {
                Job& job = *static_cast<Job*>(opaque);
                std::memset(job.scratch + 64 * worker, 1, 64);
                job.call.out->f32()[i] = job.call.in->f32()[i] + static_cast<float>(job.one);
              },
              &job);
        }};
    kernels[kRefuse].check = refuse;
    kernels[kFail].run = [](const Call&, const void*, Context& context) {
      std::snprintf(context.error, sizeof context.error, "bad data");
    };
    kernels[kCustom].run = [](const Call& call, const void*, Context& context) {
      hook(call, context);
    };
    table.kernels = kernels.data();
  }
  return table;
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// in (slot 0) -> arena -> out (slot 2), with slot 1 a variable.
Encoded example() {
  Encoded e;
  e.slots = {0, 16, 0, 0, 16, 1, 0, 16, 2};
  e.buffers = {1, 0, 0, 16, 1, 1, 0, 16, 1, 2, 0, 16, 0, 0, 0, 16, 0, 64, 0, 16};
  e.code = {kAddOne, 1, 0, 1, 3, 0, kAddOne, 1, 3, 1, 2, 0};
  e.arenaBytes = 128;
  return e;
}

void testMalformed() {
  struct Case {
    const char* message;  // must occur in the error
    std::function<void(Encoded&)> spoil;
  };
  const auto code = [](std::vector<double> numbers) {
    return [numbers](Encoded& e) { e.code = numbers; };
  };
  const std::vector<Case> cases = {
      {"rows of 3", [](Encoded& e) { e.slots.pop_back(); }},
      {"slot 1: no dtype is 4", [](Encoded& e) { e.slots[3] = 4; }},
      {"slot 0: no dtype is nan", [](Encoded& e) { e.slots[0] = kNaN; }},
      {"slot 0: a count", [](Encoded& e) { e.slots[1] = -1; }},
      {"slot 0: a count", [](Encoded& e) { e.slots[1] = 1.5; }},
      {"slot 0: a count", [](Encoded& e) { e.slots[1] = 1e300; }},
      {"slot 0: a count", [](Encoded& e) { e.slots[1] = kInfinity; }},
      {"slot 2: writable", [](Encoded& e) { e.slots[8] = 3; }},
      {"rows of 4", [](Encoded& e) { e.buffers.push_back(0); }},
      {"buffer 0: kind", [](Encoded& e) { e.buffers[0] = 2; }},
      {"buffer 0: no slot is 3", [](Encoded& e) { e.buffers[1] = 3; }},
      {"buffer 0: no slot is -1", [](Encoded& e) { e.buffers[1] = -1; }},
      {"buffer 0: dtype or count differs", [](Encoded& e) { e.buffers[3] = 17; }},
      {"buffer 0: dtype or count differs", [](Encoded& e) { e.buffers[2] = 1; }},
      {"buffer 3: an offset", [](Encoded& e) { e.buffers[13] = 4; }},
      {"buffer 3: an offset", [](Encoded& e) { e.buffers[13] = kNaN; }},
      {"buffer 3: an offset", [](Encoded& e) { e.buffers[13] = 192; }},
      {"buffer 3: ends behind", [](Encoded& e) { e.buffers[13] = 128; }},
      {"buffer 3: ends behind", [](Encoded& e) { e.buffers[15] = 33; }},
      {"buffer 3: ends behind", [](Encoded& e) { e.buffers[15] = std::ldexp(1, 40); }},
      {"buffer 3: a count", [](Encoded& e) { e.buffers[15] = std::ldexp(1, 62); }},
      {"arenaBytes must be", [](Encoded& e) { e.arenaBytes = -64; }},
      {"arenaBytes must be", [](Encoded& e) { e.arenaBytes = kNaN; }},
      {"out of memory: this graph needs 1000000.0 GB", [](Encoded& e) { e.arenaBytes = 1e15; }},
      {"out of memory", [](Encoded& e) { e.arenaBytes = kInfinity; }},
      {"instruction 0: no kernel is 99", code({99, 0, 0, 0})},
      {"instruction 0: no kernel is -1", code({-1, 0, 0, 0})},
      {"instruction 1: no kernel is 0.5", code({kNothing, 0, 0, 0, 0.5})},
      {"bad list of inputs", code({kNothing})},
      {"bad list of inputs", code({kNothing, 1})},
      {"bad list of inputs", code({kNothing, 1e9, 0})},
      {"bad list of inputs", code({kNothing, 1, 5, 0, 0})},
      {"bad list of inputs", code({kNothing, kNaN, 5, 0, 0})},
      {"bad list of outputs", code({kNothing, 0})},
      {"bad list of outputs", code({kNothing, 0, 1})},
      {"bad list of outputs", code({kNothing, 0, 2, 3, 4.5})},
      {"bad list of params", code({kNothing, 0, 0})},
      {"bad list of params", code({kNothing, 0, 0, 1})},
      {"bad list of params", code({kNothing, 0, 0, -1})},
      {"bad list of inputs", code({kNothing, 0, 0, 0, kNothing})},  // trailing garbage
      {"out 0 is slot 0, which is read only", code({kAddOne, 1, 1, 1, 0, 0})},
      {"instruction 0 (map): not one in one out", code({kAddOne, 0, 0, 0})},
      {"instruction 1 (mapEach): refused", code({kNothing, 0, 0, 0, kRefuse, 0, 0, 0})},
      {"out 1 overlaps out 0", code({kNothing, 0, 2, 3, 3, 0})},
      {"out 0 overlaps in 0",
       [](Encoded& e) {
         e.buffers[15] = 32;  // buffer 3 now reaches into buffer 4
         e.code = {kNothing, 1, 3, 1, 4, 0};
       }},
      {"out 0 overlaps in 0",
       [](Encoded& e) {
         e.buffers[17] = 0;  // the same place as buffer 3,
         e.buffers[18] = 1;  // but integers
         e.code = {kNothing, 1, 3, 1, 4, 0};
       }},
  };
  for (const Case& c : cases) {
    Encoded e = example();
    c.spoil(e);
    std::string error;
    const bool refused = !Program::create(e, testTable(), &error);
    expect(refused && error.find(c.message) != std::string::npos,
           std::string("a program is refused with \"") + c.message + "\", got \"" + error + "\"");
    expect(error.rfind("internal: program: ", 0) == 0 || error.rfind("out of memory: ", 0) == 0,
           "prefix of " + error);
  }
  std::string error;
  expect(Program::create(example(), testTable(), &error) != nullptr, "the example: " + error);
  expect(Program::create(Encoded{}, testTable(), &error) != nullptr, "an empty program: " + error);
  Encoded inPlace = example();
  inPlace.code = {kAddOne, 1, 1, 1, 1, 0};
  expect(Program::create(inPlace, testTable(), &error) != nullptr, "in place: " + error);
  expect(plans == 0, "plans are freed, also those of programs that are refused");
}

// ---- The executor

struct Fixture {
  std::vector<float> in, variable, out;
  std::string error;
  std::unique_ptr<Program> program;
  Run run;

  explicit Fixture(const Encoded& encoded, int64_t steps = 1)
      : in(16 * steps, 1.f), variable(16, 0.f), out(16 * steps, 0.f) {
    program = Program::create(encoded, testTable(), &error);
    expect(program != nullptr, "fixture: " + error);
    run.program = program.get();
    run.slots = {in.data(), variable.data(), out.data()};
    run.strides = {steps > 1 ? 16 : 0, 0, steps > 1 ? 16 : 0};
    run.steps = steps;
  }
};

void ignore(void*) {}

void testSteps() {
  for (int threads : {1, 3}) {
    setThreadCount(threads);
    Runner runner(ignore, nullptr);
    Fixture f(example(), 5);
    for (size_t i = 0; i < f.in.size(); ++i) f.in[i] = static_cast<float>(i);
    runner.execute(f.run);
    expect(f.run.completed == 5 && !f.run.failed, "five steps");
    bool right = true;
    for (size_t i = 0; i < f.out.size(); ++i) right &= f.out[i] == static_cast<float>(i + 2);
    expect(right, "each step has its own rows");
  }
}

void testFailure() {
  Encoded e = example();
  e.code = {kAddOne, 1, 1, 1, 1, 0, kFail, 0, 0, 0, kAddOne, 1, 1, 1, 1, 0};
  Runner runner(ignore, nullptr);
  Fixture f(e);
  runner.execute(f.run);
  expect(f.run.failed && f.run.error == "bad data" && f.run.failedInstruction == 1 &&
             f.run.completed == 0,
         "a kernel's failure names its instruction");
  expect(f.variable[0] == 1, "nothing runs after a failure");
}

// Abort from within the instruction before, at and after the write of a variable.
void testAbort() {
  struct Case {
    std::vector<double> code;
    int64_t completed;
    float variable;
  };
  const std::vector<double> stop = {kCustom, 0, 0, 0}, write = {kAddOne, 1, 1, 1, 1, 0};
  const auto join = [](std::vector<std::vector<double>> parts) {
    std::vector<double> all;
    for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  const std::vector<Case> cases = {{join({stop, write, write}), 2, 4},
                                   {join({write, stop, write}), 3, 6},
                                   {join({write, write, stop}), 3, 6},
                                   {join({stop}), 3, 0}};
  for (const Case& c : cases) {
    Encoded e = example();
    e.code = c.code;
    Runner runner(ignore, nullptr);
    Fixture f(e);
    f.run.steps = 10;
    int calls = 0;
    hook = [&](const Call&, Context&) {
      if (++calls == 3) f.run.aborted = true;
    };
    runner.execute(f.run);
    expect(f.run.completed == c.completed && f.variable[0] == c.variable,
           "abort leaves whole steps: " + std::to_string(f.run.completed) + " completed, " +
               std::to_string(f.variable[0]));
  }
}

void testQueue() {
  std::atomic<int> finished{0};
  Runner runner([](void* count) { ++*static_cast<std::atomic<int>*>(count); }, &finished);
  expect(runner.start() && runner.start(), "a runner starts");
  std::vector<std::unique_ptr<Fixture>> fixtures;
  for (int i = 0; i < 100; ++i) fixtures.push_back(std::make_unique<Fixture>(example()));
  for (auto& fixture : fixtures) runner.submit(&fixture->run);
  std::vector<Run*> done;
  while (done.size() < fixtures.size()) {
    for (Run* run : runner.takeFinished()) done.push_back(run);
    std::this_thread::yield();
  }
  bool ordered = true;
  for (size_t i = 0; i < done.size(); ++i) {
    ordered &= done[i] == &fixtures[i]->run && done[i]->completed == 1 && fixtures[i]->out[0] == 3;
  }
  expect(ordered, "runs finish in order");
  expect(runner.close().empty(), "nothing is left");
  expect(finished <= 100, "a call for each run");
}

void testClose() {
  Runner runner(ignore, nullptr);
  Encoded e = example();
  e.code = {kAddOne, 1, 1, 1, 1, 0, kAddOne, 1, 1, 1, 1, 0};
  Fixture endless(e), waiting(e);
  endless.run.steps = int64_t{1} << 50;
  runner.start();
  runner.submit(&endless.run);
  runner.submit(&waiting.run);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const std::vector<Run*> left = runner.close();
  expect(left.size() == 2 && left[0] == &endless.run && left[1] == &waiting.run,
         "closing stops the running program and hands back the queue");
  expect(endless.run.completed > 0 && waiting.run.completed == 0, "what had run had run");
}

void testArena() {
  Runner runner(ignore, nullptr);
  Encoded small = example(), large = example();
  large.arenaBytes = 64 << 20;
  Fixture a(small);
  runner.addProgram(a.program->arenaBytes());
  runner.execute(a.run);
  expect(runner.arenaBytes() == 128, "the arena fits the program");
  {
    Fixture b(large);
    runner.addProgram(b.program->arenaBytes());
    runner.execute(b.run);
    expect(runner.arenaBytes() == 64 << 20, "the arena grows");
    runner.execute(a.run);
    expect(runner.arenaBytes() == 64 << 20, "the arena stays while a live program needs it");
    runner.removeProgram(b.program->arenaBytes(), false);
  }
  runner.execute(a.run);
  expect(runner.arenaBytes() == 128 && a.out[0] == 3, "the next run gives the arena back");
  runner.removeProgram(a.program->arenaBytes(), true);
  expect(runner.arenaBytes() == 0, "an idle arena is given back at once");
}

}  // namespace

int main() {
  expect(usableCores() >= 1 && usableCores() <= kMaxThreads, "usable cores");
  testRegions();
  testConcurrentRegions();
  testNestedRegions();
  testSleepingHelpers();
  testHelpersTakePart();
  testMalformed();
  testSteps();
  testFailure();
  testAbort();
  testQueue();
  testClose();
  testArena();
  if (failures == 0) std::puts("runtime: all passed");
  return failures != 0;
}
