// How many processors this process may run on: those of the machine less what `taskset` or a container takes away.
#define _GNU_SOURCE
#include "CKernels.h"
#include <sched.h>
#include <unistd.h>

int fsot_processors(void) {
#if defined(__linux__)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 0;
}
