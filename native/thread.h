// A joinable or detached operating-system thread whose creation may fail without an exception.
#pragma once

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <process.h>
#include <windows.h>
#else
#include <pthread.h>
#include <signal.h>
#endif

namespace evengrad {

// std::thread reports failure by throwing, which this addon, built without exceptions, would turn
// into an abort.
class Thread {
 public:
  using Body = void (*)(void* argument);

  // False if the system has no thread to give.
  bool start(Body body, void* argument) {
    Start* start = new Start{body, argument};
#ifdef _WIN32
    handle_ =
        reinterpret_cast<HANDLE>(_beginthreadex(nullptr, kStackBytes, enter, start, 0, nullptr));
    started_ = handle_ != nullptr;
#else
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    // musl gives 128 KiB and macOS 512 KiB by default: kernels keep their tiles on the stack.
    pthread_attr_setstacksize(&attributes, kStackBytes);
    // Signals are for Node's own threads; the mask is inherited.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    started_ = pthread_create(&handle_, &attributes, enter, start) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
#endif
    if (!started_) delete start;
    return started_;
  }

  bool started() const { return started_; }

  void join() {
    if (!started_) return;
#ifdef _WIN32
    WaitForSingleObject(handle_, INFINITE);
    CloseHandle(handle_);
#else
    pthread_join(handle_, nullptr);
#endif
    started_ = false;
  }

  void detach() {
    if (!started_) return;
#ifdef _WIN32
    CloseHandle(handle_);
#else
    pthread_detach(handle_);
#endif
    started_ = false;
  }

 private:
  static constexpr unsigned kStackBytes = 2u << 20;

  struct Start {
    Body body;
    void* argument;
  };

#ifdef _WIN32
  static unsigned __stdcall enter(void* argument) {
#else
  static void* enter(void* argument) {
#endif
    Start start = *static_cast<Start*>(argument);
    delete static_cast<Start*>(argument);
    start.body(start.argument);
    return 0;
  }

#ifdef _WIN32
  HANDLE handle_ = nullptr;
#else
  pthread_t handle_{};
#endif
  bool started_ = false;
};

}  // namespace evengrad
