// A program that its environment counts: the arena is sized by the live ones.
#pragma once

#include <memory>
#include <utility>

#include "../program.h"
#include "environment.h"

namespace evengrad {

struct LiveProgram {
  LiveProgram(std::shared_ptr<Environment> owner, std::unique_ptr<Program> decoded)
      : environment(std::move(owner)), program(std::move(decoded)) {
    environment->addProgram(program->arenaBytes(), program->bytes());
  }
  ~LiveProgram() { environment->removeProgram(program->arenaBytes(), program->bytes()); }
  LiveProgram(const LiveProgram&) = delete;
  LiveProgram& operator=(const LiveProgram&) = delete;

  const std::shared_ptr<Environment> environment;
  const std::unique_ptr<Program> program;
};

}  // namespace evengrad
