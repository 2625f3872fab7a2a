// oneDNN: a matmul primitive over plain strides, which is what a training step has.
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "driver.h"

int main() {
  using namespace dnnl;
  engine cpu(engine::kind::cpu, 0);
  stream queue(cpu);
  return bench::serveProducts([&](const bench::Product& p) -> bench::Work {
    using dims = memory::dims;
    const auto f32 = memory::data_type::f32;
    const memory::desc a({p.M, p.K}, f32, p.transA ? dims{1, p.M} : dims{p.K, 1});
    const memory::desc b({p.K, p.N}, f32, p.transB ? dims{1, p.K} : dims{p.N, 1});
    const memory::desc c({p.M, p.N}, f32, dims{p.N, 1});
    const matmul primitive(matmul::primitive_desc(matmul::desc(a, b, c), cpu));
    const std::unordered_map<int, memory> args{
        {DNNL_ARG_SRC, memory(a, cpu, const_cast<float*>(p.a))},
        {DNNL_ARG_WEIGHTS, memory(b, cpu, const_cast<float*>(p.b))},
        {DNNL_ARG_DST, memory(c, cpu, p.c)}};
    return [=, &queue] {
      primitive.execute(queue, args);
      queue.wait();
    };
  });
}
