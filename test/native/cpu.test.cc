// The choice of an instruction set.
#include "check.h"

using namespace test;

int main() {
  int count;
  const KernelTable* const* tables = availableTables(&count);
  CHECK(count >= 1, "there is no table");
  const char* error = nullptr;
  CHECK(chooseTable(nullptr, &error) == tables[0] && chooseTable("", &error) == tables[0],
        "not the best");
  const char* names[] = {
#define KERNEL(name) #name,
#include "ops.def"
  };
  for (int i = 0; i < count; i++) {
    CHECK(chooseTable(tables[i]->isa, &error) == tables[i], "cannot choose %s", tables[i]->isa);
    for (int k = 0; k < (int)(sizeof names / sizeof *names); k++)
      CHECK(!std::strcmp(tables[i]->kernels[k].name, names[k]), "%s is not in its place", names[k]);
  }
  CHECK(!error, "an error without cause: %s", error);
  CHECK(!chooseTable("mmx", &error) && error, "an unknown name is accepted");
  std::string prefix =
      "EVENGRAD_ISA: must name an instruction set of this machine, got mmx. Choose ";
  CHECK(error && std::string(error).rfind(prefix, 0) == 0, "%s", error);
  for (int i = 0; i < count; i++)
    CHECK(error && std::strstr(error, tables[i]->isa), "%s is not listed in: %s", tables[i]->isa,
          error);
  return report();
}
